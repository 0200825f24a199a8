"""Models whose every parameter is random, and how their answers are kept."""
import json
import os
import zlib

import numpy as np
import torch
import transformers
from safetensors.torch import save_file


def of(prefix, suffix):
    """The Transformers class of an architecture, by the parts of its name."""
    return getattr(transformers, prefix + suffix)


def generator(name):
    """One stream of random numbers for each model, whatever runs before."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def draw(module, p, gen):
    """Normal values. Embeddings have entries of the order of 1; matrices keep
    the scale of what passes through them; what a class sets to a constant
    (norms to 1 or 0, biases to 0) stands around that."""
    x = torch.randn(p.shape, generator=gen)
    if p.numel() and p.min() == p.max():
        return p.flatten()[0].item() + 0.3 * x
    if p.ndim < 2:
        return p + 0.3 * x
    if isinstance(module, torch.nn.Embedding):
        return 0.7 * x
    if isinstance(module, torch.nn.Conv1d):
        fan_in = int(np.prod(p.shape[1:]))
    elif isinstance(module, transformers.pytorch_utils.Conv1D):
        fan_in = p.shape[0]
    else:
        fan_in = p.shape[-1]
    return 1.2 / fan_in ** 0.5 * x


def owned(model):
    """(name, module, parameter), tied ones once."""
    modules = dict(model.named_modules())
    for name, p in model.named_parameters():
        yield name, modules[name.rpartition(".")[0]], p.detach()


def fixed(module):
    """Sinusoidal tables are computed, not learnt."""
    return "Sinusoidal" in type(module).__name__


def parameters(models, gen):
    """Random values for the union of the parameters of several classes over
    one config (a base model and its heads). Tied ones appear once."""
    values = {}
    for model in models:
        for name, module, p in owned(model):
            if name not in values:
                values[name] = p if fixed(module) else draw(module, p, gen)
            if values[name].shape != p.shape:
                raise SystemExit(f"{name}: shape differs between classes")
    return values


def save_weights(folder, values, shards=1):
    """model.safetensors, or shards and their index."""
    values = {name: v.contiguous() for name, v in values.items()}
    if shards == 1:
        parts = {"model.safetensors": values}
    else:
        names = sorted(values)
        parts = {f"model-{i + 1:05}-of-{shards:05}.safetensors":
                 {n: values[n] for n in names[i::shards]}
                 for i in range(shards)}
        write_json(os.path.join(folder, "model.safetensors.index.json"), {
            "metadata": {"total_size": sum(v.nbytes for v in values.values())},
            "weight_map": {n: f for f, part in parts.items() for n in part}})
    for name, part in parts.items():
        path = os.path.join(folder, name)
        save_file(part, path, {"format": "pt"})
        os.chmod(path, 0o644)


def load(cls, folder, **overrides):
    """A class over the folder in float32; every parameter must come from it."""
    # Falcon's eager attention adds ALiBi twice; the default, sdpa, does not
    falcon = cls.__name__.startswith("FalconFor")
    model, info = cls.from_pretrained(
        folder, dtype=torch.float32,
        attn_implementation="sdpa" if falcon else "eager",
        output_loading_info=True, **overrides)
    # buffers are computed
    missing = info["missing_keys"] & {n for n, _ in model.named_parameters()}
    if missing or info["mismatched_keys"]:
        raise SystemExit(f"{folder}: {cls.__name__}: {info}")
    return model.eval()


def floats(x):
    """Nested lists of the shortest decimals that read back as float32."""
    if x.ndim:
        return [floats(y) for y in x]
    return float(str(np.float32(x.item())))


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def write_expected(folder, expected):
    """One line for each member and for each case, so that diffs can be read."""
    def line(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    members = []
    for name, value in expected.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            body = "[\n" + ",\n".join(line(v) for v in value) + "]"
        else:
            body = line(value)
        members.append(f"{line(name)}:{body}")
    path = os.path.join(folder, "expected.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write("{" + ",\n".join(members) + "}\n")

"""training a classifier with AdamW and dropout, steps/s and peak MiB

Seconds are those of the steps: start, reading and saving are left out. PyTorch
pads the texts of a batch to the longest, which costs little where texts of like
length are batched together, and much where they come in any order."""
import json
import os
import random
import shutil
import sys
import tempfile

from . import assets
from .harness import OURS, Lines, once, peak
from .memory import MIB

BATCHES = 50        # of real text
CASES = [("real text, batch 32", 32, BATCHES), ("16 x 128", 16, 10)]
MODES = ["", "gradient checkpointing", "bf16"]
ANY_ORDER = "in any order" # a mode of real text alone
PYTORCH = "PyTorch"
RUNS = 3            # at most: one takes up to a minute


def prepare(bench):
    assets.base_model(bench)
    real_records(bench)
    dense_records(bench)


def write(path, records):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    return path


def real_records(bench):
    """Whole batches of sentences, evenly out of all: those of --text that have
    a label, or rated ones."""
    if bench.text:
        with open(bench.text, encoding="utf-8") as f:
            found = [json.loads(line) for line in f]
        if any("label" not in r for r in found):
            raise RuntimeError(f"{bench.text}: a record has no label")
    else:
        found = [{"text": text, "label": "good" if rating > 0 else "bad"}
                 for source in assets.rated_sentences(bench).values()
                 for rating, text in source if text]
    wanted = CASES[0][1] * BATCHES
    found = found[::max(1, len(found) // wanted)][:wanted]
    if len(found) < wanted:
        raise RuntimeError(f"{wanted} records are needed, not {len(found)}")
    return write(bench.path("text", "train-real.jsonl"), found)


def dense_records(bench):
    """Records that all fill 128 tokens."""
    with open(assets.tokenizer(bench, "minilm"), encoding="utf-8") as f:
        words = [w for w in json.load(f)["model"]["vocab"] if w.isalpha()]
    rng = random.Random(1)
    return write(bench.path("text", "train-dense.jsonl"), [
        {"text": " ".join(rng.choices(words, k=130)),
         "label": rng.choice(["good", "bad"])}
        for _ in range(CASES[1][1] * CASES[1][2])])


def our_argv(bench, tool, out, path, batch, steps, mode):
    settings = {
        "model": assets.base_model(bench), "task": "classification",
        "train_file": path, "output_dir": out, "max_length": 128,
        "max_steps": steps, "per_device_train_batch_size": batch,
        "learning_rate": 1e-4, "weight_decay": 0.01, "max_grad_norm": 1.0,
        "group_by_length": mode != ANY_ORDER, "lr_scheduler_type": "constant",
        "save_strategy": "no", "gradient_checkpointing": mode == MODES[1],
        "bf16": mode == MODES[2],
    }
    config = os.path.join(out, "bench.json")
    with open(config, "w", encoding="utf-8") as f:
        json.dump(settings, f)
    return [tool, "-t", str(bench.threads), config]


def our_call(bench, argv, steps):
    def call():
        _, out = once(argv, bench.environment())
        told = json.loads(out.splitlines()[-1])
        return steps / told["train_runtime"], told["train_loss"]
    return call


def peer_call(peer, request, steps):
    def call():
        told = json.loads(peer.ask(request, 1)[0])
        return steps / told["seconds"], told["loss"]
    return call


def measure(bench, out, case, path, mode):
    title, batch, steps = case
    title += mode and ", " + mode
    request = json.dumps({"file": path, "batch": batch, "max_length": 128,
                          "steps": steps, "checkpointing": mode == MODES[1],
                          "bf16": mode == MODES[2],
                          "by_length": mode != ANY_ORDER}).encode() + b"\n"
    argv = [sys.executable, assets.__file__.replace("assets", "trainers"),
            "torch", assets.base_model(bench), str(bench.threads)]
    peer = Lines(argv, bench.environment())
    calls = {PYTORCH: peer_call(peer, request, steps)}
    tool = bench.tool("tf-train")
    if tool:
        ours = our_argv(bench, tool, out, path, batch, steps, mode)
        calls = {OURS: our_call(bench, ours, steps), **calls}
    bench.compare(title, calls, unit="steps/s", scale=1,
                  less_is_better=False, note="mean loss {:.3f}".format,
                  runs=min(bench.runs, RUNS))
    peer.close()

    asked = write(bench.path("text", "train-request.jsonl"),
                  [json.loads(request)])
    peaks = {PYTORCH: [peak(argv, bench.environment(), asked) * MIB]}
    if tool:
        peaks = {OURS: [peak(ours, bench.environment()) * MIB], **peaks}
    bench.add(title, "MiB", peaks, {})


def run(bench):
    out = tempfile.mkdtemp(prefix="bench-train-")
    try:
        real, dense = real_records(bench), dense_records(bench)
        for mode in [ANY_ORDER, *MODES]:
            measure(bench, out, CASES[0], real, mode)
        for mode in MODES:
            measure(bench, out, CASES[1], dense, mode)
    finally:
        shutil.rmtree(out)

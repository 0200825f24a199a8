"""Tiny sentence encoders in the layout of sentence-transformers.

An entry of MODELS: class of the base, its config, tokenizer's maker and
options, the modules after the transformer, sentence_bert_config.json,
config_sentence_transformers.json, and the cases (text, options of encode)."""
import os

import sentence_transformers
import tiny_tokenizers as tt
import torch
import transformers
from decoders import llama
from encoders import vocabulary
from pipelines import bert, roberta
from random_model import (draw, floats, generator, load, owned, save_weights,
                          write_expected, write_json)

TEXTS = ["The film was good.", "no", "Où est la forêt? 日本 😀",
         " ".join(tt.corpus()[60:64])]
PLAIN = [(text, {}) for text in TEXTS]
CUT = [(TEXTS[0], {"truncate_dim": 5}),
       (TEXTS[0], {"truncate_dim": 5, "normalize_embeddings": True}),
       (TEXTS[2], {"normalize_embeddings": True})]
PROMPTED = [(text, {"prompt_name": "query"}) for text in TEXTS[:3]] + [
    (TEXTS[1], {"prompt_name": "passage"})]
PROMPTS = {"query": "query: ", "passage": "passage: "}


def pooling(width, *modes, **more):
    """1_Pooling/config.json as versions 2 to 5 write it."""
    names = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens",
             "weightedmean_tokens", "lasttoken"]
    return ("Pooling", {"word_embedding_dimension": width,
                        **{"pooling_mode_" + n: n in modes for n in names},
                        **more})


def dense(inputs, outputs, bias=True, activation="activation.Tanh"):
    return ("Dense", {"in_features": inputs, "out_features": outputs,
                      "bias": bias, "activation_function":
                      "torch.nn.modules." + activation})


NORMALIZE = ("Normalize", None)
BERT, ROBERTA = (tt.bert, {"max_length": 64}), (tt.roberta, {"max_length": 64})
# name: (class, config, tokenizer, modules, sentence_bert_config, prompts,
#        cases)
MODELS = {
    "embed-mean": ("BertModel", bert(), BERT,
                   [pooling(16, "mean_tokens"), NORMALIZE],
                   {"max_seq_length": 24, "do_lower_case": False},
                   None, PLAIN + CUT),
    "embed-cls-dense": ("BertModel", bert(), BERT, [
        pooling(16, "cls_token"), dense(16, 12), NORMALIZE],
        {"max_seq_length": 48, "do_lower_case": False},
        {"prompts": PROMPTS, "default_prompt_name": None}, PLAIN + PROMPTED),
    "embed-max-sqrt": ("RobertaModel", roberta(), ROBERTA, [
        pooling(16, "max_tokens", "mean_sqrt_len_tokens"),
        dense(32, 10, False, "linear.Identity")],
        {"max_seq_length": 64, "do_lower_case": True}, None, PLAIN + CUT),
    "embed-weighted": ("XLMRobertaModel", roberta("xlm-roberta"),
                       (tt.xlm_roberta, {"max_length": 64}),
                       [("Pooling", {"embedding_dimension": 16,
                                     "pooling_mode": "weightedmean",
                                     "include_prompt": True})],
                       {"max_seq_length": 64}, None, PLAIN),
    "embed-no-prompt": ("BertModel", bert(), BERT,
                        [pooling(16, "mean_tokens", include_prompt=False)],
                        {"max_seq_length": 64},
                        {"prompts": PROMPTS, "default_prompt_name": "query"},
                        PLAIN + PROMPTED),
    "embed-last": ("Qwen3Model", llama("qwen3", num_hidden_layers=1),
                   (tt.generator, {"single": "$A </s>"}),
                   [pooling(24, "lasttoken"), NORMALIZE], None,
                   {"prompts": PROMPTS, "default_prompt_name": None},
                   PLAIN + PROMPTED),
}


def write_modules(name, folder, modules, settings, prompts):
    listed = [{"idx": 0, "name": "0", "path": "",
               "type": "sentence_transformers.models.Transformer"}]
    gen = generator(name + " modules")
    for i, (kind, config) in enumerate(modules, 1):
        path = f"{i}_{kind}"
        listed.append({"idx": i, "name": str(i), "path": path,
                       "type": "sentence_transformers.models." + kind})
        if config is None:
            continue        # as Normalize: named, but without a folder
        os.makedirs(os.path.join(folder, path))
        write_json(os.path.join(folder, path, "config.json"), config)
        if kind == "Dense":
            n, m = config["in_features"], config["out_features"]
            values = {"linear.weight":
                      torch.randn(m, n, generator=gen) / n ** 0.5}
            if config["bias"]:
                values["linear.bias"] = torch.randn(m, generator=gen)
            save_weights(os.path.join(folder, path), values)
    write_json(os.path.join(folder, "modules.json"), listed)
    if settings:
        write_json(os.path.join(folder, "sentence_bert_config.json"),
                   settings)
    if prompts:
        write_json(os.path.join(folder, "config_sentence_transformers.json"),
                   {"__version__": {"sentence_transformers": "3.0.0"},
                    "similarity_fn_name": "cosine", **prompts})


def make(name, folder):
    cls, members, (maker, options), modules, settings, prompts, cases = \
        MODELS[name]
    cls = getattr(transformers, cls)
    maker(folder, **options)
    write_json(os.path.join(folder, "config.json"), {
        "architectures": [cls.__name__], **members,
        "vocab_size": vocabulary(folder)})
    model = cls(transformers.AutoConfig.from_pretrained(folder))
    gen = generator(name)
    save_weights(folder, {at: draw(module, p, gen)
                          for at, module, p in owned(model)})
    load(cls, folder)
    write_modules(name, folder, modules, settings, prompts)
    encoder = sentence_transformers.SentenceTransformer(
        folder, device="cpu", model_kwargs={"dtype": torch.float32,
                                            "attn_implementation": "eager"})
    write_expected(folder, {
        "task": "embedding",
        "sentence_transformers": sentence_transformers.__version__,
        "cases": [{"text": text, "options": options,
                   "embedding": floats(torch.tensor(
                       encoder.encode(text, **options)))}
                  for text, options in cases]})

"""Tiny encoder-decoders. Beside the model stands the generation_config.json
that real folders have; what is expected is made under it."""
import os

import tiny_tokenizers as tt
import torch
import transformers
from decoders import (BF16, F16, LABELS, NEW_TOKENS, SEARCHES, classify_cases,
                      new_tokens, random_model, steady, sure)
from random_model import (floats, generator, load, save_weights,
                          write_expected, write_json)
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import GenerationConfig

SOURCES = ["The film was good.", tt.corpus()[10]]
TARGET = "It is a good film"


def t5(kind="t5", **members):
    return {"model_type": kind, "d_model": 24, "d_kv": 8, "d_ff": 32,
            "num_layers": 2, "num_decoder_layers": 2, "num_heads": 3,
            "relative_attention_num_buckets": 8,
            "relative_attention_max_distance": 20, "eos_token_id": 2,
            "pad_token_id": 0, "decoder_start_token_id": 0,
            "is_encoder_decoder": True, "layer_norm_epsilon": 1e-6, **members}


def bart(kind="bart", **members):
    return {"model_type": kind, "d_model": 24, "encoder_layers": 2,
            "decoder_layers": 2, "encoder_attention_heads": 3,
            "decoder_attention_heads": 2, "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 28, "max_position_embeddings": 104,
            "activation_function": "gelu", "bos_token_id": 1,
            "eos_token_id": 2, "pad_token_id": 0,
            "decoder_start_token_id": 2, "is_encoder_decoder": True,
            **members}


# name: (config, class, how weights are stored, tokenizer's options,
#        more of generation_config.json)
MODELS = {
    "t5": (t5(feed_forward_proj="relu", tie_word_embeddings=True),
           "T5ForConditionalGeneration", BF16, {"single": "$A </s>"}, {}),
    "t5-v1.1": (t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False,
                   d_kv=6, num_decoder_layers=1),
                "T5ForConditionalGeneration", BF16, {"single": "$A </s>"},
                {}),
    "mt5": (t5("mt5", feed_forward_proj="gated-gelu",
               tie_word_embeddings=False), "MT5ForConditionalGeneration",
            BF16, {"single": "$A </s>"}, {}),
    "bart": (bart(scale_embedding=False, forced_eos_token_id=2),
             "BartForConditionalGeneration", F16, {"single": "<s> $A </s>"},
             {"forced_eos_token_id": 2, "forced_bos_token_id": 1}),
    "mbart": (bart("mbart", scale_embedding=True,
                   activation_function="relu"),
              "MBartForConditionalGeneration", BF16,
              {"single": "$A </s> en_XX", "languages": ["en_XX", "de_DE"]},
              {"forced_bos_token_id": "de_DE", "forced_eos_token_id": 2,
               "decoder_start_token_id": 2}),
    "pegasus": (bart("pegasus", scale_embedding=True,
                     activation_function="relu", decoder_start_token_id=0,
                     static_position_embeddings=True),
                "PegasusForConditionalGeneration", BF16,
                {"single": "$A </s>"}, {"forced_eos_token_id": 2}),
    "marian": (bart("marian", scale_embedding=True,
                    activation_function="swish", decoder_start_token_id=0,
                    decoder_vocab_size=280, static_position_embeddings=True,
                    share_encoder_decoder_embeddings=True),
               "MarianMTModel", BF16, {"single": "$A </s>"},
               {"forced_eos_token_id": 2, "bad_words_ids": [[0]]}),
    "plbart": (bart("plbart", scale_embedding=True),
               "PLBartForConditionalGeneration", BF16,
               {"single": "$A </s> en_XX", "languages": ["en_XX", "java"]},
               {"forced_eos_token_id": 2}),
    "blenderbot": (bart("blenderbot", scale_embedding=True,
                        decoder_start_token_id=1),
                   "BlenderbotForConditionalGeneration", BF16,
                   {"single": "$A </s>"}, {"forced_eos_token_id": 2}),
    "blenderbot-small": (bart("blenderbot-small", decoder_start_token_id=1),
                         "BlenderbotSmallForConditionalGeneration", BF16,
                         {"single": "$A </s>"}, {"forced_eos_token_id": 2}),
    "umt5": (t5("umt5", feed_forward_proj="gated-gelu", is_gated_act=True,
                tie_word_embeddings=False), "UMT5ForConditionalGeneration",
             BF16, {"single": "$A </s>"}, {}),
    "m2m100": (bart("m2m_100", scale_embedding=True,
                    activation_function="relu"),
               "M2M100ForConditionalGeneration", BF16,
               {"single": "eng_Latn $A </s>",
                "languages": ["eng_Latn", "deu_Latn"]},
               {"forced_bos_token_id": "deu_Latn"}),
    "led": (bart("led", attention_window=[4, 8],
                 max_encoder_position_embeddings=108,
                 max_decoder_position_embeddings=104),
            "LEDForConditionalGeneration", BF16, {"single": "<s> $A </s>"},
            {}),
    "bigbird-pegasus": (bart("bigbird_pegasus", scale_embedding=True,
                             activation_function="gelu_new", use_bias=False,
                             block_size=2, num_random_blocks=1,
                             decoder_start_token_id=2),
                        "BigBirdPegasusForConditionalGeneration", BF16,
                        {"single": "$A </s>"}, {}),
    "fsmt": (bart("fsmt", scale_embedding=True, activation_function="relu",
                  src_vocab_size=310, tgt_vocab_size=280, langs=["en", "de"]),
             "FSMTForConditionalGeneration", BF16, {"single": "$A </s>"},
             {"forced_eos_token_id": 2}),
    "mvp": (bart("mvp"), "MvpForConditionalGeneration", BF16,
            {"single": "<s> $A </s>"}, {"forced_eos_token_id": 2}),
    "longt5": (t5("longt5", feed_forward_proj="gated-gelu", local_radius=5,
                  encoder_attention_type="local", tie_word_embeddings=True),
               "LongT5ForConditionalGeneration", BF16,
               {"single": "$A </s>"}, {}),
    "longt5-global": (t5("longt5", feed_forward_proj="gated-gelu",
                         local_radius=5, global_block_size=4,
                         encoder_attention_type="transient-global"),
                      "LongT5ForConditionalGeneration", BF16,
                      {"single": "$A </s>"}, {}),
    # experts that take few tokens of a long text
    "switch": (t5("switch_transformers", dense_act_fn="relu", num_experts=3,
                  expert_capacity=14, num_sparse_encoder_layers=1,
                  num_sparse_decoder_layers=2, tie_word_embeddings=True),
               "SwitchTransformersForConditionalGeneration", BF16,
               {"single": "$A </s>"}, {}),
    "bart-classify": (bart(scale_embedding=True, **LABELS,
                           max_position_embeddings=224),
                      "BartForSequenceClassification", F16,
                      {"single": "<s> $A </s>"}, {}),
    "t5-classify": (t5(feed_forward_proj="relu", **LABELS),
                    "T5ForSequenceClassification", BF16,
                    {"single": "$A </s>"}, {}),
}


def untie(name, folder):
    """Give the file an output matrix of its own, as T5 1.1's and mT5's have;
    version 5 builds these classes tied and unties them by the file."""
    path = os.path.join(folder, "model.safetensors")
    values = load_file(path)
    shared = values["shared.weight"]
    values["lm_head.weight"] = (1.2 / shared.shape[1] ** 0.5 * torch.randn(
        shared.shape, generator=generator(name + " head"))).to(shared.dtype)
    save_weights(folder, values)


def nll_cases(model, tok, start):
    target = tok.encode(TARGET, add_special_tokens=False).ids + [2]
    for text in SOURCES:
        ids = tok.encode(text).ids
        # FSMT's mask is not causal where it is to keep a cache
        logits = model(torch.tensor([ids]), decoder_input_ids=torch.tensor(
            [[start] + target[:-1]]), use_cache=False).logits[0].float()
        each = -logits.log_softmax(-1).gather(
            1, torch.tensor(target)[:, None])[:, 0]
        yield {"text": text, "input_ids": ids, "target_ids": target,
               "token_nll": floats(each), "nll": floats(each.double().sum())}


def generated(model, tok, text, **options):
    ids = tok.encode(text).ids
    config = GenerationConfig(**{**model.generation_config.to_diff_dict(),
                                 "max_new_tokens": NEW_TOKENS, **options})
    out = model.generate(torch.tensor([ids]), generation_config=config,
                         return_dict_in_generate=True, output_scores=True)
    return ids, out, [new_tokens(s, 1) for s in out.sequences]


def greedy_cases(model, tok):
    for text in SOURCES:
        ids, out, new = generated(model, tok, text)
        if sure(out.scores):
            yield {"text": text, "input_ids": ids, "output_ids": new[0],
                   "generated_text": tok.decode(new[0])}


def search_cases(model, tok):
    text = SOURCES[0]
    for name, options in SEARCHES.items():
        ids, out, new = generated(model, tok, text, **options)
        if "num_beams" in options:
            kept = steady(model, out.sequences, lambda other: generated(
                other, tok, text, **options)[1].sequences)
        else:
            kept = sure(out.scores)
        if not kept:
            continue
        case = {"name": name, "options": options, "text": text,
                "input_ids": ids, "output_ids": new}
        if "num_beams" in options:
            case["scores"] = floats(out.sequences_scores)
        yield case


def make(name, folder):
    members, cls, dtype, tokens, generation = MODELS[name]
    tt.generator(folder, **tokens)
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    cls = getattr(transformers, cls)
    write_json(os.path.join(folder, "config.json"), {
        "architectures": [cls.__name__], **members,
        "vocab_size": tok.get_vocab_size(),
        "torch_dtype": str(dtype).partition(".")[2]})
    random_model(cls, name, folder, dtype)
    if name.endswith("-classify"):
        with torch.no_grad():
            write_expected(folder, {
                "transformers": transformers.__version__,
                "torch": torch.__version__.split("+")[0],
                "cases": list(classify_cases(load(cls, folder), tok))})
        return
    if members.get("tie_word_embeddings") is False:
        untie(name, folder)
    generation = {
        **{n: members[n] for n in ("bos_token_id", "eos_token_id",
                                   "pad_token_id", "decoder_start_token_id")
           if n in members}, **generation}
    first = generation.get("forced_bos_token_id")
    if isinstance(first, str):
        generation["forced_bos_token_id"] = tok.token_to_id(first)
    write_json(os.path.join(folder, "generation_config.json"), generation)
    with torch.no_grad():
        model = load(cls, folder)
        if "lm_head.weight" in load_file(os.path.join(
                folder, "model.safetensors")) and torch.equal(
                model.lm_head.weight, model.get_input_embeddings().weight):
            raise SystemExit(f"{name}: the head was tied")
        write_expected(folder, {
            "transformers": transformers.__version__,
            "torch": torch.__version__.split("+")[0],
            "nll": list(nll_cases(model, tok,
                                  generation["decoder_start_token_id"])),
            "greedy": list(greedy_cases(model, tok)),
            "search": list(search_cases(model, tok))})

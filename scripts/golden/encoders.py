"""Tiny encoders: one entry of MODELS for each folder of tests/golden/models.

An entry: the config as real folders have it, the tokenizer's maker, the
prefix of the Transformers classes, and where it is not as usual, what is done
to the weights and in how many files they are.
"""
import os

import tiny_tokenizers as tt
import torch
import transformers
from random_model import (floats, generator, load, of, parameters,
                          save_weights, write_expected, write_json)
from tokenizers import Tokenizer

SENTENCES = tt.corpus()
LABELS = ["negative", "neutral", "positive"]
TEXTS = ["I love this movie.", "no", "",
         "Où est la forêt? 日本 😀 (3.14)",
         "The plot is thin, the acting is wooden, and yet I was never bored!"]
PAIRS = [("Is it good?", "It is the best film of the year."),
         (" ".join(SENTENCES[4:7]), "Not for me, thanks.")]
QUESTION = ("Where is the forest?",
            "Tom went home. The forest is over there, near the church.")


def config(kind, **members):
    return {"model_type": kind,
            "id2label": {str(i): name for i, name in enumerate(LABELS)},
            "label2id": {name: i for i, name in enumerate(LABELS)},
            **members}


def bert_config(**members):
    return config("bert", **{
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 24, "max_position_embeddings": 48, **members})


def plain(kind, **members):
    return config(kind, **{
        "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 36, "max_position_embeddings": 100,
        "type_vocab_size": 2, "pad_token_id": 0, **members})


def llama_like(kind, **members):
    return config(kind, **{
        "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 36,
        "max_position_embeddings": 100, "rope_theta": 250000.0, **members})


def xlm(kind, **members):
    return config(kind, **{
        "emb_dim": 16, "n_layers": 2, "n_heads": 2, "pad_token_id": 0,
        "max_position_embeddings": 100, "n_langs": 1, "summary_type": "first",
        "summary_use_proj": True, "summary_proj_to_labels": True, **members})


def deberta_config(**members):
    return config("deberta-v2", **{
        "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 40, "hidden_act": "gelu",
        "max_position_embeddings": 150, "relative_attention": True,
        "max_relative_positions": -1, "pad_token_id": 0,
        "layer_norm_eps": 1e-7, "type_vocab_size": 0, "legacy": False,
        **members})


def modernbert_config(**members):
    two = {"id2label": {"0": "no", "1": "yes"},
           "label2id": {"no": 0, "yes": 1}}
    return config("modernbert", **{
        "hidden_size": 24, "num_hidden_layers": 5, "num_attention_heads": 2,
        "intermediate_size": 20, "max_position_embeddings": 300,
        "hidden_activation": "gelu", "norm_eps": 1e-5, "local_attention": 16,
        "pad_token_id": 3, "cls_token_id": 1, "sep_token_id": 2,
        "bos_token_id": 1, "eos_token_id": 2, **two, **members})


def fuse(values, parts, whole):
    """Stack matrices of one module under the name of another."""
    fused = dict(values)
    for name in values:
        if parts[0] in name:
            names = [name.replace(parts[0], p) for p in parts]
            fused[name.replace(parts[0], whole)] = torch.cat(
                [fused.pop(n) for n in names])
    return fused


def renamed(values, *pairs):
    for old, new in pairs:
        values = {n.replace(old, new): v for n, v in values.items()}
    return values


def nomic(values):
    return renamed(
        fuse(values, [f"self_attn.{x}_proj" for x in "qkv"], "attn.Wqkv"),
        ("embeddings.LayerNorm", "emb_ln"), (".layers.", ".encoder.layers."),
        ("self_attn.o_proj", "attn.out_proj"), ("up_proj", "fc11"),
        ("gate_proj", "fc12"), ("down_proj", "fc2"),
        ("post_attention_layernorm", "norm1"),
        ("post_mlp_layernorm", "norm2"), ("nomic_bert.", ""))


def gte(values):
    values = fuse(values, [f"self_attn.{x}_proj" for x in "qkv"],
                  "attention.qkv_proj")
    return renamed(
        fuse(values, ["mlp.up_proj", "mlp.gate_proj"], "mlp.up_gate_proj"),
        (".layers.", ".encoder.layer."),
        ("self_attn.o_proj", "attention.o_proj"),
        ("post_attention_layernorm", "attn_ln"),
        ("post_mlp_layernorm", "mlp_ln"),
        ("lm_head.layer_norm", "lm_head.norm"), ("gte.", "new."))


def no_prefix(values):
    return {n.removeprefix("bert."): v for n, v in values.items()}


def gamma_beta(values):
    return {n.replace("LayerNorm.weight", "LayerNorm.gamma")
             .replace("LayerNorm.bias", "LayerNorm.beta"): v
            for n, v in values.items()}


def quieter(values):
    """Where nothing is normed numbers grow from layer to layer, and with them
    what float32 loses."""
    return {n: v * 0.6 if v.ndim == 2 and ".layer." in n else v
            for n, v in values.items()}


def stored(dtype):
    return lambda values: {n: v.to(dtype) for n, v in values.items()}


def one_label():
    return {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}


# name: (config, class prefix, (tokenizer maker, options)[, (change, shards)])
MODELS = {
    "bert": (bert_config(
        hidden_size=30, num_attention_heads=3, intermediate_size=44,
        max_position_embeddings=160, hidden_act="gelu", layer_norm_eps=1e-12,
        type_vocab_size=2), "Bert", (tt.bert, {"max_length": 160})),
    "roberta": (config(
        "roberta", hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=162, type_vocab_size=1,
        layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2),
        "Roberta", (tt.roberta, {"max_length": 160})),
    "roberta-vocab-merges": (config(
        "roberta", hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=52, type_vocab_size=1,
        layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2),
        "Roberta", (tt.roberta, {"max_length": 50, "legacy": True})),
    "xlm-roberta": (config(
        "xlm-roberta", hidden_size=24, num_hidden_layers=2,
        num_attention_heads=3, intermediate_size=40, type_vocab_size=1,
        max_position_embeddings=162, layer_norm_eps=1e-5, pad_token_id=1,
        bos_token_id=0, eos_token_id=2), "XLMRoberta",
        (tt.xlm_roberta, {"max_length": 160})),
    "camembert": (config(
        "camembert", hidden_size=24, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=40, type_vocab_size=1,
        max_position_embeddings=162, layer_norm_eps=1e-5, pad_token_id=1,
        bos_token_id=5, eos_token_id=6), "Camembert",
        (tt.camembert, {"max_length": 160})),
    "distilbert": (config(
        "distilbert", dim=32, n_layers=2, n_heads=4, hidden_dim=48,
        max_position_embeddings=150, activation="gelu",
        sinusoidal_pos_embds=False, pad_token_id=0), "DistilBert",
        (tt.bert, {"cls": "DistilBertTokenizer", "max_length": 150})),
    "albert": (config(
        "albert", embedding_size=16, hidden_size=32, num_hidden_layers=3,
        num_hidden_groups=1, num_attention_heads=4, inner_group_num=1,
        intermediate_size=48, max_position_embeddings=150, pad_token_id=0,
        hidden_act="gelu_new", type_vocab_size=2), "Albert",
        (tt.albert, {"max_length": 150})),
    "albert-groups": (config(
        "albert", embedding_size=12, hidden_size=24, num_hidden_layers=4,
        num_hidden_groups=2, num_attention_heads=2, inner_group_num=2,
        intermediate_size=32, max_position_embeddings=48, hidden_act="relu",
        layer_norm_eps=1e-6, pad_token_id=0), "Albert",
        (tt.albert, {"max_length": 48, "legacy": True})),
    "electra": (config(
        "electra", embedding_size=16, hidden_size=32, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=48, pad_token_id=0,
        max_position_embeddings=150, type_vocab_size=2), "Electra",
        (tt.bert, {"cls": "ElectraTokenizer", "max_length": 150,
                   "legacy": True})),
    "electra-same-width": (config(
        "electra", embedding_size=24, hidden_size=24, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=32, pad_token_id=0,
        max_position_embeddings=48, hidden_act="silu"), "Electra",
        (tt.bert, {"cls": "ElectraTokenizer", "max_length": 48,
                   "lower": False})),
    "mpnet": (config(
        "mpnet", hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=40, max_position_embeddings=162,
        relative_attention_num_buckets=32, layer_norm_eps=1e-5,
        pad_token_id=1, bos_token_id=0, eos_token_id=2), "MPNet",
        (tt.mpnet, {"max_length": 160})),
    # as DeBERTa-v3: log buckets, shared key and query projections
    "deberta-v3": (deberta_config(
        position_buckets=16, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type="p2c|c2p", position_biased_input=False), "DebertaV2",
        (tt.deberta, {"max_length": 150})),
    # as DeBERTa-v2-xlarge: a convolution beside the first layer
    "deberta-v2-conv": (deberta_config(
        position_buckets=12, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], position_biased_input=False,
        conv_kernel_size=3, conv_act="gelu", legacy=True), "DebertaV2",
        (tt.deberta, {"max_length": 150})),
    # no buckets, projections of the positions' own, absolute positions too
    "deberta-v2-own-keys": (deberta_config(
        pos_att_type="c2p|p2c", share_att_key=False, type_vocab_size=2,
        position_biased_input=True, max_position_embeddings=64),
        "DebertaV2", (tt.deberta, {"max_length": 64})),
    "deberta-v2-c2p": (deberta_config(
        pos_att_type="c2p", max_relative_positions=40, hidden_act="relu",
        embedding_size=16, share_att_key=False, position_biased_input=False,
        max_position_embeddings=64, legacy=True), "DebertaV2",
        (tt.deberta, {"max_length": 64})),
    "deberta-v2-p2c": (deberta_config(
        pos_att_type=["p2c"], position_buckets=8, share_att_key=True,
        position_biased_input=False, max_position_embeddings=64,
        pooler_hidden_act="tanh"), "DebertaV2",
        (tt.deberta, {"max_length": 64})),
    "deberta-v2-absolute": (deberta_config(
        relative_attention=False, position_biased_input=True,
        type_vocab_size=2, max_position_embeddings=64), "DebertaV2",
        (tt.deberta, {"max_length": 64})),
    "modernbert": (modernbert_config(
        global_attn_every_n_layers=3, global_rope_theta=160000.0,
        local_rope_theta=10000.0, classifier_pooling="mean"), "ModernBert",
        (tt.modernbert, {"max_length": 300})),
    # version 5's names of the same, and every optional bias
    "modernbert-biases": (modernbert_config(
        num_hidden_layers=4, max_position_embeddings=150, local_attention=10,
        layer_types=["full_attention", "sliding_attention",
                     "sliding_attention", "full_attention"],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 8000.0},
            "sliding_attention": {"rope_type": "default",
                                  "rope_theta": 500.0}},
        attention_bias=True, mlp_bias=True, norm_bias=True,
        classifier_bias=True, classifier_pooling="cls",
        classifier_activation="tanh", hidden_activation="gelu_new"),
        "ModernBert", (tt.modernbert, {"max_length": 150})),
    "ernie": (plain("ernie", use_task_id=True, task_type_vocab_size=3),
              "Ernie", (tt.bert, {"max_length": 100})),
    "megatron-bert": (plain("megatron-bert"), "MegatronBert",
                      (tt.bert, {"max_length": 100})),
    "roberta-prelayernorm": (plain(
        "roberta-prelayernorm", type_vocab_size=1, pad_token_id=1),
        "RobertaPreLayerNorm", (tt.roberta, {"max_length": 98})),
    "xlm-roberta-xl": (plain(
        "xlm-roberta-xl", type_vocab_size=1, pad_token_id=1,
        layer_norm_eps=1e-5), "XLMRobertaXL",
        (tt.xlm_roberta, {"max_length": 98})),
    "data2vec-text": (plain(
        "data2vec-text", type_vocab_size=1, pad_token_id=1), "Data2VecText",
        (tt.roberta, {"max_length": 98})),
    "luke": (plain("luke", entity_vocab_size=6, entity_emb_size=8,
                   use_entity_aware_attention=False, type_vocab_size=1,
                   pad_token_id=1), "Luke", (tt.roberta, {"max_length": 98})),
    "ibert": (plain("ibert", quant_mode=False, type_vocab_size=1,
                    pad_token_id=1), "IBert",
              (tt.roberta, {"max_length": 98})),
    "rembert": (plain("rembert", input_embedding_size=12,
                      output_embedding_size=20, tie_word_embeddings=False),
                "RemBert", (tt.bert, {"max_length": 100})),
    "roformer": (plain("roformer", embedding_size=12), "RoFormer",
                 (tt.bert, {"max_length": 100})),
    "roformer-value": (plain("roformer", rotary_value=True, hidden_act="relu",
                             num_hidden_layers=1), "RoFormer",
                       (tt.bert, {"max_length": 100})),
    "nomic-bert": (plain("nomic_bert", hidden_act="silu", rope_theta=1000.0,
                         layer_norm_eps=1e-12), "NomicBert",
                   (tt.bert, {"max_length": 100})),
    # the names of nomic-ai's own files
    "nomic-bert-fused": (plain("nomic_bert", hidden_act="silu"), "NomicBert",
                         (tt.bert, {"max_length": 100}), (nomic, 1)),
    "jina-v3": (plain("jina_embeddings_v3", type_vocab_size=1, pad_token_id=1,
                      layer_norm_eps=1e-5), "JinaEmbeddingsV3",
                (tt.xlm_roberta, {"max_length": 100})),
    "gte": (plain("gte", type_vocab_size=1, pad_token_id=1), "Gte",
            (tt.xlm_roberta, {"max_length": 100})),
    "gte-fused": (plain("gte", type_vocab_size=0, pad_token_id=1), "Gte",
                  (tt.xlm_roberta, {"max_length": 100}), (gte, 1)),
    "eurobert": (llama_like("eurobert", pad_token_id=0), "EuroBert",
                 (tt.bert, {"max_length": 100})),
    "eurobert-bos": (llama_like("eurobert", pad_token_id=0, mlp_bias=True,
                                classifier_pooling="bos"), "EuroBert",
                     (tt.bert, {"max_length": 100})),
    "esm-2": (plain("esm", position_embedding_type="rotary", mask_token_id=46,
                    token_dropout=True, emb_layer_norm_before=False), "Esm",
              (tt.bert, {"max_length": 98})),
    "esm-1b": (plain("esm", position_embedding_type="absolute",
                     token_dropout=False, emb_layer_norm_before=True,
                     mask_token_id=4), "Esm", (tt.bert, {"max_length": 98})),
    "deberta": (plain(
        "deberta", relative_attention=True, pos_att_type="c2p|p2c",
        max_relative_positions=-1, position_biased_input=False,
        type_vocab_size=0, layer_norm_eps=1e-7, legacy=True), "Deberta",
        (tt.roberta, {"max_length": 100})),
    "deberta-c2p": (plain(
        "deberta", relative_attention=True, pos_att_type=["c2p"],
        max_relative_positions=20, position_biased_input=True,
        type_vocab_size=2, layer_norm_eps=1e-7, legacy=False), "Deberta",
        (tt.bert, {"max_length": 100})),
    "xlm": (xlm("xlm"), "XLM", (tt.bert, {"max_length": 100})),
    "flaubert": (xlm("flaubert", pre_norm=False, gelu_activation=False),
                 "Flaubert", (tt.bert, {"max_length": 100})),
    "mobilebert": (plain(
        "mobilebert", embedding_size=12, intra_bottleneck_size=16,
        num_feedforward_networks=3, hidden_act="relu"), "MobileBert",
        (tt.bert, {"max_length": 100}), (quieter, 1)),
    # each switch the other way
    "mobilebert-norm": (plain(
        "mobilebert", embedding_size=12, intra_bottleneck_size=16,
        num_feedforward_networks=2, use_bottleneck_attention=True,
        key_query_shared_bottleneck=False, trigram_input=False,
        normalization_type="layer_norm", classifier_activation=False,
        layer_norm_eps=1e-3, hidden_act="gelu"), "MobileBert",
        (tt.bert, {"max_length": 100})),
    "mobilebert-wide": (plain(
        "mobilebert", embedding_size=24, use_bottleneck=False,
        num_feedforward_networks=2), "MobileBert",
        (tt.bert, {"max_length": 100}), (quieter, 1)),
    "squeezebert": (plain(
        "squeezebert", embedding_size=24, q_groups=4, k_groups=2, v_groups=3,
        post_attention_groups=1, intermediate_groups=4, output_groups=6,
        layer_norm_eps=1e-3), "SqueezeBert",
        (tt.bert, {"max_length": 100})),
    "convbert": (plain(
        "convbert", embedding_size=16, hidden_size=32, num_attention_heads=4,
        head_ratio=2, conv_kernel_size=5), "ConvBert",
        (tt.bert, {"max_length": 100})),
    "convbert-grouped": (plain(
        "convbert", embedding_size=24, num_groups=3, head_ratio=4,
        conv_kernel_size=3, hidden_act="relu"), "ConvBert",
        (tt.bert, {"max_length": 100})),
    "longformer": (plain(
        "longformer", attention_window=[4, 8], type_vocab_size=1,
        pad_token_id=1, sep_token_id=2, max_position_embeddings=202),
        "Longformer", (tt.roberta, {"max_length": 200})),
    "big-bird": (plain(
        "big_bird", block_size=3, num_random_blocks=2, sep_token_id=3,
        rescale_embeddings=True, use_bias=False, hidden_act="gelu_new",
        max_position_embeddings=201), "BigBird",
        (tt.bert, {"max_length": 200})),
    # blocks so small that few tokens make enough
    "big-bird-single": (plain(
        "big_bird", block_size=1, num_random_blocks=1, sep_token_id=3,
        hidden_act="relu"), "BigBird", (tt.bert, {"max_length": 100})),
    "fnet": (plain("fnet", type_vocab_size=4, hidden_act="gelu_new"), "FNet",
             (tt.bert, {"max_length": 100})),
    "xlnet": (config("xlnet", d_model=24, n_layer=2, n_head=3, d_inner=36,
                     pad_token_id=0, layer_norm_eps=1e-5), "XLNet",
              (tt.bert, {"max_length": 100})),
    "xlnet-clamp": (config("xlnet", d_model=16, n_layer=1, n_head=2,
                           d_inner=20, d_head=8, pad_token_id=0, clamp_len=9,
                           summary_type="mean", ff_activation="relu",
                           summary_activation="relu"), "XLNet",
                    (tt.bert, {"max_length": 100})),
    # the same small BERT, written in other ways
    "bert-multi-label": (bert_config(
        problem_type="multi_label_classification", hidden_act="gelu_new"),
        "Bert", (tt.bert, {"max_length": 48})),
    "bert-regression": (bert_config(
        problem_type="regression", hidden_act="relu", **one_label()),
        "Bert", (tt.bert, {"max_length": 48})),
    "bert-no-prefix": (bert_config(), "Bert", (tt.bert, {"max_length": 48}),
                       (no_prefix, 1)),
    "bert-gamma-beta": (bert_config(), "Bert",
                        (tt.bert, {"max_length": 48}), (gamma_beta, 1)),
    "bert-sharded": (bert_config(), "Bert", (tt.bert, {"max_length": 48}),
                     (dict, 3)),
    "bert-bf16": (bert_config(torch_dtype="bfloat16"), "Bert",
                  (tt.bert, {"max_length": 48}), (stored(torch.bfloat16), 1)),
    "bert-f16": (bert_config(torch_dtype="float16"), "Bert",
                 (tt.bert, {"max_length": 48}), (stored(torch.float16), 1)),
}


def tokenize(folder, single, pair, limit):
    """Ids and types by the tokenizer.json as it stands; by Transformers where
    the folder has only an older form."""
    path = os.path.join(folder, "tokenizer.json")
    if not os.path.exists(path):
        tok = transformers.AutoTokenizer.from_pretrained(folder)
        enc = tok(single, pair, truncation=True, max_length=limit)
        return enc["input_ids"], enc.get("token_type_ids")
    tok = Tokenizer.from_file(path)
    tok.enable_truncation(limit, strategy="longest_first")
    enc = tok.encode(single, pair)
    return enc.ids, enc.type_ids


def tensors(ids, types, takes_types):
    inputs = {"input_ids": torch.tensor([ids])}
    if takes_types and types is not None:
        inputs["token_type_ids"] = torch.tensor([types])
    return inputs


def fresh(model):
    """A BigBird that once saw a short text attends to all others in full."""
    if model.config.model_type == "big_bird":
        model.bert.set_attention_type(model.config.attention_type)
    return model


def sequence_cases(folder, model, limit, types):
    long = " ".join(SENTENCES[10:13])
    longest = " ".join(SENTENCES[20:40])
    for single, pair in [(t, None) for t in [*TEXTS, long, longest]] + PAIRS:
        ids, kinds = tokenize(folder, single, pair, limit)
        if ids == [] or len(ids) > limit:
            raise SystemExit(f"{folder}: {len(ids)} tokens")
        case = {"text": single}
        if pair is not None:
            case["text_pair"] = pair
        case["input_ids"] = ids
        if types and kinds is not None and any(kinds):
            case["token_type_ids"] = kinds
        logits = fresh(model)(**tensors(ids, kinds, types)).logits[0]
        yield {**case, "logits": floats(logits)}


def masked_class(prefix):
    """None: XLNet predicts by another rule."""
    for end in ("WithLMHeadModel", "ForMaskedLM"):
        if hasattr(transformers, prefix + end):
            return of(prefix, end)
    return None


def answers(prefix):
    """Whether there is a span head; XLM's beam search is none."""
    return prefix not in ("XLM", "Flaubert") and hasattr(
        transformers, prefix + "ForQuestionAnswering")


def answering(prefix):
    simple = prefix + "ForQuestionAnsweringSimple"
    return getattr(transformers, simple, None) or of(prefix,
                                                     "ForQuestionAnswering")


def head_answers(folder, prefix, limit, types):
    """One answer of the base model and of each other head."""
    ids, kinds = tokenize(folder, TEXTS[0], None, limit)
    inputs = tensors(ids, kinds, types)
    start = {"text": TEXTS[0], "input_ids": ids}
    base = load(of(prefix, "Model"), folder)(**inputs)
    yield "base", {**start, "last_hidden_state":
                   floats(base.last_hidden_state[0])}
    if base.get("pooler_output") is not None:
        yield "pooler", {**start, "pooler_output":
                         floats(base.pooler_output[0])}

    tag = load(of(prefix, "ForTokenClassification"), folder)(**inputs)
    yield "token_classification", {**start, "logits": floats(tag.logits[0])}

    if masked_class(prefix):
        at = len(ids) // 2
        masked = load(masked_class(prefix), folder)(**inputs)
        top = masked.logits[0, at].topk(5)
        yield "masked_lm", {**start, "position": at,
                            "top_ids": top.indices.tolist(),
                            "top_logits": floats(top.values)}

    if not answers(prefix):
        return
    ids, kinds = tokenize(folder, *QUESTION, limit)
    qa = load(answering(prefix), folder, num_labels=2)
    # BigBird makes types of its own, of the ids alone
    types = types and prefix != "BigBird"
    out = qa(**tensors(ids, kinds, types))
    named = {"token_type_ids": kinds} if types and kinds and any(kinds) else {}
    yield "question_answering", {
        "question": QUESTION[0], "context": QUESTION[1], "input_ids": ids,
        **named, "start_logits": floats(out.start_logits[0]),
        "end_logits": floats(out.end_logits[0])}


def vocabulary(folder):
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        return Tokenizer.from_file(path).get_vocab_size()
    return len(transformers.AutoTokenizer.from_pretrained(folder))


def with_prefix(base):
    """The base model under the name that its head classes give it."""
    outer = torch.nn.Module()
    setattr(outer, base.base_model_prefix, base)
    return outer


def random_weights(name, folder, prefix, all_heads):
    cfg = transformers.AutoConfig.from_pretrained(folder)
    models = [of(prefix, "ForSequenceClassification")(cfg)]
    if all_heads:
        two = transformers.AutoConfig.from_pretrained(folder, num_labels=2)
        models.append(of(prefix, "ForTokenClassification")(cfg))
        if masked_class(prefix):
            models.append(masked_class(prefix)(cfg))
        if answers(prefix):
            models.append(answering(prefix)(two))
        models.append(with_prefix(of(prefix, "Model")(cfg)))
    return parameters(models, generator(name))


def make(name, folder):
    members, prefix, (maker, options), *how = MODELS[name]
    change, shards = how[0] if how else (dict, 1)
    all_heads = not name.startswith("bert-")
    limit = options["max_length"]
    maker(folder, **options)
    write_json(os.path.join(folder, "config.json"), {
        "architectures": [prefix + "ForSequenceClassification"], **members,
        "vocab_size": vocabulary(folder)})
    values = random_weights(name, folder, prefix, all_heads)
    save_weights(folder, change(values), shards)

    types = members.get("type_vocab_size", 2) > 1 and prefix not in (
        "DistilBert", "MPNet", "ModernBert", "EuroBert", "Esm", "XLM",
        "Flaubert", "XLNet")
    with torch.no_grad():
        model = load(of(prefix, "ForSequenceClassification"), folder)
        expected = {"transformers": transformers.__version__,
                    "torch": torch.__version__.split("+")[0],
                    "cases": list(sequence_cases(folder, model, limit,
                                                 types))}
        if all_heads:
            expected.update(head_answers(folder, prefix, limit, types))
    write_expected(folder, expected)

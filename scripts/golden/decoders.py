"""Tiny decoders, with the configs that their real folders have (most of them
in version 4's words, some in version 5's)."""
import copy
import os

import tiny_tokenizers as tt
import torch
import transformers
from random_model import (draw, fixed, floats, generator, load, of, owned,
                          read_json, write_expected, write_json)
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import GenerationConfig

TEXTS = ["The film was good, and", "I love this movie.",
         " ".join(tt.corpus()[10:12])]
PROMPTS = ["The film", "No one could have known that this would be the",
           tt.corpus()[10]]
NEW_TOKENS = 20
PERTURBED = 2         # a beam search must survive that many small changes
SEARCHES = {
    "beams": {"num_beams": 3},
    "beams_early": {"num_beams": 4, "early_stopping": True,
                    "length_penalty": 0.6, "num_return_sequences": 2},
    "repetition_penalty": {"repetition_penalty": 1.4},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 2},
    "min_new_tokens": {"min_new_tokens": NEW_TOKENS},
}


def base(kind, **members):
    return {"model_type": kind, "bos_token_id": 1, "eos_token_id": 2,
            "pad_token_id": 0, **members}


def gpt2(**members):
    return base("gpt2", n_embd=16, n_layer=2, n_head=2, n_positions=224,
                activation_function="gelu_new", layer_norm_epsilon=1e-5,
                **members)


def llama(kind="llama", **members):
    return base(kind, **{
        "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 8,
        "hidden_act": "silu", "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": True, **members})


def scaled(**members):
    return llama(max_position_embeddings=64, rope_scaling=members)


def opt(**members):
    return base("opt", **{
        "hidden_size": 24, "ffn_dim": 40, "num_hidden_layers": 2,
        "num_attention_heads": 3, "max_position_embeddings": 224,
        "activation_function": "relu", "word_embed_proj_dim": 24, **members})


def neox(**members):
    return base("gpt_neox", hidden_size=24, intermediate_size=40,
                num_hidden_layers=2, num_attention_heads=3, hidden_act="gelu",
                rotary_pct=0.25, rotary_emb_base=10000,
                max_position_embeddings=224, layer_norm_eps=1e-5, **members)


def falcon(**members):
    return base("falcon", hidden_size=24, num_hidden_layers=2,
                layer_norm_epsilon=1e-5, **{"num_attention_heads": 3,
                                            "bias": False, **members})


def gemma(kind, **members):
    return base(kind, **{
        "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 12,
        "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
        "max_position_embeddings": 256, "rope_theta": 10000.0, **members})


def experts(kind, **members):
    return llama(kind, **{
        "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1,
        "num_experts_per_tok": 2, **members})


def latent(kind, **members):
    config = llama(kind, **{
        "hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2,
        "num_hidden_layers": 3, "n_routed_experts": 6,
        "num_experts_per_tok": 2, "n_shared_experts": 1,
        "moe_intermediate_size": 8, "kv_lora_rank": 10, "q_lora_rank": 12,
        "qk_nope_head_dim": 6, "qk_rope_head_dim": 4, "v_head_dim": 7,
        "routed_scaling_factor": 1.5, "rms_norm_eps": 1e-5, **members})
    del config["head_dim"]
    return config


LABELS = {"id2label": {"0": "bad", "1": "fair", "2": "good"},
          "label2id": {"bad": 0, "fair": 1, "good": 2}}
F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
# name: (config, causal class prefix, how weights are stored)
MODELS = {
    "gpt2": (gpt2(), "GPT2", F32),
    "gpt2-layer-scaled": (gpt2(
        scale_attn_by_inverse_layer_idx=True, n_inner=36,
        reorder_and_upcast_attn=True), "GPT2", F16),
    "gpt-neo": (base(
        "gpt_neo", hidden_size=24, num_layers=2, num_heads=3, window_size=8,
        attention_types=[[["global", "local"], 1]], intermediate_size=None,
        max_position_embeddings=224, activation_function="gelu_new"),
        "GPTNeo", F16),
    "gptj": (base(
        "gptj", n_embd=24, n_layer=2, n_head=2, n_positions=224, rotary_dim=8,
        activation_function="gelu_new", tie_word_embeddings=False),
        "GPTJ", F16),
    "gpt-neox-parallel": (neox(use_parallel_residual=True,
                               tie_word_embeddings=False), "GPTNeoX", F16),
    "gpt-neox-sequential": (neox(use_parallel_residual=False,
                                 tie_word_embeddings=True), "GPTNeoX", F16),
    "opt-125m": (opt(do_layer_norm_before=True), "OPT", F16),
    "opt-350m": (opt(do_layer_norm_before=False, word_embed_proj_dim=16),
                 "OPT", F16),
    "bloom": (base("bloom", hidden_size=24, n_layer=2, n_head=3,
                   layer_norm_epsilon=1e-5), "Bloom", BF16),
    "bloom-residual-norm": (base(
        "bloom", hidden_size=20, n_layer=2, n_head=5,
        apply_residual_connection_post_layernorm=True), "Bloom", BF16),
    "falcon-7b": (falcon(multi_query=True, parallel_attn=True,
                         new_decoder_architecture=False, alibi=False),
                  "Falcon", BF16),
    "falcon-new": (
        base("falcon", hidden_size=32, num_hidden_layers=2,
             num_attention_heads=4, num_kv_heads=2, bias=False,
             new_decoder_architecture=True, alibi=False,
             layer_norm_epsilon=1e-5), "Falcon", BF16),
    "falcon-alibi": (falcon(multi_query=False, parallel_attn=False,
                            new_decoder_architecture=False, alibi=True,
                            bias=True), "Falcon", BF16),
    "llama": (llama(tie_word_embeddings=False), "Llama", F32),
    "llama-biases": (llama(attention_bias=True, mlp_bias=True,
                           num_key_value_heads=3), "Llama", BF16),
    "llama-linear": (scaled(type="linear", factor=2.5), "Llama", BF16),
    "llama-dynamic": (scaled(rope_type="dynamic", factor=2.0), "Llama",
                      BF16),
    "llama-llama3": (llama(
        max_position_embeddings=512, rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64}), "Llama", BF16),
    "llama-yarn": (llama(
        max_position_embeddings=256, rope_scaling={
            "rope_type": "yarn", "factor": 4.0,
            "original_max_position_embeddings": 64}), "Llama", BF16),
    "llama-yarn-mscale": (llama(
        max_position_embeddings=256, rope_theta=None, rope_parameters={
            "rope_type": "yarn", "factor": 4.0, "rope_theta": 50000.0,
            "beta_fast": 16, "beta_slow": 2, "mscale": 0.8,
            "mscale_all_dim": 0.5, "truncate": False,
            "original_max_position_embeddings": 64}), "Llama", BF16),
    "llama-longrope": (llama(
        max_position_embeddings=256, original_max_position_embeddings=64,
        rope_scaling={"rope_type": "longrope",
                      "short_factor": [1.0, 1.1, 1.3, 1.5],
                      "long_factor": [1.0, 2.0, 3.5, 5.0], "factor": 4.0,
                      "original_max_position_embeddings": 64}),
        "Llama", BF16),
    "mistral": (llama("mistral", sliding_window=9), "Mistral", BF16),
    "mixtral": (experts("mixtral", num_local_experts=4,
                        sliding_window=None), "Mixtral", BF16),
    "qwen2": (llama("qwen2", use_sliding_window=False, sliding_window=16,
                    max_window_layers=2), "Qwen2", BF16),
    "qwen2-window": (llama("qwen2", num_hidden_layers=3, sliding_window=8,
                           use_sliding_window=True, max_window_layers=1),
                     "Qwen2", BF16),
    "qwen2-moe": (experts(
        "qwen2_moe", num_hidden_layers=3, num_experts=4,
        moe_intermediate_size=12, shared_expert_intermediate_size=20,
        decoder_sparse_step=1, mlp_only_layers=[1], norm_topk_prob=False),
        "Qwen2Moe", BF16),
    "qwen3": (llama("qwen3", head_dim=12), "Qwen3", BF16),
    "qwen3-moe": (experts(
        "qwen3_moe", num_hidden_layers=3, num_experts=4,
        moe_intermediate_size=12, decoder_sparse_step=2, mlp_only_layers=[],
        norm_topk_prob=True), "Qwen3Moe", BF16),
    "gemma": (gemma("gemma", hidden_act="gelu_pytorch_tanh"), "Gemma", BF16),
    "gemma2": (gemma("gemma2", num_hidden_layers=3, sliding_window=8,
                     query_pre_attn_scalar=20, attn_logit_softcapping=5.0,
                     final_logit_softcapping=6.0), "Gemma2", BF16),
    "gemma3": (gemma("gemma3_text", num_hidden_layers=4, sliding_window=8,
                     sliding_window_pattern=3, query_pre_attn_scalar=20,
                     rope_theta=1000000.0, rope_local_base_freq=10000.0,
                     rope_scaling={"rope_type": "linear", "factor": 8.0}),
               "Gemma3", BF16),
    "phi": (llama("phi", num_key_value_heads=3, layer_norm_eps=1e-5,
                  partial_rotary_factor=0.5, hidden_act="gelu_new",
                  tie_word_embeddings=False), "Phi", F16),
    "phi-qk-norm": (llama("phi", num_key_value_heads=1, qk_layernorm=True,
                          partial_rotary_factor=0.5, hidden_act="gelu_new"),
                    "Phi", BF16),
    "phi3": (llama("phi3", num_key_value_heads=3, sliding_window=20,
                   original_max_position_embeddings=256), "Phi3", BF16),
    "phi3-longrope": (llama(
        "phi3", hidden_size=32, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16,
        partial_rotary_factor=0.5, original_max_position_embeddings=64,
        rope_scaling={"type": "longrope",
                      "short_factor": [1.0, 1.05, 1.2, 1.3],
                      "long_factor": [1.1, 2.0, 4.0, 6.0]}), "Phi3", BF16),
    "stablelm": (llama("stablelm", num_key_value_heads=3,
                       partial_rotary_factor=0.25, use_qkv_bias=True,
                       layer_norm_eps=1e-5, tie_word_embeddings=False),
                 "StableLm", F16),
    "stablelm-parallel": (llama(
        "stablelm", num_key_value_heads=1, partial_rotary_factor=0.25,
        qk_layernorm=True, use_parallel_residual=True), "StableLm", BF16),
    "starcoder2": (llama("starcoder2", norm_epsilon=1e-5, use_bias=True,
                         hidden_act="gelu_pytorch_tanh", sliding_window=10),
                   "Starcoder2", BF16),
    "olmo2": (llama("olmo2", tie_word_embeddings=False), "Olmo2", BF16),
    "granite": (llama("granite", embedding_multiplier=3.0,
                      logits_scaling=2.0, residual_multiplier=0.6,
                      attention_multiplier=0.2, num_key_value_heads=1),
                "Granite", BF16),
    "cohere": (llama("cohere", layer_norm_eps=1e-5, logit_scale=0.4),
               "Cohere", BF16),
    "cohere-qk-norm": (llama("cohere", layer_norm_eps=1e-5, logit_scale=0.4,
                             use_qk_norm=True, attention_bias=True),
                       "Cohere", BF16),
    "smollm3": (llama("smollm3", num_hidden_layers=4,
                      no_rope_layers=[1, 1, 1, 0], intermediate_size=24),
                "SmolLM3", BF16),
    "arcee": (llama("arcee", hidden_act="relu2", mlp_bias=True), "Arcee",
              BF16),
    "nemotron": (llama("nemotron", hidden_act="relu2", norm_eps=1e-5,
                       head_dim=12, partial_rotary_factor=0.5,
                       attention_bias=True), "Nemotron", BF16),
    "persimmon": (llama("persimmon", hidden_act="relu2", layer_norm_eps=1e-5,
                        head_dim=None, num_key_value_heads=None,
                        partial_rotary_factor=0.5, qk_layernorm=True),
                  "Persimmon", BF16),
    "glm": (llama("glm", num_key_value_heads=1, head_dim=12,
                  partial_rotary_factor=0.5, attention_bias=True), "Glm",
            BF16),
    "glm4": (llama("glm4", num_key_value_heads=1, partial_rotary_factor=0.5,
                   attention_bias=False), "Glm4", BF16),
    "helium": (llama("helium", rms_norm_eps=1e-8, rope_theta=100000.0),
               "Helium", BF16),
    "seed-oss": (llama("seed_oss", attention_bias=True, head_dim=12,
                       attention_out_bias=False, residual_dropout=0.1),
                 "SeedOss", BF16),
    "ernie4-5": (llama("ernie4_5", use_bias=True, head_dim=12,
                       rope_theta=500000), "Ernie4_5", BF16),
    "hunyuan-dense": (llama(
        "hunyuan_v1_dense", rope_scaling={
            "alpha": 1000.0, "factor": 1.0, "type": "dynamic",
            "beta_fast": 32, "beta_slow": 1, "mscale": 1.0}),
        "HunYuanDenseV1", BF16),
    "ministral": (llama(
        "ministral", num_hidden_layers=3, sliding_window=9, layer_types=[
            "full_attention", "sliding_attention", "sliding_attention"],
        rope_scaling={"rope_type": "yarn", "factor": 4.0,
                      "original_max_position_embeddings": 64}),
        "Ministral", BF16),
    "olmo": (llama("olmo", clip_qkv=1.5, rms_norm_eps=None,
                   num_key_value_heads=3), "Olmo", BF16),
    "olmo3": (llama(
        "olmo3", num_hidden_layers=4, sliding_window=9, rope_theta=500000,
        layer_types=["sliding_attention", "sliding_attention",
                     "sliding_attention", "full_attention"],
        intermediate_size=24, rope_scaling={
            "rope_type": "yarn", "factor": 4.0, "beta_fast": 32,
            "beta_slow": 1, "attention_factor": 1.2,
            "original_max_position_embeddings": 64}), "Olmo3", BF16),
    "exaone4": (llama(
        "exaone4", num_hidden_layers=4, sliding_window=9,
        sliding_window_pattern="LLLG", intermediate_size=24,
        layer_types=["sliding_attention", "sliding_attention",
                     "sliding_attention", "full_attention"]), "Exaone4",
        BF16),
    "exaone4-global": (llama(
        "exaone4", sliding_window=None,
        layer_types=["full_attention", "full_attention"]), "Exaone4", BF16),
    "cohere2": (llama("cohere2", layer_norm_eps=1e-5, logit_scale=0.4,
                      num_hidden_layers=4, intermediate_size=24,
                      sliding_window=9, sliding_window_pattern=4),
                "Cohere2", BF16),
    "vaultgemma": (gemma("vaultgemma", num_hidden_layers=2, sliding_window=8,
                         query_pre_attn_scalar=20, attn_logit_softcapping=5.0,
                         final_logit_softcapping=6.0, head_dim=8),
                   "VaultGemma", BF16),
    "gpt-bigcode": (base(
        "gpt_bigcode", n_embd=24, n_layer=2, n_head=3, n_positions=224,
        n_inner=40, multi_query=True,
        activation_function="gelu_pytorch_tanh"), "GPTBigCode", F16),
    "gpt-bigcode-heads": (base(
        "gpt_bigcode", n_embd=24, n_layer=2, n_head=3, n_positions=224,
        multi_query=False, activation_function="gelu"), "GPTBigCode", F16),
    "codegen": (base(
        "codegen", n_embd=32, n_layer=2, n_head=8, n_positions=224, n_ctx=224,
        rotary_dim=2, activation_function="gelu_new",
        tie_word_embeddings=False), "CodeGen", F16),
    "mpt": (base("mpt", d_model=24, n_heads=3, n_layers=2, expansion_ratio=4,
                 max_seq_len=224, no_bias=True, learned_pos_emb=True,
                 attn_config={"alibi": True, "alibi_bias_max": 8,
                              "clip_qkv": 1.5, "softmax_scale": 0.3}),
            "Mpt", BF16),
    "xglm": (base("xglm", d_model=24, ffn_dim=40, num_layers=2,
                  attention_heads=3, max_position_embeddings=224,
                  scale_embedding=True, activation_function="gelu"),
             "XGLM", F16),
    "biogpt": (base("biogpt", hidden_size=24, intermediate_size=40,
                    num_hidden_layers=2, num_attention_heads=3,
                    max_position_embeddings=222, hidden_act="gelu",
                    layer_norm_eps=1e-12, scale_embedding=True), "BioGpt",
               F16),
    "modernbert-decoder": (base(
        "modernbert-decoder", hidden_size=24, intermediate_size=20,
        num_hidden_layers=3, num_attention_heads=2, local_attention=16,
        max_position_embeddings=256, global_attn_every_n_layers=3),
        "ModernBertDecoder", BF16),
    "olmoe": (experts("olmoe", num_experts=4, intermediate_size=12,
                      norm_topk_prob=False, clip_qkv=1.5), "Olmoe", BF16),
    "flex-olmo": (experts("flex_olmo", num_experts=4, intermediate_size=12,
                          norm_topk_prob=True), "FlexOlmo", BF16),
    "hunyuan-moe": (experts("hunyuan_v1_moe", num_experts=4, moe_topk=2,
                            intermediate_size=12), "HunYuanMoEV1", BF16),
    "glm4-moe": (experts(
        "glm4_moe", num_hidden_layers=3, n_routed_experts=6, n_group=2,
        topk_group=1, moe_intermediate_size=12, n_shared_experts=1,
        first_k_dense_replace=1, norm_topk_prob=True, use_qk_norm=True,
        routed_scaling_factor=1.5, partial_rotary_factor=0.5,
        attention_bias=True), "Glm4Moe", BF16),
    "dots1": (experts(
        "dots1", num_hidden_layers=3, n_routed_experts=4, n_group=1,
        topk_group=1, moe_intermediate_size=8, n_shared_experts=2,
        first_k_dense_replace=1, norm_topk_prob=False, sliding_window=9,
        max_window_layers=1, routed_scaling_factor=2.5), "Dots1", BF16),
    "ernie4-5-moe": (experts(
        "ernie4_5_moe", num_hidden_layers=4, moe_num_experts=4, moe_k=2,
        moe_intermediate_size=8, moe_num_shared_experts=2,
        moe_layer_start_index=1, moe_layer_end_index=2, use_bias=False,
        moe_layer_interval=1), "Ernie4_5_Moe", BF16),
    "deepseek-v3": (latent(
        "deepseek_v3", n_group=2, topk_group=1, norm_topk_prob=True,
        scoring_func="sigmoid", topk_method="noaux_tc",
        first_k_dense_replace=1, num_key_value_heads=2, rope_scaling={
            "type": "yarn", "factor": 4, "beta_fast": 32, "beta_slow": 1,
            "mscale": 1.0, "mscale_all_dim": 1.0,
            "original_max_position_embeddings": 64}), "DeepseekV3", BF16),
    "deepseek-v3-whole-queries": (latent(
        "deepseek_v3", q_lora_rank=None, n_group=1, topk_group=1,
        norm_topk_prob=False, rope_interleave=False, attention_bias=True,
        first_k_dense_replace=0, v_head_dim=12), "DeepseekV3", BF16),
    "deepseek-v2": (latent(
        "deepseek_v2", topk_method="group_limited_greedy", n_group=3,
        topk_group=2, norm_topk_prob=False, first_k_dense_replace=1,
        rope_scaling={
            "type": "yarn", "factor": 8, "beta_fast": 32, "beta_slow": 1,
            "mscale": 0.707, "mscale_all_dim": 0.707,
            "original_max_position_embeddings": 32}), "DeepseekV2", BF16),
    "deepseek-v2-greedy": (latent(
        "deepseek_v2", q_lora_rank=None, topk_method="greedy", n_group=1,
        topk_group=1, first_k_dense_replace=1, attention_bias=True,
        mlp_bias=True), "DeepseekV2", BF16),
    "gpt-oss": (experts(
        "gpt_oss", num_hidden_layers=2, num_local_experts=4,
        intermediate_size=12, head_dim=12, sliding_window=8,
        attention_bias=True, rope_theta=150000.0, rope_scaling={
            "rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0,
            "beta_slow": 1.0, "truncate": False,
            "original_max_position_embeddings": 64}), "GptOss", BF16),
    "gpt-oss-mxfp4": (experts(
        "gpt_oss", hidden_size=32, num_local_experts=3, intermediate_size=32,
        sliding_window=8, attention_bias=True, rope_theta=150000.0,
        layer_types=["full_attention", "sliding_attention"],
        swiglu_limit=2.0, rope_scaling=None, quantization_config={
            "quant_method": "mxfp4", "modules_to_not_convert": [
                "model.layers.*.self_attn", "model.layers.*.mlp.router",
                "model.embed_tokens", "lm_head"]}), "GptOss", BF16),
    "granitemoe": (experts(
        "granitemoe", num_local_experts=4, intermediate_size=12,
        embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.6,
        attention_multiplier=0.2), "GraniteMoe", BF16),
    "granitemoeshared": (experts(
        "granitemoeshared", num_local_experts=4, intermediate_size=12,
        shared_intermediate_size=20, embedding_multiplier=3.0,
        logits_scaling=2.0, residual_multiplier=0.6,
        attention_multiplier=0.2), "GraniteMoeShared", BF16),
    "phimoe": (experts(
        "phimoe", num_local_experts=4, intermediate_size=12,
        attention_bias=True, lm_head_bias=True, router_jitter_noise=0.2,
        sliding_window=40, original_max_position_embeddings=16,
        tie_word_embeddings=False, rope_scaling={
            "type": "longrope", "short_factor": [1.0, 1.1, 1.3, 1.5],
            "long_factor": [1.0, 2.0, 3.5, 5.0], "short_mscale": 1.1,
            "long_mscale": 1.3, "original_max_position_embeddings": 16}),
        "Phimoe", BF16),
    "jais2": (llama("jais2", hidden_act="relu2", layer_norm_eps=1e-5,
                    attention_bias=True, mlp_bias=True, rms_norm_eps=None),
              "Jais2", BF16),
    "cwm": (llama("cwm", num_hidden_layers=3, sliding_window=9,
                  rope_scaling=None), "Cwm", BF16),
    "hyperclovax": (llama(
        "hyperclovax", embedding_multiplier=3.0, logits_scaling=0.5,
        residual_multiplier=0.6, attention_multiplier=0.2,
        use_post_norm=True), "HyperCLOVAX", BF16),
    "nanochat": (llama("nanochat", hidden_act="relu2", head_dim=8,
                       final_logit_softcapping=6.0), "NanoChat", BF16),
    "bitnet": (llama("bitnet", hidden_act="relu2"), "BitNet", BF16),
    "internlm3": (llama("internlm3", qkv_bias=True, bias=True), "Llama",
                  BF16),
    "minicpm3": (latent(
        "minicpm3", scale_emb=3, scale_depth=1.4, dim_model_base=8,
        hidden_size=20, v_head_dim=None, num_hidden_layers=2), "MiniCPM3",
        BF16),
    # loading zeroes the row of a pad
    "youtu": (latent("youtu", num_hidden_layers=2, pad_token_id=None),
              "Youtu", BF16),
    "glm4-moe-lite": (latent(
        "glm4_moe_lite", n_group=1, topk_group=1, norm_topk_prob=True,
        mlp_layer_types=["sparse", "dense", "sparse"]), "Glm4MoeLite", BF16),
    "minimax-m2": (experts(
        "minimax_m2", num_local_experts=4, intermediate_size=12,
        rotary_dim=4), "MiniMaxM2", BF16),
    "solar-open": (experts(
        "solar_open", n_routed_experts=4, moe_intermediate_size=12,
        n_shared_experts=1, n_group=1, topk_group=1, norm_topk_prob=True,
        routed_scaling_factor=1.5, attention_bias=True), "SolarOpen", BF16),
    "exaone-moe": (experts(
        "exaone_moe", num_hidden_layers=4, num_experts=4,
        moe_intermediate_size=8, num_shared_experts=1, n_group=1,
        topk_group=1, norm_topk_prob=True, routed_scaling_factor=1.5,
        sliding_window=9, sliding_window_pattern="LLLG", mlp_layer_types=[
            "dense", "sparse", "sparse", "sparse"], layer_types=[
            "sliding_attention", "sliding_attention", "sliding_attention",
            "full_attention"]), "ExaoneMoe", BF16),
    "mellum": (experts(
        "mellum", num_hidden_layers=3, num_experts=4, moe_intermediate_size=8,
        sliding_window=9, rope_theta=None, mlp_layer_types=[
            "sparse", "dense", "sparse"], layer_types=[
            "sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 5e5},
            "sliding_attention": {"rope_type": "default",
                                  "rope_theta": 1e4}}), "Mellum", BF16),
    "mamba2": (base(
        "mamba2", hidden_size=16, state_size=4, expand=2, num_heads=4,
        head_dim=8, n_groups=2, num_hidden_layers=2, conv_kernel=4,
        chunk_size=8, use_bias=False, use_conv_bias=True,
        layer_norm_epsilon=1e-5, tie_word_embeddings=True,
        time_step_limit=[0.0, float("inf")]), "Mamba2", F32),
    "mamba2-biases": (base(
        "mamba2", hidden_size=16, state_size=6, expand=3, num_heads=6,
        head_dim=8, n_groups=1, num_hidden_layers=2, conv_kernel=3,
        use_bias=True, use_conv_bias=False), "Mamba2", BF16),
    "falcon-mamba": (base(
        "falcon_mamba", hidden_size=16, state_size=4, expand=2,
        num_hidden_layers=2, conv_kernel=4, time_step_rank=2, use_bias=False,
        use_conv_bias=True, layer_norm_epsilon=1e-5, hidden_act="silu",
        mixer_rms_eps=1e-3), "FalconMamba", F32),
    "openai-gpt": (base("openai-gpt", n_embd=24, n_layer=2, n_head=3,
                        n_positions=224, afn="gelu"), "OpenAIGPT", F16),
    "ctrl": (base("ctrl", n_embd=24, n_layer=2, n_head=3, n_positions=224,
                  dff=40), "CTRL", F16),
    "ministral3": (llama("ministral3", rope_theta=None, rope_parameters={
        "rope_type": "yarn", "rope_theta": 50000.0, "factor": 8.0,
        "original_max_position_embeddings": 16, "mscale": 1.0,
        "mscale_all_dim": 1.0, "beta_fast": 32.0, "beta_slow": 1.0,
        "llama_4_scaling_beta": 0.4}), "Ministral3", BF16),
    "mamba": (base("mamba", hidden_size=16, state_size=4, expand=2,
                   num_hidden_layers=2, conv_kernel=4, time_step_rank=2,
                   use_bias=False, use_conv_bias=True, residual_in_fp32=True,
                   layer_norm_epsilon=1e-5, hidden_act="silu"),
              "Mamba", F32),
    "mamba-biases": (base("mamba", hidden_size=16, state_size=4,
                          intermediate_size=32, num_hidden_layers=2,
                          conv_kernel=3, use_bias=True, use_conv_bias=False,
                          time_step_rank=1), "Mamba", BF16),
    "gpt2-classify": (gpt2(**LABELS), "GPT2", F16),
    "opt-classify": (opt(do_layer_norm_before=True, **LABELS), "OPT", F16),
    "llama-classify": (llama(**LABELS), "Llama", BF16),
    "qwen2-classify": (llama("qwen2", **LABELS), "Qwen2", BF16),
    "qwen3-classify": (llama("qwen3", **LABELS), "Qwen3", BF16),
    "mistral-classify": (llama("mistral", sliding_window=9, **LABELS),
                         "Mistral", BF16),
    "gemma2-classify": (gemma(
        "gemma2", sliding_window=8, query_pre_attn_scalar=20,
        attn_logit_softcapping=5.0, **LABELS), "Gemma2", BF16),
    "bloom-classify": (base("bloom", hidden_size=24, n_layer=2, n_head=3,
                            **LABELS), "Bloom", BF16),
    "deepseek-v3-classify": (latent(
        "deepseek_v3", n_group=2, topk_group=1, norm_topk_prob=True,
        first_k_dense_replace=1, **LABELS), "DeepseekV3", BF16),
    "gpt-oss-classify": (experts(
        "gpt_oss", num_local_experts=4, intermediate_size=12, head_dim=12,
        sliding_window=8, attention_bias=True, **LABELS), "GptOss", BF16),
    "llama-classify-tokens": (llama(**LABELS), "Llama", BF16),
    "gpt2-classify-tokens": (gpt2(**LABELS), "GPT2", F16),
    "qwen2-classify-tokens": (llama("qwen2", **LABELS), "Qwen2", BF16),
    "gemma2-classify-tokens": (gemma(
        "gemma2", sliding_window=8, query_pre_attn_scalar=20,
        attn_logit_softcapping=5.0, **LABELS), "Gemma2", BF16),
    "llama-classify-answers": (llama(), "Llama", BF16),
    "mistral-classify-answers": (llama("mistral", sliding_window=9),
                                 "Mistral", BF16),
    "gpt-neox-classify-answers": (neox(), "GPTNeoX", F16),
}


def pack_experts(path, gen):
    """Put random 4-bit floats and scales in place of the experts' matrices."""
    tensors = load_file(path)
    for name in [n for n in tensors if n.endswith(("gate_up_proj",
                                                   "down_proj"))]:
        experts, cols, rows = tensors.pop(name).shape
        shape = experts, rows, cols // 32
        tensors[name + "_blocks"] = torch.randint(
            0, 256, (*shape, 16), generator=gen, dtype=torch.uint8)
        tensors[name + "_scales"] = torch.randint(
            122, 126, shape, generator=gen, dtype=torch.uint8)
    save_file(tensors, path, {"format": "pt"})


def random_model(cls, name, folder, dtype):
    """Build from the folder's config, draw every parameter, and write the
    weights under the names that files on the hub have."""
    torch.manual_seed(0)
    model = cls(transformers.AutoConfig.from_pretrained(folder)).float()
    gen = generator(name)
    with torch.no_grad():
        for _, module, p in owned(model):
            if not fixed(module):
                p.copy_(draw(module, p, gen))
        for buffer_name, b in model.named_buffers():
            if buffer_name.endswith(("final_logits_bias",
                                     "e_score_correction_bias")):
                b.copy_(0.3 * torch.randn(b.shape, generator=gen))
    config = read_json(os.path.join(folder, "config.json"))
    model.to(dtype).save_pretrained(folder)
    if "quantization_config" in config:
        pack_experts(os.path.join(folder, "model.safetensors"), gen)
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)
    write_json(os.path.join(folder, "config.json"), config)


def nll_cases(model, tok):
    for text in TEXTS:
        ids = tok.encode(text).ids
        x = torch.tensor([ids])
        logp = model(x).logits[0].float().log_softmax(-1)
        each = -logp[:-1].gather(1, x[0, 1:, None])[:, 0]
        yield {"text": text, "input_ids": ids, "token_nll": floats(each),
               "nll": floats(each.double().sum())}


def sure(scores):
    """Whether each greedy choice is far enough from the next best that
    another order of sums makes no other choice."""
    for s in scores:
        top = s[0].topk(2).values
        if top[0] - top[1] < 2e-3:
            return False
    return True


def generate(model, ids, **options):
    out = model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids),
                                                       dtype=torch.long),
        return_dict_in_generate=True, output_scores=True,
        generation_config=GenerationConfig(
            max_new_tokens=NEW_TOKENS, bos_token_id=1, eos_token_id=2,
            pad_token_id=0, **options))
    return out


def new_tokens(sequence, start):
    """What was generated, up to and with the end token, without padding."""
    ids = sequence[start:].tolist()
    return ids[:ids.index(2) + 1] if 2 in ids else ids


def greedy_cases(model, tok, prompts):
    for text in prompts:
        ids = tok.encode(text).ids
        out = generate(model, ids)
        if sure(out.scores):
            new = new_tokens(out.sequences[0], len(ids))
            yield {"text": text, "input_ids": ids, "output_ids": new,
                   "generated_text": tok.decode(ids + new)}


def steady(model, sequences, search):
    """Whether search(model) finds the same sequences when every weight is a
    little off."""
    for turn in range(PERTURBED):
        other = copy.deepcopy(model)
        gen = torch.Generator().manual_seed(turn)
        for _, _, p in owned(other):
            p.mul_(1 + 3e-5 * torch.randn(p.shape, generator=gen))
        if not torch.equal(search(other), sequences):
            return False
    return True


def search_cases(model, tok, prompt):
    ids = tok.encode(prompt).ids
    for name, options in SEARCHES.items():
        out = generate(model, ids, **options)
        if "num_beams" in options:
            kept = steady(model, out.sequences, lambda other: generate(
                other, ids, **options).sequences)
        else:
            kept = sure(out.scores)
        if not kept:
            continue
        case = {"name": name, "options": options, "text": prompt,
                "input_ids": ids,
                "output_ids": [new_tokens(s, len(ids))
                               for s in out.sequences]}
        if "num_beams" in options:
            case["scores"] = floats(out.sequences_scores)
        yield case


def classify_cases(model, tok):
    for text in TEXTS:
        ids = tok.encode(text).ids
        yield {"text": text, "input_ids": ids,
               "logits": floats(model(torch.tensor([ids])).logits[0])}


HEADS = {"": "ForSequenceClassification",
         "-tokens": "ForTokenClassification",
         "-answers": "ForQuestionAnswering"}


def head_cases(model, tok, head):
    if head == "":
        return {"cases": list(classify_cases(model, tok))}
    ids = tok.encode(TEXTS[0]).ids
    case = {"text": TEXTS[0], "input_ids": ids}
    out = model(torch.tensor([ids]))
    if head == "-tokens":
        return {"token_classification": {**case,
                                         "logits": floats(out.logits[0])}}
    return {"question_answering": {
        **case, "start_logits": floats(out.start_logits[0]),
        "end_logits": floats(out.end_logits[0])}}


def make(name, folder):
    members, prefix, dtype = MODELS[name]
    tt.generator(folder)
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    head = name.partition("-classify")[1:]
    cls = of(prefix, HEADS[head[1]] if head[0] else
             "LMHeadModel" if prefix in ("GPT2", "OpenAIGPT", "CTRL") else
             "ForCausalLM")
    write_json(os.path.join(folder, "config.json"), {
        "architectures": [cls.__name__], **members,
        "vocab_size": tok.get_vocab_size(),
        "torch_dtype": str(dtype).partition(".")[2]})
    random_model(cls, name, folder, dtype)
    expected = {"transformers": transformers.__version__,
                "torch": torch.__version__.split("+")[0]}
    with torch.no_grad():
        model = load(cls, folder, config=transformers.AutoConfig
                     .from_pretrained(folder))
        if head[0]:
            expected.update(head_cases(model, tok, head[1]))
        else:
            expected["nll"] = list(nll_cases(model, tok))
            expected["greedy"] = list(greedy_cases(model, tok, PROMPTS))
            expected["search"] = list(search_cases(model, tok, PROMPTS[0]))
    write_expected(folder, expected)

#include "model/gguf_names.h"

#include <string.h>

static const struct tf_gguf_arch archs[] = {
    { "llama", "llama", true, false, true },
    { "llama", "mistral", true, false, true },
    { "llama", "mixtral", true, false, true },
    { "mistral3", "mistral", true, false, false },
    { "smollm3", "smollm3", true, false, false },
    { "granite", "granite", true, false, false },
    { "qwen2", "qwen2", false, false, true },
    { "qwen3", "qwen3", false, false, true },
    { "qwen2moe", "qwen2_moe", false, false, true },
    { "qwen3moe", "qwen3_moe", false, false, true },
    { "gemma", "gemma", false, true, true },
    { "gemma2", "gemma2", false, true, true },
    { "gemma3", "gemma3_text", false, true, true },
    { "gemma3", "gemma3", false, true, true },
    { "gpt2", "gpt2", false, false, true },
    { "gptneox", "gpt_neox", false, false, false },
    { "gptj", "gptj", false, false, false },
    { "bloom", "bloom", false, false, false },
    { "falcon", "falcon", false, false, false },
    { "phi2", "phi", false, false, false },
    { "phi3", "phi3", false, false, false },
    { "stablelm", "stablelm", false, false, false },
    { "starcoder2", "starcoder2", false, false, false },
    { "olmo2", "olmo2", false, false, false },
    { "command-r", "cohere", false, false, false },
    { "gpt-oss", "gpt_oss", false, false, false },
    { "minimax-m2", "minimax_m2", false, false, false },
    { "nemotron", "nemotron", false, true, false },
    { "bert", "bert", false, false, true },
};
#define ARCHS (sizeof(archs) / sizeof(archs[0]))

static const char *const roles[][2] = {
    { "tokens", "token_embd" },
    { "positions", "position_embd" },
    { "types", "token_types" },
    { "embedding_norm", "token_embd_norm" },
    { "final_norm", "output_norm" },
    { "attn_norm", "blk.{}.attn_norm" },
    { "attn_out_norm", "blk.{}.post_attention_norm" },
    { "attn_post_norm", "blk.{}.attn_output_norm" },
    { "q", "blk.{}.attn_q" },
    { "k", "blk.{}.attn_k" },
    { "v", "blk.{}.attn_v" },
    { "qkv", "blk.{}.attn_qkv" },
    { "o", "blk.{}.attn_output" },
    { "q_norm", "blk.{}.attn_q_norm" },
    { "k_norm", "blk.{}.attn_k_norm" },
    { "mlp_norm", "blk.{}.ffn_norm" },
    { "mlp_out_norm", "blk.{}.post_ffw_norm" },
    { "mlp_post_norm", "blk.{}.layer_output_norm" },
    { "gate", "blk.{}.ffn_gate" },
    { "up", "blk.{}.ffn_up" },
    { "gate_up", "blk.{}.ffn_up" },
    { "down", "blk.{}.ffn_down" },
    { "sinks", "blk.{}.attn_sinks.weight" },
    { "router", "blk.{}.ffn_gate_inp" },
    { "router_bias", "blk.{}.exp_probs_b.bias" },
    { "expert_gate", "blk.{}.ffn_gate_exps.{expert}" },
    { "expert_up", "blk.{}.ffn_up_exps.{expert}" },
    { "expert_down", "blk.{}.ffn_down_exps.{expert}" },
    { "expert_gate_bias", "blk.{}.ffn_gate_exps.bias" },
    { "expert_up_bias", "blk.{}.ffn_up_exps.bias" },
    { "expert_down_bias", "blk.{}.ffn_down_exps.bias" },
    { "shared_gate", "blk.{}.ffn_gate_shexp" },
    { "shared_up", "blk.{}.ffn_up_shexp" },
    { "shared_down", "blk.{}.ffn_down_shexp" },
    { "shared_router", "blk.{}.ffn_gate_inp_shexp" },
};

const struct tf_gguf_arch *tf_gguf_arch_named(struct tf_str name,
                                              const char *model_type)
{
    for (size_t i = 0; i < ARCHS; i++)
        if (tf_str_is(name, archs[i].name) &&
            (!model_type || !strcmp(model_type, archs[i].model_type)))
            return &archs[i];
    return NULL;
}

const struct tf_gguf_arch *tf_gguf_arch_of(const char *model_type)
{
    for (size_t i = 0; model_type && i < ARCHS; i++)
        if (archs[i].written && !strcmp(model_type, archs[i].model_type))
            return &archs[i];
    return NULL;
}

const char *tf_gguf_role(const char *role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (!strcmp(role, roles[i][0]))
            return roles[i][1];
    return NULL;
}

size_t tf_gguf_scale_of(const struct tf_gguf_arch *k, size_t layers,
                        size_t per_head, size_t head_size)
{
    bool two = !strcmp(k->name, "gemma2"), three = !strcmp(k->name, "gemma3");

    if (!two && !three)
        return 0;
    return layers == (two ? 46 : 62) ? per_head : head_size; /* the 27B's */
}

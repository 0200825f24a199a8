#include "model/arch_fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/arch.h"

/* clang-format off */
#define FIELD(in, f, kind, fallback, words) \
    { #f, TF_FIELD_##kind, offsetof(struct in, f), fallback, words }
#define SIZE(f, fallback)   FIELD(IN, f, SIZE, fallback, NULL)
#define NUMBER(f, fallback) FIELD(IN, f, NUMBER, fallback, NULL)
#define BOOL(f, fallback)   FIELD(IN, f, BOOL, fallback, NULL)
#define STRING(f, fallback) FIELD(IN, f, STRING, fallback, NULL)
#define ACT(f, fallback)    FIELD(IN, f, ACT, fallback, NULL)
#define WORD(f, words)      FIELD(IN, f, WORD, NULL, words)
#define JSON(f, fallback)   FIELD(IN, f, JSON, fallback, NULL)
#define NAME(f)             FIELD(IN, f, STRING, NULL, NULL)
#define END                 { NULL, 0, 0, NULL, NULL }

#define IN tf_stack_spec
const struct tf_field tf_stack_fields[] = {
    STRING(unsupported, NULL),
    SIZE(layers, "$num_hidden_layers|n_layer|n_layers|num_layers"),
    SIZE(width, "$n_embed|hidden_size|n_embd|d_model|dim"),
    SIZE(heads, "$num_attention_heads|n_head|n_heads|num_heads"),
    SIZE(kv_heads, NULL),
    SIZE(head_size, NULL),
    SIZE(value_size, NULL),
    SIZE(ffn, "$intermediate_size|n_inner|ffn_dim|d_ff|hidden_dim"),
    NUMBER(ffn_factor, "4"),
    SIZE(vocab, "$vocab_size"),
    SIZE(groups, NULL),
    SIZE(inner_layers, "1"),

    WORD(norm, "layer_norm|rms_norm|no_norm"),
    NUMBER(norm_eps,
      "$layer_norm_eps|layer_norm_epsilon|rms_norm_eps|norm_eps|norm_epsilon"),
    NUMBER(embedding_norm_eps, NULL),
    NUMBER(mlp_post_norm_eps, NULL),
    BOOL(norm_bias, NULL),
    BOOL(norm_weight, "true"),
    NUMBER(norm_offset, NULL),
    SIZE(norm_from, NULL),
    BOOL(parallel, NULL),
    BOOL(residual_normed, NULL),
    NUMBER(residual_scale, "1"),
    BOOL(residual_scale_by_depth, NULL),

    SIZE(embedding_width, NULL),
    WORD(projection, "last|sum|tokens"),
    BOOL(projection_bias, NULL),
    BOOL(projected, NULL),
    JSON(padding_idx, NULL),
    NUMBER(embedding_scale, "1"),
    BOOL(embedding_scale_sqrt, NULL),
    BOOL(trigrams, NULL),
    SIZE(types, NULL),
    SIZE(tasks, NULL),
    BOOL(token_dropout, NULL),
    SIZE(mask, NULL),
    WORD(sines, "none|open|closed"),
    SIZE(max_positions, "$max_position_embeddings|n_positions"),
    SIZE(position_offset, NULL),
    BOOL(positions_after_norm, NULL),
    BOOL(position_after_pad, NULL),
    BOOL(pad_is_zero, NULL),
    BOOL(positions_behind_pad, NULL),
    SIZE(pad, "$pad_token_id=-*?0:$pad_token_id"),

    BOOL(rotary, NULL),
    BOOL(rotary_interleaved, NULL),
    SIZE(rotary_dims, NULL),
    NUMBER(rotary_fraction, "1"),
    NUMBER(rotary_theta, "$rope_parameters.rope_theta|rope_theta"),
    JSON(rotary_scaling, "$rope_parameters|rope_scaling"),
    NUMBER(local_rotary_theta, NULL),
    JSON(local_rotary_scaling, "$rope_parameters|rope_scaling"),
    SIZE(rotary_original, "$original_max_position_embeddings"),
    BOOL(rotary_value, NULL),
    BOOL(rotary_backwards, NULL),
    BOOL(rotary_rereads, NULL),
    BOOL(rotary_scales, NULL),
    SIZE(unrotated_every, NULL),
    JSON(rotary_layers, NULL),
    BOOL(unrotated_global, NULL),

    BOOL(fourier, NULL),

    BOOL(causal, NULL),
    NUMBER(attention_scale, NULL),
    SIZE(attention_scale_of, NULL),
    BOOL(attention_scale_by_layer, NULL),
    NUMBER(query_growth, NULL),
    SIZE(query_growth_every, NULL),
    NUMBER(attention_soft_cap, NULL),
    BOOL(alibi, NULL),
    BOOL(alibi_scaled, NULL),
    SIZE(window, NULL),
    BOOL(window_halved, NULL),
    SIZE(global_every, NULL),
    BOOL(global_last, NULL),
    SIZE(local_from, NULL),
    SIZE(local_below, NULL),
    JSON(layer_types, NULL),
    JSON(windows, NULL),
    SIZE(window_radius, NULL),
    SIZE(global_block, NULL),
    SIZE(sparse_block, NULL),
    SIZE(sparse_random, NULL),
    SIZE(bias_buckets, NULL),
    SIZE(bias_rows, NULL),
    SIZE(bias_max_distance, "128"),
    BOOL(c2p, NULL),
    BOOL(p2c, NULL),
    SIZE(relative_buckets, NULL),
    SIZE(relative_max, NULL),
    BOOL(relative_sines, NULL),
    SIZE(relative_clamp, NULL),
    BOOL(head_weights, NULL),
    WORD(qkv_order, "side_by_side|by_group|by_quarter"),
    WORD(qk_norm, "head|heads|all"),
    BOOL(qk_norm_after_rotary, NULL),
    SIZE(latent_rank, NULL),
    SIZE(query_rank, NULL),
    SIZE(unrotated_size, NULL),
    NUMBER(latent_eps, "1e-6"),
    BOOL(latent_bias, NULL),
    NUMBER(clip_qkv, NULL),
    BOOL(attention_bias, NULL),
    BOOL(attention_out_bias, NULL),
    BOOL(mlp_bias, NULL),
    BOOL(mlp_out_bias, NULL),
    BOOL(transposed, NULL),
    BOOL(exact_down, NULL),
    BOOL(conv_weights, NULL),
    SIZE(q_groups, "1"),
    SIZE(k_groups, "1"),
    SIZE(v_groups, "1"),
    SIZE(o_groups, "1"),
    SIZE(up_groups, "1"),
    SIZE(down_groups, "1"),

    ACT(act, "$hidden_act|activation_function|hidden_activation|activation"),
    BOOL(gate_first, "true"),
    SIZE(feed_forwards, "1"),
    SIZE(bottleneck, NULL),
    BOOL(bottleneck_values, NULL),
    SIZE(head_ratio, NULL),

    SIZE(experts, NULL),
    SIZE(experts_per_token, "$num_experts_per_tok"),
    SIZE(expert_ffn, "$moe_intermediate_size"),
    SIZE(shared_ffn, "$shared_expert_intermediate_size"),
    BOOL(experts_renormed, NULL),
    BOOL(router_sigmoid, NULL),
    BOOL(router_biased, NULL),
    BOOL(router_mixes, NULL),
    NUMBER(router_jitter, NULL),
    NUMBER(experts_scale, "1"),
    SIZE(expert_groups, NULL),
    SIZE(expert_groups_kept, NULL),
    BOOL(expert_groups_by_best, NULL),
    BOOL(experts_transposed, NULL),
    BOOL(experts_interleaved, NULL),
    NUMBER(glu_limit, NULL),
    NUMBER(glu_alpha, "1"),
    SIZE(shared_experts, NULL),
    SIZE(experts_every, "1"),
    JSON(sparse_layers, NULL),
    SIZE(expert_capacity, NULL),
    JSON(dense_layers, NULL),
    SIZE(dense_below, NULL),
    SIZE(last_sparse, NULL),

    SIZE(ssm_state, NULL),
    SIZE(ssm_rank, NULL),
    SIZE(ssm_kernel, NULL),
    BOOL(ssm_bias, NULL),
    BOOL(ssm_conv_bias, NULL),
    NUMBER(ssm_norm_eps, NULL),
    SIZE(ssm_heads, NULL),
    SIZE(ssm_groups, "1"),
    JSON(ssm_limit, NULL),

    NUMBER(ffn_dropout, NULL),
    NUMBER(final_dropout, NULL),
    WORD(init, "plain|by_depth|by_width"),
    NUMBER(dropout, "$hidden_dropout_prob|dropout|resid_pdrop"
      "|residual_dropout|hidden_dropout"),
    NUMBER(embedding_dropout, "$embd_pdrop|embed_dropout|embedding_dropout"
      "|hidden_dropout_prob|dropout|hidden_dropout"),
    NUMBER(attention_dropout, "$attention_probs_dropout_prob"
      "|attention_dropout|attn_pdrop"),

    SIZE(conv_kernel, NULL),
    SIZE(conv_groups, "1"),
    ACT(conv_act, NULL),
    END,
};

#undef IN
#define IN tf_stack_names
const struct tf_field tf_stack_name_fields[] = {
    NAME(tokens), NAME(positions), NAME(types), NAME(tasks),
    NAME(embedding_norm),
    NAME(embedding_projection), NAME(relative), NAME(relative_norm),
    NAME(position_bias), NAME(conv), NAME(conv_norm), NAME(final_norm),
    NAME(output_projection), NAME(attn_norm), NAME(attn_out_norm),
    NAME(attn_post_norm), NAME(attn_sub_norm), NAME(mlp_sub_norm),
    NAME(q), NAME(k), NAME(v), NAME(qkv), NAME(o),
    NAME(q_bias), NAME(v_bias),
    NAME(q_norm), NAME(k_norm), NAME(q_down), NAME(q_down_norm),
    NAME(kv_down), NAME(kv_down_norm), NAME(kv), NAME(sinks),
    NAME(relative_q), NAME(relative_k),
    NAME(content_bias), NAME(place_bias), NAME(segment_bias), NAME(segments),
    NAME(global_q), NAME(global_k), NAME(global_v),
    NAME(global_norm), NAME(global_bias),
    NAME(mlp_norm), NAME(mlp_out_norm), NAME(mlp_post_norm), NAME(up),
    NAME(gate), NAME(gate_up), NAME(down),
    NAME(extra_up), NAME(extra_down), NAME(extra_norm), NAME(narrow),
    NAME(narrow_norm), NAME(narrow_qk), NAME(narrow_qk_norm), NAME(widen),
    NAME(widen_norm), NAME(span_depthwise), NAME(span_pointwise),
    NAME(span_bias), NAME(span_kernel), NAME(span_out),
    NAME(router), NAME(router_bias),
    NAME(expert_up), NAME(expert_gate), NAME(expert_gate_up),
    NAME(expert_down), NAME(expert_up_bias), NAME(expert_gate_bias),
    NAME(expert_gate_up_bias), NAME(expert_down_bias),
    NAME(shared_up), NAME(shared_gate), NAME(shared_gate_up),
    NAME(shared_down), NAME(shared_router), NAME(ssm_in), NAME(ssm_conv),
    NAME(ssm_x), NAME(ssm_dt), NAME(ssm_out), NAME(ssm_a), NAME(ssm_d),
    NAME(ssm_norm), NAME(ssm_dt_bias),
    NAME(cross_norm),
    NAME(cross_post_norm), NAME(cross_q), NAME(cross_k), NAME(cross_v),
    NAME(cross_o),
    END,
};

#undef IN
#define IN tf_head_spec
const struct tf_field tf_head_fields[] = {
    WORD(pool, "all|first|last|eos|mean|late"),
    WORD(global, "none|first|question"),
    SIZE(separator, NULL),
    BOOL(question_apart, NULL),
    STRING(ffn_up, NULL),
    STRING(ffn_down, NULL),
    STRING(ffn_norm, NULL),
    STRING(dense, NULL),
    BOOL(dense_bias, "true"),
    BOOL(dense_in_base, NULL),
    ACT(act, NULL),
    STRING(norm, NULL),
    STRING(out, NULL),
    BOOL(bias, "true"),
    STRING(out_bias, NULL),
    STRING(out_rest, NULL),
    BOOL(tied, NULL),
    BOOL(to_embedding, NULL),
    SIZE(width, NULL),
    BOOL(layer_norm, NULL),
    NUMBER(norm_eps, NULL),
    BOOL(bias_optional, NULL),
    BOOL(no_prefix, NULL),
    STRING(prefix, NULL),
    NUMBER(scale, "1"),
    NUMBER(divisor, "1"),
    NUMBER(soft_cap, NULL),
    BOOL(scale_by_width, NULL),
    NUMBER(dense_dropout, NULL),
    NUMBER(dropout, NULL),
    END,
};
/* clang-format on */

/* Names of Transformers' ACT2FN. */
static const struct {
    const char *name;
    enum tf_act act;
} acts[] = {
    { "none", TF_ACT_NONE },
    { "linear", TF_ACT_NONE },
    { "gelu", TF_ACT_GELU },
    { "gelu_python", TF_ACT_GELU },
    { "gelu_new", TF_ACT_GELU_TANH },
    { "gelu_fast", TF_ACT_GELU_TANH },
    { "gelu_pytorch_tanh", TF_ACT_GELU_TANH },
    { "gelu_python_tanh", TF_ACT_GELU_TANH },
    { "gelu_accurate", TF_ACT_GELU_TANH },
    { "quick_gelu", TF_ACT_QUICK_GELU },
    { "relu", TF_ACT_RELU },
    { "relu2", TF_ACT_RELU2 },
    { "silu", TF_ACT_SILU },
    { "swish", TF_ACT_SILU },
    { "tanh", TF_ACT_TANH },
    { "sigmoid", TF_ACT_SIGMOID },
    /* T5's feed_forward_proj */
    { "gated-gelu", TF_ACT_GELU_TANH },
    { "gated-silu", TF_ACT_SILU },
    { "gated-relu", TF_ACT_RELU },
};

int tf_act_parse(enum tf_act *act, const char *name)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (!strcmp(acts[i].name, name)) {
            *act = acts[i].act;
            return 0;
        }
    return -1;
}

static int bad_value(const struct tf_field *f, json_t *v, const char *wanted,
                     const struct tf_field_source *src, struct tf_err *err)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

    tf_fail(err, "%s.%s: %.60s is not %.300s", src->where, f->name,
            text ? text : "?", wanted);
    free(text);
    return -1;
}

static int as_number(json_t *v, double *out)
{
    const char *s = json_string_value(v);
    char *end;

    if (json_is_boolean(v) || (!json_is_number(v) && !s))
        return -1;
    *out = s ? strtod(s, &end) : json_number_value(v);
    if (s && (end == s || *end))
        return -1;
    return isfinite(*out) ? 0 : -1;
}

static int as_bool(json_t *v, bool *out)
{
    const char *s = json_string_value(v);
    double n;

    if (json_is_boolean(v))
        *out = json_is_true(v);
    else if (s && (!strcmp(s, "true") || !strcmp(s, "false")))
        *out = *s == 't';
    else if (!as_number(v, &n))
        *out = n != 0;
    else
        return -1;
    return 0;
}

/* The place of `word` in "a|b|c", or -1. */
static int word_place(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");

        if (n == len && !memcmp(words, word, n))
            return i;
        if (!words[n])
            return -1;
        words += n + 1;
    }
}

static int store_string(const char **out, json_t *v,
                        const struct tf_field_source *src, struct tf_err *err)
{
    size_t n = json_string_length(v) + 1;
    char *copy = tf_arena_alloc(src->memory, n, 1);

    if (!copy)
        return tf_no_memory(err, n);
    memcpy(copy, json_string_value(v), n);
    *out = *copy ? copy : NULL;
    return 0;
}

/* An enum is written as the unsigned int that it is in memory. */
static int store_word(void *at, const struct tf_field *f, json_t *v,
                      const struct tf_field_source *src, struct tf_err *err)
{
    const char *s = json_string_value(v);
    int place = s ? word_place(f->words, s) : -1;
    unsigned value = (unsigned)place;

    if (place < 0)
        return bad_value(f, v, f->words, src, err);
    memcpy(at, &value, sizeof(value));
    return 0;
}

static int store(void *out, const struct tf_field *f, json_t *v,
                 const struct tf_field_source *src, struct tf_err *err)
{
    void *at = (char *)out + f->offset;
    const char *s = json_string_value(v);
    double n;

    switch (f->kind) {
    case TF_FIELD_SIZE:
        if (as_number(v, &n) || n < 0 || n > INT32_MAX || n != floor(n))
            return bad_value(f, v, "a size", src, err);
        *(size_t *)at = (size_t)n;
        return 0;
    case TF_FIELD_NUMBER:
        if (as_number(v, at))
            return bad_value(f, v, "a number", src, err);
        return 0;
    case TF_FIELD_BOOL:
        if (as_bool(v, at))
            return bad_value(f, v, "true or false", src, err);
        return 0;
    case TF_FIELD_STRING:
        if (!s)
            return bad_value(f, v, "a string", src, err);
        return store_string(at, v, src, err);
    case TF_FIELD_ACT:
        if (!s || tf_act_parse(at, s))
            return bad_value(f, v, "an activation known here", src, err);
        return 0;
    case TF_FIELD_WORD:
        return store_word(at, f, v, src, err);
    case TF_FIELD_JSON:
        /* a word ("none") may be of tf_value()'s own making */
        *(json_t **)at = json_is_string(v) ? NULL : v;
        return 0;
    }
    return -1;
}

static int check_members(const struct tf_field *fields, json_t *object,
                         const char *also, const struct tf_field_source *src,
                         struct tf_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        const struct tf_field *f = fields;

        while (f->name && strcmp(f->name, key))
            f++;
        if (!f->name && !(also && !strcmp(also, key)))
            return tf_fail(err,
                           "%s: an architecture has no field \"%.60s\"; see "
                           "tf-architecture(5)",
                           src->where, key);
    }
    return 0;
}

int tf_fields_read(void *out, const struct tf_field *fields, json_t *object,
                   const char *also, const struct tf_field_source *src,
                   struct tf_err *err)
{
    if (object && !json_is_object(object))
        return tf_fail(err, "%s: not an object", src->where);
    if (check_members(fields, object, also, src, err))
        return -1;
    for (const struct tf_field *f = fields; f->name; f++) {
        json_t *v = tf_value(json_object_get(object, f->name), f->fallback,
                             src->config, src->defaults);
        int failed = v ? store(out, f, v, src, err) : 0;

        json_decref(v);
        if (failed)
            return -1;
    }
    return 0;
}

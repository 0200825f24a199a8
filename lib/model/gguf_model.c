#include "model/gguf_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "model/gguf_names.h"

#define KEY_MAX 128 /* bytes of a metadata key */

/* Metadata under the architecture's name, and members of config.json; several
 * for models that call them otherwise. */
static const struct field {
    const char *key;
    const char *members[4];
    bool real;
} fields[] = {
    { "block_count", { "num_hidden_layers", "n_layer", "num_layers" }, false },
    { "embedding_length", { "hidden_size", "n_embd" }, false },
    { "feed_forward_length",
      { "intermediate_size", "n_inner", "ffn_hidden_size" },
      false },
    { "attention.head_count", { "num_attention_heads", "n_head" }, false },
    { "attention.head_count_kv",
      { "num_key_value_heads", "num_kv_heads" },
      false },
    { "attention.key_length", { "head_dim" }, false },
    { "context_length",
      { "max_position_embeddings", "n_positions", "seq_length" },
      false },
    { "attention.sliding_window", { "sliding_window" }, false },
    { "attention.layer_norm_rms_epsilon", { "rms_norm_eps" }, true },
    { "attention.layer_norm_epsilon",
      { "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps" },
      true },
    { "rope.freq_base", { "rope_theta", "rotary_emb_base" }, true },
    { "rope.freq_base_swa", { "rope_local_base_freq" }, true },
    { "attn_logit_softcapping", { "attn_logit_softcapping" }, true },
    { "final_logit_softcapping", { "final_logit_softcapping" }, true },
    { "logit_scale", { "logit_scale", "logits_scaling" }, true },
    { "residual_scale", { "residual_multiplier" }, true },
    { "embedding_scale", { "embedding_multiplier" }, true },
    { "attention.scale", { "attention_multiplier" }, true },
    { "expert_count", { "num_local_experts", "num_experts" }, false },
    { "expert_used_count", { "num_experts_per_tok" }, false },
    { "expert_feed_forward_length", { "moe_intermediate_size" }, false },
    { "expert_shared_feed_forward_length",
      { "shared_expert_intermediate_size" },
      false },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* llama.cpp calls all of LLaMA's kin one; what tells them apart. */
static const char *variant_of(const struct tf_gguf *g, struct tf_str arch)
{
    int64_t n = 0;

    if (!tf_str_is(arch, "llama"))
        return NULL;
    if (tf_gguf_int(g, "llama.expert_count", &n) && n > 0)
        return "mixtral";
    if (tf_gguf_int(g, "llama.attention.sliding_window", &n) && n > 0)
        return "mistral";
    return "llama";
}

static const struct tf_gguf_arch *find_known(const struct tf_gguf *g,
                                             struct tf_err *err)
{
    const struct tf_gguf_arch *k;
    struct tf_str arch;

    if (!tf_gguf_string(g, "general.architecture", &arch)) {
        tf_fail(err, "no general.architecture: not a model");
        return NULL;
    }
    k = tf_gguf_arch_named(arch, variant_of(g, arch));
    if (k)
        return k;
    tf_fail(err, "GGUF architecture \"%.*s\" is not supported",
            (int)(arch.len < 60 ? arch.len : 60), arch.s);
    return NULL;
}

static const char *key_of(char key[KEY_MAX], const struct tf_gguf_arch *k,
                          const char *name)
{
    snprintf(key, KEY_MAX, "%s.%s", k->name, name);
    return key;
}

/* A number, or of an array (a value for each layer) the first. */
static bool number(const struct tf_gguf *g, const char *key, double *v)
{
    struct tf_gguf_array a;

    return tf_gguf_double(g, key, v) ||
           (tf_gguf_array(g, key, &a) && tf_gguf_next_double(&a, v));
}

/* A float32 of the file as the decimal that was meant: 1e-6, not
 * 9.999999974752427e-07. */
static json_t *decimal(double v)
{
    struct tf_buf b = TF_BUF_INIT;
    json_t *number;

    if (!isfinite(v) || (double)(float)v != v)
        return json_real(v);
    tf_put_float(&b, (float)v);
    number = json_real(strtod(tf_buf_cstr(&b), NULL));
    tf_buf_release(&b);
    return number;
}

static void set_fields(json_t *config, const struct tf_gguf *g,
                       const struct tf_gguf_arch *k)
{
    char key[KEY_MAX];
    size_t i, m;
    double v;

    for (i = 0; i < FIELDS; i++) {
        if (!number(g, key_of(key, k, fields[i].key), &v))
            continue;
        for (m = 0; m < 4 && fields[i].members[m]; m++)
            json_object_set_new(config, fields[i].members[m],
                                fields[i].real ? decimal(v)
                                               : json_integer((json_int_t)v));
    }
}

/* What part of a head turns. */
static void set_rotary(json_t *config, const struct tf_gguf *g,
                       const struct tf_gguf_arch *k)
{
    double dims, head = 0, width, heads;
    char key[KEY_MAX];

    if (!number(g, key_of(key, k, "rope.dimension_count"), &dims))
        return;
    if (!number(g, key_of(key, k, "attention.key_length"), &head) &&
        number(g, key_of(key, k, "embedding_length"), &width) &&
        number(g, key_of(key, k, "attention.head_count"), &heads) && heads > 0)
        head = width / heads;
    if (head > 0) {
        json_object_set_new(config, "partial_rotary_factor",
                            json_real(dims / head));
        json_object_set_new(config, "rotary_pct", json_real(dims / head));
        json_object_set_new(config, "rotary_dim",
                            json_integer((json_int_t)dims));
    }
}

static json_t *numbers(const struct tf_tensor *t)
{
    json_t *list = json_array();
    size_t i;
    float f;

    for (i = 0; i < tf_tensor_count(t); i++) {
        memcpy(&f, (const char *)t->data + i * sizeof(f), sizeof(f));
        json_array_append_new(list, json_real((double)f));
    }
    return list;
}

/* Factors of the frequencies, which Llama 3's and Phi 3's scalings come to,
 * stand as tensors. */
static json_t *factor_scaling(const struct tf_gguf *g,
                              const struct tf_gguf_arch *k)
{
    const struct tf_tensor *one = tf_gguf_find(g, "rope_freqs.weight");
    const struct tf_tensor *far = tf_gguf_find(g, "rope_factors_long.weight");
    const struct tf_tensor *near = tf_gguf_find(g, "rope_factors_short.weight");
    double attention = 1, original = 0;
    char key[KEY_MAX];
    json_t *s;

    far = far ? far : one;
    near = near ? near : one;
    if (!far || !near || far->dtype != TF_F32 || near->dtype != TF_F32)
        return NULL;
    number(g, key_of(key, k, "rope.scaling.attn_factor"), &attention);
    if (!number(g, key_of(key, k, "rope.scaling.original_context_length"),
                &original))
        number(g, key_of(key, k, "context_length"), &original);
    s = json_pack("{s:s, s:f, s:I}", "rope_type", "longrope",
                  "attention_factor", attention,
                  "original_max_position_embeddings", (json_int_t)original);
    json_object_set_new(s, "long_factor", numbers(far));
    json_object_set_new(s, "short_factor", numbers(near));
    return s;
}

static void set_scaling(json_t *config, const struct tf_gguf *g,
                        const struct tf_gguf_arch *k)
{
    json_t *s = factor_scaling(g, k);
    double factor, original;
    struct tf_str type;
    char key[KEY_MAX];

    if (!s && tf_gguf_string(g, key_of(key, k, "rope.scaling.type"), &type) &&
        (tf_str_is(type, "linear") || tf_str_is(type, "yarn")) &&
        number(g, key_of(key, k, "rope.scaling.factor"), &factor)) {
        s = json_pack("{s:s%, s:f}", "rope_type", type.s, type.len, "factor",
                      factor);
        if (number(g, key_of(key, k, "rope.scaling.original_context_length"),
                   &original))
            json_object_set_new(s, "original_max_position_embeddings",
                                json_integer((json_int_t)original));
    }
    if (s)
        json_object_set_new(config, "rope_scaling", s);
}

/* Which layers have a window: all but the last of so many, or as listed. */
static void set_layer_types(json_t *config, const struct tf_gguf *g,
                            const struct tf_gguf_arch *k)
{
    struct tf_gguf_array list = { 0 };
    int64_t layers = 0, every = 0, local;
    char key[KEY_MAX];
    json_t *types;

    tf_gguf_int(g, key_of(key, k, "block_count"), &layers);
    key_of(key, k, "attention.sliding_window_pattern");
    if (!tf_gguf_array(g, key, &list) && !tf_gguf_int(g, key, &every))
        return;
    types = json_array();
    for (int64_t i = 0; i < layers && i < INT16_MAX; i++) {
        if (!tf_gguf_next_int(&list, &local))
            local = every <= 0 || i % every < every - 1;
        json_array_append_new(
            types, json_string(local ? "sliding_attention" : "full_attention"));
    }
    json_object_set_new(config, "layer_types", types);
}

static size_t whole(json_t *config, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(config, key));

    return v > 0 ? (size_t)v : 0;
}

/* What no key says: llama.cpp looks at the tensors, or knows it of an
 * architecture. */
static void set_silent(json_t *config, const struct tf_gguf *g,
                       const struct tf_gguf_arch *k)
{
    const struct tf_tensor *types = tf_gguf_find(g, "token_types.weight");
    size_t heads = whole(config, "num_attention_heads");
    size_t scale;

    if (types && types->ndim == 2)
        json_object_set_new(config, "type_vocab_size",
                            json_integer((json_int_t)types->dim[0]));
    if (tf_gguf_find(g, "blk.0.attn_q.bias"))
        json_object_set_new(config, "attention_bias", json_true());
    if (tf_gguf_find(g, "blk.0.ffn_down.bias"))
        json_object_set_new(config, "mlp_bias", json_true());
    if (!strcmp(k->name, "qwen3moe"))
        json_object_set_new(config, "norm_topk_prob", json_true());
    scale = tf_gguf_scale_of(k, whole(config, "num_hidden_layers"),
                             whole(config, "hidden_size") / (heads ? heads : 1),
                             whole(config, "head_dim"));
    if (scale)
        json_object_set_new(config, "query_pre_attn_scalar",
                            json_integer((json_int_t)scale));
}

/* Tokens that end a turn of a chat, which files often leave unsaid: llama.cpp
 * knows them by their texts. */
static bool ends_turn(struct tf_str text)
{
    static const char *const ends[] = {
        "<|eot_id|>", "<|im_end|>",      "<|end|>",       "<end_of_turn>",
        "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|return|>",
        "<EOT>",      "[EOT]",           "<turn|>",       "<end_of_utterance>",
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (tf_str_is(text, ends[i]))
            return true;
    return false;
}

static void add_turn_ends(json_t *eos, const struct tf_gguf *g)
{
    enum { CONTROL = 3 }; /* llama.cpp's token type */
    int64_t first = json_integer_value(json_array_get(eos, 0)), type;
    struct tf_gguf_array tokens, types;
    struct tf_str text;
    json_int_t id;

    if (!tf_gguf_array(g, "tokenizer.ggml.tokens", &tokens) ||
        !tf_gguf_array(g, "tokenizer.ggml.token_type", &types))
        return;
    for (id = 0;
         tf_gguf_next_string(&tokens, &text) && tf_gguf_next_int(&types, &type);
         id++)
        if (type == CONTROL && id != first && ends_turn(text))
            json_array_append_new(eos, json_integer(id));
}

static void set_tokens(json_t *config, const struct tf_gguf *g)
{
    static const char *const ids[][2] = {
        { "tokenizer.ggml.bos_token_id", "bos_token_id" },
        { "tokenizer.ggml.eos_token_id", "eos_token_id" },
        { "tokenizer.ggml.padding_token_id", "pad_token_id" },
        { "tokenizer.ggml.eot_token_id", "eot_token_id" },
    };
    int64_t id, eos, eot;
    json_t *all;
    size_t i;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (tf_gguf_int(g, ids[i][0], &id))
            json_object_set_new(config, ids[i][1], json_integer(id));
    /* a chat model ends its turn with another token than its text */
    if (!tf_gguf_int(g, ids[1][0], &eos))
        return;
    all = json_pack("[I]", (json_int_t)eos);
    if (!tf_gguf_int(g, ids[3][0], &eot))
        add_turn_ends(all, g);
    else if (eot != eos)
        json_array_append_new(all, json_integer(eot));
    if (json_array_size(all) > 1)
        json_object_set(config, "eos_token_id", all);
    json_decref(all);
}

json_t *tf_gguf_config(const struct tf_gguf *g, struct tf_err *err)
{
    const struct tf_gguf_arch *k = find_known(g, err);
    const struct tf_tensor *tokens = tf_gguf_find(g, "token_embd.weight");
    json_t *config;

    if (!k)
        return NULL;
    if (!tokens || tokens->ndim != 2) {
        tf_fail(err, "no token_embd.weight with two dimensions");
        return NULL;
    }
    config =
        json_pack("{s:s, s:I, s:b}", "model_type", k->model_type, "vocab_size",
                  (json_int_t)tokens->dim[0], "tie_word_embeddings",
                  tf_gguf_find(g, "output.weight") == NULL);
    if (!config) {
        tf_no_memory(err, sizeof(*config));
        return NULL;
    }
    set_fields(config, g, k);
    set_rotary(config, g, k);
    set_scaling(config, g, k);
    set_layer_types(config, g, k);
    set_silent(config, g, k);
    set_tokens(config, g);
    return config;
}

/* "gguf|prefix.name": the name in a GGUF, then Transformers' (the first of
 * each), by which adapters know the module. */
static json_t *both_names(const char *gguf, json_t *prefix, json_t *old)
{
    const char *p = json_string_value(prefix), *s = json_string_value(old);
    size_t n = p ? strcspn(p, "|") : 0;
    struct tf_buf b = TF_BUF_INIT;
    json_t *v;

    tf_buf_adds(&b, gguf);
    if (s && *s != '$') {
        tf_buf_adds(&b, "|");
        if (n)
            tf_buf_add(&b, p, n);
        tf_buf_adds(&b, n ? "." : "");
        tf_buf_add(&b, s, strcspn(s, "|"));
    }
    v = json_string(tf_buf_cstr(&b));
    tf_buf_release(&b);
    return v;
}

/* Give every role that the row has its name in a GGUF. */
static void rename_roles(json_t *row, json_t *prefix)
{
    const char *role, *name;
    json_t *old;
    void *next;

    json_object_foreach_safe(row, next, role, old)
    {
        name = json_is_null(old) ? NULL : tf_gguf_role(role);
        if (name)
            json_object_set_new(row, role, both_names(name, prefix, old));
    }
}

/* A GGUF has each expert's gate apart, as [out][in]. */
static void split_gates(json_t *stack)
{
    static const char *const split[][3] = {
        { "expert_gate_up", "expert_gate", "expert_up" },
        { "expert_gate_up_bias", "expert_gate_bias", "expert_up_bias" },
    };
    json_t *names = json_object_get(stack, "names");

    for (size_t i = 0; i < 2; i++) {
        if (!json_object_get(names, split[i][0]))
            continue;
        json_object_del(names, split[i][0]);
        json_object_set_new(names, split[i][1], json_string("$"));
        json_object_set_new(names, split[i][2], json_string("$"));
    }
    json_object_del(stack, "experts_transposed");
    json_object_del(stack, "experts_interleaved");
}

int tf_gguf_row(json_t *row, const struct tf_gguf *g, struct tf_err *err)
{
    const struct tf_gguf_arch *k = find_known(g, err);
    json_t *stack = json_object_get(row, "decoder"), *head;

    if (!k)
        return -1;
    if (!stack)
        stack = json_object_get(row, "encoder");
    split_gates(stack);
    rename_roles(json_object_get(stack, "names"),
                 json_object_get(row, "prefix"));
    if (!strcmp(k->name, "gpt-oss"))
        json_object_set_new(json_object_get(stack, "names"), "mlp_norm",
                            json_string("blk.{}.post_attention_norm"));
    json_object_del(row, "prefix");
    json_object_del(stack, "transposed");
    if (k->permuted)
        json_object_set_new(stack, "rotary_interleaved", json_true());
    if (k->norm_plus_one)
        json_object_del(stack, "norm_offset");
    if (json_object_get(json_object_get(stack, "names"), "qkv"))
        json_object_set_new(stack, "qkv_order", json_string("side_by_side"));
    head = json_object_get(json_object_get(row, "heads"), "causal-lm");
    if (head) {
        json_object_set_new(
            head, "out",
            both_names("output", NULL, json_object_get(head, "out")));
        json_object_set_new(head, "tied",
                            json_boolean(!tf_gguf_find(g, "output.weight")));
    }
    return 0;
}

struct tf_gguf_rows tf_gguf_rows(const struct tf_gguf *g)
{
    static const char *const grouped[] = { "gptneox", "bloom", "falcon" };
    struct tf_gguf_rows rows = { false, false };
    struct tf_err err;
    const struct tf_gguf_arch *k = find_known(g, &err);

    rows.pairs = k && k->permuted;
    for (size_t i = 0; k && i < 3; i++)
        rows.groups = rows.groups || !strcmp(k->name, grouped[i]);
    return rows;
}

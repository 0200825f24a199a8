#include "model/gguf_model.h"

#include <stdio.h>
#include <string.h>
#include "base/buf.h"
#include "base/mem.h"

#define KEY_MAX 128 /* bytes of a metadata key */

/* general.architecture, Transformers' model_type, and what the writer did. */
static const struct known {
    const char *name, *model_type;
    /* q and k stored so that rotary pairs lie side by side (llama.cpp's
     * permutation of Hugging Face's weights) */
    bool permuted;
    bool norm_plus_one; /* 1 is already added to the norms' weights */
} known[] = {
    { "llama", "llama", true, false },
    { "mistral3", "mistral", true, false },
    { "smollm3", "smollm3", true, false },
    { "granite", "granite", true, false },
    { "qwen2", "qwen2", false, false },
    { "qwen3", "qwen3", false, false },
    { "gemma", "gemma", false, true },
    { "gemma2", "gemma2", false, true },
    { "gemma3", "gemma3_text", false, true },
    { "gpt2", "gpt2", false, false },
    { "gptneox", "gpt_neox", false, false },
    { "gptj", "gptj", false, false },
    { "bloom", "bloom", false, false },
    { "falcon", "falcon", false, false },
    { "phi2", "phi", false, false },
    { "phi3", "phi3", false, false },
    { "stablelm", "stablelm", false, false },
    { "starcoder2", "starcoder2", false, false },
    { "olmo2", "olmo2", false, false },
    { "command-r", "cohere", false, false },
    { "bert", "bert", false, false },
};

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
      { "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon" },
      true },
    { "rope.freq_base", { "rope_theta", "rotary_emb_base" }, true },
    { "attn_logit_softcapping", { "attn_logit_softcapping" }, true },
    { "final_logit_softcapping", { "final_logit_softcapping" }, true },
    { "logit_scale", { "logit_scale", "logits_scaling" }, true },
    { "residual_scale", { "residual_multiplier" }, true },
    { "embedding_scale", { "embedding_multiplier" }, true },
    { "attention.scale", { "attention_multiplier" }, true },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Roles of tf_stack_names and their names in a GGUF. */
static const char *const names[][2] = {
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
};

static const struct known *find_known(const struct tf_gguf *g,
                                      struct tf_err *err)
{
    struct tf_str arch;
    size_t i;

    if (!tf_gguf_string(g, "general.architecture", &arch)) {
        tf_fail(err, "no general.architecture: not a model");
        return NULL;
    }
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (tf_str_is(arch, known[i].name))
            return &known[i];
    tf_fail(err, "GGUF architecture \"%.*s\" is not supported",
            (int)(arch.len < 60 ? arch.len : 60), arch.s);
    return NULL;
}

static const char *key_of(char key[KEY_MAX], const struct known *k,
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

static void set_fields(json_t *config, const struct tf_gguf *g,
                       const struct known *k)
{
    char key[KEY_MAX];
    size_t i, m;
    double v;

    for (i = 0; i < FIELDS; i++) {
        if (!number(g, key_of(key, k, fields[i].key), &v))
            continue;
        for (m = 0; m < 4 && fields[i].members[m]; m++)
            json_object_set_new(config, fields[i].members[m],
                                fields[i].real ? json_real(v)
                                               : json_integer((json_int_t)v));
    }
}

/* What part of a head turns. */
static void set_rotary(json_t *config, const struct tf_gguf *g,
                       const struct known *k)
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
static json_t *factor_scaling(const struct tf_gguf *g, const struct known *k)
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
                        const struct known *k)
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

static void set_tokens(json_t *config, const struct tf_gguf *g)
{
    static const char *const ids[][2] = {
        { "tokenizer.ggml.bos_token_id", "bos_token_id" },
        { "tokenizer.ggml.eos_token_id", "eos_token_id" },
        { "tokenizer.ggml.padding_token_id", "pad_token_id" },
        { "tokenizer.ggml.eot_token_id", "eot_token_id" },
    };
    int64_t id, eos, eot;
    size_t i;

    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (tf_gguf_int(g, ids[i][0], &id))
            json_object_set_new(config, ids[i][1], json_integer(id));
    /* a chat model ends its turn with another token than its text */
    if (tf_gguf_int(g, ids[1][0], &eos) && tf_gguf_int(g, ids[3][0], &eot) &&
        eos != eot)
        json_object_set_new(
            config, "eos_token_id",
            json_pack("[I,I]", (json_int_t)eos, (json_int_t)eot));
}

json_t *tf_gguf_config(const struct tf_gguf *g, struct tf_err *err)
{
    const struct known *k = find_known(g, err);
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
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *old = json_object_get(row, names[i][0]);

        if (old && !json_is_null(old))
            json_object_set_new(row, names[i][0],
                                both_names(names[i][1], prefix, old));
    }
}

int tf_gguf_row(json_t *row, const struct tf_gguf *g, struct tf_err *err)
{
    const struct known *k = find_known(g, err);
    json_t *stack = json_object_get(row, "decoder"), *head;

    if (!k)
        return -1;
    if (!stack)
        stack = json_object_get(row, "encoder");
    rename_roles(json_object_get(stack, "names"),
                 json_object_get(row, "prefix"));
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
    const struct known *k = find_known(g, &err);

    rows.pairs = k && k->permuted;
    for (size_t i = 0; k && i < 3; i++)
        rows.groups = rows.groups || !strcmp(k->name, grouped[i]);
    return rows;
}

#include "model/gguf_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/config.h"
#include "model/rope.h"

#define KEY_MAX 128 /* bytes of a metadata key */

/* What the keys of an architecture go through. */
struct description {
    struct tf_gguf_meta *meta;
    const struct tf_gguf_arch *known;
    const struct tf_stack_spec *spec;
    char key[KEY_MAX];
};

static const char *key_of(struct description *d, const char *name)
{
    snprintf(d->key, sizeof(d->key), "%s.%s", d->known->name, name);
    return d->key;
}

static void put_size(struct description *d, const char *name, size_t v)
{
    tf_gguf_put_u32(d->meta, key_of(d, name), (uint32_t)v);
}

static void put_number(struct description *d, const char *name, double v)
{
    tf_gguf_put_f32(d->meta, key_of(d, name), v);
}

static const char *scaling_of(const struct tf_stack_spec *s)
{
    const char *kind =
        json_string_value(tf_config_get(s->rotary_scaling, "rope_type|type"));

    return kind && strcmp(kind, "default") ? kind : NULL;
}

static void put_given(struct description *d, const char *name, const char *keys)
{
    json_t *v = tf_config_get(d->spec->rotary_scaling, keys);

    if (json_is_number(v))
        put_number(d, name, json_number_value(v));
}

static int put_scaling(struct description *d, struct tf_err *err)
{
    const struct tf_stack_spec *s = d->spec;
    const char *kind = s->rotary ? scaling_of(s) : NULL;
    json_t *original =
        tf_config_get(s->rotary_scaling, "original_max_position_embeddings");

    if (!kind || !strcmp(kind, "llama3"))
        return 0; /* llama3: a tensor says it */
    if (strcmp(kind, "linear") && strcmp(kind, "yarn"))
        return tf_fail(err,
                       "a GGUF has no word for rotary positions scaled by "
                       "\"%.60s\"",
                       kind);
    tf_gguf_put_string(d->meta, key_of(d, "rope.scaling.type"),
                       (struct tf_str){ kind, strlen(kind) });
    put_given(d, "rope.scaling.factor", "factor");
    if (json_is_integer(original))
        put_size(d, "rope.scaling.original_context_length",
                 (size_t)json_integer_value(original));
    if (!strcmp(kind, "yarn")) {
        put_given(d, "rope.scaling.yarn_attn_factor", "attention_factor");
        put_given(d, "rope.scaling.yarn_beta_fast", "beta_fast");
        put_given(d, "rope.scaling.yarn_beta_slow", "beta_slow");
    }
    return 0;
}

float *tf_gguf_rope_factors(const struct tf_stack_spec *s, int *failed,
                            struct tf_err *err)
{
    const char *kind = s->rotary ? scaling_of(s) : NULL;
    float *factors;

    *failed = 0;
    if (!kind || strcmp(kind, "llama3"))
        return NULL;
    factors = tf_alloc(s->rotary_dims / 2, sizeof(*factors), err);
    *failed = !factors || tf_rope_stretch(s, factors, err);
    if (*failed) {
        free(factors);
        return NULL;
    }
    return factors;
}

/* The last of every so many layers has no window, as llama.cpp assumes. */
static bool has_pattern(const struct tf_stack_spec *s, size_t every)
{
    for (size_t i = 0; i < s->layers; i++)
        if (s->local[i] != (i % every < every - 1))
            return false;
    return true;
}

static int put_window(struct description *d, struct tf_err *err)
{
    const struct tf_stack_spec *s = d->spec;
    const char *name = d->known->name;
    size_t local = 0, every = !strcmp(name, "gemma2")   ? 2
                              : !strcmp(name, "gemma3") ? 6
                                                        : 0;

    for (size_t i = 0; i < s->layers; i++)
        local += s->local[i];
    if (!local)
        return 0;
    /* llama.cpp knows no windows of Mistral's, and passes over the key */
    if (!every && (strcmp(name, "llama") || local < s->layers))
        return tf_fail(err,
                       "a GGUF of the architecture %s has no word for layers "
                       "with a window of %zu",
                       name, s->window);
    put_size(d, "attention.sliding_window", s->window);
    if (every && !has_pattern(s, every)) {
        tf_gguf_put_bools(
            d->meta, key_of(d, "attention.sliding_window_pattern"), s->layers);
        for (size_t i = 0; i < s->layers; i++)
            tf_gguf_add_bool(d->meta, s->local[i]);
    }
    return 0;
}

static void put_rotary(struct description *d)
{
    const struct tf_stack_spec *s = d->spec;

    if (!s->rotary)
        return;
    put_size(d, "attention.head_count_kv", s->kv_heads);
    put_size(d, "attention.key_length", s->head_size);
    put_size(d, "attention.value_length", s->head_size);
    put_size(d, "rope.dimension_count", s->rotary_dims);
    put_number(d, "rope.freq_base", s->rotary_theta);
    if (s->local_rotary_theta != s->rotary_theta)
        put_number(d, "rope.freq_base_swa", s->local_rotary_theta);
}

/* The activation is not said, but taken for granted. */
static int check_act(const struct description *d, struct tf_err *err)
{
    const char *name = d->known->name;
    enum tf_act act = d->spec->act, usual = TF_ACT_SILU;

    if (!strcmp(name, "gpt2") || !strncmp(name, "gemma", 5))
        usual = TF_ACT_GELU_TANH;
    if (!strcmp(name, "bert"))
        usual = act == TF_ACT_GELU_TANH ? act : TF_ACT_GELU;
    return act == usual ? 0
                        : tf_fail(err,
                                  "a GGUF of the architecture %s has no word "
                                  "for another activation than its own",
                                  name);
}

static int put_experts(struct description *d, struct tf_err *err)
{
    const struct tf_stack_spec *s = d->spec;
    bool always =
        !strcmp(d->known->name, "llama") || !strcmp(d->known->name, "qwen3moe");

    if (!s->experts)
        return 0;
    for (size_t i = 0; i < s->layers; i++)
        if (!s->sparse[i])
            return tf_fail(err,
                           "a GGUF of the architecture %s has no word for "
                           "layers without experts",
                           d->known->name);
    if (s->experts_renormed != always)
        return tf_fail(err,
                       "a GGUF of the architecture %s has no word for a "
                       "norm_topk_prob of %s",
                       d->known->name, always ? "false" : "true");
    put_size(d, "expert_count", s->experts);
    put_size(d, "expert_used_count", s->experts_per_token);
    put_size(d, "expert_feed_forward_length", s->expert_ffn);
    if (s->names.shared_up)
        put_size(d, "expert_shared_feed_forward_length", s->shared_ffn);
    return 0;
}

static void put_sizes(struct description *d, const struct tf_arch *arch)
{
    const struct tf_stack_spec *s = d->spec;

    put_size(d, "block_count", s->layers);
    put_size(d, "context_length", s->max_positions);
    put_size(d, "embedding_length", s->width);
    put_size(d, "feed_forward_length", s->ffn);
    put_size(d, "attention.head_count", s->heads);
    put_size(d, "vocab_size", s->vocab);
    put_number(d,
               s->norm == TF_RMS_NORM ? "attention.layer_norm_rms_epsilon"
                                      : "attention.layer_norm_epsilon",
               s->norm_eps);
    if (s->attention_soft_cap > 0)
        put_number(d, "attn_logit_softcapping", s->attention_soft_cap);
    if (arch->heads[TF_CAUSAL_LM].soft_cap > 0)
        put_number(d, "final_logit_softcapping",
                   arch->heads[TF_CAUSAL_LM].soft_cap);
    if (!s->causal)
        tf_gguf_put_bool(d->meta, key_of(d, "attention.causal"), false);
    if (s->types)
        tf_gguf_put_u32(d->meta, "tokenizer.ggml.token_type_count",
                        (uint32_t)s->types);
}

int tf_gguf_describe(struct tf_gguf_meta *m, const struct tf_gguf_arch *k,
                     const struct tf_arch *arch, struct tf_err *err)
{
    struct description d = { .meta = m, .known = k };

    d.spec = arch->has_decoder ? &arch->decoder : &arch->encoder;
    if (check_act(&d, err))
        return -1;
    tf_gguf_put_string(m, "general.architecture",
                       (struct tf_str){ k->name, strlen(k->name) });
    put_sizes(&d, arch);
    put_rotary(&d);
    return put_experts(&d, err) || put_scaling(&d, err) || put_window(&d, err)
               ? -1
               : 0;
}

#include "convert/select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/arch_fields.h"
#include "model/bind.h"

#define NAME_MAX_BYTES 512

struct spelling {
    struct tf_plan *plan;
    const struct tf_gguf_arch *known;
    const struct tf_stack_spec *spec;
    struct tf_bind bind; /* finds what the model calls a role */
};

/* The first spelling of a GGUF's pattern, the layer in the place of {}. */
static void expand(char out[NAME_MAX_BYTES], const char *pattern, size_t layer,
                   const char *suffix)
{
    size_t head = strcspn(pattern, "{");

    if (pattern[head])
        snprintf(out, NAME_MAX_BYTES, "%.*s%zu%s%s", (int)head, pattern, layer,
                 pattern + head + 2, suffix);
    else
        snprintf(out, NAME_MAX_BYTES, "%s%s", pattern, suffix);
}

static bool is_linear(const char *role)
{
    static const char *const roles[] = { "q",  "k",    "v",       "qkv", "o",
                                         "up", "gate", "gate_up", "down" };

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (!strcmp(role, roles[i]))
            return true;
    return false;
}

/* llama.cpp takes the scale of Gemma's scores from the sizes: where the model
 * has another, what q is multiplied with last makes up for it. */
static float scale_to_fold(const struct spelling *s, const char *role,
                           const char *suffix)
{
    const struct tf_stack_spec *spec = s->spec;
    size_t usual = tf_gguf_scale_of(s->known, spec->layers,
                                    spec->width / spec->heads, spec->head_size);
    size_t scale =
        spec->attention_scale_of ? spec->attention_scale_of : spec->head_size;

    if (!usual || usual == scale || strcmp(suffix, ".weight") ||
        strcmp(role, spec->names.q_norm ? "q_norm" : "q"))
        return 0;
    return (float)sqrt((double)usual / (double)scale);
}

/* What a GGUF has otherwise than Transformers; each is undone when one is read
 * (select_gguf.c). */
static int set_changes(const struct spelling *s, struct tf_made *m,
                       const char *role, const char *suffix, struct tf_err *err)
{
    size_t n = strlen(role);

    if (s->known->norm_plus_one && n >= 4 && !strcmp(role + n - 4, "norm") &&
        !strcmp(suffix, ".weight"))
        m->add = (float)s->spec->norm_offset;
    m->times = scale_to_fold(s, role, suffix);
    if (m->times != 0)
        m->add *= m->times;
    if (s->spec->transposed && m->from->ndim == 2 && is_linear(role)) {
        m->turned = true;
        m->to.dim[0] = m->from->dim[1];
        m->to.dim[1] = m->from->dim[0];
    }
    if (!strcmp(role, "shared_router") && m->from->ndim == 2) {
        m->to.ndim = 1; /* of one row */
        m->to.dim[0] = m->from->dim[1];
    }
    if (!s->known->permuted || (strcmp(role, "q") && strcmp(role, "k")))
        return 0;
    m->order = TF_ROWS_HALVED;
    m->heads = role[0] == 'q' ? s->spec->heads : s->spec->kv_heads;
    if (m->from->ndim && m->from->dim[0] % (2 * m->heads) == 0)
        return 0;
    return tf_fail(err, "%s: its rows do not fit %zu heads", m->name, m->heads);
}

static struct tf_made *add(struct spelling *s, const char *pattern,
                           struct tf_place at, const char *suffix,
                           const char *name, struct tf_err *err)
{
    char found[NAME_MAX_BYTES];
    const struct tf_tensor *t =
        tf_bind_find(&s->bind, pattern, at, suffix, found, sizeof(found));
    size_t place = tf_weights_index(s->bind.weights, found);
    struct tf_made *m;

    if (!t) {
        tf_fail(err, "tensor \"%.300s\" is missing", found);
        return NULL;
    }
    m = tf_plan_add(s->plan, name, t, err);
    if (!m)
        return NULL;
    tf_weights_at(s->bind.weights, place, &m->source);
    s->bind.used[place] = 1;
    return m;
}

/* Experts of a layer, which a GGUF has in one tensor. */
static int add_experts(struct spelling *s, const char *role,
                       const char *pattern, size_t layer, struct tf_err *err)
{
    struct tf_place at = { .layer = layer };
    char name[NAME_MAX_BYTES], found[NAME_MAX_BYTES], *dot;
    size_t n = s->spec->experts, place;
    struct tf_made *m;

    expand(name, tf_gguf_role(role), layer, "");
    dot = strrchr(name, '.'); /* before {expert} */
    strcpy(dot, ".weight");
    m = add(s, pattern, at, ".weight", name, err);
    if (!m)
        return -1;
    m->parts = tf_alloc(n, sizeof(m->parts[0]), err);
    if (!m->parts)
        return -1;
    m->part_count = n;
    for (; at.part < n; at.part++) {
        const struct tf_tensor *t = tf_bind_find(
            &s->bind, pattern, at, ".weight", found, sizeof(found));

        if (!t || t->ndim != 2 || t->dim[0] != m->from->dim[0] ||
            t->dim[1] != m->from->dim[1] || t->dtype != m->from->dtype)
            return tf_fail(
                err, "%.300s: missing, or not like the other experts", found);
        place = tf_weights_index(s->bind.weights, found);
        m->parts[at.part].t = t;
        tf_weights_at(s->bind.weights, place, &m->parts[at.part].name);
        s->bind.used[place] = 1;
    }
    m->to.ndim = 3;
    m->to.dim[0] = n;
    m->to.dim[1] = m->from->dim[0];
    m->to.dim[2] = m->from->dim[1];
    return 0;
}

static bool has(struct spelling *s, const char *pattern, struct tf_place at,
                const char *suffix)
{
    char name[NAME_MAX_BYTES];

    return tf_bind_find(&s->bind, pattern, at, suffix, name, sizeof(name));
}

static int add_role(struct spelling *s, const char *role, const char *pattern,
                    size_t layer, struct tf_err *err)
{
    static const char *const suffixes[] = { ".weight", ".bias" };
    struct tf_place at = { .layer = layer };
    char name[NAME_MAX_BYTES];

    for (int i = 0; i < 2; i++) {
        struct tf_made *m;

        if (i && !has(s, pattern, at, suffixes[i]))
            break;
        expand(name, tf_gguf_role(role), layer, suffixes[i]);
        m = add(s, pattern, at, suffixes[i], name, err);
        if (!m || set_changes(s, m, role, suffixes[i], err))
            return -1;
    }
    return 0;
}

/* The model's pattern for a role; NULL when it has no such tensors. */
static const char *pattern_of(const struct spelling *s,
                              const struct tf_field *role)
{
    const char *pattern;

    memcpy(&pattern, (const char *)&s->spec->names + role->offset,
           sizeof(pattern));
    return pattern;
}

/* What layers with experts have not; that all have them is checked. */
static bool is_dense(const char *role)
{
    return !strcmp(role, "up") || !strcmp(role, "gate") ||
           !strcmp(role, "down");
}

static int add_stack(struct spelling *s, struct tf_err *err)
{
    const struct tf_field *f;
    size_t layer;

    for (f = tf_stack_name_fields; f->name; f++) {
        const char *pattern = pattern_of(s, f), *gguf = tf_gguf_role(f->name);

        if (!pattern)
            continue;
        if (!gguf)
            return tf_fail(err, "a GGUF has no name for %s", f->name);
        if (!strchr(gguf, '{') && add_role(s, f->name, pattern, 0, err))
            return -1;
    }
    for (layer = 0; layer < s->spec->layers; layer++)
        for (f = tf_stack_name_fields; f->name; f++) {
            const char *pattern = pattern_of(s, f);

            if (!pattern || !strchr(tf_gguf_role(f->name), '{') ||
                (s->spec->experts && is_dense(f->name)))
                continue;
            if (strstr(tf_gguf_role(f->name), "{expert}")
                    ? add_experts(s, f->name, pattern, layer, err)
                    : add_role(s, f->name, pattern, layer, err))
                return -1;
        }
    return 0;
}

/* The head over the vocabulary, where it is not the table of tokens. */
static int add_output(struct spelling *s, const struct tf_source *source,
                      struct tf_err *err)
{
    const struct tf_head_spec *head = &source->arch.heads[TF_CAUSAL_LM];
    struct tf_place none = { 0 };
    struct tf_made *m;

    if (!head->present || head->tied || !has(s, head->out, none, ".weight"))
        return 0;
    m = add(s, head->out, none, ".weight", "output.weight", err);
    if (m && has(s, head->out, none, ".bias"))
        m = add(s, head->out, none, ".bias", "output.bias", err);
    return m ? 0 : -1;
}

/* Parts of a model that a GGUF does without: what is computed, the heads of
 * encoders, the table of tokens under its other name. */
static bool is_spare(const struct tf_source *source, const char *name,
                     const struct tf_tensor *t)
{
    static const char *const parts[] = {
        "rotary_emb.inv_freq", ".attn.bias",    ".masked_bias",
        "position_ids",        "vision_tower.", "multi_modal_projector.",
    };
    const struct tf_head_spec *head = &source->arch.heads[TF_CAUSAL_LM];

    if (!tf_dtype_is_float(t->dtype) || source->arch.has_encoder ||
        (head->tied && strstr(name, "lm_head.")))
        return true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strstr(name, parts[i]))
            return true;
    return false;
}

static int check_rest(const struct spelling *s, const struct tf_source *source,
                      struct tf_err *err)
{
    const char *name;

    for (size_t i = 0; i < tf_weights_count(source->weights); i++) {
        const struct tf_tensor *t = tf_weights_at(source->weights, i, &name);

        if (!s->bind.used[i] && !is_spare(source, name, t))
            return tf_fail(err,
                           "%.200s: a GGUF of the architecture %s has no place "
                           "for this tensor",
                           name, s->known->name);
    }
    return 0;
}

int tf_select_for_gguf(struct tf_plan *plan, const struct tf_source *source,
                       const struct tf_gguf_arch *k, struct tf_err *err)
{
    struct spelling s = {
        .plan = plan,
        .known = k,
        .spec = tf_source_reader(source),
        .bind = { .weights = source->weights, .prefix = source->arch.prefix },
    };
    int failed;

    s.bind.used = tf_alloc(tf_weights_count(source->weights), 1, err);
    failed = !s.bind.used || add_stack(&s, err) ||
             add_output(&s, source, err) || check_rest(&s, source, err);
    free(s.bind.used);
    return failed ? -1 : 0;
}

#include "model/stack.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "model/adapter.h"
#include "model/bind_grouped.h"
#include "model/bind_norm.h"
#include "model/experts.h"
#include "model/latent.h"
#include "model/moved_rows.h"
#include "model/narrow.h"
#include "model/positions.h"
#include "model/relative.h"
#include "model/span.h"
#include "model/ssm.h"
#include "model/token_conv.h"

/* Sizes that shapes are made of. */
enum size {
    WIDTH,
    EMBEDDING,
    EMBEDDED, /* what the embeddings' projection reads */
    INNER,    /* within a layer */
    VALUED,   /* what values are made of */
    QUERIES,  /* all heads */
    ATTENDED, /* what attention gives */
    KEYS,     /* all key heads */
    VALUES,   /* of them */
    QKV,
    FFN,
    FFN_TWICE,
    SOURCE, /* width of the encoder */
    SIZES
};

enum bias {
    NO_BIAS,
    ATTENTION,
    ATTENTION_OUT,
    RELATIVE,
    MLP,
    MLP_OUT,
    PROJECTION
};

/* A matrix or norm of each layer, or of the stack: where its name stands in
 * tf_stack_names, where it goes, and its shape. A norm has no `in`. */
struct slot {
    size_t name, at;
    enum size out, in;
    enum bias bias;
};

#define NAME(f)  offsetof(struct tf_stack_names, f)
#define LAYER(f) offsetof(struct tf_layer, f)
#define STACK(f) offsetof(struct tf_stack, f)

static const struct slot layer_weights[] = {
    { NAME(q), LAYER(q), QUERIES, INNER, ATTENTION },
    { NAME(k), LAYER(k), KEYS, INNER, ATTENTION },
    { NAME(v), LAYER(v), VALUES, VALUED, ATTENTION },
    { NAME(qkv), LAYER(qkv), QKV, WIDTH, ATTENTION },
    { NAME(o), LAYER(o), INNER, ATTENDED, ATTENTION_OUT },
    { NAME(global_q), LAYER(global_q), QUERIES, WIDTH, ATTENTION },
    { NAME(global_k), LAYER(global_k), KEYS, WIDTH, ATTENTION },
    { NAME(global_v), LAYER(global_v), KEYS, WIDTH, ATTENTION },
    { NAME(relative_q), LAYER(relative_q), QUERIES, WIDTH, RELATIVE },
    { NAME(relative_k), LAYER(relative_k), QUERIES, WIDTH, ATTENTION },
    { NAME(cross_q), LAYER(cross_q), QUERIES, WIDTH, ATTENTION },
    { NAME(cross_k), LAYER(cross_k), KEYS, SOURCE, ATTENTION },
    { NAME(cross_v), LAYER(cross_v), KEYS, SOURCE, ATTENTION },
    { NAME(cross_o), LAYER(cross_o), WIDTH, QUERIES, ATTENTION_OUT },
};

static const struct slot dense_weights[] = {
    { NAME(up), LAYER(up), FFN, INNER, MLP },
    { NAME(gate), LAYER(gate), FFN, INNER, MLP },
    { NAME(gate_up), LAYER(gate_up), FFN_TWICE, INNER, MLP },
    { NAME(down), LAYER(down), INNER, FFN, MLP_OUT },
};

static const struct slot layer_norms[] = {
    { NAME(attn_norm), LAYER(attn_norm), WIDTH, 0, 0 },
    { NAME(attn_out_norm), LAYER(attn_out_norm), WIDTH, 0, 0 },
    { NAME(attn_post_norm), LAYER(attn_post_norm), INNER, 0, 0 },
    { NAME(mlp_norm), LAYER(mlp_norm), WIDTH, 0, 0 },
    { NAME(mlp_out_norm), LAYER(mlp_out_norm), WIDTH, 0, 0 },
    { NAME(mlp_post_norm), LAYER(mlp_post_norm), INNER, 0, 0 },
    { NAME(global_norm), LAYER(global_norm), WIDTH, 0, 0 },
    { NAME(cross_norm), LAYER(cross_norm), WIDTH, 0, 0 },
    { NAME(cross_post_norm), LAYER(cross_post_norm), WIDTH, 0, 0 },
    { NAME(attn_sub_norm), LAYER(attn_sub_norm), ATTENDED, 0, 0 },
    { NAME(mlp_sub_norm), LAYER(mlp_sub_norm), FFN, 0, 0 },
};

static const struct slot stack_weights[] = {
    { NAME(embedding_projection), STACK(embedding_projection), WIDTH, EMBEDDED,
      PROJECTION },
    { NAME(output_projection), STACK(output_projection), EMBEDDING, WIDTH,
      PROJECTION },
};

static const struct slot stack_norms[] = {
    { NAME(relative_norm), STACK(relative_norm), WIDTH, 0, 0 },
    { NAME(conv_norm), STACK(conv_norm), WIDTH, 0, 0 },
    { NAME(final_norm), STACK(final_norm), WIDTH, 0, 0 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The work of binding one stack. */
struct work {
    const struct tf_stack_spec *spec;
    struct tf_bind *bind;
    size_t size[SIZES];
    struct tf_moved_rows moved;
    struct tf_err *err;
};

static const char *name_of(const struct work *w, size_t offset)
{
    const char *const *at =
        (const void *)((const char *)&w->spec->names + offset);

    return *at;
}

static bool has_bias(const struct tf_stack_spec *s, enum bias bias)
{
    switch (bias) {
    case ATTENTION:
        return s->attention_bias;
    case ATTENTION_OUT:
        return s->attention_out_bias;
    case RELATIVE: /* beside qkv only the queries' has one (DeBERTa v1) */
        return s->attention_bias || s->names.q_bias;
    case MLP:
        return s->mlp_bias;
    case MLP_OUT:
        return s->mlp_bias || s->mlp_out_bias;
    case PROJECTION:
        return s->projection_bias;
    default:
        return false;
    }
}

static int bind_norm(struct work *w, struct tf_norm *norm, const char *pattern,
                     struct tf_place at, size_t n)
{
    return tf_bind_norm(w->bind, w->spec, norm, pattern, at, n, w->err);
}

static const uint32_t *moved_rows(const struct work *w, size_t at)
{
    return at == LAYER(q)     ? w->moved.query
           : at == LAYER(k)   ? w->moved.key
           : at == LAYER(qkv) ? w->moved.fused
                              : NULL;
}

/* Weights that Transformers keeps in float32. */
static bool is_exact(const struct work *w, const struct slot *s)
{
    return w->spec->exact_down && s->name == NAME(down);
}

/* Do files hold what a row names both in one and apart the other way? */
static bool held_otherwise(struct work *w, const struct slot *s,
                           struct tf_place at)
{
    const struct tf_stack_names *n = &w->spec->names;
    bool attention = s->at >= LAYER(q) && s->at <= LAYER(qkv);
    bool mlp = s->at >= LAYER(up) && s->at <= LAYER(gate_up);
    const char *fused = attention ? n->qkv : mlp ? n->gate_up : NULL;
    const char *apart = attention ? n->q : n->up;
    char name[TF_BIND_NAME];

    if (!fused || !apart)
        return false;
    return !tf_bind_find(w->bind, fused, at, ".weight", name, sizeof(name)) ==
           (s->at == LAYER(qkv) || s->at == LAYER(gate_up));
}

static size_t groups_of(const struct tf_stack_spec *s, size_t name)
{
    return name == NAME(q)      ? s->q_groups
           : name == NAME(k)    ? s->k_groups
           : name == NAME(v)    ? s->v_groups
           : name == NAME(o)    ? s->o_groups
           : name == NAME(up)   ? s->up_groups
           : name == NAME(down) ? s->down_groups
                                : 1;
}

static int bind_weight(struct work *w, struct tf_weight *weight,
                       const struct slot *s, const char *name,
                       struct tf_place at)
{
    bool of_layer = s->bias != PROJECTION && s->bias != NO_BIAS;
    const struct tf_stack_spec *spec = w->spec;
    struct tf_grouped g = { .out = w->size[s->out],
                            .in = w->size[s->in],
                            .groups = groups_of(w->spec, s->name),
                            .conv = w->spec->conv_weights && of_layer,
                            .bias = has_bias(w->spec, s->bias),
                            .transposed = w->spec->transposed };

    if (spec->head_weights && (s->bias == ATTENTION || s->name == NAME(o)))
        return tf_bind_heads(w->bind, weight, name, at, spec->width,
                             spec->heads, spec->head_size, s->name == NAME(o),
                             w->err);
    return tf_bind_grouped(w->bind, weight, name, at, &g, w->err);
}

/* The slots' weights or norms in the object at `base`. */
static int bind_weights(struct work *w, void *base, const struct slot *slots,
                        size_t n, struct tf_place at)
{
    for (size_t i = 0; i < n; i++) {
        const struct slot *s = &slots[i];
        const char *name = name_of(w, s->name);

        if ((slots == layer_weights || slots == dense_weights) && name &&
            held_otherwise(w, s, at))
            continue;
        if (s->name == NAME(q) && w->spec->latent_rank)
            continue; /* tf_latent_bind() knows what it reads */
        if (slots == layer_weights)
            w->bind->rows = moved_rows(w, s->at);
        w->bind->exact = is_exact(w, s);
        if (name && bind_weight(w, (void *)((char *)base + s->at), s, name, at))
            return -1;
        w->bind->rows = NULL;
    }
    return 0;
}

static int bind_norms(struct work *w, void *base, const struct slot *slots,
                      size_t n, struct tf_place at)
{
    for (size_t i = 0; i < n; i++) {
        const struct slot *s = &slots[i];
        const char *name = name_of(w, s->name);

        if (name && bind_norm(w, (void *)((char *)base + s->at), name, at,
                              w->size[s->out]))
            return -1;
    }
    return 0;
}

/* A norm that each head has of its own, in one tensor or in one a head. */
static int bind_head_norms(struct work *w, struct tf_norm *norm,
                           const char *pattern, struct tf_place at,
                           size_t heads)
{
    size_t d = w->spec->head_size;
    struct tf_tensor *ones;
    float *rows;

    norm->kind = w->spec->norm;
    norm->eps = (float)w->spec->norm_eps;
    norm->w_offset = (float)w->spec->norm_offset;
    if (!strstr(pattern, "{head}"))
        return tf_bind_numbers(w->bind, &norm->w, pattern, at, ".weight", heads,
                               d, w->err);
    rows = tf_arena_alloc(w->bind->memory, heads * d, sizeof(*rows));
    ones = tf_arena_alloc(w->bind->memory, heads, sizeof(*ones));
    if (!rows || !ones)
        return tf_no_memory(w->err, heads * d * sizeof(*rows));
    for (at.part = 0; at.part < heads; at.part++) {
        struct tf_tensor *one = &ones[at.part];

        if (tf_bind_vector(w->bind, one, pattern, at, ".weight", d, w->err))
            return -1;
        memcpy(rows + at.part * d, one->data, d * sizeof(*rows));
        one->data = rows + at.part * d;
    }
    norm->w = (struct tf_tensor){ .ndim = 2, .dim = { heads, d }, .ld = d };
    norm->w.data = rows;
    /* parameters that follow each other have their gradients end to end */
    norm->w.base = w->bind->params ? ones : NULL;
    return 0;
}

static int bind_qk_norms(struct work *w, struct tf_layer *layer,
                         struct tf_place at)
{
    const struct tf_stack_spec *s = w->spec;
    const char *q = s->names.q_norm, *k = s->names.k_norm;
    bool all = s->qk_norm == TF_QK_NORM_ALL;

    if (!q || !k)
        return 0;
    if (s->qk_norm == TF_QK_NORM_HEADS)
        return bind_head_norms(w, &layer->q_norm, q, at, s->heads) ||
               bind_head_norms(w, &layer->k_norm, k, at, s->kv_heads);
    return bind_norm(w, &layer->q_norm, q, at,
                     all ? w->size[QUERIES] : s->head_size) ||
           bind_norm(w, &layer->k_norm, k, at,
                     all ? w->size[KEYS] : s->head_size);
}

/* Biases of queries and values that do not stand with their matrix. */
static int bind_fused_biases(struct work *w, struct tf_layer *layer,
                             struct tf_place at)
{
    const char *q = w->spec->names.q_bias, *v = w->spec->names.v_bias;

    return (q && tf_bind_vector(w->bind, &layer->q_bias, q, at, "",
                                w->size[QUERIES], w->err)) ||
           (v && tf_bind_vector(w->bind, &layer->v_bias, v, at, "",
                                w->size[VALUES], w->err));
}

static int bind_feed_forward(struct work *w, struct tf_layer *layer,
                             struct tf_place at)
{
    if (w->spec->sparse[at.layer])
        return tf_experts_bind(layer, w->spec, at, w->bind, w->err);
    if (bind_weights(w, layer, dense_weights, COUNT(dense_weights), at))
        return -1;
    if (!layer->down.w.data || (!layer->up.w.data && !layer->gate_up.w.data))
        return tf_fail(w->err, "names: up or down is not given");
    return 0;
}

/* Scores of distances: of the stack, or of each layer that the name numbers. */
static int bind_position_bias(struct work *w, struct tf_tensor *t,
                              bool of_layer, struct tf_place at)
{
    const struct tf_stack_spec *s = w->spec;
    const char *name = s->names.position_bias;
    size_t rows = s->bias_rows ? s->bias_rows : s->bias_buckets;

    if (!name || of_layer != (strstr(name, "{}") != NULL))
        return 0;
    if (rows < s->bias_buckets)
        return tf_fail(w->err, "%s: %zu rows for %zu buckets", name, rows,
                       s->bias_buckets);
    return tf_bind_numbers(w->bind, t, name, at, ".weight", rows, s->heads,
                           w->err);
}

/* What few architectures have. */
static int bind_parts(struct work *w, struct tf_layer *layer,
                      struct tf_place at)
{
    const struct tf_stack_spec *s = w->spec;

    if (s->relative_sines && tf_relative_bind(layer, s, at, w->bind, w->err))
        return -1;
    if (s->head_ratio && tf_span_bind(layer, s, at, w->bind, w->err))
        return -1;
    return s->bottleneck || s->feed_forwards > 1
               ? tf_narrow_bind(layer, s, at, w->bind, w->err)
               : 0;
}

static int bind_layer(struct work *w, struct tf_layer *layer,
                      struct tf_place at)
{
    /* layers below norm_from have no attn_norm, the first in the table */
    size_t skip = at.layer < w->spec->norm_from;

    if (w->spec->names.ssm_in)
        return bind_norms(w, layer, layer_norms, 1, at) ||
               tf_ssm_bind(layer, w->spec, at, w->bind, w->err);
    if (w->spec->fourier)
        return bind_norms(w, layer, layer_norms, COUNT(layer_norms), at) ||
               bind_feed_forward(w, layer, at);
    if (w->spec->latent_rank &&
        tf_latent_bind(layer, w->spec, at, w->bind, w->err))
        return -1;
    if (w->spec->names.sinks &&
        tf_bind_vector(w->bind, &layer->sinks, w->spec->names.sinks, at, "",
                       w->spec->heads, w->err))
        return -1;
    if (bind_weights(w, layer, layer_weights, COUNT(layer_weights), at) ||
        bind_norms(w, layer, layer_norms + skip, COUNT(layer_norms) - skip,
                   at) ||
        bind_qk_norms(w, layer, at) || bind_fused_biases(w, layer, at) ||
        bind_parts(w, layer, at) ||
        bind_position_bias(w, &layer->position_bias, true, at) ||
        bind_feed_forward(w, layer, at))
        return -1;
    if (!layer->qkv.w.data && !layer->latent &&
        (!layer->q.w.data || !layer->k.w.data || !layer->v.w.data))
        return tf_fail(w->err, "names: neither qkv nor q, k and v");
    if (!layer->o.w.data)
        return tf_fail(w->err, "names: o is not given");
    if (layer->cross_o.w.data &&
        (!layer->cross_q.w.data || !layer->cross_k.w.data ||
         !layer->cross_v.w.data))
        return tf_fail(w->err, "names: cross_q, cross_k or cross_v is not "
                               "given");
    return 0;
}

static int bind_layers(struct work *w, struct tf_stack *stack)
{
    const struct tf_stack_spec *s = w->spec;
    size_t sets = s->groups ? s->groups : s->layers, bytes;

    stack->count = sets * s->inner_layers;
    bytes = stack->count * sizeof(stack->layers[0]);
    stack->layers =
        tf_arena_alloc(w->bind->memory, stack->count, sizeof(stack->layers[0]));
    if (!stack->layers)
        return tf_no_memory(w->err, bytes);
    memset(stack->layers, 0, bytes);
    for (size_t i = 0; i < stack->count; i++) {
        struct tf_place at = { .layer = i / s->inner_layers,
                               .inner = i % s->inner_layers };

        if (bind_layer(w, &stack->layers[i], at))
            return -1;
    }
    return 0;
}

/* Of the tokens' embeddings where positions and types are added. */
static size_t sum_width(const struct tf_stack_spec *s)
{
    return s->projection == TF_PROJECT_TOKENS ? s->width : s->embedding_width;
}

static int bind_embeddings(struct work *w, struct tf_stack *stack)
{
    const struct tf_stack_spec *s = w->spec;
    const struct tf_stack_names *n = &s->names;
    struct tf_place none = { 0 };

    if (tf_bind_table(w->bind, &stack->tokens, n->tokens, s->vocab,
                      s->embedding_width, w->err))
        return -1;
    if (w->bind->adapters &&
        tf_adapters_attach_tokens(w->bind, &stack->token_adapter,
                                  &stack->tokens, n->tokens, w->err))
        return -1;
    if (json_is_integer(s->padding_idx) &&
        (size_t)json_integer_value(s->padding_idx) < s->vocab)
        stack->tokens.fixed_row =
            (size_t)json_integer_value(s->padding_idx) + 1;
    if (n->positions &&
        (s->sines == TF_SINES_NONE ||
         tf_bind_has(w->bind, n->positions, ".weight")) &&
        tf_bind_table(w->bind, &stack->positions, n->positions,
                      s->max_positions + s->position_offset, sum_width(s),
                      w->err))
        return -1;
    if (w->bind->params && s->sines != TF_SINES_NONE)
        tf_parameters_keep(w->bind->params, &stack->positions);
    if ((n->types && tf_bind_table(w->bind, &stack->types, n->types, s->types,
                                   sum_width(s), w->err)) ||
        (n->tasks && tf_bind_table(w->bind, &stack->tasks, n->tasks, s->tasks,
                                   sum_width(s), w->err)))
        return -1;
    return n->embedding_norm
               ? bind_norm(w, &stack->embedding_norm, n->embedding_norm, none,
                           s->projection == TF_PROJECT_LAST ? s->embedding_width
                                                            : s->width)
               : 0;
}

static int bind_rest(struct work *w, struct tf_stack *stack)
{
    const struct tf_stack_spec *s = w->spec;
    struct tf_place none = { 0 };
    /* a model whose embeddings have its width needs no projections */
    bool needed =
        s->embedding_width != s->width || s->trigrams || s->projected ||
        tf_bind_has(w->bind, s->names.embedding_projection, ".weight");

    if (bind_weights(w, stack, stack_weights, needed ? COUNT(stack_weights) : 0,
                     none) ||
        bind_norms(w, stack, stack_norms, COUNT(stack_norms), none))
        return -1;
    if (s->names.relative &&
        tf_bind_table(w->bind, &stack->relative, s->names.relative,
                      2 * tf_relative_span(s), s->width, w->err))
        return -1;
    return bind_position_bias(w, &stack->position_bias, false, none) ||
           (s->names.global_bias &&
            tf_bind_numbers(w->bind, &stack->global_bias, s->names.global_bias,
                            none, ".weight", s->bias_buckets, s->heads,
                            w->err)) ||
           tf_token_conv_bind(stack, s, w->bind, w->err);
}

int tf_stack_bind(struct tf_stack *stack, const struct tf_stack_spec *spec,
                  size_t source, struct tf_bind *bind, struct tf_err *err)
{
    struct work w = { .spec = spec, .bind = bind, .err = err };

    memset(stack, 0, sizeof(*stack));
    stack->spec = spec;
    w.size[WIDTH] = spec->width;
    w.size[EMBEDDING] = spec->embedding_width;
    w.size[EMBEDDED] = spec->embedding_width * (spec->trigrams ? 3 : 1);
    w.size[INNER] = spec->bottleneck ? spec->bottleneck : spec->width;
    w.size[VALUED] = spec->bottleneck_values ? w.size[INNER] : spec->width;
    w.size[ATTENDED] =
        spec->heads * spec->value_size * (spec->head_ratio ? 2 : 1);
    w.size[QUERIES] = spec->heads * spec->head_size;
    w.size[KEYS] = spec->kv_heads * spec->head_size;
    w.size[VALUES] = spec->kv_heads * spec->value_size;
    w.size[QKV] = w.size[QUERIES] + w.size[KEYS] + w.size[VALUES];
    w.size[FFN] = spec->ffn;
    w.size[FFN_TWICE] = 2 * spec->ffn;
    w.size[SOURCE] = source;
    if (tf_moved_rows_make(&w.moved, spec, bind, err) ||
        bind_embeddings(&w, stack) || bind_rest(&w, stack) ||
        bind_layers(&w, stack))
        return -1;
    return 0;
}

struct tf_layer *tf_stack_layer(const struct tf_stack *stack, size_t i)
{
    const struct tf_stack_spec *s = stack->spec;
    size_t set = i / s->inner_layers;

    if (s->groups)
        set = set * s->groups / s->layers;
    return &stack->layers[set * s->inner_layers + i % s->inner_layers];
}

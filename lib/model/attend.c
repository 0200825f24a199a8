#include "model/attend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/latent.h"
#include "model/relative.h"
#include "model/span.h"
#include "model/sparse.h"
#include "model/sums.h"

void tf_add_vector(struct tf_ctx *ctx, struct tf_tensor *x,
                   struct tf_tensor *vector)
{
    int32_t *rows;

    if (!vector->data || !x)
        return;
    rows = tf_scratch(ctx, x->dim[0], sizeof(*rows));
    if (!rows)
        return;
    memset(rows, 0, x->dim[0] * sizeof(*rows));
    tf_embedding(ctx, vector, rows, x->dim[0], 1, x);
}

/* The parts of a fused projection of all tokens: views where the heads of a
 * kind lie side by side, else picked. */
static void split(struct tf_run *run, struct tf_layer *layer,
                  struct tf_tensor *fused, struct tf_qkv *p)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_ctx *ctx = run->ctx;
    size_t d = s->head_size, g = s->heads / s->kv_heads;
    size_t queries = s->heads * d, keys = s->kv_heads * d;
    size_t values = s->kv_heads * s->value_size;

    if (s->qkv_order == TF_QKV_SIDE_BY_SIDE) {
        p->q = tf_columns(ctx, fused, 0, queries);
        p->k = tf_columns(ctx, fused, queries, keys);
        p->v = tf_columns(ctx, fused, queries + keys, values);
    } else if (s->qkv_order == TF_QKV_BY_QUARTER) {
        size_t n = queries / 4;

        p->q = tf_pick_columns(ctx, fused, 0, n, 3 * n, 4);
        p->v = tf_pick_columns(ctx, fused, n, n, 3 * n, 4);
        p->k = tf_pick_columns(ctx, fused, 2 * n, n, 3 * n, 4);
    } else {
        p->q = tf_pick_columns(ctx, fused, 0, g * d, (g + 2) * d, s->kv_heads);
        p->k = tf_pick_columns(ctx, fused, g * d, d, (g + 2) * d, s->kv_heads);
        p->v = tf_pick_columns(ctx, fused, (g + 1) * d, d, (g + 2) * d,
                               s->kv_heads);
    }
    tf_add_vector(ctx, p->q, &layer->q_bias);
    tf_add_vector(ctx, p->v, &layer->v_bias);
    if (run->rows)
        p->q = tf_gather_rows(ctx, p->q, run->rows, run->row_seqs->count);
}

static void project(struct tf_run *run, struct tf_layer *layer,
                    struct tf_tensor *rows, struct tf_tensor *all,
                    struct tf_tensor *values, struct tf_qkv *p)
{
    struct tf_ctx *ctx = run->ctx;

    if (layer->qkv.w.data) {
        split(run, layer, tf_linear(ctx, all, &layer->qkv, TF_ACT_NONE, NULL),
              p);
        return;
    }
    p->q = tf_linear(ctx, rows, &layer->q, TF_ACT_NONE, NULL);
    p->k = tf_linear(ctx, all, &layer->k, TF_ACT_NONE, NULL);
    p->v = tf_linear(ctx, values, &layer->v, TF_ACT_NONE, NULL);
}

static void clip(struct tf_run *run, struct tf_qkv *p)
{
    float most = (float)run->stack->spec->clip_qkv;

    if (most <= 0)
        return;
    p->q = tf_clamp(run->ctx, p->q, most);
    p->k = tf_clamp(run->ctx, p->k, most);
    p->v = tf_clamp(run->ctx, p->v, most);
}

static void norm_qk(struct tf_ctx *ctx, struct tf_layer *layer,
                    struct tf_qkv *p)
{
    if (!layer->q_norm.w.data)
        return;
    p->q = tf_norm_heads(ctx, p->q, &layer->q_norm);
    p->k = tf_norm_heads(ctx, p->k, &layer->k_norm);
}

const int32_t *tf_query_places(struct tf_run *run)
{
    size_t n = run->row_seqs ? run->row_seqs->count : 0;
    int32_t *places;

    if (!run->rows)
        return run->places;
    places = tf_scratch(run->ctx, n, sizeof(*places));
    for (size_t i = 0; places && i < n; i++)
        places[i] = run->places[run->rows[i]];
    return places;
}

static void turn(struct tf_run *run, size_t i, struct tf_qkv *p)
{
    const struct tf_stack_spec *s = run->stack->spec;
    bool local = s->local[i / s->inner_layers];
    const struct tf_positions *at = &run->runner->positions;
    const struct tf_rope *rope = local ? &at->local_rope : &at->rope;
    const int32_t *places;

    if (!s->rotary || s->unrotated[i / s->inner_layers] ||
        !(places = tf_query_places(run)))
        return;
    p->q = tf_rotary(run->ctx, p->q, s->head_size, rope, places);
    p->k = tf_rotary(run->ctx, p->k, s->head_size, rope, run->places);
    if (s->rotary_value)
        p->v = tf_rotary(run->ctx, p->v, s->head_size, rope, run->places);
}

/* Queries far behind are scaled up, so that attention stays sharp among many
 * keys (get_llama_4_attn_scale() of Transformers' Ministral3). */
static void grow_queries(struct tf_run *run, struct tf_qkv *p)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_ctx *ctx = run->ctx;
    const int32_t *places;
    struct tf_tensor *weight, *y;
    float *scale;

    if (!s->query_growth || !s->query_growth_every || !p->q ||
        !(places = tf_query_places(run)))
        return;
    weight = tf_new(ctx, p->q->dim[0], 1);
    y = tf_new(ctx, p->q->dim[0], p->q->dim[1]);
    if (!weight || !y)
        return;
    scale = weight->data;
    for (size_t i = 0; i < y->dim[0]; i++) {
        size_t n = (size_t)places[i] / s->query_growth_every;

        scale[i] = 1 + (float)s->query_growth * logf(1 + (float)n);
    }
    memset(y->data, 0, tf_tensor_bytes(y));
    p->q = tf_add_weighted(ctx, y, p->q, NULL, weight, NULL);
}

/*
 * The relative embeddings in reach, normed, through a projection of the layer:
 * [rows][H D].
 */
static struct tf_tensor *project_relative(struct tf_run *run,
                                          struct tf_weight *w)
{
    struct tf_stack *stack = run->stack;
    const struct tf_positions *at = &run->runner->positions;
    int32_t *ids = tf_scratch(run->ctx, at->rows, sizeof(*ids));
    struct tf_norm *norm =
        stack->relative_norm.w.data ? &stack->relative_norm : NULL;
    struct tf_tensor *table = stack->relative.data
                                  ? &stack->relative
                                  : &run->runner->positions.relative;
    struct tf_tensor *x;

    for (size_t i = 0; ids && i < at->rows; i++)
        ids[i] = (int32_t)(at->first + i);
    if (!ids)
        return NULL;
    x = tf_embedding(run->ctx, table, ids, at->rows, 1, NULL);
    run->ctx->records = NULL;
    x = tf_linear(run->ctx, tf_norm(run->ctx, x, norm), w, TF_ACT_NONE, NULL);
    run->ctx->records = &run->batch->seqs;
    return x;
}

static int make_cache(struct tf_run *run)
{
    struct tf_runner *r = run->runner;
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_err *err = run->ctx->err;

    if (r->layers)
        return 0;
    r->c2p = tf_alloc(s->layers * s->inner_layers, sizeof(r->c2p[0]), err);
    r->p2c = tf_alloc(s->layers * s->inner_layers, sizeof(r->p2c[0]), err);
    if (!r->c2p || !r->p2c)
        return -1;
    r->layers = s->layers * s->inner_layers;
    return 0;
}

static void drop_stale(struct tf_runner *r)
{
    if (r->generation == r->positions.generation)
        return;
    for (size_t i = 0; i < r->layers; i++) {
        free(r->c2p[i]);
        free(r->p2c[i]);
        r->c2p[i] = r->p2c[i] = NULL;
    }
    r->generation = r->positions.generation;
}

/* The same, kept in *cache from one batch to the next. Not with a tape: there
 * the weights change. */
static struct tf_tensor *relative_table(struct tf_run *run, float **cache,
                                        struct tf_weight *w)
{
    struct tf_ctx *ctx = run->ctx;
    struct tf_tensor *t;
    size_t bytes;

    if (ctx->tape)
        return project_relative(run, w);
    if (*cache) {
        t = tf_scratch(ctx, 1, sizeof(*t));
        if (t) {
            *t = (struct tf_tensor){ .ndim = 2, .ld = w->out };
            t->dim[0] = run->runner->positions.rows;
            t->dim[1] = w->out;
            t->data = *cache;
        }
        return t;
    }
    t = project_relative(run, w);
    if (!t)
        return NULL;
    bytes = tf_tensor_bytes(t);
    *cache = tf_alloc(bytes, 1, ctx->err);
    if (!*cache) {
        ctx->failed = true;
        return NULL;
    }
    memcpy(*cache, t->data, bytes);
    return t;
}

static int add_relative(struct tf_run *run, size_t i, struct tf_layer *layer,
                        struct tf_attention *spec)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_runner *r = run->runner;

    if (make_cache(run)) {
        run->ctx->failed = true;
        return -1;
    }
    drop_stale(r);
    /* share_att_key: positions go through the content's projections */
    if (s->c2p)
        spec->c2p = relative_table(run, &r->c2p[i],
                                   layer->relative_k.w.data ? &layer->relative_k
                                                            : &layer->k);
    if (s->p2c)
        spec->p2c = relative_table(run, &r->p2c[i],
                                   layer->relative_q.w.data ? &layer->relative_q
                                                            : &layer->q);
    return run->ctx->failed ? -1 : 0;
}

struct tf_tensor *tf_attend_cached(struct tf_run *run, size_t i,
                                   struct tf_qkv *p,
                                   const struct tf_attention *spec)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    struct tf_ctx *ctx = run->ctx;
    struct tf_kv *kv = tf_scratch(ctx, seqs->count, sizeof(*kv));

    if (!kv || !p->q || !p->k || (!p->v && !run->stack->spec->latent_cached))
        return NULL;
    for (size_t q = 0; q < seqs->count; q++) {
        struct tf_cache *c = run->batch->caches[q];
        size_t first = seqs->start[q], n = seqs->start[q + 1] - first;

        if (tf_cache_append(c, i, p->k, p->v, first, n, ctx->err)) {
            ctx->failed = true;
            return NULL;
        }
        kv[q] = tf_cache_rows(ctx, c, i);
    }
    return tf_attention_cached(ctx, p->q, run->rows ? run->row_seqs : seqs, kv,
                               spec);
}

static float score_scale(const struct tf_stack_spec *s, size_t i)
{
    double terms = s->relative_sines ? 1 : 1 + (double)s->c2p + (double)s->p2c;
    double scale = s->attention_scale;

    if (!scale)
        scale = 1 / sqrt((double)s->attention_scale_of * terms);
    if (s->attention_scale_by_layer)
        scale /= (double)(i / s->inner_layers + 1);
    return (float)scale;
}

/* Queries, keys and values with their norms and positions. Gives what stands
 * beside attention, or NULL. */
static struct tf_tensor *prepare(struct tf_run *run, size_t i,
                                 struct tf_layer *layer, struct tf_tensor *rows,
                                 struct tf_tensor *all,
                                 struct tf_tensor *values, struct tf_qkv *p)
{
    bool after = run->stack->spec->qk_norm_after_rotary;
    struct tf_tensor *beside;

    project(run, layer, rows, all, values, p);
    beside = layer->span ? tf_span_run(run, layer, all, p->q) : NULL;
    if (!after)
        norm_qk(run->ctx, layer, p);
    clip(run, p);
    turn(run, i, p);
    if (after)
        norm_qk(run->ctx, layer, p);
    return beside;
}

struct tf_tensor *tf_attend(struct tf_run *run, size_t i,
                            struct tf_layer *layer, struct tf_tensor *rows,
                            struct tf_tensor *all, struct tf_tensor *values)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_positions *at = &run->runner->positions;
    struct tf_attention spec = { .heads = s->heads,
                                 .kv_heads = s->kv_heads,
                                 .head_size = s->head_size,
                                 .v_head_size = s->value_size,
                                 .scale = score_scale(s, i),
                                 .dropout = (float)s->attention_dropout,
                                 .soft_cap = (float)s->attention_soft_cap,
                                 .causal = s->causal,
                                 .window_left = SIZE_MAX,
                                 .window_right = SIZE_MAX,
                                 .alibi = at->alibi,
                                 .bucket_of = at->bucket_of,
                                 .bucket_span = at->bucket_span };
    size_t window = s->windows_of[i / s->inner_layers];
    struct tf_qkv p = { NULL, NULL, NULL };
    struct tf_tensor *y, *beside = NULL;

    if (run->rows && !run->batch->caches)
        spec.places = tf_query_places(run);
    if (s->local[i / s->inner_layers])
        spec.window_left = spec.window_right =
            s->causal ? window - 1 : window / 2;
    if (layer->position_bias.data)
        spec.bias = &layer->position_bias;
    else if (run->stack->position_bias.data)
        spec.bias = &run->stack->position_bias;
    if ((run->stack->relative.data || s->relative_sines) &&
        add_relative(run, i, layer, &spec))
        return NULL;
    if (s->global_block)
        return tf_attend_sums(run, layer, all, &spec);
    if (layer->sinks.data)
        spec.sinks = &layer->sinks;
    if (layer->latent && run->batch->caches && s->latent_cached)
        return tf_latent_attend(run, i, layer, rows, all, &spec);
    if (layer->latent)
        tf_latent_project(run, layer, rows, all, &p);
    else
        beside = prepare(run, i, layer, rows, all, values, &p);
    if (s->relative_sines)
        tf_relative_add(run, layer, p.q, &spec);
    grow_queries(run, &p);
    if (run->batch->caches)
        return tf_attend_cached(run, i, &p, &spec);
    if (run->sparse)
        return tf_sparse_attend(run, layer, all, &p, &spec);
    y = tf_attention(ctx, p.q, run->rows ? run->row_seqs : &run->batch->seqs,
                     p.k, p.v, &run->batch->seqs, &spec);
    return layer->span ? tf_join_columns(ctx, y, beside) : y;
}

/* Each sequence's part of the encoder's keys and values. */
static struct tf_kv *cross_rows(struct tf_run *run, size_t i)
{
    const struct tf_batch *batch = run->batch;
    const struct tf_cross *cross = batch->cross;
    const struct tf_tensor *k = cross->k[i], *v = cross->v[i];
    size_t count = batch->seqs.count;
    struct tf_kv_piece *pieces = tf_scratch(run->ctx, count, sizeof(*pieces));
    struct tf_kv *kv = tf_scratch(run->ctx, count, sizeof(*kv));

    for (size_t q = 0; pieces && kv && q < count; q++) {
        size_t s = batch->cross_of ? (size_t)batch->cross_of[q] : q;
        size_t first = cross->seqs.start[s];

        pieces[q] = (struct tf_kv_piece){
            .k = (const float *)k->data + first * k->ld,
            .v = (const float *)v->data + first * v->ld,
            .rows = cross->seqs.start[s + 1] - first,
            .k_ld = k->ld,
            .v_ld = v->ld,
        };
        kv[q] = (struct tf_kv){ pieces[q].rows, 1, &pieces[q] };
    }
    return pieces ? kv : NULL;
}

struct tf_tensor *tf_attend_cross(struct tf_run *run, size_t i,
                                  struct tf_layer *layer,
                                  struct tf_tensor *rows)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_cross *cross = run->batch->cross;
    const struct tf_seqs *seqs = run->rows ? run->row_seqs : &run->batch->seqs;
    struct tf_attention spec = { .heads = s->heads,
                                 .kv_heads = s->kv_heads,
                                 .head_size = s->head_size,
                                 .scale = score_scale(s, i),
                                 .dropout = (float)s->attention_dropout,
                                 .window_left = SIZE_MAX,
                                 .window_right = SIZE_MAX };
    struct tf_tensor *q =
        tf_linear(ctx, rows, &layer->cross_q, TF_ACT_NONE, NULL);
    struct tf_kv *kv;

    if (ctx->tape)
        return tf_attention(ctx, q, seqs, cross->k[i], cross->v[i],
                            &cross->seqs, &spec);
    kv = q ? cross_rows(run, i) : NULL;
    return kv ? tf_attention_cached(ctx, q, seqs, kv, &spec) : NULL;
}

struct tf_cross *tf_stack_cross(struct tf_ctx *ctx, struct tf_stack *stack,
                                struct tf_tensor *x, const struct tf_seqs *seqs)
{
    const struct tf_stack_spec *s = stack->spec;
    size_t n = s->layers * s->inner_layers;
    struct tf_cross *cross = tf_scratch(ctx, 1, sizeof(*cross));

    if (!cross)
        return NULL;
    ctx->records = seqs;
    cross->seqs = *seqs;
    cross->k = tf_scratch(ctx, n, sizeof(cross->k[0]));
    cross->v = tf_scratch(ctx, n, sizeof(cross->v[0]));
    for (size_t i = 0; i < n && !ctx->failed; i++) {
        struct tf_layer *layer = tf_stack_layer(stack, i);

        cross->k[i] = tf_linear(ctx, x, &layer->cross_k, TF_ACT_NONE, NULL);
        cross->v[i] = tf_linear(ctx, x, &layer->cross_v, TF_ACT_NONE, NULL);
    }
    ctx->records = NULL;
    return ctx->failed ? NULL : cross;
}

#include "model/attend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct qkv {
    struct tf_tensor *q, *k, *v;
};

/* The parts of a fused projection of all tokens: views where its heads lie side
 * by side, which is where the row says they do. */
static void split(struct tf_run *run, struct tf_tensor *fused, struct qkv *p)
{
    const struct tf_stack_spec *s = run->stack->spec;
    size_t queries = s->heads * s->head_size;
    size_t keys = s->kv_heads * s->head_size;

    p->q = tf_columns(run->ctx, fused, 0, queries);
    p->k = tf_columns(run->ctx, fused, queries, keys);
    p->v = tf_columns(run->ctx, fused, queries + keys, keys);
    if (run->rows)
        p->q = tf_gather_rows(run->ctx, p->q, run->rows, run->row_seqs->count);
}

static void project(struct tf_run *run, struct tf_layer *layer,
                    struct tf_tensor *rows, struct tf_tensor *all,
                    struct qkv *p)
{
    struct tf_ctx *ctx = run->ctx;

    if (layer->qkv.w.data) {
        split(run, tf_linear(ctx, all, &layer->qkv, TF_ACT_NONE, NULL), p);
        return;
    }
    p->q = tf_linear(ctx, rows, &layer->q, TF_ACT_NONE, NULL);
    p->k = tf_linear(ctx, all, &layer->k, TF_ACT_NONE, NULL);
    p->v = tf_linear(ctx, all, &layer->v, TF_ACT_NONE, NULL);
}

/* Places of the rows that ask. */
static const int32_t *query_places(struct tf_run *run)
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

static void turn(struct tf_run *run, size_t i, struct qkv *p)
{
    const struct tf_stack_spec *s = run->stack->spec;
    bool local = s->local[i / s->inner_layers];
    const struct tf_positions *at = &run->runner->positions;
    const struct tf_rope *rope = local ? &at->local_rope : &at->rope;
    const int32_t *places;

    if (!s->rotary || !(places = query_places(run)))
        return;
    p->q = tf_rotary(run->ctx, p->q, s->head_size, rope, places);
    p->k = tf_rotary(run->ctx, p->k, s->head_size, rope, run->places);
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
    struct tf_tensor *x;

    for (size_t i = 0; ids && i < at->rows; i++)
        ids[i] = (int32_t)(at->first + i);
    if (!ids)
        return NULL;
    x = tf_embedding(run->ctx, &stack->relative, ids, at->rows, 1, NULL);
    return tf_linear(run->ctx, tf_norm(run->ctx, x, norm), w, TF_ACT_NONE,
                     NULL);
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

/* Put the new keys and values behind those of each sequence's cache, and attend
 * to all of them. */
static struct tf_tensor *attend_cached(struct tf_run *run, size_t i,
                                       struct qkv *p,
                                       const struct tf_attention *spec)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    struct tf_ctx *ctx = run->ctx;
    struct tf_kv *kv = tf_scratch(ctx, seqs->count, sizeof(*kv));

    if (!kv || !p->k || !p->v)
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

static double score_scale(const struct tf_stack_spec *s)
{
    double terms = 1 + (double)s->c2p + (double)s->p2c;

    return s->attention_scale ? s->attention_scale
                              : 1 / sqrt((double)s->head_size * terms);
}

struct tf_tensor *tf_attend(struct tf_run *run, size_t i,
                            struct tf_layer *layer, struct tf_tensor *rows,
                            struct tf_tensor *all)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_positions *at = &run->runner->positions;
    struct tf_attention spec = { .heads = s->heads,
                                 .kv_heads = s->kv_heads,
                                 .head_size = s->head_size,
                                 .scale = (float)score_scale(s),
                                 .soft_cap = (float)s->attention_soft_cap,
                                 .causal = s->causal,
                                 .window_left = SIZE_MAX,
                                 .window_right = SIZE_MAX,
                                 .alibi = at->alibi,
                                 .bucket_of = at->bucket_of,
                                 .bucket_span = at->bucket_span };
    struct qkv p;

    if (s->local[i / s->inner_layers])
        spec.window_left = spec.window_right =
            s->causal ? s->window - 1 : s->window / 2;
    if (run->stack->position_bias.data)
        spec.bias = &run->stack->position_bias;
    if (run->stack->relative.data && add_relative(run, i, layer, &spec))
        return NULL;
    project(run, layer, rows, all, &p);
    if (layer->q_norm.w.data) {
        p.q = tf_norm_heads(ctx, p.q, &layer->q_norm);
        p.k = tf_norm_heads(ctx, p.k, &layer->k_norm);
    }
    turn(run, i, &p);
    if (run->batch->caches)
        return attend_cached(run, i, &p, &spec);
    return tf_attention(ctx, p.q, run->rows ? run->row_seqs : &run->batch->seqs,
                        p.k, p.v, &run->batch->seqs, &spec);
}

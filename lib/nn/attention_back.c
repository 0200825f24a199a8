/*
 * The way back through attention: block by block the probabilities are made
 * again from the scores and the log-sum-exp of each query (Dao 2023,
 * FlashAttention-2, algorithm 2).
 */
#include "nn/attention.h"

#include "nn/rows.h"

#include <math.h>
#include <string.h>

/* The gradients of the inputs; NULL where none is wanted. */
struct grads {
    float *q, *k, *v, *bias, *prefix, *c2p, *p2c, *sinks;
};

struct att_back {
    struct tf_att att;
    const struct tf_att_node *n;
    struct tf_att_scratch *scratch; /* [workers] */
    struct grads grad;
    bool shared; /* sequences add to the same table: one task for a head */
};

/* s->out and s->delta for a block of queries, s->dq zeroed. */
static void load_gradients(const struct att_back *b,
                           const struct tf_att_queries *q,
                           struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    const struct tf_tensor *y = b->n->node.out;
    size_t row = a->q_seqs->start[q->seq] + q->first, i, g;
    size_t column = q->kv_head * a->group * a->v_size;
    float *out = s->out, *delta = s->delta;

    for (i = 0; i < q->n; i++) {
        const float *dy = y->grad + (row + i) * y->ld + column;

        memcpy(out, dy, a->group * a->v_size * sizeof(*out));
        for (g = 0; g < a->group; g++, out += a->v_size)
            *delta++ = tf_kernels()->dot(
                out, tf_row(y, row + i) + column + g * a->v_size, a->v_size);
    }
    memset(s->dq, 0, q->n * a->group * a->spec->head_size * sizeof(*s->dq));
}

/* s->s: from scores to probabilities, 0 outside a row's reach. */
static void make_probabilities(const struct att_back *b,
                               const struct tf_att_queries *q,
                               const struct tf_att_keys *keys,
                               struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t row = a->q_seqs->start[q->seq] + q->first, i, g, lo, hi;
    float *p = s->s, lse;

    for (i = 0; i < q->n; i++) {
        tf_att_clip(a, q, keys, i, &lo, &hi);
        for (g = 0; g < a->group; g++, p += keys->n) {
            lse = b->n->lse[(row + i) * a->spec->heads + q->kv_head * a->group +
                            g];
            memset(p, 0, lo * sizeof(*p));
            if (lo < hi)
                tf_kernels()->exp_sum(p + lo, p + lo, 1, &lse, hi - lo);
            if (hi < keys->n)
                memset(p + hi, 0, (keys->n - hi) * sizeof(*p));
        }
    }
}

/* s->ds, the gradient of the scores: p (dp - delta). */
static void make_score_gradients(const struct att_back *b,
                                 const struct tf_att_queries *q,
                                 const struct tf_att_keys *keys,
                                 struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t rows = q->n * a->group, n = keys->n, r, j;
    struct tf_gemm g = { .m = rows, .n = n, .k = a->v_size };

    g.a = tf_rows_mat(s->out, a->v_size);
    g.b = tf_turn(keys->v);
    g.c = s->ds;
    g.ldc = n;
    tf_gemm_serial(&g, s->gemm);
    if (a->draws.below)
        tf_att_drop(a, q, keys, s->ds, s->ds);
    for (r = 0; r < rows; r++) {
        float *ds = s->ds + r * n;
        const float *p = s->s + r * n;

        for (j = 0; j < n; j++)
            ds[j] = p[j] * (ds[j] - s->delta[r]);
    }
}

/* The bias of a bucket takes the gradients of all pairs in it. */
static void back_to_bias(const struct att_back *b,
                         const struct tf_att_queries *q,
                         const struct tf_att_keys *keys,
                         struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t n = keys->n, i, g, j, head;
    const float *ds = s->ds;

    for (i = 0; i < q->n; i++) {
        const int32_t *bucket = s->bucket + q->n - 1 - i;

        for (g = 0; g < a->group; g++, ds += n) {
            head = q->kv_head * a->group + g;
            for (j = 0; j < n; j++)
                b->grad.bias[(size_t)bucket[j] * a->spec->bias->ld + head] +=
                    ds[j];
        }
    }
}

static void back_to_prefix(const struct att_back *b,
                           const struct tf_att_queries *q,
                           const struct tf_att_keys *keys,
                           struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    const float *ds = s->ds;
    size_t i, g, j;

    for (i = 0; i < q->n; i++)
        for (g = 0; g < a->group; g++, ds += keys->n)
            for (j = 0; j < keys->n; j++)
                b->grad.prefix[tf_att_prefix_bucket(a, q, keys, i, j) *
                                   a->spec->prefix_table->ld +
                               q->kv_head * a->group + g] += ds[j];
}

static void back_keys(const struct att_back *b, const struct tf_att_queries *q,
                      const struct tf_att_keys *keys, struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    const struct tf_attention *spec = a->spec;
    size_t size = spec->head_size, rows = q->n * a->group, n = keys->n;
    size_t row = b->n->kv_seqs.start[q->seq] + keys->first;
    const float *p = s->s;
    float *dk = NULL;

    tf_att_scores(a, q, keys, s);
    make_probabilities(b, q, keys, s);
    if (a->draws.below) {
        tf_att_drop(a, q, keys, s->p, s->s);
        p = s->p;
    }
    if (b->grad.v)
        tf_att_add_product(
            b->grad.v + row * b->n->v->ld + q->kv_head * a->v_size, b->n->v->ld,
            1, tf_turn(tf_rows_mat(p, n)), tf_rows_mat(s->out, a->v_size), n,
            a->v_size, rows, s->gemm);
    make_score_gradients(b, q, keys, s);
    if (b->grad.k)
        dk = b->grad.k + row * b->n->k->ld + q->kv_head * size;
    if (b->grad.prefix && tf_att_by_prefix(a, q, keys))
        back_to_prefix(b, q, keys, s);
    else if (b->grad.bias && !tf_att_by_prefix(a, q, keys))
        back_to_bias(b, q, keys, s);
    if (spec->c2p)
        tf_att_back_c2p(a, q, keys, s, b->grad.c2p);
    if (spec->p2c)
        tf_att_back_p2c(a, q, keys, s, b->grad.p2c, dk, b->n->k->ld);
    if (spec->soft_cap > 0)
        tf_kernels()->mul(s->ds, s->ds, s->slope, rows * n);
    tf_att_add_product(s->dq, size, 1, tf_rows_mat(s->ds, n), tf_turn(keys->k),
                       rows, size, n, s->gemm);
    if (dk)
        tf_att_add_product(dk, b->n->k->ld, 1, tf_turn(tf_rows_mat(s->ds, n)),
                           tf_rows_mat(s->q, size), n, size, rows, s->gemm);
}

static void store_queries(const struct att_back *b,
                          const struct tf_att_queries *q,
                          const struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t width = a->group * a->spec->head_size, i;
    size_t row = a->q_seqs->start[q->seq] + q->first;

    for (i = 0; i < q->n; i++)
        tf_kernels()->axpy(b->grad.q + (row + i) * a->q->ld +
                               q->kv_head * width,
                           a->spec->scale, s->dq + i * width, width);
}

/* A sink's probability goes to nothing: its score's gradient is -p delta. */
static void back_to_sinks(const struct att_back *b,
                          const struct tf_att_queries *q,
                          const struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t row = a->q_seqs->start[q->seq] + q->first, first, i, g;
    const float *sink = a->spec->sinks->data, *delta = s->delta;

    first = q->kv_head * a->group;
    for (i = 0; i < q->n; i++)
        for (g = first; g < first + a->group; g++)
            b->grad.sinks[g] -=
                expf(sink[g] - b->n->lse[(row + i) * a->spec->heads + g]) *
                *delta++;
}

/* All blocks of one key head in one sequence. */
static void back_head(const struct att_back *b, size_t seq, size_t head,
                      struct tf_att_scratch *s)
{
    const struct tf_att *a = &b->att;
    size_t len = a->q_seqs->start[seq + 1] - a->q_seqs->start[seq];
    struct tf_att_queries q = { .seq = seq, .kv_head = head };
    struct tf_att_walk walk;
    struct tf_att_keys keys;

    for (; q.first < len; q.first += q.n) {
        q.n = len - q.first < a->block ? len - q.first : a->block;
        q.pos = tf_att_place(a, seq, q.first);
        tf_att_load_queries(a, &q, s);
        load_gradients(b, &q, s);
        if (b->grad.sinks)
            back_to_sinks(b, &q, s);
        tf_att_walk(a, &q, &walk);
        while (tf_att_next(&walk, &keys))
            back_keys(b, &q, &keys, s);
        if (b->grad.q)
            store_queries(b, &q, s);
    }
}

static void back_task(void *arg, size_t i, int worker)
{
    const struct att_back *b = arg;
    size_t heads = b->att.spec->kv_heads, s;

    if (!b->shared) {
        back_head(b, i / heads, i % heads, &b->scratch[worker]);
        return;
    }
    for (s = 0; s < b->att.q_seqs->count; s++)
        back_head(b, s, i, &b->scratch[worker]);
}

void tf_att_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct tf_att_node *n = (struct tf_att_node *)node;
    struct att_back b = { .n = n, .att.draws = n->draws };
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    size_t tasks = n->spec.kv_heads;
    struct tf_kv *kv = tf_att_kv(ctx, n->k, n->v, &n->kv_seqs);

    b.grad.q = tf_grad(ctx, n->q);
    b.grad.k = tf_grad(ctx, n->k);
    b.grad.v = tf_grad(ctx, n->v);
    b.grad.bias = n->spec.bias ? tf_grad(ctx, n->spec.bias) : NULL;
    b.grad.prefix =
        n->spec.prefix_table ? tf_grad(ctx, n->spec.prefix_table) : NULL;
    b.grad.c2p = n->spec.c2p ? tf_grad(ctx, n->spec.c2p) : NULL;
    b.grad.p2c = n->spec.p2c ? tf_grad(ctx, n->spec.p2c) : NULL;
    b.grad.sinks = n->spec.sinks ? tf_grad(ctx, n->spec.sinks) : NULL;
    if (!kv)
        return;
    tf_att_init(&b.att, n->q, &n->q_seqs, kv, &n->spec);
    b.scratch =
        tf_att_scratch(ctx, &b.att, (size_t)tf_pool_threads(ctx->pool), true);
    if (!b.scratch)
        return;
    b.shared = b.grad.bias || b.grad.prefix || b.grad.c2p || b.grad.p2c ||
               b.grad.sinks;
    if (!b.shared)
        tasks *= n->q_seqs.count;
    tf_pool_run(ctx->pool, tasks, back_task, &b);
    tf_arena_rewind(ctx->arena, mark);
}

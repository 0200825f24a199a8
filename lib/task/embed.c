#include "task/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "kernel/kernel.h"

void tf_to_length_one(float *x, size_t n)
{
    float length = sqrtf(tf_kernels()->dot(x, x, n));

    tf_kernels()->scale(x, 1 / fmaxf(length, 1e-12f), n);
}

/* The tokens x[n][width] of a sequence; those from `first` on are pooled. */
struct tokens {
    const float *x;
    size_t n, first, width;
};

static void sum_rows(const struct tokens *t, bool weighted, float *y)
{
    const struct tf_kernels *k = tf_kernels();

    memset(y, 0, t->width * sizeof(*y));
    for (size_t i = t->first; i < t->n; i++)
        k->axpy(y, weighted ? (float)(i + 1) : 1, t->x + i * t->width,
                t->width);
}

/* Sum of the weights: 1 for each token, or their positions. */
static float total(const struct tokens *t, bool weighted)
{
    double n = (double)t->n, first = (double)t->first;

    return fmaxf(
        (float)(weighted ? (n * (n + 1) - first * (first + 1)) / 2 : n - first),
        1e-9f);
}

static void max_rows(const struct tokens *t, float *y)
{
    for (size_t c = 0; c < t->width; c++)
        y[c] = -INFINITY;
    for (size_t i = t->first; i < t->n; i++)
        for (size_t c = 0; c < t->width; c++)
            y[c] = fmaxf(y[c], t->x[i * t->width + c]);
}

static void pool_tokens(const struct tokens *t, enum tf_embed_pool pool,
                        float *y)
{
    size_t row = t->n - 1;

    switch (pool) {
    case TF_EMBED_MAX:
        max_rows(t, y);
        return;
    case TF_EMBED_MEAN:
    case TF_EMBED_WEIGHTED:
        sum_rows(t, pool == TF_EMBED_WEIGHTED, y);
        tf_kernels()->scale(y, 1 / total(t, pool == TF_EMBED_WEIGHTED),
                            t->width);
        return;
    case TF_EMBED_SQRT:
        sum_rows(t, false, y);
        tf_kernels()->scale(y, 1 / sqrtf(total(t, false)), t->width);
        return;
    case TF_EMBED_CLS:
        row = t->first < t->n ? t->first : 0;
        break;
    default:
        break;
    }
    memcpy(y, t->x + row * t->width, t->width * sizeof(*y));
}

/* Pooling of many sequences. */
struct pooling {
    const struct tf_embed_module *module;
    const struct tf_seqs *seqs;
    const float *hidden;
    const size_t *skip;
    size_t width;
    struct tf_tensor *out; /* [count][pools * width] */
};

static void pool_sequence(void *arg, size_t i, int worker)
{
    const struct pooling *p = arg;
    size_t start = p->seqs->start[i];
    struct tokens t = { p->hidden + start * p->width,
                        p->seqs->start[i + 1] - start, 0, p->width };
    float *y = (float *)p->out->data + i * p->out->ld;

    (void)worker;
    if (p->module->skips_prompt && p->skip)
        t.first = p->skip[i] < t.n ? p->skip[i] : t.n;
    for (size_t k = 0; k < p->module->pool_count; k++)
        pool_tokens(&t, p->module->pools[k], y + k * p->width);
}

static struct tf_tensor *dense(struct tf_ctx *ctx, struct tf_embed_module *m,
                               struct tf_tensor *x)
{
    struct tf_tensor *residual = NULL;

    if (m->has_residual)
        residual = m->residual.w.data
                       ? tf_linear(ctx, x, &m->residual, TF_ACT_NONE, NULL)
                       : x;
    return tf_linear(ctx, x, &m->linear, m->act, residual);
}

static void normalize_rows(struct tf_tensor *x, size_t n)
{
    for (size_t i = 0; i < x->dim[0]; i++)
        tf_to_length_one((float *)x->data + i * x->ld, n);
}

static struct tf_tensor *run_modules(struct tf_embedder *e, struct tf_ctx *ctx,
                                     struct pooling *p)
{
    struct tf_tensor *x = NULL;

    for (size_t i = 0; i < e->module_count && !ctx->failed; i++) {
        struct tf_embed_module *m = &e->modules[i];

        switch (m->kind) {
        case TF_EMBED_POOLING:
            p->module = m;
            p->out = x = tf_new(ctx, p->seqs->count, m->pool_count * p->width);
            if (x)
                tf_pool_run(ctx->pool, p->seqs->count, pool_sequence, p);
            break;
        case TF_EMBED_DENSE:
            x = dense(ctx, m, x);
            break;
        case TF_EMBED_LAYER_NORM:
            x = tf_norm(ctx, x, &m->norm);
            break;
        case TF_EMBED_NORMALIZE:
            normalize_rows(x, i + 1 == e->module_count ? e->dim : x->dim[1]);
            break;
        }
    }
    return x;
}

/* Tokens that are not pooled: [T][width] as they are. */
static struct tf_tensor *copy_tokens(struct tf_embedder *e, struct tf_ctx *ctx,
                                     const struct pooling *p)
{
    size_t rows = p->seqs->start[p->seqs->count];
    struct tf_tensor *x = tf_new(ctx, rows, p->width);

    if (!x)
        return NULL;
    memcpy(x->data, p->hidden, rows * p->width * sizeof(float));
    if (e->module_count) /* a Normalize */
        normalize_rows(x, e->dim);
    return x;
}

/* Keep the first e->dim numbers of each row. */
static int take(struct tf_embedder *e, const struct tf_tensor *x,
                struct tf_result *out, struct tf_err *err)
{
    size_t rows = x->dim[0];

    if (rows * e->dim > e->out_cap) {
        float *grown = tf_grow(e->out, rows * e->dim, sizeof(*grown), err);

        if (!grown)
            return -1;
        e->out = grown;
        e->out_cap = rows * e->dim;
    }
    for (size_t i = 0; i < rows; i++)
        memcpy(e->out + i * e->dim, (const float *)x->data + i * x->ld,
               e->dim * sizeof(float));
    *out = (struct tf_result){ e->out, rows, e->dim };
    return 0;
}

int tf_embed(struct tf_embedder *e, struct tf_pool *pool,
             const struct tf_seqs *seqs, const float *hidden,
             const size_t *skip, struct tf_result *out, struct tf_err *err)
{
    struct tf_arena_mark mark = tf_arena_mark(&e->scratch);
    struct tf_ctx ctx = { .pool = pool, .arena = &e->scratch, .err = err };
    struct pooling p = {
        .seqs = seqs, .hidden = hidden, .skip = skip, .width = e->width
    };
    bool pools = e->module_count && e->modules[0].kind == TF_EMBED_POOLING;
    struct tf_tensor *x =
        pools ? run_modules(e, &ctx, &p) : copy_tokens(e, &ctx, &p);
    int failed = !x || take(e, x, out, err);

    tf_arena_rewind(&e->scratch, mark);
    return failed ? -1 : 0;
}

void tf_put_vector(struct tf_buf *out, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tf_buf_adds(out, i ? ", " : "[");
        tf_put_float(out, v[i]);
    }
    tf_buf_addc(out, ']');
}

void tf_put_vector_raw(struct tf_buf *out, const float *v, size_t n)
{
    unsigned char *p = (unsigned char *)tf_buf_room(out, 4 * n);
    uint32_t bits;

    for (size_t i = 0; p && i < n; i++, p += 4) {
        memcpy(&bits, &v[i], 4);
        p[0] = (unsigned char)bits;
        p[1] = (unsigned char)(bits >> 8);
        p[2] = (unsigned char)(bits >> 16);
        p[3] = (unsigned char)(bits >> 24);
    }
    if (p)
        out->len += 4 * n;
}

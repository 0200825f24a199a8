#include "nn/drop.h"

#include "base/rng.h"
#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

/* draws of 16 bits that one call of the generator gives */
#define LANES 8

struct tf_drop tf_drop_next(struct tf_ctx *ctx, float p)
{
    struct tf_drop d = { ctx->seed, ctx->step << 32, 0, 1 };

    if (!ctx->training || p <= 0)
        return d;
    d.draw |= ctx->draws++;
    d.below = p < 65535 / 65536.0f ? (uint32_t)(p * 65536 + 0.5f) : 65535;
    d.scale = 65536 / (float)(65536 - d.below);
    return d;
}

void tf_drop_row(const struct tf_drop *d, float *dst, const float *src,
                 uint64_t row, size_t col, size_t n)
{
    size_t end = col + n, lane;
    uint32_t word[4];

    while (col < end) {
        tf_philox(d->seed, d->draw, row << 32 | col / LANES, word);
        for (lane = col % LANES; lane < LANES && col < end; lane++, col++) {
            uint32_t draw = word[lane / 2] >> lane % 2 * 16 & 0xffff;

            *dst++ = draw < d->below ? 0 : *src * d->scale;
            src++;
        }
    }
}

struct dropout_job {
    const struct tf_drop *drop;
    const struct tf_tensor *x, *residual; /* residual: may be NULL */
    struct tf_tensor *y;
    float *dx;
    bool fresh; /* dx is written, else added to */
};

static void dropout_rows(void *arg, size_t first, size_t end)
{
    const struct dropout_job *job = arg;
    size_t i, cols = tf_cols(job->y);

    for (i = first; i < end; i++) {
        float *y = tf_row(job->y, i);

        tf_drop_row(job->drop, y, tf_row(job->x, i), i, 0, cols);
        if (job->residual)
            tf_kernels()->add(y, y, tf_row(job->residual, i), cols);
    }
}

static void dropout_back_rows(void *arg, size_t first, size_t end)
{
    const struct dropout_job *job = arg;
    size_t i, c, n, cols = tf_cols(job->y);
    float piece[1024];

    for (i = first; i < end; i++) {
        const float *dy = job->y->grad + i * job->y->ld;
        float *dx = job->dx + i * job->x->ld;

        for (c = 0; c < cols; c += n) {
            n = cols - c < 1024 ? cols - c : 1024;
            tf_drop_row(job->drop, job->fresh ? dx + c : piece, dy + c, i, c,
                        n);
            if (!job->fresh)
                tf_kernels()->add(dx + c, dx + c, piece, n);
        }
    }
}

struct dropout_node {
    struct tf_node node;
    struct tf_drop drop;
    struct tf_tensor *x, *residual;
};

static void dropout_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct dropout_node *n = (struct dropout_node *)node;
    struct dropout_job job = { .drop = &n->drop, .x = n->x, .y = node->out };

    tf_grad_pass(ctx, node, n->residual);
    job.dx = tf_grad_open(ctx, n->x, &job.fresh);
    if (job.dx)
        tf_rows_run(ctx, tf_tensor_rows(n->x), tf_cols(n->x), dropout_back_rows,
                    &job);
}

/* y = dropout(x) + residual; y may lie where x does. */
static struct tf_tensor *drop(struct tf_ctx *ctx, struct tf_tensor *y,
                              struct tf_tensor *x, struct tf_tensor *residual,
                              float p)
{
    struct tf_drop d = tf_drop_next(ctx, p);
    struct dropout_job job = { .drop = &d, .x = x, .residual = residual };
    struct dropout_node *n;

    job.y = y;
    tf_rows_run(ctx, y->dim[0], y->dim[1], dropout_rows, &job);
    n = tf_record(ctx, sizeof(*n), y,
                  tf_wants_grad(x) || tf_wants_grad(residual), dropout_back);
    if (n) {
        n->drop = d;
        n->x = x;
        n->residual = residual;
    }
    return ctx->failed ? NULL : y;
}

struct tf_tensor *tf_dropout(struct tf_ctx *ctx, struct tf_tensor *x, float p)
{
    struct tf_tensor *y;

    if (!x || !ctx->training || p <= 0)
        return x;
    y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x));
    return y ? drop(ctx, y, x, NULL, p) : NULL;
}

struct tf_tensor *tf_linear_dropout(struct tf_ctx *ctx, struct tf_tensor *x,
                                    struct tf_weight *w, float p,
                                    struct tf_tensor *residual)
{
    struct tf_tensor *y, *z;

    if (!ctx->training || p <= 0)
        return tf_linear(ctx, x, w, TF_ACT_NONE, residual);
    /* the way back through a plain linear layer does not read its result, so
     * dropout can overwrite it */
    z = tf_linear(ctx, x, w, TF_ACT_NONE, NULL);
    y = z ? tf_scratch(ctx, 1, sizeof(*y)) : NULL;
    if (!y)
        return NULL;
    *y = *z;
    y->needs_grad = false;
    return drop(ctx, y, z, residual, p);
}

#include "nn/drop.h"

#include "nn/record.h"
#include "nn/rows.h"

struct tf_draws tf_draws_next(struct tf_ctx *ctx, float p, size_t rows)
{
    struct tf_draws d = { .key = ctx->seed, .hi = ctx->step << 32, .scale = 1 };

    if (!ctx->training || p <= 0)
        return d;
    d.hi |= ctx->draws++;
    d.row = rows == ctx->place.tokens ? ctx->place.tokens_before
                                      : ctx->place.seqs_before;
    d.below = p < 65535 / 65536.0f ? (uint32_t)(p * 65536 + 0.5f) : 65535;
    d.scale = 65536 / (float)(65536 - d.below);
    return d;
}

struct dropout_job {
    const struct tf_draws *draws;
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

        tf_kernels()->dropout(job->draws, (job->draws->row + i) * cols, y,
                              tf_row(job->x, i), cols);
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
            tf_kernels()->dropout(job->draws, (job->draws->row + i) * cols + c,
                                  job->fresh ? dx + c : piece, dy + c, n);
            if (!job->fresh)
                tf_kernels()->add(dx + c, dx + c, piece, n);
        }
    }
}

struct dropout_node {
    struct tf_node node;
    struct tf_draws draws;
    struct tf_tensor *x, *residual;
};

static void dropout_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct dropout_node *n = (struct dropout_node *)node;
    struct dropout_job job = { .draws = &n->draws, .x = n->x, .y = node->out };

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
    struct tf_draws d = tf_draws_next(ctx, p, tf_tensor_rows(x));
    struct dropout_job job = { .draws = &d, .x = x, .residual = residual };
    struct dropout_node *n;

    job.y = y;
    tf_rows_run(ctx, y->dim[0], y->dim[1], dropout_rows, &job);
    n = tf_record(ctx, sizeof(*n), y,
                  tf_wants_grad(x) || tf_wants_grad(residual), dropout_back);
    if (n) {
        n->draws = d;
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

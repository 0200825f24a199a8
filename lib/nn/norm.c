#include "nn/rows.h"

struct norm_job {
    const struct tf_norm *norm;
    const struct tf_tensor *x;
    struct tf_tensor *y;
    size_t size; /* of what is normed: a row, or a head of it */
};

static void norm_rows(void *arg, size_t first, size_t end)
{
    const struct norm_job *job = arg;
    const struct tf_norm *n = job->norm;
    const struct tf_kernels *k = tf_kernels();
    size_t cols = tf_cols(job->x);
    size_t i, c;

    for (i = first; i < end; i++) {
        const float *x = tf_row(job->x, i);
        float *y = tf_row(job->y, i);

        for (c = 0; c < cols; c += job->size)
            if (n->kind == TF_RMS_NORM)
                k->rms_norm(y + c, x + c, n->w.data, n->w_offset, n->eps,
                            job->size);
            else
                k->layer_norm(y + c, x + c, n->w.data, n->b.data, n->eps,
                              job->size);
    }
}

static struct tf_tensor *norm_pieces(struct tf_ctx *ctx, struct tf_tensor *x,
                                     struct tf_norm *norm, size_t size)
{
    struct norm_job job = { norm, x, NULL, size };

    job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x));
    if (!job.y)
        return NULL;
    tf_rows_run(ctx, job.y->dim[0], tf_cols(x), norm_rows, &job);
    return job.y;
}

struct tf_tensor *tf_norm(struct tf_ctx *ctx, struct tf_tensor *x,
                          struct tf_norm *norm)
{
    if (!x || !norm)
        return x;
    return norm_pieces(ctx, x, norm, tf_cols(x));
}

struct tf_tensor *tf_norm_heads(struct tf_ctx *ctx, struct tf_tensor *x,
                                struct tf_norm *norm)
{
    if (!x || !norm)
        return x;
    return norm_pieces(ctx, x, norm, norm->w.dim[0]);
}

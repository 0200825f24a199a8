#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

struct unfold {
    struct tf_node node;
    struct tf_tensor *x;
    struct tf_seqs seqs;
    size_t kernel;
    bool backwards;
};

/* The column that neighbour i stands at. */
static size_t column(const struct unfold *u, size_t i)
{
    return (u->backwards ? u->kernel - 1 - i : i) * tf_cols(u->x);
}

/* The rows of sequence s that have neighbour i: t from *first to *end, the
 * neighbour being row t + i - kernel / 2. */
static void inside(const struct unfold *u, size_t s, size_t i, size_t *first,
                   size_t *end)
{
    size_t start = u->seqs.start[s], stop = u->seqs.start[s + 1];
    size_t half = u->kernel / 2;

    *first = i < half ? start + (half - i) : start;
    *end = stop;
    if (i > half)
        *end = stop > start + (i - half) ? stop - (i - half) : start;
}

static void unfold_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct unfold *u = (struct unfold *)node;
    const struct tf_tensor *y = node->out;
    size_t cols = tf_cols(u->x), half = u->kernel / 2, s, i, t, end;
    float *grad = tf_grad(ctx, u->x), *dx;

    for (s = 0; grad && s < u->seqs.count; s++)
        for (i = 0; i < u->kernel; i++)
            for (inside(u, s, i, &t, &end); t < end; t++) {
                dx = grad + (t + i - half) * u->x->ld;
                tf_kernels()->add(dx, dx, y->grad + t * y->ld + column(u, i),
                                  cols);
            }
}

static void unfold(const struct unfold *u, struct tf_tensor *y)
{
    size_t cols = tf_cols(u->x), half = u->kernel / 2, s, i, t, end;

    memset(y->data, 0, tf_tensor_bytes(y));
    for (s = 0; s < u->seqs.count; s++)
        for (i = 0; i < u->kernel; i++)
            for (inside(u, s, i, &t, &end); t < end; t++)
                memcpy(tf_row(y, t) + column(u, i), tf_row(u->x, t + i - half),
                       cols * sizeof(float));
}

struct tf_tensor *tf_unfold(struct tf_ctx *ctx, struct tf_tensor *x,
                            const struct tf_seqs *seqs, size_t kernel,
                            bool backwards)
{
    struct unfold job = { .x = x,
                          .seqs = *seqs,
                          .kernel = kernel,
                          .backwards = backwards },
                  *n;
    struct tf_tensor *y;

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), kernel * tf_cols(x))))
        return NULL;
    unfold(&job, y);
    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(x), unfold_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : y;
}

#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

/* Which columns of x a result's are: runs of `run` of them, one every `step`
 * from `first` on, and all of `shared` behind each. */
struct pick {
    struct tf_node node;
    struct tf_tensor *x, *y;
    struct tf_tensor *shared; /* or NULL */
    size_t first, run, step;
    size_t width;              /* of a run and what is behind it */
    float *grad, *shared_grad; /* on the way back; or NULL */
};

static void pick_rows(void *arg, size_t first, size_t end)
{
    const struct pick *p = arg;
    size_t cols = tf_cols(p->y), i, c;

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += p->width) {
            float *y = tf_row(p->y, i) + c;

            memcpy(y, tf_row(p->x, i) + p->first + c / p->width * p->step,
                   p->run * sizeof(float));
            if (p->shared)
                memcpy(y + p->run, tf_row(p->shared, i),
                       (p->width - p->run) * sizeof(float));
        }
}

static void put_rows(void *arg, size_t first, size_t end)
{
    const struct pick *p = arg;
    const struct tf_tensor *y = p->node.out;
    size_t cols = tf_cols(y), i, c;

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += p->width) {
            const float *dy = y->grad + i * y->ld + c;
            size_t column = p->first + c / p->width * p->step;

            if (p->grad)
                tf_kernels()->add(p->grad + i * p->x->ld + column,
                                  p->grad + i * p->x->ld + column, dy, p->run);
            if (p->shared_grad)
                tf_kernels()->add(p->shared_grad + i * p->shared->ld,
                                  p->shared_grad + i * p->shared->ld,
                                  dy + p->run, p->width - p->run);
        }
}

static void pick_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct pick *p = (struct pick *)node;

    p->grad = tf_grad(ctx, p->x);
    p->shared_grad = p->shared ? tf_grad(ctx, p->shared) : NULL;
    if (p->grad || p->shared_grad)
        tf_rows_run(ctx, tf_tensor_rows(p->x), tf_cols(node->out), put_rows, p);
}

static struct tf_tensor *pick(struct tf_ctx *ctx, const struct pick *what,
                              size_t count)
{
    struct pick job = *what, *n;

    job.width = job.run + (job.shared ? tf_cols(job.shared) : 0);
    job.y = tf_new(ctx, tf_tensor_rows(job.x), job.width * count);
    if (!job.y)
        return NULL;
    tf_rows_run(ctx, job.y->dim[0], job.y->dim[1], pick_rows, &job);
    n = tf_record(ctx, sizeof(*n), job.y,
                  tf_wants_grad(job.x) || tf_wants_grad(job.shared), pick_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : job.y;
}

struct tf_tensor *tf_pick_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                                  size_t first, size_t run, size_t step,
                                  size_t count)
{
    struct pick p = { .x = x, .first = first, .run = run, .step = step };

    return x ? pick(ctx, &p, count) : NULL;
}

struct tf_tensor *tf_share_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                                   size_t run, size_t step, size_t count,
                                   struct tf_tensor *shared)
{
    struct pick p = { .x = x, .shared = shared, .run = run, .step = step };

    return x && shared ? pick(ctx, &p, count) : NULL;
}

struct join {
    struct tf_node node;
    struct tf_tensor *part[2];
};

/* The part's gradient takes what stands at these columns of the result's. */
static void join_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct join *j = (struct join *)node;
    struct tf_tensor piece = *node->out;

    piece.dim[1] = tf_cols(j->part[0]);
    tf_grad_add(ctx, &piece, j->part[0]);
    piece.grad += piece.dim[1];
    piece.dim[1] = tf_cols(j->part[1]);
    tf_grad_add(ctx, &piece, j->part[1]);
}

struct tf_tensor *tf_join_columns(struct tf_ctx *ctx, struct tf_tensor *a,
                                  struct tf_tensor *b)
{
    struct tf_tensor *y;
    struct join *n;
    size_t left, right;

    if (!a || !b)
        return NULL;
    left = tf_cols(a);
    right = tf_cols(b);
    if (!(y = tf_new(ctx, tf_tensor_rows(a), left + right)))
        return NULL;
    for (size_t i = 0; i < y->dim[0]; i++) {
        memcpy(tf_row(y, i), tf_row(a, i), left * sizeof(float));
        memcpy(tf_row(y, i) + left, tf_row(b, i), right * sizeof(float));
    }
    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(a) || tf_wants_grad(b),
                  join_back);
    if (n) {
        n->part[0] = a;
        n->part[1] = b;
    }
    return ctx->failed ? NULL : y;
}

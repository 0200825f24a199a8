#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

/* Which columns of x a result's are: runs of `run` of them, one every `step`
 * from `first` on. */
struct pick {
    struct tf_node node;
    struct tf_tensor *x, *y;
    size_t first, run, step;
    float *grad; /* of x, on the way back */
};

static void pick_rows(void *arg, size_t first, size_t end)
{
    const struct pick *p = arg;
    size_t cols = tf_cols(p->y), i, c;

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += p->run)
            memcpy(tf_row(p->y, i) + c,
                   tf_row(p->x, i) + p->first + c / p->run * p->step,
                   p->run * sizeof(float));
}

static void put_rows(void *arg, size_t first, size_t end)
{
    const struct pick *p = arg;
    const struct tf_tensor *y = p->node.out;
    size_t cols = tf_cols(y), i, c;
    float *dx;

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += p->run) {
            dx = p->grad + i * p->x->ld + p->first + c / p->run * p->step;
            tf_kernels()->add(dx, dx, y->grad + i * y->ld + c, p->run);
        }
}

static void pick_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct pick *p = (struct pick *)node;

    p->grad = tf_grad(ctx, p->x);
    if (p->grad)
        tf_rows_run(ctx, tf_tensor_rows(p->x), tf_cols(node->out), put_rows, p);
}

struct tf_tensor *tf_pick_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                                  size_t first, size_t run, size_t step,
                                  size_t count)
{
    struct pick job = { .x = x, .first = first, .run = run, .step = step }, *n;

    if (!x || !(job.y = tf_new(ctx, tf_tensor_rows(x), run * count)))
        return NULL;
    tf_rows_run(ctx, job.y->dim[0], run * count, pick_rows, &job);
    n = tf_record(ctx, sizeof(*n), job.y, tf_wants_grad(x), pick_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : job.y;
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

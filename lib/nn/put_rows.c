#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

struct put {
    struct tf_node node;
    struct tf_tensor *into, *x;
    const int32_t *rows;
};

/* The rows that were put have their gradient from x, and none goes on. */
static void put_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct put *p = (struct put *)node;
    const struct tf_tensor *y = node->out;
    size_t n = tf_tensor_rows(p->x), cols = tf_cols(y);
    float *dx = tf_grad(ctx, p->x);

    for (size_t i = 0; i < n; i++) {
        float *dy = y->grad + (size_t)p->rows[i] * y->ld;

        if (dx)
            tf_kernels()->add(dx + i * p->x->ld, dx + i * p->x->ld, dy, cols);
        memset(dy, 0, cols * sizeof(*dy));
    }
    tf_grad_pass(ctx, node, p->into);
}

struct tf_tensor *tf_put_rows(struct tf_ctx *ctx, struct tf_tensor *into,
                              struct tf_tensor *x, const int32_t *rows)
{
    struct tf_tensor *y;
    struct put *n;
    size_t cols;

    if (!into || !x)
        return NULL;
    cols = tf_cols(into);
    if (!(y = tf_new(ctx, tf_tensor_rows(into), cols)))
        return NULL;
    for (size_t i = 0; i < y->dim[0]; i++)
        memcpy(tf_row(y, i), tf_row(into, i), cols * sizeof(float));
    for (size_t i = 0; i < tf_tensor_rows(x); i++)
        memcpy(tf_row(y, (size_t)rows[i]), tf_row(x, i), cols * sizeof(float));
    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(into) || tf_wants_grad(x),
                  put_back);
    if (n) {
        n->into = into;
        n->x = x;
        n->rows = rows;
    }
    return ctx->failed ? NULL : y;
}

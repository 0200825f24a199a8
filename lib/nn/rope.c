#include "nn/record.h"
#include "nn/rows.h"

#include <string.h>

/* Turn the pairs (i, i + half) of x, by the angle or back. */
static void turn_halves(float *y, const float *x, const float *cs,
                        const float *sn, float sign, size_t half)
{
    size_t i;

    for (i = 0; i < half; i++) {
        float a = x[i], b = x[i + half], s = sign * sn[i];

        y[i] = a * cs[i] - b * s;
        y[i + half] = b * cs[i] + a * s;
    }
}

/* Turn the pairs (2i, 2i + 1). */
static void turn_neighbours(float *y, const float *x, const float *cs,
                            const float *sn, float sign, size_t half)
{
    size_t i;

    for (i = 0; i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1], s = sign * sn[i];

        y[2 * i] = a * cs[i] - b * s;
        y[2 * i + 1] = b * cs[i] + a * s;
    }
}

struct rope_node {
    struct tf_node node;
    const struct tf_rope *rope;
    const int32_t *positions;
    size_t head_size;
    struct tf_tensor *x;
    float *grad; /* of x, on the way back */
};

/* A row, head by head; dst may be src. */
static void turn_row(const struct rope_node *n, float *dst, const float *src,
                     size_t row, float sign)
{
    const struct tf_rope *rope = n->rope;
    size_t half = rope->dims / 2, size = n->head_size, at = rope->first, c;
    const float *cs = rope->cos + (size_t)n->positions[row] * half;
    const float *sn = rope->sin + (size_t)n->positions[row] * half;

    for (c = 0; c < tf_cols(n->x); c += size) {
        if (rope->interleaved)
            turn_neighbours(dst + c + at, src + c + at, cs, sn, sign, half);
        else
            turn_halves(dst + c + at, src + c + at, cs, sn, sign, half);
        if (dst == src)
            continue;
        memcpy(dst + c, src + c, at * sizeof(float));
        memcpy(dst + c + at + 2 * half, src + c + at + 2 * half,
               (size - at - 2 * half) * sizeof(float));
    }
}

static void forward_rows(void *arg, size_t first, size_t end)
{
    const struct rope_node *n = arg;
    size_t i;

    for (i = first; i < end; i++)
        turn_row(n, tf_row(n->node.out, i), tf_row(n->x, i), i, 1);
}

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct rope_node *n = arg;
    size_t i;

    for (i = first; i < end; i++) {
        float *dy = n->node.out->grad + i * n->node.out->ld;
        float *dx = n->grad + i * n->x->ld;

        turn_row(n, dy, dy, i, -1);
        tf_kernels()->add(dx, dx, dy, tf_cols(n->x));
    }
}

static void rope_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct rope_node *n = (struct rope_node *)node;

    n->grad = tf_grad(ctx, n->x);
    if (n->grad)
        tf_rows_run(ctx, tf_tensor_rows(n->x), tf_cols(n->x), back_rows, n);
}

struct tf_tensor *tf_rotary(struct tf_ctx *ctx, struct tf_tensor *x,
                            size_t head_size, const struct tf_rope *rope,
                            const int32_t *positions)
{
    struct rope_node job = { .rope = rope, .positions = positions }, *n;
    struct tf_tensor *y;

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    job.head_size = head_size;
    job.x = x;
    job.node.out = y;
    tf_rows_run(ctx, y->dim[0], y->dim[1], forward_rows, &job);
    n = tf_record(ctx, sizeof(*n), y, tf_wants_grad(x), rope_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : y;
}

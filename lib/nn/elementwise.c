#include "nn/rows.h"

/* y = f(a, b) row by row; the ops that have no b leave it NULL */
struct elementwise {
    const struct tf_tensor *a, *b;
    struct tf_tensor *y;
    void (*unary)(float *dst, const float *src, size_t n);
    void (*binary)(float *dst, const float *a, const float *b, size_t n);
    float factor;
};

static void unary_rows(void *arg, size_t first, size_t end)
{
    const struct elementwise *e = arg;
    size_t i;

    for (i = first; i < end; i++)
        e->unary(tf_row(e->y, i), tf_row(e->a, i), tf_cols(e->y));
}

static void binary_rows(void *arg, size_t first, size_t end)
{
    const struct elementwise *e = arg;
    size_t i;

    for (i = first; i < end; i++)
        e->binary(tf_row(e->y, i), tf_row(e->a, i), tf_row(e->b, i),
                  tf_cols(e->y));
}

static void scale_rows(void *arg, size_t first, size_t end)
{
    const struct elementwise *e = arg;
    size_t i, c;

    for (i = first; i < end; i++) {
        const float *a = tf_row(e->a, i);
        float *y = tf_row(e->y, i);

        for (c = 0; c < tf_cols(e->y); c++)
            y[c] = a[c] * e->factor;
    }
}

/* act(a) b: the gate is left in y between the two steps, in cache */
static void gate_rows(void *arg, size_t first, size_t end)
{
    const struct elementwise *e = arg;
    size_t i;

    for (i = first; i < end; i++) {
        float *y = tf_row(e->y, i);

        e->unary(y, tf_row(e->a, i), tf_cols(e->y));
        e->binary(y, y, tf_row(e->b, i), tf_cols(e->y));
    }
}

static struct tf_tensor *run(struct tf_ctx *ctx, struct elementwise *e,
                             tf_rows_fn *fn)
{
    e->y = tf_new(ctx, tf_tensor_rows(e->a), tf_cols(e->a));
    if (!e->y)
        return NULL;
    tf_rows_run(ctx, e->y->dim[0], e->y->dim[1], fn, e);
    return e->y;
}

struct tf_tensor *tf_act(struct tf_ctx *ctx, struct tf_tensor *x,
                         enum tf_act act)
{
    struct elementwise e = { .a = x, .unary = tf_kernels()->act[act] };

    return x && act != TF_ACT_NONE ? run(ctx, &e, unary_rows) : x;
}

struct tf_tensor *tf_act_mul(struct tf_ctx *ctx, struct tf_tensor *gate,
                             struct tf_tensor *x, enum tf_act act)
{
    struct elementwise e = { .a = gate, .b = x };

    e.unary = tf_kernels()->act[act];
    e.binary = tf_kernels()->mul;
    return gate && x ? run(ctx, &e, gate_rows) : NULL;
}

struct tf_tensor *tf_add(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b)
{
    struct elementwise e = { .a = a, .b = b, .binary = tf_kernels()->add };

    return a && b ? run(ctx, &e, binary_rows) : NULL;
}

struct tf_tensor *tf_mul(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b)
{
    struct elementwise e = { .a = a, .b = b, .binary = tf_kernels()->mul };

    return a && b ? run(ctx, &e, binary_rows) : NULL;
}

struct tf_tensor *tf_scale(struct tf_ctx *ctx, struct tf_tensor *x, float a)
{
    struct elementwise e = { .a = x, .factor = a };

    return x ? run(ctx, &e, scale_rows) : NULL;
}

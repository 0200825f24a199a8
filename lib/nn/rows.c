#include "nn/rows.h"

#include <string.h>

/* elements of a task: a few microseconds of work, half of the L1 cache */
#define GRAIN 8192

void *tf_scratch(struct tf_ctx *ctx, size_t n, size_t size)
{
    void *p = ctx->failed ? NULL : tf_arena_alloc(ctx->arena, n, size);

    if (!p && !ctx->failed) {
        tf_no_memory(ctx->err, n * size);
        ctx->failed = true;
    }
    return p;
}

struct tf_tensor *tf_new(struct tf_ctx *ctx, size_t rows, size_t cols)
{
    struct tf_tensor *t = tf_scratch(ctx, 1, sizeof(*t));
    size_t n;

    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    t->dtype = TF_F32;
    t->ndim = 2;
    t->dim[0] = rows;
    t->dim[1] = cols;
    t->ld = cols;
    if (__builtin_mul_overflow(rows, cols, &n))
        n = SIZE_MAX;
    t->data = tf_scratch(ctx, n, sizeof(float));
    return t->data ? t : NULL;
}

struct tf_tensor *tf_columns(struct tf_ctx *ctx, struct tf_tensor *x,
                             size_t first, size_t n)
{
    struct tf_tensor *t = x ? tf_scratch(ctx, 1, sizeof(*t)) : NULL;

    if (!t)
        return NULL;
    *t = *x;
    t->data = (float *)x->data + first;
    t->dim[t->ndim - 1] = n;
    t->base = x->base ? x->base : x;
    t->grad = NULL;
    return t;
}

struct ranges {
    tf_rows_fn *fn;
    void *arg;
    size_t rows, step;
};

static void run_range(void *arg, size_t i, int worker)
{
    struct ranges *r = arg;
    size_t first = i * r->step;
    size_t left = r->rows - first;

    (void)worker;
    r->fn(r->arg, first, first + (left < r->step ? left : r->step));
}

void tf_rows_run(struct tf_ctx *ctx, size_t rows, size_t cols, tf_rows_fn *fn,
                 void *arg)
{
    struct ranges r = { fn, arg, rows, 1 };

    if (cols < GRAIN)
        r.step = GRAIN / (cols ? cols : 1);
    tf_pool_run(ctx->pool, (rows + r.step - 1) / r.step, run_range, &r);
}

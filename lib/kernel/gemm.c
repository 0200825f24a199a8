#include "kernel/gemm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/gemm_parts.h"

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static int scratch_failed;

static void make_key(void)
{
    scratch_failed = pthread_key_create(&scratch_key, free);
}

float *tf_gemm_thread_scratch(size_t floats, struct tf_err *err)
{
    static _Thread_local float *scratch;
    static _Thread_local size_t have;
    size_t bytes = tf_round_line(floats) * sizeof(float);

    pthread_once(&scratch_once, make_key);
    if (bytes <= have)
        return scratch;
    if (have)
        pthread_setspecific(scratch_key, NULL);
    free(scratch);
    have = 0;
    scratch = scratch_failed ? NULL : aligned_alloc(64, bytes);
    if (!scratch || pthread_setspecific(scratch_key, scratch)) {
        free(scratch);
        scratch = NULL;
        tf_no_memory(err, bytes);
        return NULL;
    }
    have = bytes;
    return scratch;
}

void tf_gemm_finish(const struct tf_kernels *kern, const struct tf_gemm *g,
                    float *x, size_t row, size_t column, size_t n)
{
    const struct tf_epilogue *e = g->epilogue;
    size_t at = row * g->ldc + column;
    float *c = g->c + at;

    if (e && e->alpha != 0 && e->alpha != 1)
        kern->scale(x, e->alpha, n);
    if (e && e->bias)
        kern->add(x, x, e->bias + column, n);
    if (e && e->pre_act)
        memcpy(e->pre_act + at, x, n * sizeof(*x));
    if (e && e->act != TF_ACT_NONE)
        kern->act[e->act](x, x, n);
    if (e && e->residual)
        kern->add(c, x, e->residual + row * e->ld_residual + column, n);
    else if (e && e->accumulate)
        kern->add(c, c, x, n);
    else if (c != x)
        memcpy(c, x, n * sizeof(*x));
}

static void finish(const void *arg, float *x, size_t row, size_t column,
                   size_t n)
{
    tf_gemm_finish(tf_kernels(), arg, x, row, column, n);
}

/* What the epilogue does beyond adding to C. */
static bool has_work(const struct tf_epilogue *e)
{
    return e && ((e->alpha != 0 && e->alpha != 1) || e->bias || e->pre_act ||
                 e->act != TF_ACT_NONE || e->residual);
}

static struct tf_product product_of(const struct tf_gemm *g)
{
    const struct tf_epilogue *e = g->epilogue;
    struct tf_product p = {
        .tiling = &tf_kernels()->f32,
        .m = g->m,
        .n = g->n,
        .k = g->k,
        .a = { g->a.data, g->a.dtype, g->a.rs, g->a.cs },
        .b = { g->b.data, g->b.dtype, g->b.cs, g->b.rs },
        .packed = g->packed ? &g->packed->panels : NULL,
        .finish = finish,
        .arg = g,
    };

    if (e && (e->residual == g->c || (e->accumulate && has_work(e))))
        return p; /* C is read at the end */
    p.c = g->c;
    p.ldc = g->ldc;
    p.add = e && e->accumulate;
    p.complete = !has_work(e);
    return p;
}

static int gemm_thin(struct tf_pool *pool, const struct tf_gemm *g,
                     struct tf_err *err)
{
    float *scratch = tf_gemm_thread_scratch(
        tf_gemm_thin_scratch(g->m, g->n, g->k, tf_pool_threads(pool)), err);

    if (!scratch)
        return -1;
    tf_gemm_thin(pool, tf_kernels(), g, scratch);
    return 0;
}

int tf_gemm(struct tf_pool *pool, const struct tf_gemm *g, struct tf_err *err)
{
    struct tf_product p;
    float *scratch;

    if (!g->m || !g->n)
        return 0;
    if (tf_gemm_is_thin(tf_kernels(), g))
        return gemm_thin(pool, g, err);
    p = product_of(g);
    scratch = tf_gemm_thread_scratch(
        tf_product_scratch(&p, tf_pool_threads(pool)), err);
    if (!scratch)
        return -1;
    tf_product_run(pool, &p, scratch);
    return 0;
}

size_t tf_gemm_scratch(size_t m, size_t n, size_t k)
{
    return tf_most(tf_gemm_thin_scratch(m, n, k, 1),
                   tf_product_bound(&tf_kernels()->f32, m, n, k));
}

void tf_gemm_serial(const struct tf_gemm *g, float *scratch)
{
    struct tf_product p;

    if (!g->m || !g->n)
        return;
    if (tf_gemm_is_thin(tf_kernels(), g)) {
        tf_gemm_thin(NULL, tf_kernels(), g, scratch);
        return;
    }
    p = product_of(g);
    tf_product_run(NULL, &p, scratch);
}

#include "kernel/gemm.h"

#include <pthread.h>
#include <stdlib.h>
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

struct tf_finish tf_finish_of(const struct tf_epilogue *e, float *c, size_t ldc)
{
    struct tf_finish f = { .c = c, .ldc = ldc, .alpha = 1 };

    if (!e)
        return f;
    f.alpha = e->alpha != 0 ? e->alpha : 1;
    f.bias = e->bias;
    f.pre_act = e->pre_act;
    f.act = e->act;
    f.residual = e->residual;
    f.ld_residual = e->ld_residual;
    f.accumulate = e->accumulate;
    return f;
}

static struct tf_product product_of(const struct tf_gemm *g)
{
    return (struct tf_product){
        .tiling = &tf_kernels()->f32,
        .m = g->m,
        .n = g->n,
        .k = g->k,
        .a = { g->a.data, g->a.dtype, g->a.rs, g->a.cs },
        .b = { g->b.data, g->b.dtype, g->b.cs, g->b.rs },
        .finish = tf_finish_of(g->epilogue, g->c, g->ldc),
    };
}

/*
 * bfloat16 hardware makes float32 products too: an operand is a sum of three
 * bfloat16 (of two, when it is float16; of one, when it is one), and of the
 * nine products of these parts the six that reach into float32's 24 bits are
 * summed (Henry, Tang and Heinecke 2019). To take the operands apart pays for
 * products of some size.
 */
static bool by_pairs(const struct tf_gemm *g)
{
    enum { ROWS = 96, DEPTH = 64 };
    const struct tf_tiling *t = &tf_kernels()->bf16;

    return t->tile && g->m >= ROWS && g->n >= ROWS && g->k >= DEPTH &&
           2 * t->kc % tf_dtype_info(g->a.dtype)->block == 0 &&
           2 * t->kc % tf_dtype_info(g->b.dtype)->block == 0;
}

int tf_gemm(struct tf_pool *pool, const struct tf_gemm *g, struct tf_err *err)
{
    const struct tf_kernels *kern = tf_kernels();
    int threads = tf_pool_threads(pool);
    struct tf_gemm own = *g; /* with A rounded, where it is */
    struct tf_product p;
    size_t rounded = 0;
    float *scratch;
    bool thin;

    if (!g->m || !g->n)
        return 0;
    if (tf_gemm_is_q8(kern, g))
        return tf_gemm_q8(pool, kern, g, err);
    if (tf_gemm_rounds(g)) {
        rounded = tf_round_line(g->m * g->k);
        own.a = (struct tf_mat){ NULL, TF_F32, g->k, 1 };
    }
    thin = tf_gemm_is_thin(kern, &own);
    p = product_of(&own);
    if (by_pairs(&own)) {
        p.tiling = &kern->bf16;
        p.pairs = true;
    }
    scratch = tf_gemm_thread_scratch(
        rounded + (thin ? tf_gemm_thin_scratch(g->m, g->n, g->k, threads)
                        : tf_product_scratch(&p, threads)),
        err);
    if (!scratch)
        return -1;
    if (rounded) {
        tf_gemm_round(pool, kern, g, scratch);
        p.a.data = own.a.data = scratch;
        scratch += rounded;
    }
    if (thin)
        tf_gemm_thin(pool, kern, &own, scratch);
    else
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

/*
 * Matrix products in float32 accumulation over the tiles of kernel.h (the
 * blocking is that of BLIS: Van Zee and van de Geijn 2015).
 *
 *     C[M][N] = epilogue(A[M][K] · B[K][N])
 *
 * Every element of C sums K in one fixed order whatever M, N and the threads.
 */
#ifndef TF_KERNEL_GEMM_H
#define TF_KERNEL_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"
#include "kernel/dtype.h"
#include "kernel/kernel.h"

/*
 * A matrix operand in memory: element (i, j) is at data + i * rs + j * cs
 * elements. For a weight W[out][in] of a linear layer used as B[in][out], rs is
 * 1 and cs is `in`. Types other than float32 are unpacked while packing; block
 * types need the stride along K to be 1.
 */
struct tf_mat {
    const void *data;
    enum tf_dtype dtype;
    size_t rs, cs;
};

/* What happens to C once its sum is whole, in this order:
 * alpha, bias, act, residual. */
struct tf_epilogue {
    float alpha;       /* 0 counts as 1 */
    const float *bias; /* [N], or NULL */
    enum tf_act act;
    float *pre_act; /* [M][N] with C's ldc: the value before act is kept
                       here for the way back; or NULL */
    const float
        *residual; /* [M][N] with stride ld_residual, or NULL; may be C */
    size_t ld_residual;
    bool accumulate; /* C += instead of C = (then no act, no residual) */
};

struct tf_gemm {
    size_t m, n, k;
    struct tf_mat a;
    struct tf_mat b;
    bool q8; /* where B is in ggml's blocks, A's rows, of float32, are rounded
                to int8 (block_q8.h), as llama.cpp has it */
    float *c;
    size_t ldc;
    const struct tf_epilogue *epilogue; /* NULL: none */
};

/* Compute one product on the pool. Scratch for packing is kept per thread and
 * grows on need; fails only when there is no memory for it. m = 1 and small m
 * stream B without packing it. */
int tf_gemm(struct tf_pool *pool, const struct tf_gemm *g, struct tf_err *err);

/* The same on the calling thread alone, for use inside a tf_pool_run: many
 * small products (attention). `scratch` holds the floats that
 * tf_gemm_scratch() asks for any product of at most that m, n and k, aligned to
 * 64 bytes. */
size_t tf_gemm_scratch(size_t m, size_t n, size_t k);
void tf_gemm_serial(const struct tf_gemm *g, float *scratch);
#endif

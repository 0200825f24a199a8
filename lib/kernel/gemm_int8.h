/*
 * Products with int8 weights: LLM.int8 (Dettmers et al. 2022). Each row of a
 * weight W[out][in] is int8 with a scale of its own, and so is each row of the
 * activations, which are quantised here. Products are summed in int32, exactly.
 * Columns of a record's activations that have an outlier stay float32, and meet
 * the weights q * scale there; they are found here, for each record by itself.
 */
#ifndef TF_KERNEL_GEMM_INT8_H
#define TF_KERNEL_GEMM_INT8_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "kernel/gemm.h"

#define TF_INT8_K_MAX 65536 /* longer sums may not fit into 32 bits */

struct tf_int8 {
    size_t n, k;
    const int8_t *q; /* [n][k], maybe unaligned; -127 .. 127 */
    size_t ld;
    const float *scale;  /* [n]: w = q * scale (bitsandbytes' SCB / 127) */
    const int32_t *sums; /* [n] sums of the rows of q, by tf_int8_sums(); NULL:
                            made for each product anew */
};

/* Quantise rows to nearest, ties to even: scale is the largest magnitude / 127.
 * A row that is not finite gets a NaN for scale. */
void tf_int8_quantize(struct tf_pool *pool, size_t n, size_t k, const float *w,
                      size_t ldw, int8_t *q, float *scale);
void tf_int8_sums(struct tf_pool *pool, const struct tf_int8 *w, int32_t *sums);

struct tf_gemm_int8 {
    size_t m;
    const float *x; /* [m][w->k] */
    size_t ldx;
    const struct tf_int8 *w;
    /* In record r, rows [start[r], start[r + 1]) of the m, a column is an
     * outlier when a magnitude in it reaches `threshold`; 0: none is. A NULL
     * start: each row is a record. */
    float threshold;
    const size_t *start;
    size_t records;
    float *c; /* [m][w->n] = epilogue(x · w^T) */
    size_t ldc;
    const struct tf_epilogue *epilogue; /* NULL: none */
};

/* Fails only when there is no memory for scratch. */
int tf_gemm_int8(struct tf_pool *pool, const struct tf_gemm_int8 *g,
                 struct tf_err *err);
#endif

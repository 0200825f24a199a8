/*
 * The kernels of this CPU. `ref` fills the table whole in plain C, and each
 * instruction-set file overwrites what it does better; the choice is made once,
 * at run time. TF_KERNEL=ref|avx2|avx512|... caps it.
 *
 * All arrays are float32 unless named otherwise, aligned to their element,
 * n >= 0. dst may be src (in place) but may not overlap it otherwise; transpose
 * is never in place.
 * Results differ from ref by rounding only: |fast - ref| <= 1e-6 relative to
 * the largest magnitude involved. NaN and infinity propagate as in ref.
 */
#ifndef TF_KERNEL_KERNEL_H
#define TF_KERNEL_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/dtype.h"

#define TF_THIN_ROWS 8

/* Activations: Transformers' ACT2FN names in the comments. */
enum tf_act {
    TF_ACT_NONE,       /* linear */
    TF_ACT_GELU,       /* gelu: x Phi(x), erf exact to 1e-6 */
    TF_ACT_GELU_TANH,  /* gelu_new, gelu_pytorch_tanh, gelu_fast */
    TF_ACT_QUICK_GELU, /* quick_gelu: x sigmoid(1.702 x) */
    TF_ACT_RELU,       /* relu */
    TF_ACT_RELU2,      /* relu2: relu squared */
    TF_ACT_SILU,       /* silu, swish */
    TF_ACT_TANH,       /* tanh */
    TF_ACT_SIGMOID,    /* sigmoid */
    TF_ACTS
};

struct tf_kernels {
    const char *name; /* the highest level in it: "ref", "avx2", "avx512" */

    /*
     * The inner product of matrix products: c (+)= a · b over k, where a is
     * [m][k] with rows lda apart, b is [k][nr] with rows ldb apart, and c is
     * [mr][nr], contiguous; m <= mr. c is overwritten when `first`, else added
     * to. Only the first n of the nr columns are wanted; the others of b must
     * be readable, and what c gets there is unspecified. An element of c sums
     * k in ascending order in one chain: it depends on neither m nor n.
     */
    size_t mr, nr;
    void (*gemm_tile)(size_t k, const float *a, size_t lda, const float *b,
                      size_t ldb, float *c, size_t m, size_t n, int first);
    /*
     * Products with few rows, at most TF_THIN_ROWS of x [m][k], that read w in
     * place and once, in order; NULL for a type that has none. `dots`: w is
     * [n][k], and c[i][j] = x[i] · w[j]; k is summed in an order of its own.
     * `sums`: w is [k][n], and c (+)= x · w as gemm_tile does.
     */
    void (*dots[TF_DTYPES])(size_t k, const float *x, size_t ldx, size_t m,
                            const void *w, size_t ldw, size_t n, float *c,
                            size_t ldc);
    void (*sums[TF_DTYPES])(size_t k, const float *x, size_t ldx, size_t m,
                            const void *w, size_t ldw, size_t n, float *c,
                            size_t ldc, int first);
    /* dst[j][i] = src[i][j] for i < rows, j < cols */
    void (*transpose)(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols);

    void (*act[TF_ACTS])(float *dst, const float *src, size_t n);
    /* y = (x - mean) / sqrt(var + eps) * w + b, biased variance; w and b may be
     * NULL (1 and 0) */
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b,
                       float eps, size_t n);
    /* y = x / sqrt(mean(x^2) + eps) * (w + w_offset); w may be NULL (1) */
    void (*rms_norm)(float *y, const float *x, const float *w, float w_offset,
                     float eps, size_t n);
    /* dst = exp(src * scale - max); returns the sum, `*max` is the largest of
     * src * scale, or what it was when that is larger (online softmax). While
     * it is -INFINITY (all masked), dst and the sum are 0. */
    float (*exp_sum)(float *dst, const float *src, float scale, float *max,
                     size_t n);
    float (*dot)(const float *a, const float *b, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n); /* y += a x */
    void (*scale)(float *y, float a, size_t n);                /* y *= a */
    void (*add)(float *dst, const float *a, const float *b, size_t n);
    void (*mul)(float *dst, const float *a, const float *b, size_t n);
    float (*max)(const float *a, size_t n); /* -INFINITY for n = 0 */

    /* 16-bit types as float32 and back (to nearest even) */
    void (*unpack_bf16)(float *dst, const void *src, size_t n);
    void (*unpack_f16)(float *dst, const void *src, size_t n);
    void (*pack_bf16)(uint16_t *dst, const float *src, size_t n);
    void (*pack_f16)(uint16_t *dst, const float *src, size_t n);
};

/* The table of this process; chosen at the first call, thread safe. */
const struct tf_kernels *tf_kernels(void);

/* The table capped at `level` for tests: NULL when this CPU has not that level
 * or it is no level's name. "ref" always exists. */
const struct tf_kernels *tf_kernels_at(const char *level);
#endif

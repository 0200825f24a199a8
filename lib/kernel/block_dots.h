/*
 * Products with few rows over weights in blocks (kernel.h, dots): a stretch of
 * a row is unpacked to where the first cache holds it, and met by all rows of
 * x.
 */
#ifndef TF_KERNEL_BLOCK_DOTS_H
#define TF_KERNEL_BLOCK_DOTS_H

#include "kernel/block_types.h"
#include "kernel/kernel.h"

#define STRETCH     256 /* elements, a multiple of every block */
#define LANES       16  /* of a vector */
#define FETCH_AHEAD 8

/* Sixteen floats side by side; the compiler takes as many registers for them as
 * the instruction set needs. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* The same anywhere in an array of floats. */
typedef float loose
    __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static inline void add_products(lanes sum[2], const float *a, const float *b,
                                size_t n)
{
    size_t i;

    for (i = 0; i < n; i += 2 * LANES) {
        sum[0] += *(const loose *)(a + i) * *(const loose *)(b + i);
        sum[1] +=
            *(const loose *)(a + i + LANES) * *(const loose *)(b + i + LANES);
    }
}

static inline float add_up(const lanes sum[2])
{
    lanes both = sum[0] + sum[1];
    float total = 0;
    size_t l;

    for (l = 0; l < LANES; l++)
        total += both[l];
    return total;
}

/* Ask for what comes FETCH_AHEAD stretches later. */
static inline void fetch(const char *p, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + FETCH_AHEAD * bytes + i);
}

#define DOTS(name, block, bytes)                                               \
    static void dots_##name(size_t k, const float *x, size_t ldx, size_t m,    \
                            const void *w, size_t ldw, size_t n, float *c,     \
                            size_t ldc)                                        \
    {                                                                          \
        const char *row = w;                                                   \
        float a[STRETCH];                                                      \
        lanes sum[TF_THIN_ROWS][2];                                            \
        size_t i, j, p, len;                                                   \
                                                                               \
        for (j = 0; j < n; j++, row += ldw / (block) * (bytes)) {              \
            memset(sum, 0, m * sizeof(sum[0]));                                \
            for (p = 0; p < k; p += len) {                                     \
                len = k - p < STRETCH ? k - p : STRETCH;                       \
                fetch(row + p / (block) * (bytes),                             \
                      STRETCH / (block) * (bytes));                            \
                unpack_##name(a, row + p / (block) * (bytes), len);            \
                for (i = 0; i < m; i++)                                        \
                    add_products(sum[i], a, x + i * ldx + p, len);             \
            }                                                                  \
            for (i = 0; i < m; i++)                                            \
                c[i * ldc + j] = add_up(sum[i]);                               \
        }                                                                      \
    }

DOTS(q4_0, 32, 18)
DOTS(q4_1, 32, 20)
DOTS(q5_0, 32, 22)
DOTS(q5_1, 32, 24)
DOTS(q8_0, 32, 34)
DOTS(q2_k, 256, 84)
DOTS(q3_k, 256, 110)
DOTS(q4_k, 256, 144)
DOTS(q5_k, 256, 176)
DOTS(q6_k, 256, 210)
DOTS(iq4_nl, 32, 18)
DOTS(iq4_xs, 256, 136)
DOTS(mxfp4, 32, 17)
DOTS(affine4, 32, 21)
DOTS(affine8, 32, 38)
DOTS(nf4, 32, 20)
DOTS(fp4, 32, 20)
DOTS(e4m3, 32, 36)

static void fill_dots(struct tf_kernels *k)
{
    k->dots[TF_Q4_0] = dots_q4_0;
    k->dots[TF_Q4_1] = dots_q4_1;
    k->dots[TF_Q5_0] = dots_q5_0;
    k->dots[TF_Q5_1] = dots_q5_1;
    k->dots[TF_Q8_0] = dots_q8_0;
    k->dots[TF_Q2_K] = dots_q2_k;
    k->dots[TF_Q3_K] = dots_q3_k;
    k->dots[TF_Q4_K] = dots_q4_k;
    k->dots[TF_Q5_K] = dots_q5_k;
    k->dots[TF_Q6_K] = dots_q6_k;
    k->dots[TF_IQ4_NL] = dots_iq4_nl;
    k->dots[TF_IQ4_XS] = dots_iq4_xs;
    k->dots[TF_MXFP4] = k->dots[TF_E2M1] = dots_mxfp4;
    k->dots[TF_AFFINE4] = dots_affine4;
    k->dots[TF_AFFINE8] = dots_affine8;
    k->dots[TF_NF4] = dots_nf4;
    k->dots[TF_FP4] = dots_fp4;
    k->dots[TF_E4M3] = dots_e4m3;
}
#endif

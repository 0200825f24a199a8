/*
 * Products with few rows, which are as fast as the memory gives up the weights:
 * those are read in place, once and in order. Ends with fill_thin(), which puts
 * them into a table.
 */
#ifndef TF_KERNEL_VEC_THIN_H
#define TF_KERNEL_VEC_THIN_H

#include "kernel/kernel.h"
#include "kernel/vec_kernels.h"

/* An element is summed in two chains of vectors, whatever m is. */
INLINE void dots_rows(enum tf_dtype type, size_t m, size_t k, const float *x,
                      size_t ldx, const char *w, size_t ldw, size_t n, float *c,
                      size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, j, p;
    vf s[TF_THIN_ROWS][2], a, b;

    for (j = 0; j < n; j++, w += ldw * bytes) {
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            s[i][0] = s[i][1] = v_set(0);
        for (p = 0; p + 2 * V_LANES <= k; p += 2 * V_LANES) {
            a = load_as(type, w + p * bytes);
            b = load_as(type, w + (p + V_LANES) * bytes);
#pragma GCC unroll 8
            for (i = 0; i < m; i++) {
                s[i][0] = v_fma(a, v_load(x + i * ldx + p), s[i][0]);
                s[i][1] = v_fma(b, v_load(x + i * ldx + p + V_LANES), s[i][1]);
            }
        }
        for (; p + V_LANES <= k; p += V_LANES) {
            a = load_as(type, w + p * bytes);
#pragma GCC unroll 8
            for (i = 0; i < m; i++)
                s[i][0] = v_fma(a, v_load(x + i * ldx + p), s[i][0]);
        }
        if (p < k) {
            a = load_n_as(type, w + p * bytes, k - p);
#pragma GCC unroll 8
            for (i = 0; i < m; i++)
                s[i][1] = v_fma(a, v_load_n(x + i * ldx + p, k - p), s[i][1]);
        }
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            c[i * ldc + j] = v_sum(v_add(s[i][0], s[i][1]));
    }
}

INLINE void dots(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc)
{
    switch (m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        dots_rows(type, m, k, x, ldx, w, ldw, n, c, ldc);                      \
        break;
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
        ROWS(7)
        ROWS(8)
#undef ROWS
    }
}

/* v vectors of columns at a time. */
INLINE size_t sums_columns(enum tf_dtype type, size_t m, size_t v, size_t k,
                           const float *x, size_t ldx, const char *w,
                           size_t ldw, size_t n, float *c, size_t ldc,
                           int first)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, j, p, at;
    vf s[TF_THIN_ROWS][V_REGISTERS], a;

    for (at = 0; at + v * V_LANES <= n; at += v * V_LANES) {
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
#pragma GCC unroll 16
            for (j = 0; j < v; j++)
                s[i][j] = v_set(0);
        for (p = 0; p < k; p++) {
            const char *row = w + (p * ldw + at) * bytes;

#pragma GCC unroll 16
            for (j = 0; j < v; j++) {
                a = load_as(type, row + j * V_LANES * bytes);
#pragma GCC unroll 8
                for (i = 0; i < m; i++)
                    s[i][j] = v_fma(v_set(x[i * ldx + p]), a, s[i][j]);
            }
        }
#pragma GCC unroll 8
        for (i = 0; i < m; i++) {
#pragma GCC unroll 16
            for (j = 0; j < v; j++) {
                float *out = c + i * ldc + at + j * V_LANES;

                v_store(out, first ? s[i][j] : v_add(v_load(out), s[i][j]));
            }
        }
    }
    return at;
}

/* The last n < V_LANES columns. */
INLINE void sums_rest(enum tf_dtype type, size_t m, size_t k, const float *x,
                      size_t ldx, const char *w, size_t ldw, size_t n, float *c,
                      size_t ldc, int first)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, p;
    vf s[TF_THIN_ROWS], a;

    for (i = 0; i < m; i++)
        s[i] = v_set(0);
    for (p = 0; p < k; p++) {
        a = load_n_as(type, w + p * ldw * bytes, n);
        for (i = 0; i < m; i++)
            s[i] = v_fma(v_set(x[i * ldx + p]), a, s[i]);
    }
    for (i = 0; i < m; i++) {
        if (!first)
            s[i] = v_add(v_load_n(c + i * ldc, n), s[i]);
        v_store_n(c + i * ldc, s[i], n);
    }
}

INLINE void sums_rows(enum tf_dtype type, size_t m, size_t v, size_t k,
                      const float *x, size_t ldx, const char *w, size_t ldw,
                      size_t n, float *c, size_t ldc, int first)
{
    size_t bytes = type == TF_F32 ? 4 : 2, done, one;

    done = sums_columns(type, m, v, k, x, ldx, w, ldw, n, c, ldc, first);
    one = done + sums_columns(type, m, 1, k, x, ldx, w + done * bytes, ldw,
                              n - done, c + done, ldc, first);
    if (one < n)
        sums_rest(type, m, k, x, ldx, w + one * bytes, ldw, n - one, c + one,
                  ldc, first);
}

INLINE void sums(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc, int first)
{
    switch (m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        sums_rows(type, m, V_REGISTERS / m, k, x, ldx, w, ldw, n, c, ldc,      \
                  first);                                                      \
        break;
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
        ROWS(7)
        ROWS(8)
#undef ROWS
    }
}

#define THIN(name, type)                                                       \
    static void dots_##name(size_t k, const float *x, size_t ldx, size_t m,    \
                            const void *w, size_t ldw, size_t n, float *c,     \
                            size_t ldc)                                        \
    {                                                                          \
        dots(type, k, x, ldx, m, w, ldw, n, c, ldc);                           \
    }                                                                          \
                                                                               \
    static void sums_##name(size_t k, const float *x, size_t ldx, size_t m,    \
                            const void *w, size_t ldw, size_t n, float *c,     \
                            size_t ldc, int first)                             \
    {                                                                          \
        sums(type, k, x, ldx, m, w, ldw, n, c, ldc, first);                    \
    }

THIN(f32, TF_F32)
THIN(f16, TF_F16)
THIN(bf16, TF_BF16)

static inline void fill_thin(struct tf_kernels *k)
{
    k->dots[TF_F32] = dots_f32;
    k->dots[TF_F16] = dots_f16;
    k->dots[TF_BF16] = dots_bf16;
    k->sums[TF_F32] = sums_f32;
    k->sums[TF_F16] = sums_f16;
    k->sums[TF_BF16] = sums_bf16;
}
#endif

/*
 * Products with few rows, which are as fast as the memory gives up the weights:
 * those are read in place, once and in order. Ends with fill_thin(), which puts
 * them into a table.
 */
#ifndef TF_KERNEL_VEC_THIN_H
#define TF_KERNEL_VEC_THIN_H

#include "kernel/kernel.h"
#include "kernel/vec_finish.h"
#include "kernel/vec_kernels.h"

/*
 * Memory gives more to several streams than to one: STREAMS rows of w, far from
 * each other, are read side by side, and asked for some time before.
 */
#define STREAMS     4
#define FETCH_AHEAD 2048 /* bytes */

typedef vf v_sums[STREAMS][TF_THIN_ROWS][2];

/* One more vector of each row, of n elements from p on, into a chain. */
INLINE void dots_step(enum tf_dtype type, size_t m, size_t rows, const float *x,
                      size_t ldx, const char *const row[STREAMS], size_t p,
                      size_t n, v_sums s, size_t chain)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, r;
    const char *w;
    vf a, b;

#pragma GCC unroll 4
    for (r = 0; r < rows; r++) {
        w = row[r] + p * bytes;
        a = n < V_LANES ? load_n_as(type, w, n) : load_as(type, w);
#pragma GCC unroll 8
        for (i = 0; i < m; i++) {
            b = n < V_LANES ? v_load_n(x + i * ldx + p, n)
                            : v_load(x + i * ldx + p);
            s[r][i][chain] = v_fma(a, b, s[r][i][chain]);
        }
    }
}

INLINE void fetch_ahead(size_t rows, const char *const row[STREAMS], size_t at,
                        size_t bytes)
{
    size_t r, i;

#pragma GCC unroll 4
    for (r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (i = 0; i < bytes; i += 64)
            __builtin_prefetch(row[r] + at + FETCH_AHEAD + i);
}

/* c[m][.] of rows 0, gap, 2 gap, ... of w; m and rows are constants of each
 * call. An element is summed in two chains of vectors, whatever they are. */
INLINE void dots_rows(enum tf_dtype type, size_t m, size_t rows, size_t k,
                      const float *x, size_t ldx, const char *w, size_t ldw,
                      size_t gap, float *c, size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, r, p;
    const char *row[STREAMS];
    v_sums s;

#pragma GCC unroll 4
    for (r = 0; r < rows; r++) {
        row[r] = w + r * gap * ldw * bytes;
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            s[r][i][0] = s[r][i][1] = v_set(0);
    }
    for (p = 0; p + 2 * V_LANES <= k; p += 2 * V_LANES) {
        fetch_ahead(rows, row, p * bytes, 2 * V_LANES * bytes);
        dots_step(type, m, rows, x, ldx, row, p, V_LANES, s, 0);
        dots_step(type, m, rows, x, ldx, row, p + V_LANES, V_LANES, s, 1);
    }
    for (; p + V_LANES <= k; p += V_LANES)
        dots_step(type, m, rows, x, ldx, row, p, V_LANES, s, 0);
    if (p < k)
        dots_step(type, m, rows, x, ldx, row, p, k - p, s, 1);
#pragma GCC unroll 4
    for (r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            c[i * ldc + r * gap] = v_sum(v_add(s[r][i][0], s[r][i][1]));
}

INLINE void dots_columns(enum tf_dtype type, size_t m, size_t rows, size_t k,
                         const float *x, size_t ldx, const char *w, size_t ldw,
                         size_t n, float *c, size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, gap = n / rows, j;

    for (j = 0; j < gap; j++)
        dots_rows(type, m, rows, k, x, ldx, w + j * ldw * bytes, ldw, gap,
                  c + j, ldc);
    for (j *= rows; j < n; j++)
        dots_rows(type, m, 1, k, x, ldx, w + j * ldw * bytes, ldw, 0, c + j,
                  ldc);
}

/* Rows of w that registers can hold the sums of m rows with. */
#define STREAMS_OF(m)                                                          \
    (2 * (m)*STREAMS <= V_REGISTERS ? STREAMS : 4 * (m) <= V_REGISTERS ? 2 : 1)

INLINE void dots(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc)
{
    switch (m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        dots_columns(type, m, STREAMS_OF(m), k, x, ldx, w, ldw, n, c, ldc);    \
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

/* Rows of w that are added to sums at a time; those that follow are fetched. */
#define ROWS_AT_ONCE 8

/* c[m][.] += x · w for n <= V_LANES columns and some rows; all but n are
 * constants of each call. */
INLINE void sums_vector(enum tf_dtype type, size_t m, size_t rows, size_t n,
                        const float *x, size_t ldx, const char *w, size_t ldw,
                        float *c, size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, i, r;
    vf s[TF_THIN_ROWS], a;

#pragma GCC unroll 8
    for (i = 0; i < m; i++)
        s[i] = load_some(c + i * ldc, n);
#pragma GCC unroll 8
    for (r = 0; r < rows; r++) {
        a = n < V_LANES ? load_n_as(type, w + r * ldw * bytes, n)
                        : load_as(type, w + r * ldw * bytes);
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            s[i] = v_fma(v_set(x[i * ldx + r]), a, s[i]);
    }
#pragma GCC unroll 8
    for (i = 0; i < m; i++)
        store_some(c + i * ldc, s[i], n);
}

/* Whole rows, a cache line of each at a time. */
INLINE void sums_lines(enum tf_dtype type, size_t m, size_t rows,
                       const float *x, size_t ldx, const char *w, size_t ldw,
                       size_t n, float *c, size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, line = 64 / bytes, j = 0, r, v;

    for (; j + line <= n; j += line) {
#pragma GCC unroll 8
        for (r = 0; r < rows; r++)
            __builtin_prefetch(w + ((ROWS_AT_ONCE + r) * ldw + j) * bytes);
#pragma GCC unroll 4
        for (v = 0; v < line; v += V_LANES)
            sums_vector(type, m, rows, V_LANES, x, ldx, w + (j + v) * bytes,
                        ldw, c + j + v, ldc);
    }
    for (; j + V_LANES <= n; j += V_LANES)
        sums_vector(type, m, rows, V_LANES, x, ldx, w + j * bytes, ldw, c + j,
                    ldc);
    if (j < n)
        sums_vector(type, m, rows, n - j, x, ldx, w + j * bytes, ldw, c + j,
                    ldc);
}

INLINE void sums_rows(enum tf_dtype type, size_t m, size_t k, const float *x,
                      size_t ldx, const char *w, size_t ldw, size_t n, float *c,
                      size_t ldc)
{
    size_t bytes = type == TF_F32 ? 4 : 2, p = 0;

    for (; p + ROWS_AT_ONCE <= k; p += ROWS_AT_ONCE)
        sums_lines(type, m, ROWS_AT_ONCE, x + p, ldx, w + p * ldw * bytes, ldw,
                   n, c, ldc);
    for (; p < k; p++)
        sums_lines(type, m, 1, x + p, ldx, w + p * ldw * bytes, ldw, n, c, ldc);
}

INLINE void sums(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc)
{
    switch (m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        sums_rows(type, m, k, x, ldx, w, ldw, n, c, ldc);                      \
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
                            size_t ldc)                                        \
    {                                                                          \
        sums(type, k, x, ldx, m, w, ldw, n, c, ldc);                           \
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

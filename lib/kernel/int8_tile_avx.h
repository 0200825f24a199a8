/*
 * The int8 tile of 256-bit registers, 6 rows by 16 columns, over one word:
 * multiply_add(sum, a, b) adds to each sum four products of bytes, as the file
 * that includes this defines it before.
 */
#ifndef TF_KERNEL_INT8_TILE_AVX_H
#define TF_KERNEL_INT8_TILE_AVX_H

#include <immintrin.h>
#include "kernel/kernel.h"

#define INLINE static inline __attribute__((always_inline))

#define MR 6
#define NR 16

typedef __m256i multiply_add(__m256i sum, __m256i a, __m256i b);

INLINE __m256i load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* m rows by v vectors; m, v and the word are constants of each call. */
INLINE void tile(size_t m, size_t v, multiply_add *add, const struct tf_tile *t)
{
    size_t k = t->k, lda = t->lda, ldb = t->ldb, ldc = t->ldc, i, j, p;
    const int32_t *a = t->a, *b = t->b, *row[2] = { a, a + 3 * lda };
    const float *ahead = t->ahead;
    int32_t *c = t->c;
    __m256i s[MR][2], x[2], y;

#pragma GCC unroll 6
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            s[i][j] =
                t->first ? _mm256_setzero_si256() : load(c + i * ldc + 8 * j);
    for (p = 0; p < k; p++, b += ldb, ahead += t->step) {
        _mm_prefetch((const char *)ahead, _MM_HINT_T1);
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            x[j] = load(b + 8 * j);
#pragma GCC unroll 6
        for (i = 0; i < m; i++) {
            y = _mm256_set1_epi32(row[i / 3][i % 3 * lda + p]);
#pragma GCC unroll 2
            for (j = 0; j < v; j++)
                s[i][j] = add(s[i][j], y, x[j]);
        }
    }
#pragma GCC unroll 6
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            _mm256_storeu_si256((__m256i *)(void *)(c + i * ldc + 8 * j),
                                s[i][j]);
}

INLINE void tile_any(multiply_add *add, const struct tf_tile *t)
{
    switch (t->m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        if (t->n > 8)                                                          \
            tile(m, 2, add, t);                                                \
        else                                                                   \
            tile(m, 1, add, t);                                                \
        break;
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
#undef ROWS
    }
}
#endif

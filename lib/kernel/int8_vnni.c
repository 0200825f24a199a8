/* int8 by AVX-512 VNNI: unsigned times signed, four at a time. */
#include "kernel/levels.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

#define MR 14
#define NR 32

/* m rows by v vectors; m, v and which side is unsigned are constants of each
 * call. Rows are reached as in float32's tile. */
INLINE void tile(size_t m, size_t v, bool turned, const struct tf_tile *t)
{
    size_t k = t->k, lda = t->lda, ldb = t->ldb, ldc = t->ldc, i, j, p;
    size_t step = t->step;
    const int32_t *b = t->b, *row[5];
    const float *ahead = t->ahead;
    int32_t *c = t->c;
    __m512i s[MR][2], x[2], y;

    for (i = 0; i < 5; i++)
        row[i] = (const int32_t *)t->a + 3 * i * lda;
#pragma GCC unroll 14
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            s[i][j] = t->first ? _mm512_setzero_si512()
                               : _mm512_loadu_si512(c + i * ldc + 16 * j);
    for (p = 0; p < k; p++, b += ldb, ahead += step) {
        _mm_prefetch((const char *)ahead, _MM_HINT_T1);
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            x[j] = _mm512_loadu_si512(b + 16 * j);
#pragma GCC unroll 14
        for (i = 0; i < m; i++) {
            y = _mm512_set1_epi32(row[i / 3][i % 3 * lda + p]);
#pragma GCC unroll 2
            for (j = 0; j < v; j++)
                s[i][j] = turned ? _mm512_dpbusd_epi32(s[i][j], x[j], y)
                                 : _mm512_dpbusd_epi32(s[i][j], y, x[j]);
        }
    }
#pragma GCC unroll 14
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            _mm512_storeu_si512(c + i * ldc + 16 * j, s[i][j]);
}

INLINE void tile_any(bool turned, const struct tf_tile *t)
{
    switch (t->m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        if (t->n > 16)                                                         \
            tile(m, 2, turned, t);                                             \
        else                                                                   \
            tile(m, 1, turned, t);                                             \
        break;
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
        ROWS(7)
        ROWS(8)
        ROWS(9)
        ROWS(10)
        ROWS(11)
        ROWS(12)
        ROWS(13)
        ROWS(14)
#undef ROWS
    }
}

static void tile_int8(const struct tf_tile *t)
{
    tile_any(false, t);
}

static void tile_turned(const struct tf_tile *t)
{
    tile_any(true, t);
}

void tf_int8_vnni(struct tf_kernels *k)
{
    k->int8 = (struct tf_tiling){ .mr = MR,
                                  .nr = NR,
                                  .kc = 256,
                                  .block_rows = 112,
                                  .block_columns = 1024,
                                  .row_step = 1,
                                  .k_step = 1,
                                  .tile = tile_int8,
                                  .turned = tile_turned };
    k->int8_offset = 128;
}

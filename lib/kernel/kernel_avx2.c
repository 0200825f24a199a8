#include "kernel/levels.h"

#include "kernel/vec.h"
#include "kernel/vec_finish.h"
#include "kernel/vec_int8.h"
#include "kernel/vec_kernels.h"
#include "kernel/vec_thin.h"
#include "kernel/vec_train.h"

#define MR 6
#define NR 16

INLINE void store_sum(float *c, __m256 sum, size_t n, bool first)
{
    if (n == 8)
        v_store(c, first ? sum : v_add(v_load(c), sum));
    else
        v_store_n(c, first ? sum : v_add(v_load_n(c, n), sum), n);
}

/* m rows by v vectors; m and v are constants of each call. */
INLINE void tile(size_t m, size_t v, const struct tf_tile *t)
{
    size_t k = t->k, lda = t->lda, ldb = t->ldb, step = t->step, i, j, p;
    const float *a = t->a, *b = t->b, *ahead = t->ahead;
    float *c = t->c;
    size_t ldc = t->ldc;
    bool first = t->first;
    const float *row[2] = { a, a + 3 * lda };
    __m256 s[MR][2], x[2], y;
    size_t last;

#pragma GCC unroll 6
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            s[i][j] = _mm256_setzero_ps();
    for (p = 0; p < k; p++, b += ldb, ahead += step) {
        _mm_prefetch((const char *)ahead, _MM_HINT_T1);
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            x[j] = _mm256_loadu_ps(b + 8 * j);
#pragma GCC unroll 6
        for (i = 0; i < m; i++) {
            y = _mm256_set1_ps(row[i / 3][i % 3 * lda + p]);
#pragma GCC unroll 2
            for (j = 0; j < v; j++)
                s[i][j] = _mm256_fmadd_ps(y, x[j], s[i][j]);
        }
    }
    last = t->n - 8 * (v - 1);
#pragma GCC unroll 6
    for (i = 0; i < m; i++) {
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            store_sum(c + 8 * j, s[i][j], j == v - 1 ? last : 8, first);
        c += ldc;
    }
}

static void tile_f32(const struct tf_tile *t)
{
    switch (t->m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        if (t->n > 8)                                                          \
            tile(m, 2, t);                                                     \
        else                                                                   \
            tile(m, 1, t);                                                     \
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

INLINE void transpose_8(float *dst, size_t ldd, const float *src, size_t lds)
{
    __m256 r[8], t[8], u;
    size_t i;

#pragma GCC unroll 8
    for (i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(src + i * lds);
#pragma GCC unroll 2
    for (i = 0; i < 8; i += 4) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
        t[i + 2] = _mm256_unpacklo_ps(r[i + 2], r[i + 3]);
        t[i + 3] = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (i = 0; i < 4; i++) {
        u = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        _mm256_storeu_ps(dst + i * ldd, u);
        u = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
        _mm256_storeu_ps(dst + (i + 4) * ldd, u);
    }
}

static void transpose(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols)
{
    size_t i, j, full_rows = rows / 8 * 8, full_cols = cols / 8 * 8;

    for (i = 0; i < full_rows; i += 8)
        for (j = 0; j < full_cols; j += 8)
            transpose_8(dst + j * ldd + i, ldd, src + i * lds + j, lds);
    for (i = 0; i < rows; i++)
        for (j = i < full_rows ? full_cols : 0; j < cols; j++)
            dst[j * ldd + i] = src[i * lds + j];
}

void tf_kernels_avx2(struct tf_kernels *k)
{
    fill_rows(k);
    fill_finish(k);
    fill_int8(k);
    fill_thin(k);
    fill_train(k);
    k->f32 = (struct tf_tiling){ .mr = MR,
                                 .nr = NR,
                                 .kc = 256,
                                 .block_rows = 112,
                                 .block_columns = 1024,
                                 .row_step = 1,
                                 .k_step = 1,
                                 .tile = tile_f32 };
    k->transpose = transpose;
}

#include "kernel/levels.h"

#include "kernel/vec.h"
#include "kernel/vec_finish.h"
#include "kernel/vec_int8.h"
#include "kernel/vec_kernels.h"
#include "kernel/vec_thin.h"
#include "kernel/vec_train.h"

#define MR 14
#define NR 32

/* `last` masks the last vector of a row. All is read before anything is
 * written: a masked store holds up a load of what is beside it. */
INLINE void store_sums(size_t m, size_t v, const struct tf_tile *t,
                       __mmask16 last, __m512 s[MR][2])
{
    size_t ldc = t->ldc, i, j;
    float *c = t->c;

    if (!t->first) {
#pragma GCC unroll 14
        for (i = 0; i < m; i++, c += ldc) {
#pragma GCC unroll 2
            for (j = 0; j < v; j++)
                s[i][j] =
                    _mm512_add_ps(_mm512_maskz_loadu_ps(
                                      j == v - 1 ? last : 0xffff, c + 16 * j),
                                  s[i][j]);
        }
        c = t->c;
    }
#pragma GCC unroll 14
    for (i = 0; i < m; i++, c += ldc) {
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            _mm512_mask_storeu_ps(c + 16 * j, j == v - 1 ? last : 0xffff,
                                  s[i][j]);
    }
}

/* m rows by v vectors; m and v are constants of each call. The rows are
 * reached from every third, as an address is a base and at most twice lda. */
INLINE void tile(size_t m, size_t v, const struct tf_tile *t)
{
    size_t k = t->k, lda = t->lda, ldb = t->ldb, step = t->step, i, j, p;
    const float *a = t->a, *b = t->b, *ahead = t->ahead;
    const float *row[5];
    __m512 s[MR][2], x[2], y;

    for (i = 0; i < 5; i++)
        row[i] = a + 3 * i * lda;
#pragma GCC unroll 14
    for (i = 0; i < m; i++)
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            s[i][j] = _mm512_setzero_ps();
    for (p = 0; p < k; p++, b += ldb, ahead += step) {
        _mm_prefetch((const char *)ahead, _MM_HINT_T1);
#pragma GCC unroll 2
        for (j = 0; j < v; j++)
            x[j] = _mm512_loadu_ps(b + 16 * j);
#pragma GCC unroll 14
        for (i = 0; i < m; i++) {
            y = _mm512_set1_ps(row[i / 3][i % 3 * lda + p]);
#pragma GCC unroll 2
            for (j = 0; j < v; j++)
                s[i][j] = _mm512_fmadd_ps(y, x[j], s[i][j]);
        }
    }
    if (t->n == 16 * v)
        store_sums(m, v, t, 0xffff, s);
    else
        store_sums(m, v, t, v_first(t->n - 16 * (v - 1)), s);
}

static void tile_f32(const struct tf_tile *t)
{
    switch (t->m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        if (t->n > 16)                                                         \
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

/* Two stages of the transposition of a 16 x 16 block in registers: within the
 * 128-bit lanes, then of the lanes. */
INLINE void transpose_lanes(__m512 r[16])
{
    __m512 t[16];
    size_t i;

#pragma GCC unroll 4
    for (i = 0; i < 16; i += 4) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
        t[i + 2] = _mm512_unpacklo_ps(r[i + 2], r[i + 3]);
        t[i + 3] = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
}

INLINE void transpose_blocks(__m512 r[16])
{
    __m512 a, b, c, d;
    size_t i;

#pragma GCC unroll 4
    for (i = 0; i < 4; i++) {
        a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
        r[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        r[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        r[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

INLINE void transpose_16(float *dst, size_t ldd, const float *src, size_t lds,
                         size_t rows, size_t cols)
{
    __mmask16 in = v_first(cols), out = v_first(rows);
    __m512 r[16];
    size_t i;

#pragma GCC unroll 16
    for (i = 0; i < 16; i++)
        r[i] = i < rows ? _mm512_maskz_loadu_ps(in, src + i * lds)
                        : _mm512_setzero_ps();
    transpose_lanes(r);
    transpose_blocks(r);
#pragma GCC unroll 16
    for (i = 0; i < 16; i++)
        if (i < cols)
            _mm512_mask_storeu_ps(dst + i * ldd, out, r[i]);
}

static void transpose(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols)
{
    size_t i, j;

    for (i = 0; i < rows; i += 16) {
        for (j = 0; j < cols; j += 16) {
            float *to = dst + j * ldd + i;
            const float *from = src + i * lds + j;

            if (rows - i >= 16 && cols - j >= 16)
                transpose_16(to, ldd, from, lds, 16, 16);
            else
                transpose_16(to, ldd, from, lds, rows - i < 16 ? rows - i : 16,
                             cols - j < 16 ? cols - j : 16);
        }
    }
}

void tf_kernels_avx512(struct tf_kernels *k)
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

#include "kernel/levels.h"

#include "kernel/vec.h"
#include "kernel/vec_finish.h"
#include "kernel/vec_int8.h"
#include "kernel/vec_kernels.h"
#include "kernel/vec_thin.h"
#include "kernel/vec_train.h"

#define MR 8
#define NR 12

INLINE void store_sum(float *c, vf sum, size_t n, bool first)
{
    if (n == V_LANES)
        v_store(c, first ? sum : v_add(v_load(c), sum));
    else
        v_store_n(c, first ? sum : v_add(v_load_n(c, n), sum), n);
}

/* m rows by v vectors; m and v are constants of each call. */
INLINE void tile(size_t m, size_t v, const struct tf_tile *t)
{
    size_t k = t->k, lda = t->lda, ldb = t->ldb, ldc = t->ldc, i, j, p;
    const float *a = t->a, *b = t->b, *ahead = t->ahead;
    size_t last = t->n - V_LANES * (v - 1);
    float *c = t->c;
    vf s[MR][3], x[3];

#pragma GCC unroll 8
    for (i = 0; i < m; i++)
#pragma GCC unroll 3
        for (j = 0; j < v; j++)
            s[i][j] = v_set(0);
    for (p = 0; p < k; p++, b += ldb, ahead += t->step) {
        __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 3
        for (j = 0; j < v; j++)
            x[j] = v_load(b + V_LANES * j);
#pragma GCC unroll 8
        for (i = 0; i < m; i++) {
#pragma GCC unroll 3
            for (j = 0; j < v; j++)
                s[i][j] = v_fma(v_set(a[i * lda + p]), x[j], s[i][j]);
        }
    }
#pragma GCC unroll 8
    for (i = 0; i < m; i++, c += ldc) {
#pragma GCC unroll 3
        for (j = 0; j < v; j++)
            store_sum(c + V_LANES * j, s[i][j], j == v - 1 ? last : V_LANES,
                      t->first);
    }
}

static void tile_f32(const struct tf_tile *t)
{
    switch (t->m) {
#define ROWS(m)                                                                \
    case m:                                                                    \
        if (t->n > 8)                                                          \
            tile(m, 3, t);                                                     \
        else if (t->n > 4)                                                     \
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
#undef ROWS
    }
}

INLINE void transpose_4(float *dst, size_t ldd, const float *src, size_t lds)
{
    vf r0 = v_load(src), r1 = v_load(src + lds), r2 = v_load(src + 2 * lds);
    vf r3 = v_load(src + 3 * lds);
    float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(r0, r1));
    float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(r0, r1));
    float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(r2, r3));
    float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(r2, r3));

    v_store(dst, vreinterpretq_f32_f64(vtrn1q_f64(a, c)));
    v_store(dst + ldd, vreinterpretq_f32_f64(vtrn1q_f64(b, d)));
    v_store(dst + 2 * ldd, vreinterpretq_f32_f64(vtrn2q_f64(a, c)));
    v_store(dst + 3 * ldd, vreinterpretq_f32_f64(vtrn2q_f64(b, d)));
}

static void transpose(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols)
{
    size_t i, j, full_rows = rows / 4 * 4, full_cols = cols / 4 * 4;

    for (i = 0; i < full_rows; i += 4)
        for (j = 0; j < full_cols; j += 4)
            transpose_4(dst + j * ldd + i, ldd, src + i * lds + j, lds);
    for (i = 0; i < rows; i++)
        for (j = i < full_rows ? full_cols : 0; j < cols; j++)
            dst[j * ldd + i] = src[i * lds + j];
}

void tf_kernels_neon(struct tf_kernels *k)
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

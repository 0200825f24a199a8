/*
 * The parts that products (gemm.c, gemm_int8.c) are put together of. One side
 * of a product goes by rows (each cell is multiplied into a whole vector), the
 * other by panels of columns (the vectors).
 */
#ifndef TF_KERNEL_GEMM_PARTS_H
#define TF_KERNEL_GEMM_PARTS_H

#include "kernel/gemm.h"

/* One operand: element (i, p), p along the sum, is at i * along + p * depth. */
struct tf_side {
    const void *data;
    enum tf_dtype dtype;
    size_t along, depth;
};

/*
 * How elements become cells of four bytes: one float32 each, or, when `pairs`,
 * two bfloat16 along k, in planes. Sides that are cells already (int8) say that
 * they are float32.
 */
struct tf_cells {
    bool pairs;
    unsigned planes;
};

/* gemm_pack.c. Both take k elements from p on, a multiple of what a block type
 * packs or all that are left, and fill `cells` cells of k with zeros after
 * them. `strip` is TF_STRIP(rows or nr) floats, for pairs. */
#define TF_STRIP(n) ((n)*512)

/* dst[plane][m][ldd]: rows [i, i + m). */
void tf_pack_rows(float *dst, size_t ldd, size_t plane, struct tf_cells how,
                  const struct tf_side *s, size_t i, size_t m, size_t p,
                  size_t k, size_t cells, float *strip);
/* dst[plane][cells][nr]: columns [j, j + n), zeros up to nr. */
void tf_pack_panel(float *dst, size_t nr, struct tf_cells how,
                   const struct tf_side *s, size_t j, size_t n, size_t p,
                   size_t k, size_t cells, float *strip);
/* Whether the rows, or the columns, of `s` can be read where they are. */
bool tf_rows_in_place(const struct tf_side *s);
bool tf_columns_in_place(const struct tf_side *s);

/* gemm_plan.c: a product cut into tiles. */
struct tf_product {
    const struct tf_tiling *tiling;
    bool pairs;          /* cells are pairs of bfloat16 */
    size_t m, n, k;      /* k in elements */
    struct tf_side a, b; /* rows of C, columns of C */
    struct tf_finish finish;
};

size_t tf_product_scratch(const struct tf_product *g, int threads); /* floats */
void tf_product_run(struct tf_pool *pool, const struct tf_product *g,
                    float *scratch);
/* A bound of one thread's scratch that grows with m, n and k; not for pairs. */
size_t tf_product_bound(const struct tf_tiling *tiling, size_t m, size_t n,
                        size_t k);

/* gemm.c: an epilogue, or none (NULL), of C. */
struct tf_finish tf_finish_of(const struct tf_epilogue *e, float *c,
                              size_t ldc);

/* This thread's scratch, which it keeps until it ends: aligned to 64 bytes,
 * valid until the next call. */
float *tf_gemm_thread_scratch(size_t floats, struct tf_err *err);

/* gemm_thin.c: products with few rows that stream B in place. Whether this is
 * one; the scratch it needs, in floats; and the product. */
bool tf_gemm_is_thin(const struct tf_kernels *kern, const struct tf_gemm *g);
size_t tf_gemm_thin_scratch(size_t m, size_t n, size_t k, int threads);
void tf_gemm_thin(struct tf_pool *pool, const struct tf_kernels *kern,
                  const struct tf_gemm *g, float *scratch);

/* gemm_q8.c: products over weights in blocks. Whether A is rounded to int8 for
 * this one; whether it is also multiplied as int8, in place, and that; the
 * rounded A [m][k], for all other ways. */
bool tf_gemm_rounds(const struct tf_gemm *g);
bool tf_gemm_is_q8(const struct tf_kernels *kern, const struct tf_gemm *g);
int tf_gemm_q8(struct tf_pool *pool, const struct tf_kernels *kern,
               const struct tf_gemm *g, struct tf_err *err);
void tf_gemm_round(struct tf_pool *pool, const struct tf_kernels *kern,
                   const struct tf_gemm *g, float *rounded);

/* gemm_blocks.c: the same with many rows, which do not stream B. */
int tf_gemm_blocks(struct tf_pool *pool, const struct tf_kernels *kern,
                   const struct tf_gemm *g, struct tf_err *err);

static inline size_t tf_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t tf_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t tf_div_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

static inline size_t tf_round_up(size_t a, size_t step)
{
    return tf_div_up(a, step) * step;
}

/* Floats up to a whole cache line. */
static inline size_t tf_round_line(size_t floats)
{
    return tf_round_up(floats, 16);
}
#endif

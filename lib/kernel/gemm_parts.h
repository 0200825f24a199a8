/*
 * The parts that products (gemm.c, gemm_int8.c) are put together of.
 *
 * gemm_pack.c: the operands as the inner loop wants them. One side of the
 * product goes by rows (each element is multiplied into a whole vector), the
 * other by panels of nr columns (the vectors).
 */
#ifndef TF_KERNEL_GEMM_PARTS_H
#define TF_KERNEL_GEMM_PARTS_H

#include "kernel/gemm.h"

/* Both sides sum in blocks of this many k: a panel's block stays in the first
 * cache level. A multiple of every block type's size. */
#define TF_GEMM_KC 256

/* One operand: element (i, p), p along the sum, is at i * along + p * depth. */
struct tf_side {
    const void *data;
    enum tf_dtype dtype;
    size_t along, depth;
};

/* dst[m][ldd]: rows [i, i + m), k from p on. */
void tf_pack_rows(float *dst, size_t ldd, const struct tf_side *s, size_t i,
                  size_t m, size_t p, size_t k);
/* dst[k][nr]: columns [j, j + n), zeros up to nr. */
void tf_pack_panel(float *dst, size_t nr, const struct tf_side *s, size_t j,
                   size_t n, size_t p, size_t k);
/* Whether the rows, or the columns, of `s` can be read where they are. */
bool tf_rows_in_place(const struct tf_side *s);
bool tf_columns_in_place(const struct tf_side *s);

/* Panels of all of k: [k block][panel][k in the block][nr]. */
struct tf_panels {
    size_t k, nr, count;
    float *data;
};

size_t tf_panels_floats(size_t k, size_t nr, size_t count);
float *tf_panel(const struct tf_panels *p, size_t block, size_t panel);
/* Fill `dst` with columns [j, j + n) of `s`. */
void tf_pack_panels(struct tf_pool *pool, const struct tf_panels *dst,
                    const struct tf_side *s, size_t j, size_t n);

struct tf_packed {
    size_t n;
    struct tf_panels panels;
};

/*
 * gemm_plan.c: a product cut into tiles, of cells of four bytes; sides of
 * packed cells (int8, bfloat16) say that they are float32.
 */
struct tf_product {
    const struct tf_tiling *tiling;
    size_t m, n, k;
    struct tf_side a, b;            /* rows of C, columns of C */
    const struct tf_panels *packed; /* b, or NULL */
    /* Where sums may gather, if anywhere: added to it or not; whether nothing
     * is left to finish then. */
    float *c;
    size_t ldc;
    bool add, complete;
    /* What becomes of the sums x of n elements of C at (row, column): in c
     * itself, or elsewhere and to be spent. */
    void (*finish)(const void *arg, float *x, size_t row, size_t column,
                   size_t n);
    const void *arg;
};

size_t tf_product_scratch(const struct tf_product *g, int threads); /* floats */
void tf_product_run(struct tf_pool *pool, const struct tf_product *g,
                    float *scratch);
/* A bound of one thread's scratch that grows with m, n and k. */
size_t tf_product_bound(const struct tf_tiling *tiling, size_t m, size_t n,
                        size_t k);

/* This thread's scratch, which it keeps until it ends: aligned to 64 bytes,
 * valid until the next call. */
float *tf_gemm_thread_scratch(size_t floats, struct tf_err *err);

/* gemm_thin.c: products with few rows that stream B in place. Whether this is
 * one; the scratch it needs, in floats; and the product. */
bool tf_gemm_is_thin(const struct tf_kernels *kern, const struct tf_gemm *g);
size_t tf_gemm_thin_scratch(size_t m, size_t n, size_t k, int threads);
void tf_gemm_thin(struct tf_pool *pool, const struct tf_kernels *kern,
                  const struct tf_gemm *g, float *scratch);

/* The epilogue of n elements of C at (row, column), whose sums are in x, and
 * into C with them; x is spent. */
void tf_gemm_finish(const struct tf_kernels *kern, const struct tf_gemm *g,
                    float *x, size_t row, size_t column, size_t n);

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

/* Floats up to a whole cache line. */
static inline size_t tf_round_line(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static inline size_t tf_k_blocks(size_t k)
{
    return k ? (k + TF_GEMM_KC - 1) / TF_GEMM_KC : 1;
}

/* How much of k is in this block. */
static inline size_t tf_k_in_block(size_t k, size_t block)
{
    size_t left = k - block * TF_GEMM_KC;

    return left < TF_GEMM_KC ? left : TF_GEMM_KC;
}
#endif

/*
 * The kernels of this CPU. `ref` fills the table whole in plain C, and each
 * instruction-set file overwrites what it does better; the choice is made once,
 * at run time. TF_KERNEL caps it: ref, avx2, avxvnni, avx512, vnni, amx; neon.
 *
 * All arrays are float32 unless named otherwise, aligned to their element,
 * n >= 0. dst may be src (in place) but may not overlap it otherwise; transpose
 * is never in place.
 * Results differ from ref by rounding only: |fast - ref| <= 1e-6 relative to
 * the largest magnitude involved. NaN and infinity propagate as in ref.
 */
#ifndef TF_KERNEL_KERNEL_H
#define TF_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/dtype.h"

#define TF_THIN_ROWS 8

/* Activations: Transformers' ACT2FN names in the comments. */
enum tf_act {
    TF_ACT_NONE,       /* linear */
    TF_ACT_GELU,       /* gelu: x Phi(x), erf exact to 1e-6 */
    TF_ACT_GELU_TANH,  /* gelu_new, gelu_pytorch_tanh, gelu_fast */
    TF_ACT_QUICK_GELU, /* quick_gelu: x sigmoid(1.702 x) */
    TF_ACT_RELU,       /* relu */
    TF_ACT_RELU2,      /* relu2: relu squared */
    TF_ACT_SILU,       /* silu, swish */
    TF_ACT_TANH,       /* tanh */
    TF_ACT_SIGMOID,    /* sigmoid */
    /* TF_ACT_GELU_TANH of a float16, as a float16, where |x| < 10: ggml's
     * table. Its slope is that of TF_ACT_GELU_TANH. */
    TF_ACT_GELU_HALF,
    TF_ACTS
};

/*
 * A stream of random draws, one for each element; a draw is 16 bits and drops
 * its element when it is below a limit. Philox (rng.h) with `key` and the
 * counter (hi, lo + c) makes the draws of 8 elements; elements are spread over
 * counters so that 16 of these work side by side: in each run of 128 elements,
 * element 16 (2 j + h) + c has half h of word j of counter c of 16. The low 32
 * bits of lo have room for all of them.
 */
struct tf_draws {
    uint64_t key, hi, lo;
    uint32_t below; /* of 65536; 0: nothing is dropped */
    float scale;
    uint64_t row; /* for callers: the row of the stream that is their first */
};

/* What norm_back() goes back through: y = h (w + w_offset) + b with
 * h = (x - mean) / deviation, or h = x / rms when not centred. */
struct tf_norm_back {
    const float *w; /* NULL: 1, and no offset */
    float w_offset, eps;
    bool centred, add; /* add to dx, else write it */
};

/*
 * The inner product of matrix products: c (+)= a · b over k, where a is [m][k],
 * b is [k][nr] and c is [m][n], of cells of four bytes. An element of c sums k
 * in ascending order, so it depends on neither m nor n.
 */
struct tf_tile {
    size_t k, m, n; /* m <= mr; n <= nr, but b is readable up to nr */
    const void *a, *b;
    void *c;
    size_t lda, ldb, ldc; /* from one row to the next */
    bool first;           /* c is overwritten, else added to */
    /* what is wanted next: at each k the cache line at ahead + k * step */
    const float *ahead;
    size_t step;
    /* Only for bf16: a and b are sums of so many planes, each so many cells
     * after the last; 1 to 3. */
    unsigned a_planes, b_planes;
    size_t a_plane, b_plane;
};

struct tf_tiling {
    size_t mr, nr; /* the largest tile */
    size_t kc;     /* how much of k is summed at a time, in cells */
    /* Rows of a, and columns of b and of sums, that the second cache level
     * holds beside each other. */
    size_t block_rows, block_columns;
    /* Rows are worked on in such steps: of the last one all of a can be read
     * and all of c written, where this is more than 1. */
    size_t row_step;
    size_t k_step; /* k is a multiple of this */
    void (*tile)(const struct tf_tile *t);
    /* With the parts of a and b exchanged; NULL: the same function. */
    void (*turned)(const struct tf_tile *t);
    void (*enter)(void); /* before a thread's first tile, and after its last */
    void (*leave)(void); /* one; or NULL */
};

/*
 * What becomes of the sums of a product C[M][N] on their way into C, in this
 * order. Pointers are to the element of row 0, column 0 of C, or NULL.
 */
struct tf_finish {
    float *c;
    size_t ldc;
    /* The sums are int32: x = (sum - shift * sums[j]) * row_scale[i] *
     * scale[j], plus kept[i] · kept_w[.][j] over `kept_count`. */
    const float *row_scale;
    const float *scale;
    const int32_t *sums;
    int32_t shift;
    const float *kept, *kept_w; /* [M][kept_count], [kept_count][N] */
    size_t kept_count, ld_kept_w;
    float alpha;
    const float *bias; /* [N] */
    float *pre_act;    /* as C: gets x as it is now */
    enum tf_act act;
    const float *residual;
    size_t ld_residual;
    bool accumulate; /* into c, else over it */
};

/* A step of AdamW (Loshchilov and Hutter 2019) with the gradient g factor:
 * w = w shrink - step m / (sqrt(v) correct + eps). */
struct tf_adamw {
    float factor, shrink, beta1, beta2, step, correct, eps;
};

struct tf_q8;
struct tf_q8_side;
struct tf_block_kind;
struct tf_block_rows;
struct tf_block_tile;

struct tf_kernels {
    const char *name; /* the highest level in it */

    struct tf_tiling f32; /* cells of a, b and c are float32 */
    /* Cells of a and b are four int8 along k, of c int32. Those of a are
     * unsigned, with int8_offset added, if that is not 0. */
    struct tf_tiling int8;
    uint8_t int8_offset;
    /* Cells of a and b are two bfloat16 along k, of c float32; tile is NULL
     * where this is no faster. split() makes planes of n floats, an even
     * number: the nearest bfloat16, the nearest of what is left, and of that;
     * split_pairs() of n pairs of floats. Planes are `plane` cells apart. */
    struct tf_tiling bf16;
    void (*split)(uint32_t *dst, size_t plane, unsigned planes,
                  const float *src, size_t n);
    void (*split_pairs)(uint32_t *dst, size_t plane, unsigned planes,
                        const float *even, const float *odd, size_t n);
    /* Tile [m][n] of sums, rows lds apart, into C at (row, column). */
    void (*finish)(const struct tf_finish *f, const void *sums, size_t lds,
                   size_t row, size_t column, size_t m, size_t n);
    /*
     * Products with few rows, at most TF_THIN_ROWS of x [m][k], that read w in
     * place and once, in order; NULL for a type that has none. `dots`: w is
     * [n][k], and c[i][j] = x[i] · w[j]; k is summed in an order of its own.
     * `sums`: w is [k][n], and c += x · w, k in ascending order.
     */
    void (*dots[TF_DTYPES])(size_t k, const float *x, size_t ldx, size_t m,
                            const void *w, size_t ldw, size_t n, float *c,
                            size_t ldc);
    void (*sums[TF_DTYPES])(size_t k, const float *x, size_t ldx, size_t m,
                            const void *w, size_t ldw, size_t n, float *c,
                            size_t ldc);
    /* As dots, for x in int8 (block_q8.h) whose rows are ldx tf_q8 apart; NULL
     * for a type that has none. */
    void (*q8_dots[TF_DTYPES])(size_t k, const struct tf_q8 *x, size_t ldx,
                               size_t m, const void *w, size_t ldw, size_t n,
                               float *c, size_t ldc);
    /* For more rows of such x (block_tile.h): one row of weights [k] unpacked
     * to row `row` of w; a product; what `pieces` pieces of x start from. NULL
     * where there are no q8_dots. */
    void (*block_rows[TF_DTYPES])(size_t k, const void *p,
                                  const struct tf_block_rows *w, size_t row);
    void (*block_tile)(const struct tf_block_tile *t);
    void (*block_starts)(struct tf_q8_side *x, size_t pieces,
                         struct tf_block_kind kind);
    /* dst[j][i] = src[i][j] for i < rows, j < cols */
    void (*transpose)(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols);

    void (*act[TF_ACTS])(float *dst, const float *src, size_t n);
    /* y = (x - mean) / sqrt(var + eps) * w + b, biased variance; w and b may be
     * NULL (1 and 0) */
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b,
                       float eps, size_t n);
    /* y = x / sqrt(mean(x^2) + eps) * (w + w_offset); w may be NULL (1) */
    void (*rms_norm)(float *y, const float *x, const float *w, float w_offset,
                     float eps, size_t n);
    /* dst = exp(src * scale - max); returns the sum, `*max` is the largest of
     * src * scale, or what it was when that is larger (online softmax). While
     * it is -INFINITY (all masked), dst and the sum are 0. */
    float (*exp_sum)(float *dst, const float *src, float scale, float *max,
                     size_t n);
    float (*dot)(const float *a, const float *b, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n); /* y += a x */
    void (*scale)(float *y, float a, size_t n);                /* y *= a */
    void (*add)(float *dst, const float *a, const float *b, size_t n);
    void (*mul)(float *dst, const float *a, const float *b, size_t n);
    float (*max)(const float *a, size_t n); /* -INFINITY for n = 0 */

    float (*largest)(const float *a, size_t n); /* max |a|; NaN if one is */
    /* dst = src / scale to nearest, ties to even, with scale = max |src| / 127,
     * plus offset (wrapping); returns scale. When that is not finite, it is
     * NaN, and dst is all offset. */
    float (*quantize)(int8_t *dst, const float *src, uint8_t offset, size_t n);
    int32_t (*sum_int8)(const int8_t *a, size_t n);

    /* for training: */
    /* dst = dy act'(z); dst may be dy or z */
    void (*act_back[TF_ACTS])(float *dst, const float *dy, const float *z,
                              size_t n);
    /* The way back through a norm of one row; stats gets its mean (0 when not
     * centred) and 1 / deviation. A NULL dx wants these alone. */
    void (*norm_back)(const struct tf_norm_back *norm, float *dx,
                      const float *dy, const float *x, float stats[2],
                      size_t n);
    /* dst = src * d->scale where a draw keeps it, else 0, for elements
     * [first, first + n) of the stream of draws */
    void (*dropout)(const struct tf_draws *d, uint64_t first, float *dst,
                    const float *src, size_t n);
    /* Steps w and its moments m and v, and sets g to zero; g may be NULL and
     * counts as zeros then. Moments below 1e-36 become 0: denormal numbers,
     * which those of gradients that stay zero would come to, are slow. Returns
     * whether a moment is not zero. */
    bool (*adamw)(const struct tf_adamw *a, float *w, float *g, float *m,
                  float *v, size_t n);

    /* 16-bit types as float32 and back (to nearest even) */
    void (*unpack_bf16)(float *dst, const void *src, size_t n);
    void (*unpack_f16)(float *dst, const void *src, size_t n);
    void (*pack_bf16)(uint16_t *dst, const float *src, size_t n);
    void (*pack_f16)(uint16_t *dst, const float *src, size_t n);
};

/* The table of this process; chosen at the first call, thread safe. */
const struct tf_kernels *tf_kernels(void);

/* Numbers as F32, BF16 or F16. */
void tf_pack_floats(enum tf_dtype dtype, void *dst, const float *src, size_t n);

/* The table capped at `level` for tests: NULL when this CPU has not that level
 * or it is no level's name. "ref" always exists. */
const struct tf_kernels *tf_kernels_at(const char *level);
#endif

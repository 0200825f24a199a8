/*
 * Products of unpacked weights in blocks with many int8 rows (block_tile.h) by
 * vectors of 64 bytes with VNNI, of 32 without.
 */
#ifndef TF_KERNEL_BLOCK_TILE_AVX_H
#define TF_KERNEL_BLOCK_TILE_AVX_H

#include "kernel/block_dots_avx.h"
#include "kernel/block_tile.h"

#if defined(__AVX512VNNI__)
typedef __m512i ints;
typedef __m512 floats;

enum { STEP = 6, NARROW_STEP = 12 };

INLINE ints load_ints(const void *p)
{
    return _mm512_loadu_si512(p);
}

INLINE ints same_cell(const void *p)
{
    int32_t v;

    memcpy(&v, p, sizeof(v));
    return _mm512_set1_epi32(v);
}

INLINE ints no_ints(void)
{
    return _mm512_setzero_si512();
}

INLINE floats to_floats(ints v)
{
    return _mm512_cvtepi32_ps(v);
}

INLINE floats load_floats(const float *p)
{
    return _mm512_loadu_ps(p);
}

INLINE void store_floats(float *p, floats v)
{
    _mm512_storeu_ps(p, v);
}

INLINE floats same_float(const float *p)
{
    return _mm512_set1_ps(*p);
}

INLINE floats multiply_add(floats a, floats b, floats c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE ints add_fours(ints sum, ints u, ints s)
{
    return _mm512_dpbusd_epi32(sum, u, s);
}

INLINE ints add_pairs(ints sum, ints a, ints b)
{
    return _mm512_dpwssd_epi32(sum, a, b);
}
#else
typedef __m256i ints;
typedef __m256 floats;

#ifdef __AVXVNNI__
enum { STEP = 6 };
#else
enum { STEP = 4 };
#endif

INLINE ints load_ints(const void *p)
{
    return load_piece(p);
}

INLINE ints same_cell(const void *p)
{
    int32_t v;

    memcpy(&v, p, sizeof(v));
    return _mm256_set1_epi32(v);
}

INLINE ints no_ints(void)
{
    return _mm256_setzero_si256();
}

INLINE floats to_floats(ints v)
{
    return _mm256_cvtepi32_ps(v);
}

INLINE floats load_floats(const float *p)
{
    return _mm256_loadu_ps(p);
}

INLINE void store_floats(float *p, floats v)
{
    _mm256_storeu_ps(p, v);
}

INLINE floats same_float(const float *p)
{
    return _mm256_broadcast_ss(p);
}

INLINE floats multiply_add(floats a, floats b, floats c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE ints add_fours(ints sum, ints u, ints s)
{
    return add_products(sum, u, s);
}

INLINE ints add_pairs(ints sum, ints a, ints b)
{
#ifdef __AVXVNNI__
    return _mm256_dpwssd_avx_epi32(sum, a, b);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
}
#endif

enum {
    WIDTH = sizeof(ints) / 4,
    SIDE = TF_SIDE_ROWS / WIDTH, /* vectors of a side */
    CELLS = TF_PIECE / 4
};

/* All sums of a tile: of row i and vector v, which is part AT of a side. */
#define EACH_SUM                                                               \
    UNROLL(12)                                                                 \
    for (i = 0; i < step; i++)                                                 \
    UNROLL(2) for (v = 0; v < vectors; v++)
#define SIDE_OF(x, v) ((x) + (v) / SIDE * ldx)
#define AT(v)         ((v) % SIDE * WIDTH)

/* Whether the signs of weights of this kind are moved to the activations,
 * since bytes so large overflow the sum of a pair. */
INLINE bool by_sign(struct tf_block_kind kind)
{
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
    (void)kind;
    return false;
#else
    return kind.offset == 128;
#endif
}

/* What the products of half h of a piece start from. */
INLINE ints piece_start(struct tf_block_kind kind, const struct tf_q8_side *x,
                        size_t h, size_t at)
{
    return kind.min || by_sign(kind) ? no_ints() : load_ints(x->start[h] + at);
}

/* Cells [g, end) of `step` rows of w by vectors of x. */
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
INLINE void add_cells(struct tf_block_kind kind, size_t step, size_t vectors,
                      const uint8_t *w, const struct tf_q8_side *x, size_t ldx,
                      size_t g, size_t end, ints (*sum)[2])
{
    ints cell[2];
    size_t i, v;

    (void)kind;
    UNROLL(8)
    for (; g < end; g++) {
        UNROLL(2)
        for (v = 0; v < vectors; v++)
            cell[v] = load_ints(SIDE_OF(x, v)->q[g][AT(v)]);
        EACH_SUM sum[i][v] =
            add_fours(sum[i][v], same_cell(w + i * TF_PIECE + g * 4), cell[v]);
    }
}
#else
/* In 16 bits: the bytes of a kind are so small that two or four pairs of
 * products don't overflow, or their sign goes to x before. */
INLINE void add_cells(struct tf_block_kind kind, size_t step, size_t vectors,
                      const uint8_t *w, const struct tf_q8_side *x, size_t ldx,
                      size_t g, size_t end, ints (*sum)[2])
{
    const ints flip = _mm256_set1_epi8((char)128), ones = _mm256_set1_epi16(1);
    const size_t run = by_sign(kind) ? 1 : kind.offset == 32 ? 2 : 4;
    ints cell, by, pairs;
    size_t i, v, r;

    UNROLL(8)
    for (; g < end; g += run)
        EACH_SUM
        {
            pairs = no_ints();
            UNROLL(4)
            for (r = g; r < g + run; r++) {
                cell = same_cell(w + i * TF_PIECE + r * 4);
                by = load_ints(SIDE_OF(x, v)->q[r][AT(v)]);
                if (by_sign(kind)) {
                    cell = _mm256_xor_si256(cell, flip);
                    by = _mm256_sign_epi8(by, cell);
                    cell = _mm256_abs_epi8(cell);
                }
                pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(cell, by));
            }
            sum[i][v] = add_pairs(sum[i][v], pairs, ones);
        }
}
#endif

/* `step` rows of weights from `row` on by `sides` groups of activations, one
 * piece or block. What says the kind, and how much, is constant in each call,
 * here and below. */
INLINE void add_piece(struct tf_block_kind kind, size_t step, size_t sides,
                      const struct tf_block_tile *t, size_t row, size_t p,
                      floats (*total)[2])
{
    const size_t vectors = sides * SIDE, halves = kind.halves ? 2 : 1;
    const struct tf_q8_side *x = t->x + p;
    const uint8_t *w = t->w.q + (p * TF_BLOCK_ROWS + row) * TF_PIECE;
    const float *scale = t->w.scale + p * halves * TF_BLOCK_ROWS + row;
    const float *min = t->w.min + p * TF_BLOCK_ROWS + row;
    ints sum[12][2];
    size_t ldx = t->ldx, h, i, v;

    UNROLL(2)
    for (h = 0; h < halves; h++) {
        EACH_SUM sum[i][v] = piece_start(kind, SIDE_OF(x, v), h, AT(v));
        add_cells(kind, step, vectors, w, x, ldx, h * CELLS / halves,
                  (h + 1) * CELLS / halves, sum);
        EACH_SUM
        {
            floats by = same_float(scale + h * TF_BLOCK_ROWS + i);

            if (!kind.large)
                by *= load_floats(SIDE_OF(x, v)->scale + AT(v));
            total[i][v] = multiply_add(to_floats(sum[i][v]), by, total[i][v]);
            if (!kind.large && kind.min)
                total[i][v] = multiply_add(
                    same_float(min + i),
                    load_floats(SIDE_OF(x, v)->sum + AT(v)), total[i][v]);
        }
    }
}

/* Less what the minimums of a block take off. */
INLINE void take_mins(size_t step, size_t sides, const struct tf_block_tile *t,
                      size_t row, size_t p, floats (*total)[2])
{
    const size_t vectors = sides * SIDE;
    const float *d = t->w.dmin + p / PIECES * TF_BLOCK_ROWS + row;
    const struct tf_q8_side *x = t->x + p;
    ints sum[12][2];
    size_t ldx = t->ldx, i, v, end = p + PIECES;

    EACH_SUM sum[i][v] = no_ints();
    for (; p < end; p++)
        EACH_SUM sum[i][v] =
            add_pairs(sum[i][v], same_cell(t->w.mins[p][row + i]),
                      load_ints(SIDE_OF(t->x + p, v)->sums[AT(v)]));
    EACH_SUM total[i][v] -=
        to_floats(sum[i][v]) *
        (same_float(d + i) * load_floats(SIDE_OF(x, v)->scale + AT(v)));
}

/* Pieces [first, end), of one large block or of small ones, are added to c. */
INLINE void add_pieces(struct tf_block_kind kind, size_t step, size_t sides,
                       const struct tf_block_tile *t, size_t row, size_t first,
                       size_t end)
{
    const size_t vectors = sides * SIDE;
    const float *d = t->w.d + first / PIECES * TF_BLOCK_ROWS + row;
    const struct tf_q8_side *x = t->x + first;
    floats total[12][2];
    float *c = t->c + row * t->ldc;
    size_t ldx = t->ldx, p, i, v;

    EACH_SUM total[i][v] = (floats){ 0 };
    if (!kind.large && first)
        EACH_SUM total[i][v] = load_floats(c + i * t->ldc + v * WIDTH);
    for (p = first; p < end; p++)
        add_piece(kind, step, sides, t, row, p, total);
    if (kind.large)
        EACH_SUM total[i][v] *=
            same_float(d + i) * load_floats(SIDE_OF(x, v)->scale + AT(v));
    if (kind.large && kind.min)
        take_mins(step, sides, t, row, first, total);
    if (kind.large && first)
        EACH_SUM total[i][v] += load_floats(c + i * t->ldc + v * WIDTH);
    EACH_SUM store_floats(c + i * t->ldc + v * WIDTH, total[i][v]);
}

INLINE void add_rows(struct tf_block_kind kind, size_t step, size_t sides,
                     const struct tf_block_tile *t)
{
    size_t first, end, row;

    for (first = 0; first < t->pieces; first = end) {
        end = t->pieces - first < PIECES ? t->pieces : first + PIECES;
        for (row = 0; row < t->rows; row += step)
            add_pieces(kind, step, sides, t, row, first, end);
    }
}

INLINE void any_sides(struct tf_block_kind kind, const struct tf_block_tile *t)
{
#if defined(__AVX512VNNI__)
    if (t->sides == 2)
        add_rows(kind, STEP, 2, t);
    else
        add_rows(kind, NARROW_STEP, 1, t);
#else
    struct tf_block_tile one = *t;
    size_t s;

    for (s = 0; s < t->sides; s++) {
        add_rows(kind, STEP, 1, &one);
        one.x += one.ldx;
        one.c += TF_SIDE_ROWS;
    }
#endif
}

/* An offset stands for all that are treated as it is. */
#define KIND(offset, large, halves, min)                                       \
    any_sides((struct tf_block_kind){ offset, large, halves, min }, t)

static void block_tile(const struct tf_block_tile *t)
{
    struct tf_block_kind k = t->kind;

    if (k.large && k.halves && k.min)
        KIND(0, true, true, true);
    else if (k.large && k.halves)
        KIND(32, true, true, false);
    else if (k.large && k.min)
        KIND(0, true, false, true);
    else if (k.large)
        KIND(128, true, false, false);
    else if (k.min)
        KIND(0, false, false, true);
    else if (by_sign(k))
        KIND(128, false, false, false);
    else
        KIND(1, false, false, false);
}

/* Where products start, for types whose bytes are `offset` too large. */
static void block_starts(struct tf_q8_side *x, size_t pieces,
                         struct tf_block_kind kind)
{
    const ints ones = (ints){ 0 } + 0x0101010101010101;
    size_t half = kind.halves ? CELLS / 2 : CELLS, p, v, g, i;
    int32_t sums[WIDTH];

    for (p = 0; p < pieces; p++, x++)
        for (g = 0; g < CELLS; g += half)
            for (v = 0; v < SIDE; v++) {
                ints sum = no_ints();

                for (i = g; i < g + half; i++)
                    sum = add_fours(sum, ones, load_ints(x->q[i][v * WIDTH]));
                memcpy(sums, &sum, sizeof(sums));
                for (i = 0; i < WIDTH; i++)
                    x->start[g / half][v * WIDTH + i] = -kind.offset * sums[i];
            }
}

/* The bytes of a piece, made unsigned, and on to the next. */
INLINE uint8_t *put_bytes(uint8_t *q, __m256i bytes, int more)
{
    bytes = _mm256_add_epi8(bytes, _mm256_set1_epi8((char)more));
    _mm256_storeu_si256((__m256i *)(void *)q, bytes);
    return q + TF_BLOCK_ROWS * TF_PIECE;
}

/* Unpack one row of weights, whose bytes are `more` too small. */
INLINE void unpack_small(struct small type, small_bytes *bytes, int more,
                         size_t k, const byte *p, const struct tf_block_rows *w,
                         size_t row)
{
    uint8_t *q = w->q + row * TF_PIECE;
    size_t i, at = row;

    for (i = 0; i < k; i += SMALL, p += type.size, at += TF_BLOCK_ROWS) {
        fetch(p, type.size);
        q = put_bytes(q, bytes(p), more);
        w->scale[at] = half_at(p);
        if (type.min)
            w->min[at] = half_at(p + 2);
    }
}

INLINE void unpack_large(struct large type, large_bytes *bytes,
                         large_scales *scales, int more, size_t k,
                         const byte *p, const struct tf_block_rows *w,
                         size_t row)
{
    const int halves = type.sixteen ? 2 : 1;
    uint8_t *q = w->q + row * TF_PIECE;
    float *scale = w->scale + row;
    struct scales with;
    int16_t min[16];
    int piece, h;
    size_t b;

    for (b = 0; b < k / LARGE; b++, p += type.size) {
        fetch(p, type.size);
        scales(&with, p);
        w->d[b * TF_BLOCK_ROWS + row] = with.d;
        UNROLL(8)
        for (piece = 0; piece < PIECES; piece++)
            q = put_bytes(q, bytes(p, piece), more);
        for (h = 0; h < halves * PIECES; h++, scale += TF_BLOCK_ROWS)
            *scale = (float)(int16_t)with.pair[h];
        if (type.bytes != MIN)
            continue;
        w->dmin[b * TF_BLOCK_ROWS + row] = with.dmin;
        _mm256_storeu_si256((__m256i *)(void *)min, with.min);
        for (piece = 0; piece < PIECES; piece++)
            for (h = 0; h < 2; h++)
                w->mins[b * PIECES + (size_t)piece][row][h] =
                    min[type.sixteen ? 2 * piece + h : piece];
    }
}

#define SMALL_ROWS_OF(name, size, min, more)                                   \
    static void unpack_rows_##name(size_t k, const void *p,                    \
                                   const struct tf_block_rows *w, size_t row)  \
    {                                                                          \
        const struct small type = { size, min };                               \
                                                                               \
        unpack_small(type, bytes_##name, more, k, p, w, row);                  \
    }

#define LARGE_ROWS_OF(name, size, sixteen, kind, more)                         \
    static void unpack_rows_##name(size_t k, const void *p,                    \
                                   const struct tf_block_rows *w, size_t row)  \
    {                                                                          \
        const struct large type = { size, sixteen, kind, 0 };                  \
                                                                               \
        unpack_large(type, bytes_##name, scales_##name, more, k, p, w, row);   \
    }

/* clang-format off */
SMALL_ROWS_OF(q4_0, 18, false, 8)
SMALL_ROWS_OF(q4_1, 20, true, 0)
SMALL_ROWS_OF(q5_0, 22, false, 16)
SMALL_ROWS_OF(q5_1, 24, true, 0)
SMALL_ROWS_OF(q8_0, 34, false, 128)
SMALL_ROWS_OF(iq4_nl, 18, false, 128)
LARGE_ROWS_OF(q2_k, 84, true, MIN, 0)
LARGE_ROWS_OF(q3_k, 110, true, SIGNED, 4)
LARGE_ROWS_OF(q4_k, 144, false, MIN, 0)
LARGE_ROWS_OF(q5_k, 176, false, MIN, 0)
LARGE_ROWS_OF(q6_k, 210, true, OFFSET, 0)
LARGE_ROWS_OF(iq4_xs, 136, false, SIGNED, 128)
/* clang-format on */

static inline void fill_block_tile(struct tf_kernels *k)
{
    k->block_tile = block_tile;
    k->block_starts = block_starts;
    k->block_rows[TF_Q4_0] = unpack_rows_q4_0;
    k->block_rows[TF_Q4_1] = unpack_rows_q4_1;
    k->block_rows[TF_Q5_0] = unpack_rows_q5_0;
    k->block_rows[TF_Q5_1] = unpack_rows_q5_1;
    k->block_rows[TF_Q8_0] = unpack_rows_q8_0;
    k->block_rows[TF_IQ4_NL] = unpack_rows_iq4_nl;
    k->block_rows[TF_Q2_K] = unpack_rows_q2_k;
    k->block_rows[TF_Q3_K] = unpack_rows_q3_k;
    k->block_rows[TF_Q4_K] = unpack_rows_q4_k;
    k->block_rows[TF_Q5_K] = unpack_rows_q5_k;
    k->block_rows[TF_Q6_K] = unpack_rows_q6_k;
    k->block_rows[TF_IQ4_XS] = unpack_rows_iq4_xs;
}
#endif

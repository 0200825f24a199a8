/*
 * int8 and bfloat16 by AMX: tiles of 16 rows of 64 bytes, two by two of them at
 * a time. What is written here in rows of cells is what its instructions take:
 * rows of one side as they lie, panels of the other.
 */
#include "kernel/levels.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16, BYTES = 64, MR = 2 * STEP, NR = 2 * STEP };

struct config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static const struct config config = {
    .palette = 1,
    .row_bytes = { BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES, BYTES },
    .rows = { STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP },
};

static void enter(void)
{
    _tile_loadconfig(&config);
}

static void leave(void)
{
    _tile_release();
}

/* Registers 0 to 3 are sums, 4 and 5 of a, 6 and 7 of b; `high` and `wide` tell
 * whether the second ones are wanted. */
INLINE void load_sums(bool high, bool wide, const struct tf_tile *t)
{
    const float *c = t->c, *below = c + STEP * t->ldc;
    size_t row = t->ldc * sizeof(*c);

    if (t->first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    _tile_loadd(0, c, row);
    if (wide)
        _tile_loadd(1, c + STEP, row);
    if (high)
        _tile_loadd(2, below, row);
    if (high && wide)
        _tile_loadd(3, below + STEP, row);
}

INLINE void store_sums(bool high, bool wide, const struct tf_tile *t)
{
    float *c = t->c, *below = c + STEP * t->ldc;
    size_t row = t->ldc * sizeof(*c);

    _tile_stored(0, c, row);
    if (wide)
        _tile_stored(1, c + STEP, row);
    if (high)
        _tile_stored(2, below, row);
    if (high && wide)
        _tile_stored(3, below + STEP, row);
}

INLINE void load_a(bool high, const struct tf_tile *t, size_t plane, size_t p)
{
    const float *a = (const float *)t->a + plane * t->a_plane + p;
    size_t row = t->lda * sizeof(*a);

    _tile_loadd(4, a, row);
    if (high)
        _tile_loadd(5, a + STEP * t->lda, row);
}

INLINE void load_b(bool wide, const struct tf_tile *t, size_t plane, size_t p)
{
    const float *b = (const float *)t->b + plane * t->b_plane + p * t->ldb;
    size_t row = t->ldb * sizeof(*b);

    _tile_loadd(6, b, row);
    if (wide)
        _tile_loadd(7, b + STEP, row);
}

INLINE void fetch_ahead(const struct tf_tile *t, size_t p)
{
    const float *ahead = t->ahead + p * t->step;
    size_t i;

    for (i = 0; i < STEP * t->step; i += BYTES / sizeof(*ahead))
        _mm_prefetch((const char *)(ahead + i), _MM_HINT_T1);
}

INLINE void multiply_int8(bool high, bool wide)
{
    _tile_dpbssd(0, 4, 6);
    if (wide)
        _tile_dpbssd(1, 4, 7);
    if (high)
        _tile_dpbssd(2, 5, 6);
    if (high && wide)
        _tile_dpbssd(3, 5, 7);
}

INLINE void multiply_bf16(bool high, bool wide)
{
    _tile_dpbf16ps(0, 4, 6);
    if (wide)
        _tile_dpbf16ps(1, 4, 7);
    if (high)
        _tile_dpbf16ps(2, 5, 6);
    if (high && wide)
        _tile_dpbf16ps(3, 5, 7);
}

INLINE void int8_of(bool high, bool wide, const struct tf_tile *t)
{
    size_t p;

    load_sums(high, wide, t);
    for (p = 0; p < t->k; p += STEP) {
        load_a(high, t, 0, p);
        load_b(wide, t, 0, p);
        multiply_int8(high, wide);
        fetch_ahead(t, p);
    }
    store_sums(high, wide, t);
}

/* One side is of one plane: its registers stay for all planes of the other. */
INLINE void bf16_planes(bool high, bool wide, const struct tf_tile *t, size_t p)
{
    size_t i;

    load_a(high, t, 0, p);
    load_b(wide, t, 0, p);
    multiply_bf16(high, wide);
    for (i = 1; i < t->a_planes; i++) {
        load_a(high, t, i, p);
        multiply_bf16(high, wide);
    }
    for (i = 1; i < t->b_planes; i++) {
        load_b(wide, t, i, p);
        multiply_bf16(high, wide);
    }
}

INLINE void load_side(bool b, bool high, bool wide, const struct tf_tile *t,
                      size_t plane, size_t p)
{
    if (b)
        load_b(wide, t, plane, p);
    else
        load_a(high, t, plane, p);
}

/* Planes by planes: the products, six of three planes by three, that reach into
 * 24 bits, each with one side of the one before. They come in one order of C's
 * rows and columns, which are exchanged in what is turned. */
INLINE void bf16_several(bool turned, bool high, bool wide,
                         const struct tf_tile *t, size_t p)
{
    bool row = turned, column = !turned;
    unsigned rows = turned ? t->b_planes : t->a_planes;
    unsigned columns = turned ? t->a_planes : t->b_planes;

    load_side(row, high, wide, t, 0, p);
    if (columns > 2) {
        load_side(column, high, wide, t, 2, p);
        multiply_bf16(high, wide);
    }
    load_side(column, high, wide, t, 1, p);
    multiply_bf16(high, wide);
    load_side(row, high, wide, t, 1, p);
    multiply_bf16(high, wide);
    load_side(column, high, wide, t, 0, p);
    multiply_bf16(high, wide);
    if (rows > 2) {
        load_side(row, high, wide, t, 2, p);
        multiply_bf16(high, wide);
    }
    load_side(row, high, wide, t, 0, p);
    multiply_bf16(high, wide);
}

INLINE void bf16_tile(bool turned, bool high, bool wide,
                      const struct tf_tile *t)
{
    bool several = t->a_planes > 1 && t->b_planes > 1;
    size_t p;

    load_sums(high, wide, t);
    for (p = 0; p < t->k; p += STEP) {
        if (several)
            bf16_several(turned, high, wide, t, p);
        else
            bf16_planes(high, wide, t, p);
        fetch_ahead(t, p);
    }
    store_sums(high, wide, t);
}

INLINE void bf16_of(bool high, bool wide, const struct tf_tile *t)
{
    bf16_tile(false, high, wide, t);
}

INLINE void turned_of(bool high, bool wide, const struct tf_tile *t)
{
    bf16_tile(true, high, wide, t);
}

#define TILE(name)                                                             \
    static void tile_##name(const struct tf_tile *t)                           \
    {                                                                          \
        if (t->m > STEP && t->n > STEP)                                        \
            name##_of(true, true, t);                                          \
        else if (t->m > STEP)                                                  \
            name##_of(true, false, t);                                         \
        else if (t->n > STEP)                                                  \
            name##_of(false, true, t);                                         \
        else                                                                   \
            name##_of(false, false, t);                                        \
    }

TILE(int8)
TILE(bf16)
TILE(turned)

/* Take the nearest bfloat16 off x, as float32; what is left when that is not
 * finite is 0. */
INLINE __m512 take_off(__m512 *x)
{
    const int infinite = 0x18;
    __m512i half = _mm512_set1_epi32(0x8000);
    __m512i top = _mm512_set1_epi32((int)0xffff0000);
    __m512i v = _mm512_add_epi32(_mm512_castps_si512(*x), half);
    __m512 near = _mm512_castsi512_ps(_mm512_and_si512(v, top));
    __mmask16 rest = _knot_mask16(_mm512_fpclass_ps_mask(near, infinite));

    *x = _mm512_maskz_sub_ps(rest, *x, near);
    return near;
}

/* The upper halves of 32 floats side by side. */
INLINE __m512i upper_halves(__m512 x, __m512 y)
{
    static const uint16_t odd[32] = { 1,  3,  5,  7,  9,  11, 13, 15,
                                      17, 19, 21, 23, 25, 27, 29, 31,
                                      33, 35, 37, 39, 41, 43, 45, 47,
                                      49, 51, 53, 55, 57, 59, 61, 63 };

    return _mm512_permutex2var_epi16(_mm512_castps_si512(x),
                                     _mm512_loadu_si512(odd),
                                     _mm512_castps_si512(y));
}

INLINE __mmask16 first_of(size_t n)
{
    return n < 16 ? (__mmask16)((1u << n) - 1) : 0xffff;
}

static void split(uint32_t *dst, size_t plane, unsigned planes,
                  const float *src, size_t n)
{
    __mmask16 mask;
    __m512 x, y;
    size_t i, left;

    for (i = 0; i < n; i += 32, dst += 16, src += 32) {
        left = n - i;
        mask = first_of(left / 2);
        x = _mm512_maskz_loadu_ps(first_of(left), src);
        y = _mm512_maskz_loadu_ps(first_of(left < 16 ? 0 : left - 16),
                                  src + 16);
        _mm512_mask_storeu_epi32(dst, mask,
                                 upper_halves(take_off(&x), take_off(&y)));
        if (planes == 1)
            continue;
        _mm512_mask_storeu_epi32(dst + plane, mask,
                                 upper_halves(take_off(&x), take_off(&y)));
        if (planes == 3)
            _mm512_mask_storeu_epi32(dst + 2 * plane, mask, upper_halves(x, y));
    }
}

/* The upper halves of two floats as one cell. */
INLINE __m512i pairs(__m512 even, __m512 odd)
{
    return _mm512_mask_blend_epi16(
        0xaaaaaaaa, _mm512_srli_epi32(_mm512_castps_si512(even), 16),
        _mm512_castps_si512(odd));
}

static void split_pairs(uint32_t *dst, size_t plane, unsigned planes,
                        const float *even, const float *odd, size_t n)
{
    __mmask16 mask;
    __m512 x, y;
    size_t i;

    for (i = 0; i < n; i += 16, dst += 16) {
        mask = first_of(n - i);
        x = _mm512_maskz_loadu_ps(mask, even + i);
        y = _mm512_maskz_loadu_ps(mask, odd + i);
        _mm512_mask_storeu_epi32(dst, mask, pairs(take_off(&x), take_off(&y)));
        if (planes == 1)
            continue;
        _mm512_mask_storeu_epi32(dst + plane, mask,
                                 pairs(take_off(&x), take_off(&y)));
        if (planes == 3)
            _mm512_mask_storeu_epi32(dst + 2 * plane, mask, pairs(x, y));
    }
}

void tf_tiles_amx(struct tf_kernels *k)
{
    struct tf_tiling tiling = { .mr = MR,
                                .nr = NR,
                                .block_rows = 384,
                                .block_columns = 256,
                                .row_step = STEP,
                                .k_step = STEP,
                                .enter = enter,
                                .leave = leave };

    k->int8 = k->bf16 = tiling;
    k->int8.kc = 256;
    k->int8.tile = tile_int8;
    k->int8_offset = 0;
    k->bf16.kc = 64;
    k->bf16.block_rows = 512;
    k->bf16.block_columns = 384;
    k->bf16.tile = tile_bf16;
    k->bf16.turned = tile_turned;
    k->split = split;
    k->split_pairs = split_pairs;
}

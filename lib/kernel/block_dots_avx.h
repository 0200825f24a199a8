/*
 * Products of weights in blocks with int8 rows (kernel.h, q8_dots) by vectors
 * of 32 bytes: a piece of 32 weights is unpacked to bytes in a register, met by
 * all rows of x, and their sums are scaled.
 */
#ifndef TF_KERNEL_BLOCK_DOTS_AVX_H
#define TF_KERNEL_BLOCK_DOTS_AVX_H

#include <immintrin.h>
#include "kernel/block_q8.h"
#include "kernel/block_types.h"

#define INLINE static inline __attribute__((always_inline))

/* With a sanitizer's checks in them, unrolled loops compile for minutes. */
#ifdef __SANITIZE_ADDRESS__
#define UNROLL(n)
#else
#define PRAGMA(words) _Pragma(#words)
#define UNROLL(n)     PRAGMA(GCC unroll n)
#endif

enum {
    PIECE = 32,             /* elements */
    PIECES = LARGE / PIECE, /* of a chunk */
    AHEAD = 2048            /* bytes that are fetched early */
};

/* A type of SMALL elements. */
struct small {
    size_t size;
    bool min; /* f16 d, m: a weight is q d + m, else q d */
};

/* A type of LARGE elements: groups of 32, or of 16, have integer scales. A
 * byte of it is a weight; or, less `offset`, one; or one less its group's
 * minimum. */
struct large {
    size_t size;
    bool sixteen;
    enum { SIGNED, OFFSET, MIN } bytes;
    int offset; /* the number of bits of it: a power of two */
};

INLINE float half_at(const byte *p)
{
    return _cvtsh_ss((uint16_t)(p[0] | p[1] << 8));
}

INLINE __m256i load_piece(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* 16 bytes as 32: the lower nibbles, then the upper ones. */
INLINE __m256i nibbles(const byte *p)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m256i both = _mm256_set_m128i(_mm_srli_epi16(low, 4), low);

    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

/* 32 bits as bytes: all ones where a bit is set. */
INLINE __m256i spread_bits(const byte *p)
{
    const __m256i place = _mm256_setr_epi64x(
        0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i v = _mm256_set1_epi32((int)le32(p));

    v = _mm256_and_si256(_mm256_shuffle_epi8(v, place), bit);
    return _mm256_cmpeq_epi8(v, bit);
}

INLINE __m256i look_up(const int8_t values[16], __m256i at)
{
    __m128i table = _mm_loadu_si128((const __m128i *)(const void *)values);

    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), at);
}

/* Bits [shift, shift + n) of each byte. */
INLINE __m256i bits_of(__m256i v, int shift, int n)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, shift),
                            _mm256_set1_epi8((char)((1 << n) - 1)));
}

/* The weights of one block at p. */
INLINE __m256i bytes_q4_0(const byte *p)
{
    return _mm256_sub_epi8(nibbles(p + 2), _mm256_set1_epi8(8));
}

INLINE __m256i bytes_q4_1(const byte *p)
{
    return nibbles(p + 4);
}

INLINE __m256i bytes_q5_0(const byte *p)
{
    __m256i less =
        _mm256_andnot_si256(spread_bits(p + 2), _mm256_set1_epi8((char)0xf0));

    return _mm256_or_si256(nibbles(p + 6), less);
}

INLINE __m256i bytes_q5_1(const byte *p)
{
    __m256i more = _mm256_and_si256(spread_bits(p + 4), _mm256_set1_epi8(16));

    return _mm256_or_si256(nibbles(p + 8), more);
}

INLINE __m256i bytes_q8_0(const byte *p)
{
    return load_piece(p + 2);
}

INLINE __m256i bytes_iq4_nl(const byte *p)
{
    return look_up(iq4_values, nibbles(p + 2));
}

/* Those of piece i of the block at p. */
INLINE __m256i bytes_q2_k(const byte *p, int i)
{
    return bits_of(load_piece(p + 16 + 32 * (i / 4)), 2 * (i % 4), 2);
}

INLINE __m256i bytes_q3_k(const byte *p, int i)
{
    __m256i low = bits_of(load_piece(p + 32 + 32 * (i / 4)), 2 * (i % 4), 2);
    __m256i high = bits_of(load_piece(p), i, 1);

    return _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(high, 2)),
                           _mm256_set1_epi8(4));
}

INLINE __m256i bytes_q4_k(const byte *p, int i)
{
    return bits_of(load_piece(p + 16 + 32 * (i / 2)), 4 * (i % 2), 4);
}

INLINE __m256i bytes_q5_k(const byte *p, int i)
{
    __m256i low = bits_of(load_piece(p + 48 + 32 * (i / 2)), 4 * (i % 2), 4);
    __m256i high = bits_of(load_piece(p + 16), i, 1);

    return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
}

INLINE __m256i bytes_q6_k(const byte *p, int i)
{
    const byte *at = p + 64 * (i / 4) + 32 * (i % 2);
    __m256i low = bits_of(load_piece(at), i % 4 / 2 * 4, 4);
    __m256i high = bits_of(load_piece(p + 128 + 32 * (i / 4)), 2 * (i % 4), 2);

    return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
}

INLINE __m256i bytes_iq4_xs(const byte *p, int i)
{
    return look_up(iq4_values, nibbles(p + 8 + 16 * i));
}

/* Of a block: the scales and the minimums of its groups, and what these are
 * multiplied by. `scale` has sixteen, or eight in the lower half; `pair` has
 * each twice. */
struct scales {
    float d, dmin;
    __m256i scale, min;
    int32_t pair[16];
};

INLINE __m256i eight(uint64_t v)
{
    return _mm256_castsi128_si256(
        _mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long)v)));
}

INLINE void put_scales(struct scales *s, __m256i scale)
{
    __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(scale));
    __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(scale, 1));

    s->scale = scale;
    low = _mm256_or_si256(low, _mm256_slli_epi32(low, 16));
    high = _mm256_or_si256(high, _mm256_slli_epi32(high, 16));
    _mm256_storeu_si256((__m256i *)(void *)s->pair, low);
    _mm256_storeu_si256((__m256i *)(void *)(s->pair + 8), high);
}

INLINE void scales_q4_k(struct scales *s, const byte *p)
{
    const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
    uint32_t a = le32(p + 4), b = le32(p + 8), c = le32(p + 12);
    uint64_t scale = (c & four) | (a >> 6 & two) << 4;
    uint64_t min = (c >> 4 & four) | (b >> 6 & two) << 4;

    s->d = half_at(p);
    s->dmin = half_at(p + 2);
    put_scales(s, eight(scale << 32 | (a & six)));
    s->min = eight(min << 32 | (b & six));
}

INLINE void scales_q5_k(struct scales *s, const byte *p)
{
    scales_q4_k(s, p);
}

INLINE __m256i sixteen_signed(const void *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
}

INLINE void scales_q6_k(struct scales *s, const byte *p)
{
    s->d = half_at(p + 208);
    put_scales(s, sixteen_signed(p + 192));
}

INLINE void scales_q3_k(struct scales *s, const byte *p)
{
    int8_t bytes[16];
    int numbers[16];

    q3_scales(p + 96, numbers);
    for (int i = 0; i < 16; i++)
        bytes[i] = (int8_t)numbers[i];
    s->d = half_at(p + 108);
    put_scales(s, sixteen_signed(bytes));
}

INLINE void scales_q2_k(struct scales *s, const byte *p)
{
    __m256i v = sixteen_signed(p), four = _mm256_set1_epi16(15);

    s->d = half_at(p + 80);
    s->dmin = half_at(p + 82);
    put_scales(s, _mm256_and_si256(v, four));
    s->min = _mm256_and_si256(_mm256_srli_epi16(v, 4), four);
}

INLINE void scales_iq4_xs(struct scales *s, const byte *p)
{
    int high = p[2] | p[3] << 8;
    int8_t bytes[16] = { 0 };

    for (int i = 0; i < 8; i++)
        bytes[i] = (int8_t)(((p[4 + i / 2] >> 4 * (i % 2) & 15) |
                             (high >> 2 * i & 3) << 4) -
                            32);
    s->d = half_at(p);
    put_scales(s, sixteen_signed(bytes));
}

/* Unsigned times signed bytes, four at a time. */
INLINE __m256i add_products(__m256i sum, __m256i u, __m256i s)
{
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return _mm256_dpbusd_epi32(sum, u, s);
#elif defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, u, s);
#else
    const __m256i ones = _mm256_set1_epi16(1);

    /* pairs can't overflow: u is at most 128 and s at least -127 */
    return _mm256_add_epi32(
        sum, _mm256_madd_epi16(_mm256_maddubs_epi16(u, s), ones));
#endif
}

/* Sums of products by fours, as floats; `w` has no sign when it has a min. */
INLINE __m256 products(bool min, __m256i w, const int8_t *x)
{
    __m256i y = load_piece(x), sum = _mm256_setzero_si256();

    if (!min) {
        y = _mm256_sign_epi8(y, w);
        w = _mm256_abs_epi8(w);
    }
    return _mm256_cvtepi32_ps(add_products(sum, w, y));
}

/* Sums of products by pairs, times the group's scale: w's bytes are at most 127
 * and two of them with their y no overflow. */
INLINE __m256i add_scaled(__m256i sum, bool sign, __m256i w, const int8_t *x,
                          __m256i scale)
{
    __m256i y = load_piece(x), pairs;

    if (sign) {
        y = _mm256_sign_epi8(y, w);
        w = _mm256_abs_epi8(w);
    }
    pairs = _mm256_maddubs_epi16(w, y);
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return _mm256_dpwssd_epi32(sum, pairs, scale);
#elif defined(__AVXVNNI__)
    return _mm256_dpwssd_avx_epi32(sum, pairs, scale);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, scale));
#endif
}

INLINE float add_up_four(__m128 s)
{
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float add_up(__m256 v)
{
    return add_up_four(
        _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
}

INLINE void fetch(const byte *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

typedef __m256i small_bytes(const byte *p);
typedef __m256i large_bytes(const byte *p, int i);
typedef void large_scales(struct scales *s, const byte *p);

/* Blocks [0, blocks) of one chunk of m rows of x; m and all that says what the
 * type is are constants of each call, here and below. */
INLINE void small_chunk(struct small type, small_bytes *bytes, size_t m,
                        const struct tf_q8 *x, size_t ldx, const byte *w,
                        size_t blocks, __m256 *sum, float *rest)
{
    size_t b, i;

    UNROLL(8)
    for (b = 0; b < blocks; b++, w += type.size) {
        __m256i q = bytes(w);
        float d = half_at(w), least = type.min ? half_at(w + 2) : 0;

        UNROLL(8)
        for (i = 0; i < m; i++) {
            const struct tf_q8 *y = x + i * ldx;
            __m256 scale = _mm256_set1_ps(d * y->scale[b]);

            sum[i] = _mm256_fmadd_ps(products(type.min, q, y->q + PIECE * b),
                                     scale, sum[i]);
            if (type.min)
                rest[i] += least * y->sum[b];
        }
    }
}

INLINE void small_rows(struct small type, small_bytes *bytes, size_t m,
                       size_t k, const struct tf_q8 *x, size_t ldx,
                       const byte *w, size_t row, size_t n, float *c,
                       size_t ldc)
{
    size_t whole = k / LARGE, rest = k % LARGE / SMALL, i, j, p;
    __m256 sum[TF_THIN_ROWS];
    float least[TF_THIN_ROWS];

    for (j = 0; j < n; j++, w += row) {
        const byte *at = w;

        UNROLL(8)
        for (i = 0; i < m; i++) {
            sum[i] = _mm256_setzero_ps();
            least[i] = 0;
        }
        for (p = 0; p < whole; p++, at += PIECES * type.size) {
            fetch(at, PIECES * type.size);
            small_chunk(type, bytes, m, x + p, ldx, at, PIECES, sum, least);
        }
        if (rest) {
            fetch(at, rest * type.size);
            small_chunk(type, bytes, m, x + p, ldx, at, rest, sum, least);
        }
        UNROLL(8)
        for (i = 0; i < m; i++)
            c[i * ldc + j] = add_up(sum[i]) + least[i];
    }
}

/* What piece i is scaled by. */
INLINE __m256i piece_scale(bool sixteen, const int32_t *pair, int i)
{
    const __m256i low = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);

    if (!sixteen)
        return _mm256_set1_epi32(pair[i]);
    return _mm256_permutevar8x32_epi32(
        _mm256_castpd_si256(
            _mm256_broadcast_sd((const double *)(const void *)(pair + 2 * i))),
        low);
}

/* What the minimums of a block take off a row: in its sum, or in `rest`. */
INLINE void take_min(bool sixteen, const struct scales *with,
                     const struct tf_q8 *x, __m256 *sum, __m128 *rest)
{
    __m256i sums = load_piece(x->sums);
    float d = -x->scale[0] * with->dmin;
    __m128i by32;

    if (sixteen) {
        *sum = _mm256_fmadd_ps(
            _mm256_set1_ps(d),
            _mm256_cvtepi32_ps(_mm256_madd_epi16(with->min, sums)), *sum);
        return;
    }
    by32 = _mm_hadd_epi16(_mm256_castsi256_si128(sums),
                          _mm256_extracti128_si256(sums, 1));
    by32 = _mm_madd_epi16(_mm256_castsi256_si128(with->min), by32);
    *rest = _mm_fmadd_ps(_mm_set1_ps(d), _mm_cvtepi32_ps(by32), *rest);
}

/* Less what the bytes have too much. */
INLINE __m256i start_of(struct large type, const struct scales *with,
                        const struct tf_q8 *x)
{
    if (type.bytes != OFFSET)
        return _mm256_setzero_si256();
    return _mm256_sub_epi32(
        _mm256_setzero_si256(),
        _mm256_slli_epi32(_mm256_madd_epi16(load_piece(x->sums), with->scale),
                          type.offset));
}

/* A block at w with m chunks of x. */
INLINE void large_block(struct large type, large_bytes *bytes,
                        large_scales *scales, size_t m, const struct tf_q8 *x,
                        size_t ldx, const byte *w, __m256 *sum, __m128 *rest)
{
    __m256i whole[TF_THIN_ROWS];
    struct scales with;
    size_t i;
    int piece;

    scales(&with, w);
    UNROLL(8)
    for (i = 0; i < m; i++) {
        whole[i] = start_of(type, &with, x + i * ldx);
        if (type.bytes == MIN)
            take_min(type.sixteen, &with, x + i * ldx, &sum[i], &rest[i]);
    }
    UNROLL(8)
    for (piece = 0; piece < PIECES; piece++) {
        __m256i q = bytes(w, piece);
        __m256i scale = piece_scale(type.sixteen, with.pair, piece);

        UNROLL(8)
        for (i = 0; i < m; i++)
            whole[i] = add_scaled(whole[i], type.bytes == SIGNED, q,
                                  x[i * ldx].q + PIECE * piece, scale);
    }
    UNROLL(8)
    for (i = 0; i < m; i++)
        sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(x[i * ldx].scale[0] * with.d),
                                 _mm256_cvtepi32_ps(whole[i]), sum[i]);
}

INLINE void large_rows(struct large type, large_bytes *bytes,
                       large_scales *scales, size_t m, size_t k,
                       const struct tf_q8 *x, size_t ldx, const byte *w,
                       size_t row, size_t n, float *c, size_t ldc)
{
    __m256 sum[TF_THIN_ROWS];
    __m128 rest[TF_THIN_ROWS];
    size_t i, j, p;

    for (j = 0; j < n; j++, w += row) {
        const byte *at = w;

        UNROLL(8)
        for (i = 0; i < m; i++) {
            sum[i] = _mm256_setzero_ps();
            rest[i] = _mm_setzero_ps();
        }
        for (p = 0; p < k / LARGE; p++, at += type.size) {
            fetch(at, type.size);
            large_block(type, bytes, scales, m, x + p, ldx, at, sum, rest);
        }
        UNROLL(8)
        for (i = 0; i < m; i++)
            c[i * ldc + j] = type.bytes == MIN && !type.sixteen
                                 ? add_up(sum[i]) + add_up_four(rest[i])
                                 : add_up(sum[i]);
    }
}

#define EACH_ROWS(ROWS)                                                        \
    switch (m) {                                                               \
        ROWS(1)                                                                \
        ROWS(2)                                                                \
        ROWS(3)                                                                \
        ROWS(4)                                                                \
        ROWS(5)                                                                \
        ROWS(6)                                                                \
        ROWS(7)                                                                \
        ROWS(8)                                                                \
    }

#define SMALL_ROWS(m)                                                          \
    case m:                                                                    \
        small_rows(type, bytes, m, k, x, ldx, w, ldw / SMALL * type.size, n,   \
                   c, ldc);                                                    \
        break;

#define LARGE_ROWS(m)                                                          \
    case m:                                                                    \
        large_rows(type, bytes, scales, m, k, x, ldx, w,                       \
                   ldw / LARGE * type.size, n, c, ldc);                        \
        break;

INLINE void small_dots(struct small type, small_bytes *bytes, size_t k,
                       const struct tf_q8 *x, size_t ldx, size_t m,
                       const void *w, size_t ldw, size_t n, float *c,
                       size_t ldc){ EACH_ROWS(SMALL_ROWS) }

INLINE
    void large_dots(struct large type, large_bytes *bytes, large_scales *scales,
                    size_t k, const struct tf_q8 *x, size_t ldx, size_t m,
                    const void *w, size_t ldw, size_t n, float *c, size_t ldc)
{
    EACH_ROWS(LARGE_ROWS)
}

#define SMALL_DOTS(name, size, min)                                            \
    static void q8_dots_##name(size_t k, const struct tf_q8 *x, size_t ldx,    \
                               size_t m, const void *w, size_t ldw, size_t n,  \
                               float *c, size_t ldc)                           \
    {                                                                          \
        const struct small type = { size, min };                               \
                                                                               \
        small_dots(type, bytes_##name, k, x, ldx, m, w, ldw, n, c, ldc);       \
    }

#define LARGE_DOTS(name, size, sixteen, bytes, offset)                         \
    static void q8_dots_##name(size_t k, const struct tf_q8 *x, size_t ldx,    \
                               size_t m, const void *w, size_t ldw, size_t n,  \
                               float *c, size_t ldc)                           \
    {                                                                          \
        const struct large type = { size, sixteen, bytes, offset };            \
                                                                               \
        large_dots(type, bytes_##name, scales_##name, k, x, ldx, m, w, ldw, n, \
                   c, ldc);                                                    \
    }

/* clang-format off */
SMALL_DOTS(q4_0, 18, false)
SMALL_DOTS(q4_1, 20, true)
SMALL_DOTS(q5_0, 22, false)
SMALL_DOTS(q5_1, 24, true)
SMALL_DOTS(q8_0, 34, false)
SMALL_DOTS(iq4_nl, 18, false)
LARGE_DOTS(q2_k, 84, true, MIN, 0)
LARGE_DOTS(q3_k, 110, true, SIGNED, 0)
LARGE_DOTS(q4_k, 144, false, MIN, 0)
LARGE_DOTS(q5_k, 176, false, MIN, 0)
LARGE_DOTS(q6_k, 210, true, OFFSET, 5)
LARGE_DOTS(iq4_xs, 136, false, SIGNED, 0)
/* clang-format on */

static inline void fill_q8_dots(struct tf_kernels *k)
{
    k->q8_dots[TF_Q4_0] = q8_dots_q4_0;
    k->q8_dots[TF_Q4_1] = q8_dots_q4_1;
    k->q8_dots[TF_Q5_0] = q8_dots_q5_0;
    k->q8_dots[TF_Q5_1] = q8_dots_q5_1;
    k->q8_dots[TF_Q8_0] = q8_dots_q8_0;
    k->q8_dots[TF_IQ4_NL] = q8_dots_iq4_nl;
    k->q8_dots[TF_Q2_K] = q8_dots_q2_k;
    k->q8_dots[TF_Q3_K] = q8_dots_q3_k;
    k->q8_dots[TF_Q4_K] = q8_dots_q4_k;
    k->q8_dots[TF_Q5_K] = q8_dots_q5_k;
    k->q8_dots[TF_Q6_K] = q8_dots_q6_k;
    k->q8_dots[TF_IQ4_XS] = q8_dots_iq4_xs;
}
#endif

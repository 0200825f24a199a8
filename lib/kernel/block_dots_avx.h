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

/* A type of LARGE elements: groups of 32, or of 16, have scales, and minimums
 * that are taken off. */
struct large {
    size_t size;
    bool sixteen, min;
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

    return _mm256_sub_epi8(_mm256_or_si256(low, _mm256_slli_epi16(high, 4)),
                           _mm256_set1_epi8(32));
}

INLINE __m256i bytes_iq4_xs(const byte *p, int i)
{
    return look_up(iq4_values, nibbles(p + 8 + 16 * i));
}

/* Eight bytes as floats. */
INLINE __m256 small_numbers(uint64_t v)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)v)));
}

INLINE __m256 signed_numbers(const void *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p)));
}

/* The scales and the minimums of a block's groups: of 32 in the first vector,
 * of 16 in both. */
struct scales {
    __m256 scale[2], min[2];
};

INLINE struct scales scales_q4_k(const byte *p)
{
    const uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x03030303;
    uint32_t a = le32(p + 4), b = le32(p + 8), c = le32(p + 12);
    uint64_t scale = (c & four) | (a >> 6 & two) << 4;
    uint64_t min = (c >> 4 & four) | (b >> 6 & two) << 4;
    struct scales s;

    s.scale[0] = _mm256_mul_ps(_mm256_set1_ps(half_at(p)),
                               small_numbers(scale << 32 | (a & six)));
    s.min[0] = _mm256_mul_ps(_mm256_set1_ps(half_at(p + 2)),
                             small_numbers(min << 32 | (b & six)));
    return s;
}

INLINE struct scales scales_q5_k(const byte *p)
{
    return scales_q4_k(p);
}

INLINE struct scales scales_q6_k(const byte *p)
{
    __m256 d = _mm256_set1_ps(half_at(p + 208));
    struct scales s;

    s.scale[0] = _mm256_mul_ps(d, signed_numbers(p + 192));
    s.scale[1] = _mm256_mul_ps(d, signed_numbers(p + 200));
    return s;
}

INLINE struct scales scales_q3_k(const byte *p)
{
    __m256 d = _mm256_set1_ps(half_at(p + 108));
    int8_t bytes[16];
    int numbers[16];
    struct scales s;

    q3_scales(p + 96, numbers);
    for (int i = 0; i < 16; i++)
        bytes[i] = (int8_t)numbers[i];
    s.scale[0] = _mm256_mul_ps(d, signed_numbers(bytes));
    s.scale[1] = _mm256_mul_ps(d, signed_numbers(bytes + 8));
    return s;
}

INLINE struct scales scales_q2_k(const byte *p)
{
    const uint64_t four = 0x0f0f0f0f0f0f0f0f;
    __m256 d = _mm256_set1_ps(half_at(p + 80));
    __m256 dmin = _mm256_set1_ps(half_at(p + 82));
    struct scales s;

    for (int i = 0; i < 2; i++) {
        uint64_t v = (uint64_t)le32(p + 8 * i + 4) << 32 | le32(p + 8 * i);

        s.scale[i] = _mm256_mul_ps(d, small_numbers(v & four));
        s.min[i] = _mm256_mul_ps(dmin, small_numbers(v >> 4 & four));
    }
    return s;
}

INLINE struct scales scales_iq4_xs(const byte *p)
{
    int high = p[2] | p[3] << 8;
    int8_t bytes[8];
    struct scales s;

    for (int i = 0; i < 8; i++)
        bytes[i] = (int8_t)(((p[4 + i / 2] >> 4 * (i % 2) & 15) |
                             (high >> 2 * i & 3) << 4) -
                            32);
    s.scale[0] =
        _mm256_mul_ps(_mm256_set1_ps(half_at(p)), signed_numbers(bytes));
    return s;
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

INLINE float add_up(__m256 v)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE void fetch(const byte *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

typedef __m256i small_bytes(const byte *p);
typedef __m256i large_bytes(const byte *p, int i);
typedef struct scales large_scales(const byte *p);

/* Blocks [0, blocks) of one chunk of m rows of x; m and all that says what the
 * type is are constants of each call, here and below. */
INLINE void small_chunk(struct small type, small_bytes *bytes, size_t m,
                        const struct tf_q8 *x, size_t ldx, const byte *w,
                        size_t blocks, __m256 (*sum)[2], float *rest)
{
    size_t b, i;

#pragma GCC unroll 8
    for (b = 0; b < blocks; b++, w += type.size) {
        __m256i q = bytes(w);
        float d = half_at(w), least = type.min ? half_at(w + 2) : 0;

#pragma GCC unroll 8
        for (i = 0; i < m; i++) {
            const struct tf_q8 *y = x + i * ldx;
            __m256 scale = _mm256_set1_ps(d * y->scale[b]);
            __m256 *to = &sum[i][b % 2];

            *to = _mm256_fmadd_ps(products(type.min, q, y->q + PIECE * b),
                                  scale, *to);
            if (type.min)
                rest[i] += least * (y->sum[2 * b] + y->sum[2 * b + 1]);
        }
    }
}

INLINE void small_rows(struct small type, small_bytes *bytes, size_t m,
                       size_t k, const struct tf_q8 *x, size_t ldx,
                       const byte *w, size_t row, size_t n, float *c,
                       size_t ldc)
{
    size_t whole = k / LARGE, rest = k % LARGE / SMALL, i, j, p;
    __m256 sum[TF_THIN_ROWS][2];
    float least[TF_THIN_ROWS];

    for (j = 0; j < n; j++, w += row) {
        const byte *at = w;

#pragma GCC unroll 8
        for (i = 0; i < m; i++) {
            sum[i][0] = sum[i][1] = _mm256_setzero_ps();
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
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            c[i * ldc + j] =
                least[i] + add_up(_mm256_add_ps(sum[i][0], sum[i][1]));
    }
}

/* What piece i is scaled by, of the scales s of 32 or of 16. */
INLINE __m256 piece_scale(bool sixteen, const float *s, int i)
{
    const __m256i low = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);

    if (!sixteen)
        return _mm256_broadcast_ss(s + i);
    return _mm256_permutevar8x32_ps(
        _mm256_castpd_ps(
            _mm256_broadcast_sd((const double *)(const void *)(s + 2 * i))),
        low);
}

/* s[16]: the block's scales by those of a row of x; and what is taken off. */
INLINE __m256 meet_scales(struct large type, const struct scales *with,
                          const struct tf_q8 *x, float *s, __m256 sum)
{
    const __m256i low = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256i high = _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7);
    __m256 scale = _mm256_loadu_ps(x->scale);
    __m256 a = _mm256_loadu_ps(x->sum), b = _mm256_loadu_ps(x->sum + 8);

    if (!type.sixteen) {
        _mm256_storeu_ps(s, _mm256_mul_ps(with->scale[0], scale));
        if (type.min) {
            a = _mm256_castpd_ps(_mm256_permute4x64_pd(
                _mm256_castps_pd(_mm256_hadd_ps(a, b)), 0xd8));
            sum = _mm256_fnmadd_ps(with->min[0], a, sum);
        }
        return sum;
    }
    _mm256_storeu_ps(
        s, _mm256_mul_ps(with->scale[0], _mm256_permutevar8x32_ps(scale, low)));
    _mm256_storeu_ps(
        s + 8,
        _mm256_mul_ps(with->scale[1], _mm256_permutevar8x32_ps(scale, high)));
    if (type.min) {
        sum = _mm256_fnmadd_ps(with->min[0], a, sum);
        sum = _mm256_fnmadd_ps(with->min[1], b, sum);
    }
    return sum;
}

INLINE void large_rows(struct large type, large_bytes *bytes,
                       large_scales *scales, size_t m, size_t k,
                       const struct tf_q8 *x, size_t ldx, const byte *w,
                       size_t row, size_t n, float *c, size_t ldc)
{
    float s[TF_THIN_ROWS][16];
    __m256 sum[TF_THIN_ROWS][2];
    size_t i, j, p;
    int piece;

    for (j = 0; j < n; j++, w += row) {
        const byte *at = w;

#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            sum[i][0] = sum[i][1] = _mm256_setzero_ps();
        for (p = 0; p < k / LARGE; p++, at += type.size) {
            struct scales with = scales(at);

            fetch(at, type.size);
#pragma GCC unroll 8
            for (i = 0; i < m; i++)
                sum[i][0] =
                    meet_scales(type, &with, x + i * ldx + p, s[i], sum[i][0]);
#pragma GCC unroll 8
            for (piece = 0; piece < PIECES; piece++) {
                __m256i q = bytes(at, piece);

#pragma GCC unroll 8
                for (i = 0; i < m; i++)
                    sum[i][piece % 2] = _mm256_fmadd_ps(
                        products(type.min, q, x[i * ldx + p].q + PIECE * piece),
                        piece_scale(type.sixteen, s[i], piece),
                        sum[i][piece % 2]);
            }
        }
#pragma GCC unroll 8
        for (i = 0; i < m; i++)
            c[i * ldc + j] = add_up(_mm256_add_ps(sum[i][0], sum[i][1]));
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

INLINE void large_dots(struct large type, large_bytes *bytes,
                       large_scales *scales, size_t k, const struct tf_q8 *x,
                       size_t ldx, size_t m, const void *w, size_t ldw,
                       size_t n, float *c, size_t ldc){ EACH_ROWS(LARGE_ROWS) }

#define SMALL_DOTS(name, size, min)                                            \
    static void q8_dots_##name(size_t k, const struct tf_q8 *x, size_t ldx,    \
                               size_t m, const void *w, size_t ldw, size_t n,  \
                               float *c, size_t ldc)                           \
    {                                                                          \
        const struct small type = { size, min };                               \
                                                                               \
        small_dots(type, bytes_##name, k, x, ldx, m, w, ldw, n, c, ldc);       \
    }

#define LARGE_DOTS(name, size, sixteen, min)                                   \
    static void q8_dots_##name(size_t k, const struct tf_q8 *x, size_t ldx,    \
                               size_t m, const void *w, size_t ldw, size_t n,  \
                               float *c, size_t ldc)                           \
    {                                                                          \
        const struct large type = { size, sixteen, min };                      \
                                                                               \
        large_dots(type, bytes_##name, scales_##name, k, x, ldx, m, w, ldw, n, \
                   c, ldc);                                                    \
    }

SMALL_DOTS(q4_0, 18, false) SMALL_DOTS(q4_1, 20, true)
    SMALL_DOTS(q5_0, 22, false) SMALL_DOTS(q5_1, 24, true)
        SMALL_DOTS(q8_0, 34, false) SMALL_DOTS(iq4_nl, 18, false)
            LARGE_DOTS(q2_k, 84, true, true) LARGE_DOTS(q3_k, 110, true, false)
                LARGE_DOTS(q4_k, 144, false, true) LARGE_DOTS(q5_k, 176, false,
                                                              true)
                    LARGE_DOTS(q6_k, 210, true, false) LARGE_DOTS(iq4_xs, 136,
                                                                  false, false)

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

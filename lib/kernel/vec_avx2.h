/* Vectors of float32 in AVX2 with FMA and F16C: the words in which vec_math.h
 * and vec_kernels.h are written. */
#ifndef TF_KERNEL_VEC_AVX2_H
#define TF_KERNEL_VEC_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES     8
#define V_REGISTERS 8 /* of sums that a loop may hold */

#define INLINE static inline __attribute__((always_inline))

typedef __m256 vf;
typedef __m256 vmask;

static inline __m256i v_first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

/* The first n < V_LANES elements; the others read as 0, and are not touched. */
static inline vf v_load_n(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, v_first(n));
}

/* The first n < V_LANES elements of x, then those of y. */
static inline vf v_join(vf x, vf y, size_t n)
{
    return _mm256_blendv_ps(y, x, _mm256_castsi256_ps(v_first(n)));
}

static inline void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    _mm256_maskstore_ps(p, v_first(n), x);
}

static inline vf v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

static inline vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}

static inline vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

/* a * b + c, rounded once */
static inline vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* b when either is NaN */
static inline vf v_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_abs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

/* |x| with the sign of s */
static inline vf v_copysign(vf x, vf s)
{
    vf sign = _mm256_set1_ps(-0.0f);

    return _mm256_or_ps(_mm256_andnot_ps(sign, x), _mm256_and_ps(sign, s));
}

/* x * 2^n for whole n in [-150, 128]: in two steps, as 2^n alone may not be a
 * float32 */
static inline vf v_ldexp(vf x, vf n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    __m256i bias = _mm256_set1_epi32(127);
    __m256i a = _mm256_add_epi32(half, bias);
    __m256i b = _mm256_add_epi32(_mm256_sub_epi32(whole, half), bias);

    x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(a, 23)));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(b, 23)));
}

static inline vmask v_less(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline vmask v_is_nan(vf x)
{
    return _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
}

static inline vmask v_or(vmask a, vmask b)
{
    return _mm256_or_ps(a, b);
}

static inline vmask v_none(void)
{
    return _mm256_setzero_ps();
}

static inline int v_any(vmask m)
{
    return _mm256_movemask_ps(m);
}

/* m ? a : b */
static inline vf v_select(vmask m, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, m);
}

/* V_LANES whole numbers of 32 bits */
typedef __m256i vi;

static inline vi v_int(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}

/* x, x + 1, x + 2, ... */
static inline vi v_count(uint32_t x)
{
    return _mm256_add_epi32(v_int(x),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vi v_xor(vi a, vi b)
{
    return _mm256_xor_si256(a, b);
}

/* The low half of a * b; the high one goes to *high. */
static inline vi v_mul_whole(vi a, vi b, vi *high)
{
    vi even = _mm256_mul_epu32(a, b);
    vi odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);

    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

/* The low 16 bits of each, and the high ones. */
static inline vi v_low_bits(vi a)
{
    return _mm256_and_si256(a, v_int(0xffff));
}

static inline vi v_high_bits(vi a)
{
    return _mm256_srli_epi32(a, 16);
}

/* of numbers below 2^31 */
static inline vmask v_int_less(vi a, vi b)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a));
}

static inline float v_sum(vf x)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float v_highest(vf x)
{
    __m128 s =
        _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* V_LANES 16-bit elements at p, which may be unaligned, as float32 */
static inline vf v_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
}

static inline vf v_load_bf16(const void *p)
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}

static inline void v_store_f16(void *p, vf x)
{
    _mm_storeu_si128(p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

static inline void v_store_bf16(void *p, vf x)
{
    __m256i v = _mm256_castps_si256(x), odd, r, quiet;

    odd = _mm256_and_si256(_mm256_srli_epi32(v, 16), _mm256_set1_epi32(1));
    r = _mm256_add_epi32(_mm256_add_epi32(v, odd), _mm256_set1_epi32(0x7fff));
    /* a NaN must not round to infinity: keep it and make it quiet */
    quiet = _mm256_or_si256(v, _mm256_set1_epi32(0x400000));
    r = _mm256_blendv_epi8(r, quiet, _mm256_castps_si256(v_is_nan(x)));
    r = _mm256_srli_epi32(r, 16);
    r = _mm256_packus_epi32(r, r);
    _mm_storeu_si128(p,
                     _mm256_castsi256_si128(_mm256_permute4x64_epi64(r, 0x08)));
}

/* x to nearest, as V_LANES bytes, plus offset (wrapping) */
static inline void v_store_int8(int8_t *p, vf x, uint8_t offset)
{
    __m256i w = _mm256_cvtps_epi32(x);
    __m128i b = _mm_packs_epi32(_mm256_castsi256_si128(w),
                                _mm256_extracti128_si256(w, 1));

    b = _mm_add_epi8(_mm_packs_epi16(b, b), _mm_set1_epi8((char)offset));
    _mm_storel_epi64((__m128i *)(void *)p, b);
}

/* whole numbers at p, which may be fewer than V_LANES */
static inline vi v_load_int(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline vi v_load_int_n(const void *p, size_t n)
{
    return _mm256_maskload_epi32((const int *)p, v_first(n));
}

/* a - b * c as float32 */
static inline vf v_less_product(vi a, vi b, vi c)
{
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(a, _mm256_mullo_epi32(b, c)));
}
#endif

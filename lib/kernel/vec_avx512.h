/* Vectors of float32 in AVX-512: the words in which vec_math.h and
 * vec_kernels.h are written. */
#ifndef TF_KERNEL_VEC_AVX512_H
#define TF_KERNEL_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES     16
#define V_REGISTERS 16 /* of sums that a loop may hold */

#define INLINE static inline __attribute__((always_inline))

typedef __m512 vf;
typedef __mmask16 vmask;

/* the first n <= V_LANES */
static inline vmask v_first(size_t n)
{
    return (vmask)((1u << n) - 1);
}

static inline vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

/* The first n < V_LANES elements; the others read as 0, and are not touched. */
static inline vf v_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(v_first(n), p);
}

/* The first n < V_LANES elements of x, then those of y. */
static inline vf v_join(vf x, vf y, size_t n)
{
    return _mm512_mask_blend_ps(v_first(n), y, x);
}

static inline void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    _mm512_mask_storeu_ps(p, v_first(n), x);
}

static inline vf v_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}

static inline vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

/* a * b + c, rounded once */
static inline vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* b when either is NaN */
static inline vf v_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x,
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_abs(vf x)
{
    return _mm512_abs_ps(x);
}

/* |x| with the sign of s */
static inline vf v_copysign(vf x, vf s)
{
    __m512i sign = _mm512_set1_epi32(INT32_MIN);

    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
        sign, _mm512_castps_si512(s), _mm512_castps_si512(x), 0xca));
}

/* x * 2^n for whole n in [-150, 128] */
static inline vf v_ldexp(vf x, vf n)
{
    return _mm512_scalef_ps(x, n);
}

static inline vmask v_less(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline vmask v_is_nan(vf x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}

static inline vmask v_or(vmask a, vmask b)
{
    return a | b;
}

static inline vmask v_none(void)
{
    return 0;
}

static inline int v_any(vmask m)
{
    return m != 0;
}

/* m ? a : b */
static inline vf v_select(vmask m, vf a, vf b)
{
    return _mm512_mask_blend_ps(m, b, a);
}

/* V_LANES whole numbers of 32 bits */
typedef __m512i vi;

static inline vi v_int(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}

/* x, x + 1, x + 2, ... */
static inline vi v_count(uint32_t x)
{
    return _mm512_add_epi32(v_int(x),
                            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                              11, 12, 13, 14, 15));
}

static inline vi v_xor(vi a, vi b)
{
    return _mm512_xor_si512(a, b);
}

/* The low half of a * b; the high one goes to *high. */
static inline vi v_mul_whole(vi a, vi b, vi *high)
{
    vi even = _mm512_mul_epu32(a, b);
    vi odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);

    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
}

/* The low 16 bits of each, and the high ones. */
static inline vi v_low_bits(vi a)
{
    return _mm512_and_si512(a, v_int(0xffff));
}

static inline vi v_high_bits(vi a)
{
    return _mm512_srli_epi32(a, 16);
}

/* of numbers below 2^31 */
static inline vmask v_int_less(vi a, vi b)
{
    return _mm512_cmplt_epi32_mask(a, b);
}

static inline float v_sum(vf x)
{
    return _mm512_reduce_add_ps(x);
}

static inline float v_highest(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* V_LANES 16-bit elements at p, which may be unaligned, as float32 */
static inline vf v_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

static inline vf v_load_bf16(const void *p)
{
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p)), 16));
}

static inline void v_store_f16(void *p, vf x)
{
    _mm256_storeu_si256(p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

static inline void v_store_bf16(void *p, vf x)
{
    __m512i v = _mm512_castps_si512(x), odd, r;

    odd = _mm512_and_si512(_mm512_srli_epi32(v, 16), _mm512_set1_epi32(1));
    r = _mm512_add_epi32(_mm512_add_epi32(v, odd), _mm512_set1_epi32(0x7fff));
    /* a NaN must not round to infinity: keep it and make it quiet */
    r = _mm512_mask_or_epi32(r, v_is_nan(x), v, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256(p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
}

/* x to nearest, as V_LANES bytes, plus offset (wrapping) */
static inline void v_store_int8(int8_t *p, vf x, uint8_t offset)
{
    __m128i b = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));

    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm_add_epi8(b, _mm_set1_epi8((char)offset)));
}

/* whole numbers at p, which may be fewer than V_LANES */
static inline vi v_load_int(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline vi v_load_int_n(const void *p, size_t n)
{
    return _mm512_maskz_loadu_epi32(v_first(n), p);
}

/* a - b * c as float32 */
static inline vf v_less_product(vi a, vi b, vi c)
{
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(a, _mm512_mullo_epi32(b, c)));
}
#endif

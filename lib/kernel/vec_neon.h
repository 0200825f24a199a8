/* Vectors of float32 in NEON (AArch64): the words in which vec_math.h and
 * vec_kernels.h are written. */
#ifndef TF_KERNEL_VEC_NEON_H
#define TF_KERNEL_VEC_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define V_LANES     4
#define V_REGISTERS 16 /* of sums that a loop may hold */

#define INLINE static inline __attribute__((always_inline))

typedef float32x4_t vf;
typedef uint32x4_t vmask;

static inline vmask v_first(size_t n)
{
    static const uint32_t lane[4] = { 0, 1, 2, 3 };

    return vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
}

static inline vf v_load(const float *p)
{
    return vld1q_f32(p);
}

/* The first n < V_LANES elements; the others read as 0, and are not touched. */
static inline vf v_load_n(const float *p, size_t n)
{
    float all[V_LANES] = { 0 };

    memcpy(all, p, n * sizeof(*p));
    return vld1q_f32(all);
}

/* The first n < V_LANES elements of x, then those of y. */
static inline vf v_join(vf x, vf y, size_t n)
{
    return vbslq_f32(v_first(n), x, y);
}

static inline void v_store(float *p, vf x)
{
    vst1q_f32(p, x);
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    float all[V_LANES];

    vst1q_f32(all, x);
    memcpy(p, all, n * sizeof(*p));
}

static inline vf v_set(float x)
{
    return vdupq_n_f32(x);
}

static inline vf v_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

static inline vf v_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

static inline vf v_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

static inline vf v_sqrt(vf x)
{
    return vsqrtq_f32(x);
}

static inline vf v_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

/* a * b + c, rounded once */
static inline vf v_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

/* b when either is NaN */
static inline vf v_min(vf a, vf b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline vf v_max(vf a, vf b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline vf v_round(vf x)
{
    return vrndnq_f32(x);
}

static inline vf v_abs(vf x)
{
    return vabsq_f32(x);
}

/* |x| with the sign of s */
static inline vf v_copysign(vf x, vf s)
{
    return vbslq_f32(vdupq_n_u32(0x80000000), s, x);
}

/* x * 2^n for whole n in [-150, 128]: in two steps, as 2^n alone may not be a
 * float32 */
static inline vf v_ldexp(vf x, vf n)
{
    int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    int32x4_t bias = vdupq_n_s32(127);
    int32x4_t a = vaddq_s32(half, bias);
    int32x4_t b = vaddq_s32(vsubq_s32(whole, half), bias);

    x = vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(a, 23)));
    return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(b, 23)));
}

static inline vmask v_less(vf a, vf b)
{
    return vcltq_f32(a, b);
}

static inline vmask v_is_nan(vf x)
{
    return vmvnq_u32(vceqq_f32(x, x));
}

static inline vmask v_or(vmask a, vmask b)
{
    return vorrq_u32(a, b);
}

static inline vmask v_none(void)
{
    return vdupq_n_u32(0);
}

static inline int v_any(vmask m)
{
    return vmaxvq_u32(m) != 0;
}

/* m ? a : b */
static inline vf v_select(vmask m, vf a, vf b)
{
    return vbslq_f32(m, a, b);
}

/* V_LANES whole numbers of 32 bits */
typedef uint32x4_t vi;

static inline vi v_int(uint32_t x)
{
    return vdupq_n_u32(x);
}

/* x, x + 1, x + 2, ... */
static inline vi v_count(uint32_t x)
{
    static const uint32_t lane[4] = { 0, 1, 2, 3 };

    return vaddq_u32(v_int(x), vld1q_u32(lane));
}

static inline vi v_xor(vi a, vi b)
{
    return veorq_u32(a, b);
}

/* The low half of a * b; the high one goes to *high. */
static inline vi v_mul_whole(vi a, vi b, vi *high)
{
    uint64x2_t lo = vmull_u32(vget_low_u32(a), vget_low_u32(b));
    uint64x2_t hi = vmull_high_u32(a, b);
    uint32x4_t x = vreinterpretq_u32_u64(lo), y = vreinterpretq_u32_u64(hi);

    *high = vuzp2q_u32(x, y);
    return vuzp1q_u32(x, y);
}

/* The low 16 bits of each, and the high ones. */
static inline vi v_low_bits(vi a)
{
    return vandq_u32(a, v_int(0xffff));
}

static inline vi v_high_bits(vi a)
{
    return vshrq_n_u32(a, 16);
}

/* of numbers below 2^31 */
static inline vmask v_int_less(vi a, vi b)
{
    return vcltq_u32(a, b);
}

static inline float v_sum(vf x)
{
    return vaddvq_f32(x);
}

static inline float v_highest(vf x)
{
    return vmaxvq_f32(x);
}

/* V_LANES 16-bit elements at p, which may be unaligned, as float32 */
static inline uint16x4_t v_load_16(const void *p)
{
    return vreinterpret_u16_u8(vld1_u8(p));
}

static inline vf v_load_f16(const void *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(v_load_16(p)));
}

static inline vf v_load_bf16(const void *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(v_load_16(p), 16));
}

static inline void v_store_f16(void *p, vf x)
{
    vst1_u8(p, vreinterpret_u8_f16(vcvt_f16_f32(x)));
}

static inline void v_store_bf16(void *p, vf x)
{
    uint32x4_t v = vreinterpretq_u32_f32(x), odd, r;

    odd = vandq_u32(vshrq_n_u32(v, 16), v_int(1));
    r = vaddq_u32(vaddq_u32(v, odd), v_int(0x7fff));
    /* a NaN must not round to infinity: keep it and make it quiet */
    r = vbslq_u32(v_is_nan(x), vorrq_u32(v, v_int(0x400000)), r);
    vst1_u8(p, vreinterpret_u8_u16(vshrn_n_u32(r, 16)));
}

/* x to nearest, as V_LANES bytes, plus offset (wrapping) */
static inline void v_store_int8(int8_t *p, vf x, uint8_t offset)
{
    int16x4_t h = vmovn_s32(vcvtnq_s32_f32(x));
    int8x8_t b = vmovn_s16(vcombine_s16(h, h));

    b = vadd_s8(b, vdup_n_s8((int8_t)offset));
    memcpy(p, &b, V_LANES);
}

/* whole numbers at p, which may be fewer than V_LANES */
static inline vi v_load_int(const void *p)
{
    return vld1q_u32(p);
}

static inline vi v_load_int_n(const void *p, size_t n)
{
    uint32_t all[V_LANES] = { 0 };

    memcpy(all, p, n * sizeof(*all));
    return vld1q_u32(all);
}

/* a - b * c as float32 */
static inline vf v_less_product(vi a, vi b, vi c)
{
    return vcvtq_f32_s32(vreinterpretq_s32_u32(vmlsq_u32(a, b, c)));
}
#endif

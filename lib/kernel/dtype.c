#include "kernel/dtype.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "kernel/blocks.h"
#include "kernel/kernel.h"

/* One byte to float: `bits` of mantissa, exponents biased by `bias`. */
static float small_float(unsigned v, int bits, int bias)
{
    unsigned exp = (v & 0x7f) >> bits, man = v & ((1u << bits) - 1);
    float x = exp ? ldexpf((float)(man | 1u << bits), (int)exp - bias - bits)
                  : ldexpf((float)man, 1 - bias - bits);

    return v & 0x80 ? -x : x;
}

static void unpack_f32(float *dst, const void *src, size_t n)
{
    if (n)
        memcpy(dst, src, n * sizeof(*dst));
}

static void unpack_f16(float *dst, const void *src, size_t n)
{
    tf_kernels()->unpack_f16(dst, src, n);
}

static void unpack_bf16(float *dst, const void *src, size_t n)
{
    tf_kernels()->unpack_bf16(dst, src, n);
}

/* E4M3 as in OCP FP8 ("fn"): no infinities, one NaN, largest 448. */
static void unpack_f8_e4m3(float *dst, const void *src, size_t n)
{
    const unsigned char *p = src;
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = (p[i] & 0x7f) == 0x7f ? NAN : small_float(p[i], 3, 7);
}

/* E5M2 is the upper half of an IEEE half. */
static void unpack_f8_e5m2(float *dst, const void *src, size_t n)
{
    const unsigned char *p = src;
    size_t i;

    for (i = 0; i < n; i++) {
        if ((p[i] & 0x7f) > 0x7c)
            dst[i] = NAN;
        else if ((p[i] & 0x7f) == 0x7c)
            dst[i] = p[i] & 0x80 ? -INFINITY : INFINITY;
        else
            dst[i] = small_float(p[i], 2, 15);
    }
}

#define UNPACK_INTEGER(name, type)                                             \
    static void unpack_##name(float *dst, const void *src, size_t n)           \
    {                                                                          \
        const unsigned char *p = src;                                          \
        size_t i;                                                              \
        type v;                                                                \
                                                                               \
        for (i = 0; i < n; i++) {                                              \
            memcpy(&v, p + i * sizeof(v), sizeof(v));                          \
            dst[i] = (float)v;                                                 \
        }                                                                      \
    }

UNPACK_INTEGER(f64, double)
UNPACK_INTEGER(i64, int64_t)
UNPACK_INTEGER(i32, int32_t)
UNPACK_INTEGER(i16, int16_t)
UNPACK_INTEGER(i8, int8_t)
UNPACK_INTEGER(u64, uint64_t)
UNPACK_INTEGER(u32, uint32_t)
UNPACK_INTEGER(u16, uint16_t)
UNPACK_INTEGER(u8, uint8_t)

static void unpack_bool(float *dst, const void *src, size_t n)
{
    const unsigned char *p = src;
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = p[i] ? 1.0f : 0.0f;
}

static const struct tf_dtype_info types[TF_DTYPES] = {
    [TF_F32] = { "F32", 1, 4, unpack_f32 },
    [TF_F64] = { "F64", 1, 8, unpack_f64 },
    [TF_F16] = { "F16", 1, 2, unpack_f16 },
    [TF_BF16] = { "BF16", 1, 2, unpack_bf16 },
    [TF_F8_E4M3] = { "F8_E4M3", 1, 1, unpack_f8_e4m3 },
    [TF_F8_E5M2] = { "F8_E5M2", 1, 1, unpack_f8_e5m2 },
    [TF_I64] = { "I64", 1, 8, unpack_i64 },
    [TF_I32] = { "I32", 1, 4, unpack_i32 },
    [TF_I16] = { "I16", 1, 2, unpack_i16 },
    [TF_I8] = { "I8", 1, 1, unpack_i8 },
    [TF_U64] = { "U64", 1, 8, unpack_u64 },
    [TF_U32] = { "U32", 1, 4, unpack_u32 },
    [TF_U16] = { "U16", 1, 2, unpack_u16 },
    [TF_U8] = { "U8", 1, 1, unpack_u8 },
    [TF_BOOL] = { "BOOL", 1, 1, unpack_bool },
    [TF_Q4_0] = { "Q4_0", 32, 18, tf_unpack_q4_0 },
    [TF_Q4_1] = { "Q4_1", 32, 20, tf_unpack_q4_1 },
    [TF_Q5_0] = { "Q5_0", 32, 22, tf_unpack_q5_0 },
    [TF_Q5_1] = { "Q5_1", 32, 24, tf_unpack_q5_1 },
    [TF_Q8_0] = { "Q8_0", 32, 34, tf_unpack_q8_0 },
    [TF_Q2_K] = { "Q2_K", 256, 84, tf_unpack_q2_k },
    [TF_Q3_K] = { "Q3_K", 256, 110, tf_unpack_q3_k },
    [TF_Q4_K] = { "Q4_K", 256, 144, tf_unpack_q4_k },
    [TF_Q5_K] = { "Q5_K", 256, 176, tf_unpack_q5_k },
    [TF_Q6_K] = { "Q6_K", 256, 210, tf_unpack_q6_k },
    [TF_IQ4_NL] = { "IQ4_NL", 32, 18, tf_unpack_iq4_nl },
    [TF_IQ4_XS] = { "IQ4_XS", 256, 136, tf_unpack_iq4_xs },
    [TF_MXFP4] = { "MXFP4", 32, 17, tf_unpack_mxfp4 },
    [TF_AFFINE4] = { "AFFINE4", 32, 21, tf_unpack_affine4 },
    [TF_AFFINE8] = { "AFFINE8", 32, 38, tf_unpack_affine8 },
    [TF_NF4] = { "NF4", 32, 20, tf_unpack_nf4 },
    [TF_FP4] = { "FP4", 32, 20, tf_unpack_fp4 },
    [TF_E4M3] = { "E4M3", 32, 36, tf_unpack_e4m3 },
    [TF_E2M1] = { "E2M1", 32, 17, tf_unpack_mxfp4 },
};

const struct tf_dtype_info *tf_dtype_info(enum tf_dtype dtype)
{
    return &types[dtype];
}

int tf_dtype_is_ggml(enum tf_dtype dtype)
{
    return dtype >= TF_Q4_0 && dtype < TF_AFFINE4;
}

int tf_dtype_is_float(enum tf_dtype dtype)
{
    return dtype <= TF_F8_E5M2 || types[dtype].block > 1;
}

int tf_dtype_parse(enum tf_dtype *dtype, const char *name)
{
    int i;

    for (i = 0; i < TF_DTYPES; i++) {
        if (!strcmp(types[i].name, name)) {
            *dtype = (enum tf_dtype)i;
            return 0;
        }
    }
    return -1;
}

#include "kernel/block_pack.h"

#include <math.h>
#include <string.h>
#include "kernel/block_fit.h"
#include "kernel/block_pack_parts.h"
#include "kernel/kernel.h"

#define SMALL    32  /* numbers in a block of the older types */
#define LARGE    256 /* in one of the K types */
#define HALF_MAX 65504.0f

float tf_put_half(uint8_t *p, float v)
{
    uint16_t h;

    tf_kernels()->pack_f16(&h, &v, 1);
    p[0] = (uint8_t)(h & 0xff);
    p[1] = (uint8_t)(h >> 8);
    tf_kernels()->unpack_f16(&v, &h, 1);
    return v;
}

/* The low four bits, two numbers in a byte, and above them the fifth bits. */
static void put_nibbles(uint8_t *p, const uint8_t *q)
{
    for (int i = 0; i < 16; i++)
        p[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

static void put_fifth_bits(uint8_t *p, const uint8_t *q)
{
    memset(p, 0, 4);
    for (int i = 0; i < SMALL; i++)
        p[i / 8] |= (uint8_t)((q[i] >> 4 & 1) << i % 8);
}

/* Q4_0 and Q5_0: a scale, numbers counted from `lo`. */
static void pack_scaled(uint8_t *p, const float *x, const float *w, int lo,
                        uint8_t q[SMALL])
{
    struct tf_fit fit = { .lo = lo, .hi = -lo - 1 };
    int8_t whole[SMALL];

    tf_fit_scale(&fit, x, w, SMALL);
    fit.scale = tf_put_half(p, fit.scale);
    tf_fit_round(&fit, x, SMALL, whole);
    for (int i = 0; i < SMALL; i++)
        q[i] = (uint8_t)(whole[i] - lo);
}

static void pack_q4_0(uint8_t *p, const float *x, const float *w)
{
    uint8_t q[SMALL];

    pack_scaled(p, x, w, -8, q);
    put_nibbles(p + 2, q);
}

static void pack_q5_0(uint8_t *p, const float *x, const float *w)
{
    uint8_t q[SMALL];

    pack_scaled(p, x, w, -16, q);
    put_fifth_bits(p + 2, q);
    put_nibbles(p + 6, q);
}

/* Q4_1 and Q5_1: a scale and what the number 0 stands for. */
static void pack_shifted(uint8_t *p, const float *x, const float *w, int hi,
                         uint8_t q[SMALL])
{
    struct tf_fit fit = { .hi = hi };

    tf_fit_line(&fit, false, x, w, SMALL);
    fit.scale = tf_put_half(p, fit.scale);
    fit.shift = tf_put_half(p + 2, fit.shift);
    tf_fit_round(&fit, x, SMALL, (int8_t *)q);
}

static void pack_q4_1(uint8_t *p, const float *x, const float *w)
{
    uint8_t q[SMALL];

    pack_shifted(p, x, w, 15, q);
    put_nibbles(p + 4, q);
}

static void pack_q5_1(uint8_t *p, const float *x, const float *w)
{
    uint8_t q[SMALL];

    pack_shifted(p, x, w, 31, q);
    put_fifth_bits(p + 4, q);
    put_nibbles(p + 8, q);
}

/* Fine enough that the largest number decides. */
static void pack_q8_0(uint8_t *p, const float *x, const float *w)
{
    struct tf_fit fit = { .lo = -127, .hi = 127 };
    float most = 0;

    (void)w;
    for (int i = 0; i < SMALL; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    fit.scale = tf_put_half(p, most / 127);
    tf_fit_round(&fit, x, SMALL, (int8_t *)p + 2);
}

static tf_pack_block_fn *const packers[TF_DTYPES] = {
    [TF_Q4_0] = pack_q4_0,    [TF_Q4_1] = pack_q4_1,
    [TF_Q5_0] = pack_q5_0,    [TF_Q5_1] = pack_q5_1,
    [TF_Q8_0] = pack_q8_0,    [TF_Q4_K] = tf_pack_q4_k,
    [TF_Q5_K] = tf_pack_q5_k, [TF_Q6_K] = tf_pack_q6_k,
};

bool tf_can_pack(enum tf_dtype dtype)
{
    return packers[dtype] || dtype == TF_F32 || dtype == TF_F16 ||
           dtype == TF_BF16;
}

static int check(enum tf_dtype dtype, const float *src, size_t n,
                 struct tf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(src[i]))
            return tf_fail(err, "number %zu of the row is not finite", i);
        if (fabsf(src[i]) > HALF_MAX)
            return tf_fail(err, "number %zu of the row is %g, too large for %s",
                           i, (double)src[i], tf_dtype_info(dtype)->name);
    }
    return 0;
}

int tf_pack_row(enum tf_dtype dtype, void *dst, const float *src, size_t n,
                const float *importance, struct tf_err *err)
{
    const struct tf_dtype_info *info = tf_dtype_info(dtype);
    float alike[LARGE];
    uint8_t *p = dst;

    if (dtype == TF_BF16)
        tf_kernels()->pack_bf16(dst, src, n);
    else if (dtype == TF_F16)
        tf_kernels()->pack_f16(dst, src, n);
    else if (dtype == TF_F32 && n)
        memcpy(dst, src, n * sizeof(*src));
    if (!packers[dtype])
        return 0;
    if (check(dtype, src, n, err))
        return -1;
    for (int i = 0; i < LARGE; i++)
        alike[i] = 1;
    for (size_t i = 0; i < n; i += info->block, p += info->bytes)
        packers[dtype](p, src + i, importance ? importance + i : alike);
    return 0;
}

/*
 * The kernels over rows of numbers, once for every instruction set, in the
 * words of vec.h. Ends with fill_rows(), which puts them into a table.
 */
#ifndef TF_KERNEL_VEC_KERNELS_H
#define TF_KERNEL_VEC_KERNELS_H

#include <math.h>
#include <string.h>
#include "kernel/kernel.h"
#include "kernel/vec.h"
#include "kernel/vec_math.h"

/* dst[i] = value for every i, with x the vector at src + i. */
#define MAP(value)                                                             \
    do {                                                                       \
        size_t i;                                                              \
        vf x;                                                                  \
                                                                               \
        for (i = 0; i + V_LANES <= n; i += V_LANES) {                          \
            x = v_load(src + i);                                               \
            v_store(dst + i, value);                                           \
        }                                                                      \
        if (i < n) {                                                           \
            x = v_load_n(src + i, n - i);                                      \
            v_store_n(dst + i, value, n - i);                                  \
        }                                                                      \
    } while (0)

#define ACT(name)                                                              \
    static void act_##name(float *dst, const float *src, size_t n)             \
    {                                                                          \
        MAP(v_##name(x));                                                      \
    }

ACT(gelu)
ACT(gelu_tanh)
ACT(quick_gelu)
ACT(relu)
ACT(relu2)
ACT(silu)
ACT(tanh)
ACT(sigmoid)
ACT(gelu_half)

INLINE void times(float *dst, const float *src, float a, size_t n)
{
    MAP(v_mul(x, v_set(a)));
}

static void scale(float *y, float a, size_t n)
{
    times(y, y, a, n);
}

/* dst[i] = value with x and y the vectors at a and b. */
#define MAP2(dst, a, b, value)                                                 \
    do {                                                                       \
        size_t i;                                                              \
        vf x, y;                                                               \
                                                                               \
        for (i = 0; i + V_LANES <= n; i += V_LANES) {                          \
            x = v_load(a + i);                                                 \
            y = v_load(b + i);                                                 \
            v_store(dst + i, value);                                           \
        }                                                                      \
        if (i < n) {                                                           \
            x = v_load_n(a + i, n - i);                                        \
            y = v_load_n(b + i, n - i);                                        \
            v_store_n(dst + i, value, n - i);                                  \
        }                                                                      \
    } while (0)

static void add(float *dst, const float *a, const float *b, size_t n)
{
    MAP2(dst, a, b, v_add(x, y));
}

static void mul(float *dst, const float *a, const float *b, size_t n)
{
    MAP2(dst, a, b, v_mul(x, y));
}

static void axpy(float *dst, float a, const float *src, size_t n)
{
    MAP2(dst, src, dst, v_fma(v_set(a), x, y));
}

/* One more term of a sum. */
typedef vf v_term(vf sum, vf x, vf y, vf mean);

INLINE vf plus(vf sum, vf x, vf y, vf mean)
{
    (void)y;
    (void)mean;
    return v_add(sum, x);
}

INLINE vf plus_square(vf sum, vf x, vf y, vf mean)
{
    (void)y;
    x = v_sub(x, mean);
    return v_fma(x, x, sum);
}

INLINE vf plus_product(vf sum, vf x, vf y, vf mean)
{
    (void)mean;
    return v_fma(x, y, sum);
}

/* Sum over two arrays, in four chains; what fills up the last vector is the
 * mean. */
INLINE float sum(v_term *term, const float *a, const float *b, float mean,
                 size_t n)
{
    vf s[4] = { v_set(0), v_set(0), v_set(0), v_set(0) }, m = v_set(mean);
    float rest[2][V_LANES];
    size_t i, j;

    for (i = 0; i + 4 * V_LANES <= n; i += 4 * V_LANES)
        for (j = 0; j < 4; j++)
            s[j] = term(s[j], v_load(a + i + j * V_LANES),
                        v_load(b + i + j * V_LANES), m);
    for (; i + V_LANES <= n; i += V_LANES)
        s[0] = term(s[0], v_load(a + i), v_load(b + i), m);
    if (i < n) {
        for (j = 0; j < V_LANES; j++) {
            rest[0][j] = i + j < n ? a[i + j] : mean;
            rest[1][j] = i + j < n ? b[i + j] : mean;
        }
        s[1] = term(s[1], v_load(rest[0]), v_load(rest[1]), m);
    }
    return v_sum(v_add(v_add(s[0], s[1]), v_add(s[2], s[3])));
}

static float dot(const float *a, const float *b, size_t n)
{
    return sum(plus_product, a, b, 0, n);
}

static void layer_norm(float *dst, const float *src, const float *w,
                       const float *b, float eps, size_t n)
{
    float mean = sum(plus, src, src, 0, n) / (float)n;
    float var = sum(plus_square, src, src, mean, n) / (float)n;
    vf m = v_set(mean), r = v_set(1 / sqrtf(var + eps));

    if (w && b) {
        MAP2(dst, src, w, v_mul(v_mul(v_sub(x, m), r), y));
        add(dst, dst, b, n);
    } else {
        MAP(v_mul(v_sub(x, m), r));
        if (w)
            mul(dst, dst, w, n);
        if (b)
            add(dst, dst, b, n);
    }
}

/* Summed in double: its error would be that of the whole row. */
static float mean_square(const float *a, size_t n)
{
    enum { CHAINS = 16 };
    double s[CHAINS] = { 0 };
    size_t i, j;

    for (i = 0; i + CHAINS <= n; i += CHAINS)
        for (j = 0; j < CHAINS; j++)
            s[j] += (double)(a[i + j] * a[i + j]);
    for (; i < n; i++)
        s[0] += (double)(a[i] * a[i]);
    for (j = 1; j < CHAINS; j++)
        s[0] += s[j];
    return (float)(s[0] / (double)n);
}

static void rms_norm(float *dst, const float *src, const float *w,
                     float w_offset, float eps, size_t n)
{
    float mean = mean_square(src, n);
    vf r = v_set(1 / sqrtf(mean + eps)), o = v_set(w_offset);

    if (w)
        MAP2(dst, src, w, v_mul(v_mul(x, r), v_add(y, o)));
    else
        MAP(v_mul(x, r));
}

/* The largest factor * a[i], or NaN when there is one. */
INLINE float highest(const float *a, float factor, size_t n)
{
    vf low = v_set(-INFINITY), top = low, f = v_set(factor), x;
    vmask nan = v_none();
    size_t i;

    for (i = 0; i + V_LANES <= n; i += V_LANES) {
        x = v_mul(v_load(a + i), f);
        top = v_max(top, x);
        nan = v_or(nan, v_is_nan(x));
    }
    if (i < n) {
        x = v_join(v_mul(v_load_n(a + i, n - i), f), low, n - i);
        top = v_max(top, x);
        nan = v_or(nan, v_is_nan(x));
    }
    return v_any(nan) ? NAN : v_highest(top);
}

static float max(const float *a, size_t n)
{
    return highest(a, 1, n);
}

static float exp_sum(float *dst, const float *src, float factor, float *top,
                     size_t n)
{
    vf s = v_set(0), f = v_set(factor), most, y;
    float m = highest(src, factor, n);
    size_t i;

    *top = m > *top || isnan(m) ? m : *top;
    if (*top == -INFINITY) {
        memset(dst, 0, n * sizeof(*dst));
        return 0;
    }
    most = v_set(*top);
    for (i = 0; i + V_LANES <= n; i += V_LANES) {
        y = v_exp(v_sub(v_mul(v_load(src + i), f), most));
        s = v_add(s, y);
        v_store(dst + i, y);
    }
    if (i < n) {
        y = v_exp(v_sub(v_mul(v_load_n(src + i, n - i), f), most));
        s = v_add(s, v_join(y, v_set(0), n - i));
        v_store_n(dst + i, y, n - i);
    }
    return v_sum(s);
}

/* V_LANES elements of a type as float32, and the first n with zeros after. */
INLINE vf load_as(enum tf_dtype type, const void *p)
{
    return type == TF_F32    ? v_load(p)
           : type == TF_BF16 ? v_load_bf16(p)
                             : v_load_f16(p);
}

INLINE vf load_n_as(enum tf_dtype type, const void *p, size_t n)
{
    uint16_t rest[V_LANES] = { 0 };

    if (type == TF_F32)
        return v_load_n(p, n);
    memcpy(rest, p, n * sizeof(rest[0]));
    return load_as(type, rest);
}

INLINE void unpack(enum tf_dtype type, float *dst, const char *src, size_t n)
{
    size_t i;

    for (i = 0; i + V_LANES <= n; i += V_LANES)
        v_store(dst + i, load_as(type, src + 2 * i));
    if (i < n)
        v_store_n(dst + i, load_n_as(type, src + 2 * i, n - i), n - i);
}

static void unpack_bf16(float *dst, const void *src, size_t n)
{
    unpack(TF_BF16, dst, src, n);
}

static void unpack_f16(float *dst, const void *src, size_t n)
{
    unpack(TF_F16, dst, src, n);
}

INLINE void pack(void (*store)(void *, vf), uint16_t *dst, const float *src,
                 size_t n)
{
    uint16_t rest[V_LANES];
    size_t i;

    for (i = 0; i + V_LANES <= n; i += V_LANES)
        store(dst + i, v_load(src + i));
    if (i < n) {
        store(rest, v_load_n(src + i, n - i));
        memcpy(dst + i, rest, (n - i) * sizeof(*dst));
    }
}

static void pack_bf16(uint16_t *dst, const float *src, size_t n)
{
    pack(v_store_bf16, dst, src, n);
}

static void pack_f16(uint16_t *dst, const float *src, size_t n)
{
    pack(v_store_f16, dst, src, n);
}

static inline void fill_rows(struct tf_kernels *k)
{
    k->act[TF_ACT_GELU] = act_gelu;
    k->act[TF_ACT_GELU_TANH] = act_gelu_tanh;
    k->act[TF_ACT_QUICK_GELU] = act_quick_gelu;
    k->act[TF_ACT_RELU] = act_relu;
    k->act[TF_ACT_RELU2] = act_relu2;
    k->act[TF_ACT_SILU] = act_silu;
    k->act[TF_ACT_TANH] = act_tanh;
    k->act[TF_ACT_SIGMOID] = act_sigmoid;
    k->act[TF_ACT_GELU_HALF] = act_gelu_half;
    k->layer_norm = layer_norm;
    k->rms_norm = rms_norm;
    k->exp_sum = exp_sum;
    k->dot = dot;
    k->axpy = axpy;
    k->scale = scale;
    k->add = add;
    k->mul = mul;
    k->max = max;
    k->unpack_bf16 = unpack_bf16;
    k->unpack_f16 = unpack_f16;
    k->pack_bf16 = pack_bf16;
    k->pack_f16 = pack_f16;
}
#endif

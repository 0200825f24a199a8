/* The plain C kernels: what the others are tested against. */
#include "kernel/levels.h"

#include <math.h>
#include <string.h>

#define MR 4
#define NR 16

static void tile_f32(const struct tf_tile *t)
{
    float sum[MR][NR] = { { 0 } }, *c = t->c;
    const float *a = t->a, *b = t->b;
    size_t p, i, j;

    for (p = 0; p < t->k; p++)
        for (i = 0; i < t->m; i++)
            for (j = 0; j < NR; j++)
                sum[i][j] += a[i * t->lda + p] * b[p * t->ldb + j];
    for (i = 0; i < t->m; i++, c += t->ldc)
        for (j = 0; j < t->n; j++)
            c[j] = t->first ? sum[i][j] : c[j] + sum[i][j];
}

static float element(enum tf_dtype type, const void *w, size_t i)
{
    const struct tf_dtype_info *info = tf_dtype_info(type);
    float x;

    info->unpack(&x, (const char *)w + i * info->bytes, 1);
    return x;
}

static void dots(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc)
{
    size_t i, j, p;

    for (i = 0; i < m; i++) {
        for (j = 0; j < n; j++) {
            double sum = 0;

            for (p = 0; p < k; p++)
                sum += (double)x[i * ldx + p] * element(type, w, j * ldw + p);
            c[i * ldc + j] = (float)sum;
        }
    }
}

static void sums(enum tf_dtype type, size_t k, const float *x, size_t ldx,
                 size_t m, const void *w, size_t ldw, size_t n, float *c,
                 size_t ldc)
{
    size_t i, j, p;

    for (i = 0; i < m; i++) {
        for (j = 0; j < n; j++) {
            float sum = 0;

            for (p = 0; p < k; p++)
                sum += x[i * ldx + p] * element(type, w, p * ldw + j);
            c[i * ldc + j] += sum;
        }
    }
}

#define THIN(name, type)                                                       \
    static void dots_##name(size_t k, const float *x, size_t ldx, size_t m,    \
                            const void *w, size_t ldw, size_t n, float *c,     \
                            size_t ldc)                                        \
    {                                                                          \
        dots(type, k, x, ldx, m, w, ldw, n, c, ldc);                           \
    }                                                                          \
                                                                               \
    static void sums_##name(size_t k, const float *x, size_t ldx, size_t m,    \
                            const void *w, size_t ldw, size_t n, float *c,     \
                            size_t ldc)                                        \
    {                                                                          \
        sums(type, k, x, ldx, m, w, ldw, n, c, ldc);                           \
    }

THIN(f32, TF_F32)
THIN(f16, TF_F16)
THIN(bf16, TF_BF16)

static void transpose(float *dst, size_t ldd, const float *src, size_t lds,
                      size_t rows, size_t cols)
{
    size_t i, j;

    for (j = 0; j < cols; j++)
        for (i = 0; i < rows; i++)
            dst[j * ldd + i] = src[i * lds + j];
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static float act_none(float x)
{
    return x;
}

static float act_gelu(float x)
{
    /* erfc keeps the digits of the left tail, which 1 + erf cancels */
    return 0.5f * x * erfcf(x * -0.70710678f);
}

static float act_gelu_tanh(float x)
{
    /* 0.5 (1 + tanh(y)) = sigmoid(2 y) */
    return x * sigmoid(1.5957691f * (x + 0.044715f * x * x * x));
}

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, 4);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, 4);
    return bits;
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, v = h & 0x7fff;

    if (v > 0x7c00) /* a NaN comes out quiet */
        return from_bits(sign | 0x7fc00000 | (v & 0x3ff) << 13);
    if (v == 0x7c00)
        return from_bits(sign | 0x7f800000);
    if (v < 0x400) /* subnormal: exact in float32 */
        return from_bits(sign | to_bits((float)v * 0x1p-24f));
    return from_bits(sign | ((v << 13) + ((127 - 15) << 23)));
}

static uint16_t half_from_float(float x)
{
    uint32_t v = to_bits(x), sign = v >> 16 & 0x8000;

    v &= 0x7fffffff;
    if (v > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (v >> 13 & 0x3ff));
    if (v >= 0x477ff000) /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00);
    if (v < 0x38800000) /* below 2^-14: the addition rounds to the last place */
        return (uint16_t)(sign | (to_bits(from_bits(v) + 0.5f) - 0x3f000000));
    v -= (127 - 15) << 23;
    return (uint16_t)(sign | ((v + 0xfff + (v >> 13 & 1)) >> 13));
}

static float act_gelu_half(float x)
{
    if (fabsf(x) >= 10)
        return x < 0 ? 0 : x;
    x = half_to_float(half_from_float(x));
    return half_to_float(half_from_float(act_gelu_tanh(x)));
}

static float act_quick_gelu(float x)
{
    return x * sigmoid(1.702f * x);
}

static float act_relu(float x)
{
    return x < 0 ? 0 : x;
}

static float act_relu2(float x)
{
    return x < 0 ? 0 : x * x;
}

static float act_silu(float x)
{
    return x * sigmoid(x);
}

#define ACT(name, f)                                                           \
    static void name##_n(float *dst, const float *src, size_t n)               \
    {                                                                          \
        size_t i;                                                              \
                                                                               \
        for (i = 0; i < n; i++)                                                \
            dst[i] = f(src[i]);                                                \
    }

ACT(none, act_none)
ACT(gelu, act_gelu)
ACT(gelu_tanh, act_gelu_tanh)
ACT(quick_gelu, act_quick_gelu)
ACT(relu, act_relu)
ACT(relu2, act_relu2)
ACT(silu, act_silu)
ACT(tanh, tanhf)
ACT(sigmoid, sigmoid)
ACT(gelu_half, act_gelu_half)

static float (*const acts[TF_ACTS])(float) = {
    [TF_ACT_NONE] = act_none,           [TF_ACT_GELU] = act_gelu,
    [TF_ACT_GELU_TANH] = act_gelu_tanh, [TF_ACT_QUICK_GELU] = act_quick_gelu,
    [TF_ACT_RELU] = act_relu,           [TF_ACT_RELU2] = act_relu2,
    [TF_ACT_SILU] = act_silu,           [TF_ACT_TANH] = tanhf,
    [TF_ACT_SIGMOID] = sigmoid,         [TF_ACT_GELU_HALF] = act_gelu_half,
};

static float from_int8(const struct tf_finish *f, int32_t sum, size_t i,
                       size_t j)
{
    float x;
    size_t o;

    if (f->shift)
        sum -= f->shift * f->sums[j];
    x = (float)sum * (f->row_scale[i] * f->scale[j]);
    for (o = 0; o < f->kept_count; o++)
        x += f->kept[i * f->kept_count + o] * f->kept_w[o * f->ld_kept_w + j];
    return x;
}

static void finish_one(const struct tf_finish *f, float x, size_t i, size_t j)
{
    float *c = f->c + i * f->ldc + j;

    x *= f->alpha;
    if (f->bias)
        x += f->bias[j];
    if (f->pre_act)
        f->pre_act[i * f->ldc + j] = x;
    x = acts[f->act](x);
    if (f->residual)
        x += f->residual[i * f->ld_residual + j];
    *c = f->accumulate ? *c + x : x;
}

static void finish(const struct tf_finish *f, const void *sums, size_t lds,
                   size_t row, size_t column, size_t m, size_t n)
{
    const float *x = sums;
    const int32_t *q = sums;
    size_t i, j;

    for (i = 0; i < m; i++)
        for (j = 0; j < n; j++)
            finish_one(f,
                       f->row_scale
                           ? from_int8(f, q[i * lds + j], row + i, column + j)
                           : x[i * lds + j],
                       row + i, column + j);
}

static void layer_norm(float *y, const float *x, const float *w, const float *b,
                       float eps, size_t n)
{
    double mean = 0, var = 0;
    float m, r;
    size_t i;

    for (i = 0; i < n; i++)
        mean += x[i];
    mean /= (double)n;
    for (i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean);
    m = (float)mean;
    r = (float)(1 / sqrt(var / (double)n + eps));
    for (i = 0; i < n; i++)
        y[i] = (x[i] - m) * r * (w ? w[i] : 1) + (b ? b[i] : 0);
}

static void rms_norm(float *y, const float *x, const float *w, float w_offset,
                     float eps, size_t n)
{
    double sum = 0;
    float r;
    size_t i;

    for (i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    r = (float)(1 / sqrt(sum / (double)n + eps));
    for (i = 0; i < n; i++)
        y[i] = x[i] * r * (w ? w[i] + w_offset : 1);
}

static float max(const float *a, size_t n)
{
    float m = -INFINITY;
    size_t i;

    for (i = 0; i < n; i++)
        m = a[i] > m || isnan(a[i]) ? a[i] : m;
    return m;
}

static float exp_sum(float *dst, const float *src, float scale, float *top,
                     size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        dst[i] = src[i] * scale;
        if (dst[i] > *top || isnan(dst[i]))
            *top = dst[i];
    }
    for (i = 0; i < n; i++) {
        dst[i] = *top == -INFINITY ? 0 : expf(dst[i] - *top);
        sum += dst[i];
    }
    return (float)sum;
}

static float dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return (float)sum;
}

static void axpy(float *y, float a, const float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        y[i] += a * x[i];
}

static void scale(float *y, float a, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        y[i] *= a;
}

static void add(float *dst, const float *a, const float *b, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = a[i] + b[i];
}

static void mul(float *dst, const float *a, const float *b, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = a[i] * b[i];
}

static uint16_t load16(const void *src, size_t i)
{
    uint16_t v;

    memcpy(&v, (const char *)src + 2 * i, 2);
    return v;
}

static void unpack_bf16(float *dst, const void *src, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = from_bits((uint32_t)load16(src, i) << 16);
}

static void pack_bf16(uint16_t *dst, const float *src, size_t n)
{
    uint32_t v;
    size_t i;

    for (i = 0; i < n; i++) {
        v = to_bits(src[i]);
        if ((v & 0x7fffffff) > 0x7f800000) /* NaN: keep it quiet and NaN */
            dst[i] = (uint16_t)(v >> 16 | 0x40);
        else
            dst[i] = (uint16_t)((v + 0x7fff + (v >> 16 & 1)) >> 16);
    }
}

static void unpack_f16(float *dst, const void *src, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = half_to_float(load16(src, i));
}

static void pack_f16(uint16_t *dst, const float *src, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        dst[i] = half_from_float(src[i]);
}

void tf_kernels_ref(struct tf_kernels *k)
{
    *k = (struct tf_kernels){
        .f32 = { .mr = MR,
                 .nr = NR,
                 .kc = 256,
                 .block_rows = 112,
                 .block_columns = 1024,
                 .row_step = 1,
                 .k_step = 1,
                 .tile = tile_f32 },
        .dots = { [TF_F32] = dots_f32,
                  [TF_F16] = dots_f16,
                  [TF_BF16] = dots_bf16 },
        .sums = { [TF_F32] = sums_f32,
                  [TF_F16] = sums_f16,
                  [TF_BF16] = sums_bf16 },
        .finish = finish,
        .transpose = transpose,
        .act = { [TF_ACT_NONE] = none_n,
                 [TF_ACT_GELU] = gelu_n,
                 [TF_ACT_GELU_TANH] = gelu_tanh_n,
                 [TF_ACT_QUICK_GELU] = quick_gelu_n,
                 [TF_ACT_RELU] = relu_n,
                 [TF_ACT_RELU2] = relu2_n,
                 [TF_ACT_SILU] = silu_n,
                 [TF_ACT_TANH] = tanh_n,
                 [TF_ACT_SIGMOID] = sigmoid_n,
                 [TF_ACT_GELU_HALF] = gelu_half_n },
        .layer_norm = layer_norm,
        .rms_norm = rms_norm,
        .exp_sum = exp_sum,
        .dot = dot,
        .axpy = axpy,
        .scale = scale,
        .add = add,
        .mul = mul,
        .max = max,
        .unpack_bf16 = unpack_bf16,
        .unpack_f16 = unpack_f16,
        .pack_bf16 = pack_bf16,
        .pack_f16 = pack_f16,
    };
    tf_kernels_ref_train(k);
}

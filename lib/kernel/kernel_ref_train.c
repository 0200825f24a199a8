/* The plain C kernels for training. */
#include "kernel/levels.h"

#include <math.h>
#include "base/rng.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double slope_gelu(double z)
{
    return 0.5 * erfc(z * -0.70710678118654752) +
           z * 0.39894228040143268 * exp(-0.5 * z * z);
}

static double slope_gelu_tanh(double z)
{
    double a = 0.79788456080286536, b = 0.044715;
    double t = tanh(a * (z + b * z * z * z));

    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * a * (1 + 3 * b * z * z);
}

/* of z sigmoid(a z) */
static double slope_swish(double z, double a)
{
    double s = sigmoid(a * z);

    return s * (1 + a * z * (1 - s));
}

static double slope_quick_gelu(double z)
{
    return slope_swish(z, 1.702);
}

static double slope_silu(double z)
{
    return slope_swish(z, 1);
}

static double slope_relu(double z)
{
    return z > 0;
}

static double slope_relu2(double z)
{
    return z > 0 ? 2 * z : 0;
}

static double slope_tanh(double z)
{
    double t = tanh(z);

    return 1 - t * t;
}

static double slope_sigmoid(double z)
{
    double s = sigmoid(z);

    return s * (1 - s);
}

static double slope_none(double z)
{
    (void)z;
    return 1;
}

#define BACK(name)                                                             \
    static void back_##name(float *dst, const float *dy, const float *z,       \
                            size_t n)                                          \
    {                                                                          \
        size_t i;                                                              \
                                                                               \
        for (i = 0; i < n; i++)                                                \
            dst[i] = (float)(dy[i] * slope_##name(z[i]));                      \
    }

BACK(none)
BACK(gelu)
BACK(gelu_tanh)
BACK(quick_gelu)
BACK(relu)
BACK(relu2)
BACK(silu)
BACK(tanh)
BACK(sigmoid)

static void norm_back(const struct tf_norm_back *norm, float *dx,
                      const float *dy, const float *x, float stats[2], size_t n)
{
    double mean = 0, var = 0, mean_g = 0, mean_gh = 0, size = (double)n, r, g;
    size_t i;

    for (i = 0; i < n && norm->centred; i++)
        mean += x[i] / size;
    for (i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean) / size;
    r = 1 / sqrt(var + norm->eps);
    stats[0] = (float)mean;
    stats[1] = (float)r;
    for (i = 0; i < n && dx; i++) {
        g = norm->w ? dy[i] * (norm->w[i] + norm->w_offset) : dy[i];
        mean_g += g / size;
        mean_gh += g * (x[i] - mean) * r / size;
    }
    for (i = 0; i < n && dx; i++) {
        g = norm->w ? dy[i] * (norm->w[i] + norm->w_offset) : dy[i];
        g = r *
            (g - (norm->centred ? mean_g : 0) - (x[i] - mean) * r * mean_gh);
        dx[i] = (float)(norm->add ? dx[i] + g : g);
    }
}

static void dropout(const struct tf_draws *d, uint64_t first, float *dst,
                    const float *src, size_t n)
{
    uint32_t word[4], draw;
    uint64_t at;
    size_t i;

    for (i = 0; i < n; i++) {
        at = first + i;
        tf_philox(d->key, d->hi, d->lo + at / 128 * 16 + at % 16, word);
        draw = word[at / 32 % 4] >> at / 16 % 2 * 16 & 0xffff;
        dst[i] = draw < d->below ? 0 : src[i] * d->scale;
    }
}

static float flushed(float x)
{
    return fabsf(x) < 1e-36f ? 0 : x;
}

static bool adamw(const struct tf_adamw *a, float *w, float *g, float *m,
                  float *v, size_t n)
{
    bool moves = false;
    float grad;
    size_t i;

    for (i = 0; i < n; i++) {
        grad = g ? g[i] * a->factor : 0;
        m[i] = flushed(m[i] + (grad - m[i]) * (1 - a->beta1));
        v[i] = flushed(v[i] * a->beta2 + grad * grad * (1 - a->beta2));
        w[i] = w[i] * a->shrink -
               a->step * m[i] / (sqrtf(v[i]) * a->correct + a->eps);
        moves = moves || m[i] != 0 || v[i] != 0;
        if (g)
            g[i] = 0;
    }
    return moves;
}

void tf_kernels_ref_train(struct tf_kernels *k)
{
    k->act_back[TF_ACT_NONE] = back_none;
    k->act_back[TF_ACT_GELU] = back_gelu;
    k->act_back[TF_ACT_GELU_TANH] = back_gelu_tanh;
    k->act_back[TF_ACT_QUICK_GELU] = back_quick_gelu;
    k->act_back[TF_ACT_RELU] = back_relu;
    k->act_back[TF_ACT_RELU2] = back_relu2;
    k->act_back[TF_ACT_SILU] = back_silu;
    k->act_back[TF_ACT_TANH] = back_tanh;
    k->act_back[TF_ACT_SIGMOID] = back_sigmoid;
    k->act_back[TF_ACT_GELU_HALF] = back_gelu_tanh;
    k->norm_back = norm_back;
    k->dropout = dropout;
    k->adamw = adamw;
}

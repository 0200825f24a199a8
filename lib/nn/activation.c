#include "nn/record.h"
#include "nn/rows.h"

/* numbers that are worked on together, on the stack */
enum { PIECE = 256 };

/* 1 / sqrt(2 pi), and the constants of GELU's tanh form */
#define INV_SQRT_2PI 0.3989422804014327f
#define TANH_OUTER   0.7978845608028654f /* sqrt(2 / pi) */
#define TANH_INNER   0.044715f

/* slope = d gelu(z) / dz = Phi(z) + z phi(z), with Phi(z) = gelu(z) / z */
static void gelu_slope(float *slope, const float *z, size_t n)
{
    const struct tf_kernels *k = tf_kernels();
    float density[PIECE], top = 0;
    size_t i;

    for (i = 0; i < n; i++)
        density[i] = z[i] * z[i];
    k->exp_sum(density, density, -0.5f, &top, n);
    k->act[TF_ACT_GELU](slope, z, n);
    for (i = 0; i < n; i++) {
        float phi = z[i] != 0 ? slope[i] / z[i] : 0.5f;

        slope[i] = phi + z[i] * density[i] * INV_SQRT_2PI;
    }
}

static void gelu_tanh_slope(float *slope, const float *z, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        slope[i] = TANH_OUTER * (z[i] + TANH_INNER * z[i] * z[i] * z[i]);
    tf_kernels()->act[TF_ACT_TANH](slope, slope, n);
    for (i = 0; i < n; i++) {
        float t = slope[i];
        float inner = TANH_OUTER * (1 + 3 * TANH_INNER * z[i] * z[i]);

        slope[i] = 0.5f * (1 + t) + 0.5f * z[i] * (1 - t * t) * inner;
    }
}

/* of z sigmoid(a z) */
static void swish_slope(float *slope, const float *z, float a, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        slope[i] = a * z[i];
    tf_kernels()->act[TF_ACT_SIGMOID](slope, slope, n);
    for (i = 0; i < n; i++)
        slope[i] *= 1 + a * z[i] * (1 - slope[i]);
}

/* slope = act'(z), n <= PIECE */
static void slope_of(enum tf_act act, float *slope, const float *z, size_t n)
{
    size_t i;

    switch (act) {
    case TF_ACT_GELU:
        gelu_slope(slope, z, n);
        break;
    case TF_ACT_GELU_TANH:
        gelu_tanh_slope(slope, z, n);
        break;
    case TF_ACT_QUICK_GELU:
        swish_slope(slope, z, 1.702f, n);
        break;
    case TF_ACT_SILU:
        swish_slope(slope, z, 1, n);
        break;
    case TF_ACT_RELU:
        for (i = 0; i < n; i++)
            slope[i] = z[i] > 0;
        break;
    case TF_ACT_RELU2:
        for (i = 0; i < n; i++)
            slope[i] = z[i] > 0 ? 2 * z[i] : 0;
        break;
    case TF_ACT_TANH:
        tf_kernels()->act[TF_ACT_TANH](slope, z, n);
        for (i = 0; i < n; i++)
            slope[i] = 1 - slope[i] * slope[i];
        break;
    case TF_ACT_SIGMOID:
        tf_kernels()->act[TF_ACT_SIGMOID](slope, z, n);
        for (i = 0; i < n; i++)
            slope[i] *= 1 - slope[i];
        break;
    default:
        for (i = 0; i < n; i++)
            slope[i] = 1;
    }
}

void tf_act_back_row(enum tf_act act, float *dst, const float *dy,
                     const float *z, size_t n)
{
    float slope[PIECE];
    size_t i, len;

    for (i = 0; i < n; i += len) {
        len = n - i < PIECE ? n - i : PIECE;
        slope_of(act, slope, z + i, len);
        tf_kernels()->mul(dst + i, dy + i, slope, len);
    }
}

struct back_job {
    enum tf_act act;
    const struct tf_tensor *y;
    const float *z;
};

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct back_job *job = arg;
    size_t i;

    for (i = first; i < end; i++) {
        float *dy = job->y->grad + i * job->y->ld;

        tf_act_back_row(job->act, dy, dy, job->z + i * job->y->ld,
                        tf_cols(job->y));
    }
}

void tf_act_back(struct tf_ctx *ctx, enum tf_act act, struct tf_tensor *y,
                 const float *z)
{
    struct back_job job = { act, y, z };

    if (act != TF_ACT_NONE)
        tf_rows_run(ctx, y->dim[0], y->dim[1], back_rows, &job);
}

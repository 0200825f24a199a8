/*
 * Functions of whole vectors, in the words of vec.h. The polynomials are
 * minimax fits (Remez) in the stated variable; the errors are of the fit,
 * before rounding.
 */
#ifndef TF_KERNEL_VEC_MATH_H
#define TF_KERNEL_VEC_MATH_H

#include "kernel/vec.h"

/* e^x = 2^n e^r, |r| <= ln 2 / 2; e^r within 3e-9. Denormal results are kept,
 * e^-104 and less is 0. */
static inline vf v_exp(vf x)
{
    vf n, r, p;

    x = v_min(v_set(89.0f), v_max(v_set(-104.0f), x));
    n = v_round(v_mul(x, v_set(1.44269504f)));
    r = v_fma(n, v_set(-0.693359375f), x); /* ln 2 in two parts */
    r = v_fma(n, v_set(2.12194440e-4f), r);
    p = v_fma(v_set(0.00138144661f), r, v_set(0.00836878037f));
    p = v_fma(p, r, v_set(0.0416683942f));
    p = v_fma(p, r, v_set(0.166665201f));
    p = v_fma(p, r, v_set(0.499999934f));
    p = v_fma(v_mul(r, r), p, r);
    return v_ldexp(v_add(p, v_set(1.0f)), n);
}

static inline vf v_sigmoid(vf x)
{
    vf one = v_set(1.0f);

    return v_div(one, v_add(one, v_exp(v_sub(v_set(0.0f), x))));
}

/* Near 0 an odd polynomial in x^2 (4e-9), else by e^2|x|. */
static inline vf v_tanh(vf x)
{
    vf a = v_abs(x), u = v_mul(a, a), one = v_set(1.0f), p, far;

    p = v_fma(v_set(-0.00571750478f), u, v_set(0.0206510519f));
    p = v_fma(p, u, v_set(-0.0537436634f));
    p = v_fma(p, u, v_set(0.133314937f));
    p = v_fma(p, u, v_set(-0.33333284f));
    p = v_fma(v_mul(u, a), p, a);
    far = v_add(v_exp(v_add(a, a)), one);
    far = v_sub(one, v_div(v_set(2.0f), far));
    return v_copysign(v_select(v_less(a, v_set(0.625f)), p, far), x);
}

/* Phi(x), the normal distribution: 1/2 + x p(x^2) for |x| <= 5.5 (1e-8);
 * beyond, 0 or 1. p is taken at t = x^2 / 15.125 - 1, in [-1, 1]. */
static inline vf v_normal(vf x)
{
    static const float c[] = {
        0.000638840998f, -0.000496777613f, 0.00069724911f, -0.00246068015f,
        0.00464972247f,  -0.00679251071f,  0.0102110615f,  -0.0150084736f,
        0.0203696692f,   -0.0260466428f,   0.0320695301f,  -0.0387929045f,
        0.0477376656f,   -0.0641723362f,   0.1285519306f
    };
    vf t = v_fma(v_mul(x, x), v_set(0.0661157025f), v_set(-1.0f));
    vf p = v_set(-0.000246258165f), half = v_set(0.5f), far;
    size_t i;

#pragma GCC unroll 15
    for (i = 0; i < sizeof(c) / sizeof(c[0]); i++)
        p = v_fma(p, t, v_set(c[i]));
    far = v_add(half, v_copysign(half, x));
    p = v_fma(x, p, half);
    return v_select(v_less(v_set(5.5f), v_abs(x)), far, p);
}

static inline vf v_gelu(vf x)
{
    return v_mul(x, v_normal(x));
}

static inline vf v_gelu_tanh(vf x)
{
    /* 0.5 (1 + tanh(y)) = sigmoid(2 y) */
    vf y = v_fma(v_mul(v_mul(x, x), x), v_set(0.044715f), x);

    return v_mul(x, v_sigmoid(v_mul(y, v_set(1.5957691f))));
}

static inline vf v_relu(vf x)
{
    return v_max(v_set(0.0f), x);
}

static inline vf v_half(vf x)
{
    uint16_t half[V_LANES];

    v_store_f16(half, x);
    return v_load_f16(half);
}

static inline vf v_gelu_half(vf x)
{
    vf y = v_half(v_gelu_tanh(v_half(x)));

    return v_select(v_less(v_abs(x), v_set(10.0f)), y, v_relu(x));
}

static inline vf v_quick_gelu(vf x)
{
    return v_mul(x, v_sigmoid(v_mul(x, v_set(1.702f))));
}

static inline vf v_silu(vf x)
{
    return v_mul(x, v_sigmoid(x));
}

static inline vf v_relu2(vf x)
{
    x = v_relu(x);
    return v_mul(x, x);
}
#endif

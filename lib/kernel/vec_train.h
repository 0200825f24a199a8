/*
 * The kernels for training, once for every instruction set, in the words of
 * vec.h and over what vec_kernels.h has. Ends with fill_train().
 */
#ifndef TF_KERNEL_VEC_TRAIN_H
#define TF_KERNEL_VEC_TRAIN_H

#include "kernel/vec_kernels.h"

static inline vf v_gelu_slope(vf z)
{
    vf density = v_exp(v_mul(v_mul(z, z), v_set(-0.5f)));

    return v_fma(v_mul(z, v_set(0.39894228f)), density, v_normal(z));
}

/* With y = 0.5 (1 + tanh(u)) = sigmoid(2 u), u = a (z + b z^3): the slope is
 * y + z y (1 - y) 2 u'. */
static inline vf v_gelu_tanh_slope(vf z)
{
    vf square = v_mul(z, z), one = v_set(1.0f), u, y, rise;

    u = v_mul(z,
              v_fma(square, v_set(0.044715f * 1.5957691f), v_set(1.5957691f)));
    rise = v_fma(square, v_set(3 * 0.044715f * 1.5957691f), v_set(1.5957691f));
    y = v_sigmoid(u);
    return v_mul(y, v_fma(v_mul(z, v_sub(one, y)), rise, one));
}

/* of z sigmoid(a z) */
INLINE vf v_swish_slope(vf z, float a)
{
    vf one = v_set(1.0f), u = v_mul(z, v_set(a)), s = v_sigmoid(u);

    return v_mul(s, v_fma(u, v_sub(one, s), one));
}

static inline vf v_quick_gelu_slope(vf z)
{
    return v_swish_slope(z, 1.702f);
}

static inline vf v_silu_slope(vf z)
{
    return v_swish_slope(z, 1.0f);
}

static inline vf v_relu_slope(vf z)
{
    return v_select(v_less(v_set(0), z), v_set(1.0f), v_set(0));
}

static inline vf v_relu2_slope(vf z)
{
    return v_mul(v_set(2.0f), v_relu(z));
}

static inline vf v_tanh_slope(vf z)
{
    vf t = v_tanh(z);

    return v_sub(v_set(1.0f), v_mul(t, t));
}

static inline vf v_sigmoid_slope(vf z)
{
    vf s = v_sigmoid(z);

    return v_mul(s, v_sub(v_set(1.0f), s));
}

#define BACK(name)                                                             \
    static void back_##name(float *dst, const float *dy, const float *z,       \
                            size_t n)                                          \
    {                                                                          \
        MAP2(dst, dy, z, v_mul(x, v_##name##_slope(y)));                       \
    }

BACK(gelu)
BACK(gelu_tanh)
BACK(quick_gelu)
BACK(relu)
BACK(relu2)
BACK(silu)
BACK(tanh)
BACK(sigmoid)

INLINE vf load_up_to(const float *p, size_t n)
{
    return n < V_LANES ? v_load_n(p, n) : v_load(p);
}

INLINE void store_up_to(float *p, vf x, size_t n)
{
    if (n < V_LANES)
        v_store_n(p, x, n);
    else
        v_store(p, x);
}

/* g = dy (w + w_offset), one vector of it */
INLINE vf weighed(const struct tf_norm_back *norm, const float *dy, size_t i,
                  size_t n)
{
    vf g = load_up_to(dy + i, n - i);

    if (!norm->w)
        return g;
    return v_mul(g,
                 v_add(load_up_to(norm->w + i, n - i), v_set(norm->w_offset)));
}

/* dx = (g - mean(g) - h mean(g h)) / deviation; an rms norm has no mean(g) */
static void norm_back(const struct tf_norm_back *norm, float *dx,
                      const float *dy, const float *x, float stats[2], size_t n)
{
    float size = (float)n;
    float mean = norm->centred ? sum(plus, x, x, 0, n) / size : 0;
    float r = 1 / sqrtf(sum(plus_square, x, x, mean, n) / size + norm->eps);
    vf gs = v_set(0), ghs = v_set(0), m = v_set(mean), g, d;
    size_t i;

    stats[0] = mean;
    stats[1] = r;
    if (!dx)
        return;
    for (i = 0; i < n; i += V_LANES) { /* past the end g is 0 */
        g = weighed(norm, dy, i, n);
        gs = v_add(gs, g);
        ghs = v_fma(g, v_sub(load_up_to(x + i, n - i), m), ghs);
    }
    gs = v_set(norm->centred ? v_sum(gs) / size : 0);
    ghs = v_set(v_sum(ghs) / size * r * r);
    for (i = 0; i < n; i += V_LANES) {
        d = v_mul(v_sub(load_up_to(x + i, n - i), m), ghs);
        d = v_sub(v_sub(weighed(norm, dy, i, n), gs), d);
        d = v_mul(d, v_set(r));
        if (norm->add)
            d = v_add(d, load_up_to(dx + i, n - i));
        store_up_to(dx + i, d, n - i);
    }
}

enum { COUNTERS = 16, RUN = 128 };

/* Ten rounds over V_LANES counters from (hi, lo) on. */
INLINE void philox(const struct tf_draws *d, uint64_t lo, vi word[4])
{
    uint32_t k0 = (uint32_t)d->key, k1 = (uint32_t)(d->key >> 32);
    vi m0 = v_int(0xd2511f53), m1 = v_int(0xcd9e8d57), high0, high1, low0, low1;
    int round;

    word[0] = v_count((uint32_t)lo);
    word[1] = v_int((uint32_t)(lo >> 32));
    word[2] = v_int((uint32_t)d->hi);
    word[3] = v_int((uint32_t)(d->hi >> 32));
    for (round = 0; round < 10; round++) {
        low0 = v_mul_whole(word[0], m0, &high0);
        low1 = v_mul_whole(word[2], m1, &high1);
        word[0] = v_xor(v_xor(high1, word[1]), v_int(k0));
        word[1] = low1;
        word[2] = v_xor(v_xor(high0, word[3]), v_int(k1));
        word[3] = low0;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
}

INLINE vf dropped(vf x, vi draw, const struct tf_draws *d)
{
    return v_select(v_int_less(draw, v_int(d->below)), v_set(0),
                    v_mul(x, v_set(d->scale)));
}

/* A whole run of 128 elements. */
static void drop_run(const struct tf_draws *d, uint64_t lo, float *dst,
                     const float *src)
{
    vi word[4];
    size_t c, j, at;

    for (c = 0; c < COUNTERS; c += V_LANES) {
        philox(d, lo + c, word);
#pragma GCC unroll 4
        for (j = 0; j < 4; j++) {
            at = 32 * j + c;
            v_store(dst + at,
                    dropped(v_load(src + at), v_low_bits(word[j]), d));
            at += 16;
            v_store(dst + at,
                    dropped(v_load(src + at), v_high_bits(word[j]), d));
        }
    }
}

/* Elements [at, at + n) of a run. */
static void drop_part(const struct tf_draws *d, uint64_t lo, size_t at,
                      float *dst, const float *src, size_t n)
{
    float run[RUN] = { 0 };

    memcpy(run + at, src, n * sizeof(*run));
    drop_run(d, lo, run, run);
    memcpy(dst, run + at, n * sizeof(*run));
}

static void dropout(const struct tf_draws *d, uint64_t first, float *dst,
                    const float *src, size_t n)
{
    size_t at, part;
    uint64_t lo;

    for (; n; n -= part, first += part, dst += part, src += part) {
        at = first % RUN;
        part = RUN - at < n ? RUN - at : n;
        lo = d->lo + first / RUN * COUNTERS;
        if (part == RUN)
            drop_run(d, lo, dst, src);
        else
            drop_part(d, lo, at, dst, src, part);
    }
}

INLINE vf flushed(vf x)
{
    return v_select(v_less(v_abs(x), v_set(1e-36f)), v_set(0), x);
}

static bool adamw(const struct tf_adamw *a, float *w, float *g, float *m,
                  float *v, size_t n)
{
    vf keep = v_set(1 - a->beta1), keep2 = v_set(1 - a->beta2), any = v_set(0);
    vf grad = v_set(0), next, mean, square;
    size_t i, left;

    for (i = 0; i < n; i += V_LANES) {
        left = n - i;
        if (g) {
            grad = v_mul(load_up_to(g + i, left), v_set(a->factor));
            store_up_to(g + i, v_set(0), left);
        }
        mean = load_up_to(m + i, left);
        mean = flushed(v_fma(v_sub(grad, mean), keep, mean));
        square = v_mul(load_up_to(v + i, left), v_set(a->beta2));
        square = flushed(v_fma(v_mul(grad, grad), keep2, square));
        next = v_add(v_mul(v_sqrt(square), v_set(a->correct)), v_set(a->eps));
        next = v_div(v_mul(mean, v_set(a->step)), next);
        next = v_sub(v_mul(load_up_to(w + i, left), v_set(a->shrink)), next);
        store_up_to(m + i, mean, left);
        store_up_to(v + i, square, left);
        store_up_to(w + i, next, left);
        any = v_add(any, v_add(v_abs(mean), square));
    }
    return v_sum(any) != 0;
}

static void fill_train(struct tf_kernels *k)
{
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
#endif

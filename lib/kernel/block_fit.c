#include "kernel/block_fit.h"

#include <math.h>

#define LANES   8  /* sums go in so many lanes, which a compiler makes wide */
#define AROUND  10 /* trial scales to each side of the obvious one */
#define STEP    0.1f
#define SETTLES 4 /* moves to the least squares, at most */

/* Weighted sums over x and what it was rounded to. */
struct moments {
    double w, q, qq, x, xq;
};

/* To the nearest whole number where |v| < 2^22, and without a call. */
static inline float nearest(float v)
{
    const float big = 12582912; /* 1.5 * 2^23 */

    return (v + big) - big;
}

static inline float clamp(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}

/* 1 / scale, or 0 where it has none. */
static float inverse(float scale)
{
    float r = 1 / scale;

    return isfinite(r) ? r : 0;
}

static double total(const float *lane)
{
    double sum = 0;

    for (int l = 0; l < LANES; l++)
        sum += (double)lane[l];
    return sum;
}

static struct moments measure(const float *x, const float *w, size_t n,
                              float inv, float shift, float lo, float hi)
{
    float sw[LANES] = { 0 }, sq[LANES] = { 0 }, sqq[LANES] = { 0 };
    float sx[LANES] = { 0 }, sxq[LANES] = { 0 };

    for (size_t i = 0; i < n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float v = x[i + l], wl = w[i + l];
            float q = nearest(clamp((v - shift) * inv, lo, hi));

            sw[l] += wl;
            sq[l] += wl * q;
            sqq[l] += wl * q * q;
            sx[l] += wl * v;
            sxq[l] += wl * v * q;
        }
    return (struct moments){ total(sw), total(sq), total(sqq), total(sx),
                             total(sxq) };
}

/* How much of the sum of w x^2 the fit takes away. */
static double gain(const struct moments *m, double scale, double shift)
{
    return 2 * (scale * m->xq + shift * m->x) - scale * scale * m->qq -
           2 * scale * shift * m->q - shift * shift * m->w;
}

/* Keep what fits better than all before. */
struct best {
    double gain, scale, shift;
    bool found;
};

static bool improve(struct best *b, const struct moments *m, double scale,
                    double shift)
{
    double g = gain(m, scale, shift);

    if (b->found && !(g > b->gain * (1 + 1e-7)))
        return false;
    *b = (struct best){ g, scale, shift, true };
    return true;
}

static bool try_scale(struct best *b, const struct tf_fit *f, const float *x,
                      const float *w, size_t n, float inv)
{
    struct moments m = measure(x, w, n, inv, 0, (float)f->lo, (float)f->hi);

    return m.qq > 0 && improve(b, &m, m.xq / m.qq, 0);
}

void tf_fit_scale(struct tf_fit *f, const float *x, const float *w, size_t n)
{
    struct best best = { 0 };
    float most = 0, inv;

    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(most))
            most = x[i];
    f->scale = f->shift = 0;
    inv = inverse(most);
    if (inv == 0)
        return;
    for (int k = -AROUND; k <= AROUND; k++)
        try_scale(&best, f, x, w, n, ((float)f->lo + STEP * (float)k) * inv);
    for (int k = 0; k < SETTLES && best.found; k++)
        if (!try_scale(&best, f, x, w, n, inverse((float)best.scale)))
            break;
    f->scale = best.found ? (float)best.scale : most / (float)f->lo;
}

static bool try_line(struct best *b, const struct tf_fit *f, bool below,
                     const float *x, const float *w, size_t n, float inv,
                     float shift)
{
    struct moments m = measure(x, w, n, inv, shift, 0, (float)f->hi);
    double d = m.w * m.qq - m.q * m.q, scale, move;

    if (!(d > 0) || !(m.qq > 0))
        return false;
    scale = (m.w * m.xq - m.x * m.q) / d;
    move = (m.qq * m.x - m.q * m.xq) / d;
    if (below && move > 0) {
        move = 0;
        scale = m.xq / m.qq;
    }
    return scale > 0 && improve(b, &m, scale, move);
}

void tf_fit_line(struct tf_fit *f, bool below, const float *x, const float *w,
                 size_t n)
{
    struct best best = { 0 };
    float min = x[0], max = x[0], inv;

    for (size_t i = 1; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    if (below && min > 0)
        min = 0;
    f->scale = (max - min) / (float)f->hi;
    f->shift = min;
    inv = inverse(max - min);
    if (inv == 0)
        return;
    for (int k = -AROUND; k <= AROUND; k++)
        try_line(&best, f, below, x, w, n,
                 ((float)f->hi + STEP * (float)k) * inv, min);
    for (int k = 0; k < SETTLES && best.found; k++)
        if (!try_line(&best, f, below, x, w, n, inverse((float)best.scale),
                      (float)best.shift))
            break;
    if (best.found) {
        f->scale = (float)best.scale;
        f->shift = (float)best.shift;
    }
}

void tf_fit_round(const struct tf_fit *f, const float *x, size_t n, int8_t *q)
{
    float inv = inverse(f->scale), lo = (float)f->lo, hi = (float)f->hi;

    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)nearest(clamp((x[i] - f->shift) * inv, lo, hi));
}

float tf_fit_error(const struct tf_fit *f, const float *x, const float *w,
                   size_t n)
{
    float inv = inverse(f->scale), lo = (float)f->lo, hi = (float)f->hi;
    float scale = f->scale, shift = f->shift, sum[LANES] = { 0 };

    for (size_t i = 0; i < n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float q = nearest(clamp((x[i + l] - shift) * inv, lo, hi));
            float e = scale * q + shift - x[i + l];

            sum[l] += w[i + l] * e * e;
        }
    return (float)total(sum);
}

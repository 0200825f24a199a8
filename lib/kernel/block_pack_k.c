/*
 * The K types: blocks of 256 in groups, the groups' scales (and shifts) being
 * whole numbers of few bits times a float16 of the block.
 */
#include <math.h>
#include <string.h>
#include "kernel/block_fit.h"
#include "kernel/block_pack_parts.h"

#define LARGE  256
#define GROUPS 8 /* of Q4_K and Q5_K, 32 numbers each */
#define GROUP  (LARGE / GROUPS)
#define MOST   63 /* of a group's scale or shift, six bits */
#define FINE   16 /* groups of Q6_K, and numbers in each */

#define HALF_MIN 0x1p-24f /* the smallest float16 that is not 0 */

/* A float16 that times `most` reaches v; never 0 when v is not. */
static float put_unit(uint8_t *p, float v, float most)
{
    float unit = tf_put_half(p, v / most);

    return unit == 0 && v != 0 ? tf_put_half(p, v < 0 ? -HALF_MIN : HALF_MIN)
                               : unit;
}

static int whole(float v, float unit, int lo, int hi)
{
    float n = unit != 0 ? rintf(v / unit) : 0;

    return (int)(n < (float)lo ? (float)lo : n > (float)hi ? (float)hi : n);
}

/* What is stored of the groups of a block. */
struct groups {
    float unit, shift_unit;
    int scale[GROUPS], shift[GROUPS]; /* in units; shifts downwards */
};

static void set_fit(struct tf_fit *fit, const struct groups *g, int scale,
                    int shift)
{
    fit->scale = g->unit * (float)scale;
    fit->shift = -g->shift_unit * (float)shift;
}

/* Of the whole scales and shifts next to those found, the best together. */
static void choose(struct groups *g, int j, const struct tf_fit *found,
                   const float *x, const float *w)
{
    int scale = whole(found->scale, g->unit, 0, MOST);
    int shift = whole(-found->shift, g->shift_unit, 0, MOST);
    struct tf_fit fit = *found;
    float least = INFINITY;

    for (int s = scale - 1; s <= scale + 1; s++)
        for (int t = shift - 1; t <= shift + 1; t++) {
            float error;

            if (s < 0 || s > MOST || t < 0 || t > MOST)
                continue;
            set_fit(&fit, g, s, t);
            error = tf_fit_error(&fit, x, w, GROUP);
            if (error < least) {
                least = error;
                g->scale[j] = s;
                g->shift[j] = t;
            }
        }
}

/* Six bits each: the low four or six of byte j, the rest in the last four. */
static void put_scales(uint8_t *p, const struct groups *g)
{
    for (int j = 0; j < 4; j++) {
        int s = g->scale[j + 4], t = g->shift[j + 4];

        p[j] = (uint8_t)(g->scale[j] | (s >> 4) << 6);
        p[j + 4] = (uint8_t)(g->shift[j] | (t >> 4) << 6);
        p[j + 8] = (uint8_t)((s & 15) | (t & 15) << 4);
    }
}

/* Choose for all groups with these units; returns the error that is left. */
static float choose_all(struct groups *g, const struct tf_fit *found,
                        const float *x, const float *w, int8_t q[LARGE])
{
    float error = 0;

    for (int j = 0; j < GROUPS; j++) {
        const float *xj = x + GROUP * j, *wj = w + GROUP * j;
        struct tf_fit fit = found[j];

        choose(g, j, &found[j], xj, wj);
        set_fit(&fit, g, g->scale[j], g->shift[j]);
        tf_fit_round(&fit, xj, GROUP, q + GROUP * j);
        error += tf_fit_error(&fit, xj, wj, GROUP);
    }
    return error;
}

/* Move the units to the least squares of what has been chosen. */
static void settle(struct groups *g, const float *x, const float *w,
                   const int8_t *q)
{
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0, det;

    for (int i = 0; i < LARGE; i++) {
        double wi = (double)w[i], a = g->scale[i / GROUP] * q[i];
        double b = -g->shift[i / GROUP];

        aa += wi * a * a;
        ab += wi * a * b;
        bb += wi * b * b;
        ax += wi * a * (double)x[i];
        bx += wi * b * (double)x[i];
    }
    det = aa * bb - ab * ab;
    if (det > 1e-9 * aa * bb) {
        g->unit = (float)((ax * bb - bx * ab) / det);
        g->shift_unit = (float)((bx * aa - ax * ab) / det);
    } else if (aa > 0 && bb == 0) {
        g->unit = (float)(ax / aa);
    }
}

/* Both halves of the float16, the scales and the numbers of Q4_K and Q5_K. */
static void pack_groups(uint8_t *p, const float *x, const float *w, int hi,
                        int8_t q[LARGE])
{
    struct tf_fit fits[GROUPS];
    struct groups g, moved;
    float scale = 0, shift = 0, error;
    uint8_t units[4];
    int8_t other[LARGE];

    for (int j = 0; j < GROUPS; j++) {
        fits[j] = (struct tf_fit){ .hi = hi };
        tf_fit_line(&fits[j], true, x + GROUP * j, w + GROUP * j, GROUP);
        scale = fits[j].scale > scale ? fits[j].scale : scale;
        shift = -fits[j].shift > shift ? -fits[j].shift : shift;
    }
    g.unit = put_unit(p, scale, MOST);
    g.shift_unit = put_unit(p + 2, shift, MOST);
    error = choose_all(&g, fits, x, w, q);
    moved = g;
    settle(&moved, x, w, q);
    moved.unit = tf_put_half(units, moved.unit);
    moved.shift_unit = tf_put_half(units + 2, moved.shift_unit);
    if (choose_all(&moved, fits, x, w, other) < error) {
        g = moved;
        memcpy(p, units, sizeof(units));
        memcpy(q, other, sizeof(other));
    }
    put_scales(p + 4, &g);
}

static void put_nibbles(uint8_t *p, const int8_t *q)
{
    for (int i = 0; i < LARGE; i += 2 * GROUP)
        for (int l = 0; l < GROUP; l++)
            *p++ = (uint8_t)((q[i + l] & 15) | (q[i + GROUP + l] & 15) << 4);
}

void tf_pack_q4_k(uint8_t *p, const float *x, const float *w)
{
    int8_t q[LARGE];

    pack_groups(p, x, w, 15, q);
    put_nibbles(p + 16, q);
}

void tf_pack_q5_k(uint8_t *p, const float *x, const float *w)
{
    int8_t q[LARGE];

    pack_groups(p, x, w, 31, q);
    memset(p + 16, 0, GROUP);
    for (int i = 0; i < LARGE; i++)
        p[16 + i % GROUP] |= (uint8_t)((q[i] >> 4) << i / GROUP);
    put_nibbles(p + 48, q);
}

static void choose_fine(int8_t *scale, float unit, struct tf_fit *fit,
                        const float *x, const float *w)
{
    int near = whole(fit->scale, unit, -128, 127);
    float least = INFINITY;

    for (int s = near - 1; s <= near + 1; s++) {
        struct tf_fit tried = { unit * (float)s, 0, fit->lo, fit->hi };
        float error = tf_fit_error(&tried, x, w, FINE);

        if (s >= -128 && s <= 127 && error < least) {
            least = error;
            *scale = (int8_t)s;
        }
    }
    fit->scale = unit * (float)*scale;
}

void tf_pack_q6_k(uint8_t *p, const float *x, const float *w)
{
    struct tf_fit fits[FINE];
    int8_t q[LARGE], *scales = (int8_t *)p + 192;
    float most = 0, unit;

    for (int j = 0; j < FINE; j++) {
        fits[j] = (struct tf_fit){ .lo = -32, .hi = 31 };
        tf_fit_scale(&fits[j], x + FINE * j, w + FINE * j, FINE);
        if (fabsf(fits[j].scale) > fabsf(most))
            most = fits[j].scale;
    }
    unit = put_unit(p + 208, most, -128);
    for (int j = 0; j < FINE; j++) {
        choose_fine(&scales[j], unit, &fits[j], x + FINE * j, w + FINE * j);
        tf_fit_round(&fits[j], x + FINE * j, FINE, q + FINE * j);
    }
    memset(p, 0, 192);
    for (int i = 0; i < LARGE; i++) {
        int part = i / 128, k = i / 32 % 4, l = i % 32, v = q[i] + 32;

        p[64 * part + 32 * (k % 2) + l] |= (uint8_t)((v & 15) << 4 * (k / 2));
        p[128 + 32 * part + l] |= (uint8_t)((v >> 4) << 2 * k);
    }
}

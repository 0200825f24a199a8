/*
 * How ggml's block types are laid out (ggml-common.h), as code that a compiler
 * makes wide: the files blocks*.c include it, each for its instruction set. src
 * may be unaligned; n is a multiple of the type's block.
 */
#ifndef TF_KERNEL_BLOCK_TYPES_H
#define TF_KERNEL_BLOCK_TYPES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SMALL 32  /* elements of a block of the older types */
#define LARGE 256 /* elements of a block of the K types */

typedef unsigned char byte;

/* Values that a 4-bit index of the IQ4 types stands for. */
static const int8_t iq4_values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
};
/* E2M1, doubled */
static const int8_t e2m1_values[16] = { 0, 1,  2,  3,  4,  6,  8,  12,
                                        0, -1, -2, -3, -4, -6, -8, -12 };

static inline uint32_t le32(const byte *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static inline float half(const byte *p)
{
    uint32_t h = p[0] | (uint32_t)p[1] << 8, sign = (h & 0x8000) << 16;
    uint32_t exp = h >> 10 & 31, man = h & 1023, bits;
    float f;

    if (exp == 0)
        return (sign ? -1.0f : 1.0f) * ((float)man * 0x1p-24f);
    bits = sign | (exp == 31 ? 255 : exp + 112) << 23 | man << 13;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static inline void unpack_q4_0(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 18) {
        float d = half(p);

        for (int i = 0; i < 16; i++) {
            dst[i] = d * (float)((p[2 + i] & 15) - 8);
            dst[i + 16] = d * (float)((p[2 + i] >> 4) - 8);
        }
    }
}

static inline void unpack_q4_1(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 20) {
        float d = half(p), m = half(p + 2);

        for (int i = 0; i < 16; i++) {
            dst[i] = d * (float)(p[4 + i] & 15) + m;
            dst[i + 16] = d * (float)(p[4 + i] >> 4) + m;
        }
    }
}

static inline void unpack_q5_0(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 22) {
        float d = half(p);
        uint32_t high = le32(p + 2);

        for (int i = 0; i < 16; i++) {
            int lo = (p[6 + i] & 15) | (int)(high >> i & 1) << 4;
            int hi = (p[6 + i] >> 4) | (int)(high >> (i + 16) & 1) << 4;

            dst[i] = d * (float)(lo - 16);
            dst[i + 16] = d * (float)(hi - 16);
        }
    }
}

static inline void unpack_q5_1(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 24) {
        float d = half(p), m = half(p + 2);
        uint32_t high = le32(p + 4);

        for (int i = 0; i < 16; i++) {
            int lo = (p[8 + i] & 15) | (int)(high >> i & 1) << 4;
            int hi = (p[8 + i] >> 4) | (int)(high >> (i + 16) & 1) << 4;

            dst[i] = d * (float)lo + m;
            dst[i + 16] = d * (float)hi + m;
        }
    }
}

static inline void unpack_q8_0(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 34) {
        float d = half(p);

        for (int i = 0; i < SMALL; i++)
            dst[i] = d * (float)(int8_t)p[2 + i];
    }
}

static inline void unpack_q2_k(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= LARGE, p += 84) {
        const byte *scales = p, *q = p + 16;
        float d = half(p + 80), dmin = half(p + 82);

        for (int part = 0; part < 2; part++, q += 32)
            for (int shift = 0; shift < 8; shift += 2)
                for (int g = 0; g < 2; g++, scales++) {
                    float scale = d * (float)(*scales & 15);
                    float min = dmin * (float)(*scales >> 4);

                    for (int i = 0; i < 16; i++)
                        *dst++ =
                            scale * (float)(q[16 * g + i] >> shift & 3) - min;
                }
    }
}

/* Sixteen 6-bit scales in 12 bytes, less 32. */
static inline void q3_scales(const byte *p, int scales[16])
{
    for (int i = 0; i < 16; i++) {
        int low = i < 8 ? p[i] & 15 : p[i - 8] >> 4;
        int high = p[8 + i % 4] >> 2 * (i / 4) & 3;

        scales[i] = (low | high << 4) - 32;
    }
}

static inline void unpack_q3_k(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;
    int scales[16];

    for (; n; n -= LARGE, p += 110) {
        const byte *mask = p, *q = p + 32;
        float d = half(p + 108);
        int group = 0;

        q3_scales(p + 96, scales);
        for (int part = 0; part < 2; part++, q += 32)
            for (int k = 0; k < 4; k++)
                for (int g = 0; g < 2; g++, group++)
                    for (int i = 16 * g; i < 16 * g + 16; i++) {
                        int set = mask[i] >> (4 * part + k) & 1;
                        int v = (q[i] >> 2 * k & 3) - (set ? 0 : 4);

                        *dst++ = d * (float)scales[group] * (float)v;
                    }
    }
}

/* Scale and minimum j of the eight 6-bit pairs in 12 bytes. */
static inline void k4_scale(const byte *p, int j, int *scale, int *min)
{
    if (j < 4) {
        *scale = p[j] & 63;
        *min = p[j + 4] & 63;
    } else {
        *scale = (p[j + 4] & 15) | (p[j - 4] >> 6) << 4;
        *min = p[j + 4] >> 4 | (p[j] >> 6) << 4;
    }
}

static inline void unpack_q4_k(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;
    int scale, min;

    for (; n; n -= LARGE, p += 144) {
        float d = half(p), dmin = half(p + 2);

        for (int j = 0; j < 8; j++) {
            const byte *q = p + 16 + 32 * (j / 2);

            k4_scale(p + 4, j, &scale, &min);
            for (int i = 0; i < 32; i++)
                *dst++ = d * (float)scale * (float)(q[i] >> 4 * (j % 2) & 15) -
                         dmin * (float)min;
        }
    }
}

static inline void unpack_q5_k(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;
    int scale, min;

    for (; n; n -= LARGE, p += 176) {
        float d = half(p), dmin = half(p + 2);
        const byte *high = p + 16;

        for (int j = 0; j < 8; j++) {
            const byte *q = p + 48 + 32 * (j / 2);

            k4_scale(p + 4, j, &scale, &min);
            for (int i = 0; i < 32; i++) {
                int v = (q[i] >> 4 * (j % 2) & 15) | (high[i] >> j & 1) << 4;

                *dst++ = d * (float)scale * (float)v - dmin * (float)min;
            }
        }
    }
}

static inline void unpack_q6_k(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= LARGE, p += 210) {
        const byte *low = p, *high = p + 128, *scales = p + 192;
        float d = half(p + 208);

        for (int part = 0; part < 2; part++, low += 64, high += 32, scales += 8)
            for (int k = 0; k < 4; k++)
                for (int i = 0; i < 32; i++) {
                    int nibble = low[32 * (k % 2) + i] >> 4 * (k / 2) & 15;
                    int v = (nibble | (high[i] >> 2 * k & 3) << 4) - 32;

                    *dst++ =
                        d * (float)(int8_t)scales[2 * k + i / 16] * (float)v;
                }
    }
}

static inline void unpack_iq4_nl(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 18) {
        float d = half(p);

        for (int i = 0; i < 16; i++) {
            dst[i] = d * (float)iq4_values[p[2 + i] & 15];
            dst[i + 16] = d * (float)iq4_values[p[2 + i] >> 4];
        }
    }
}

static inline void unpack_iq4_xs(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= LARGE, p += 136) {
        float d = half(p);
        int high = (p[2] | p[3] << 8);

        for (int j = 0; j < 8; j++, dst += 32) {
            const byte *q = p + 8 + 16 * j;
            int scale = (p[4 + j / 2] >> 4 * (j % 2) & 15) | (high >> 2 * j & 3)
                                                                 << 4;
            float s = d * (float)(scale - 32);

            for (int i = 0; i < 16; i++) {
                dst[i] = s * (float)iq4_values[q[i] & 15];
                dst[i + 16] = s * (float)iq4_values[q[i] >> 4];
            }
        }
    }
}

static inline void unpack_mxfp4(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 17) {
        float d = ldexpf(0.5f, p[0] - 127); /* the values are doubled */

        for (int i = 0; i < 16; i++) {
            dst[i] = d * (float)e2m1_values[p[1 + i] & 15];
            dst[i + 16] = d * (float)e2m1_values[p[1 + i] >> 4];
        }
    }
}

/* The types of dtype.h that are in no file. */

/* NormalFloat (Dettmers et al. 2023, QLoRA): quantiles of the normal
 * distribution. */
static const float nf4_values[16] = { -1.0f,         -0.6961928f,  -0.52507305f,
                                      -0.3949175f,   -0.28444138f, -0.18477343f,
                                      -0.091050036f, 0.0f,         0.0795803f,
                                      0.1609302f,    0.2461123f,   0.33791524f,
                                      0.44070983f,   0.562617f,    0.72295684f,
                                      1.0f };
/* bitsandbytes' own order of E2M1, as parts of the largest */
static const float fp4_values[16] = {
    0.0f,         0.0052083335f,  0.6666667f,   1.0f,
    0.33333334f,  0.5f,           0.16666667f,  0.25f,
    -0.0f,        -0.0052083335f, -0.6666667f,  -1.0f,
    -0.33333334f, -0.5f,          -0.16666667f, -0.25f
};

static inline float load_float(const byte *p)
{
    float f;

    memcpy(&f, p, sizeof(f));
    return f;
}

static inline void unpack_affine4(float *restrict dst, const void *src,
                                  size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 21) {
        float d = load_float(p);
        int zero = p[4];

        for (int i = 0; i < 16; i++) {
            dst[i] = d * (float)((p[5 + i] & 15) - zero);
            dst[i + 16] = d * (float)((p[5 + i] >> 4) - zero);
        }
    }
}

static inline void unpack_affine8(float *restrict dst, const void *src,
                                  size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 38) {
        float d = load_float(p);
        int zero = p[4] | p[5] << 8;

        for (int i = 0; i < SMALL; i++)
            dst[i] = d * (float)(p[6 + i] - zero);
    }
}

static inline void unpack_named(float *restrict dst, const void *src, size_t n,
                                const float values[16])
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 20) {
        float d = load_float(p);

        for (int i = 0; i < 16; i++) {
            dst[i] = d * values[p[4 + i] & 15];
            dst[i + 16] = d * values[p[4 + i] >> 4];
        }
    }
}

static inline void unpack_nf4(float *restrict dst, const void *src, size_t n)
{
    unpack_named(dst, src, n, nf4_values);
}

static inline void unpack_fp4(float *restrict dst, const void *src, size_t n)
{
    unpack_named(dst, src, n, fp4_values);
}

/* The bits of an E4M3 are those of a float32 that is 2^120 times too small. */
static inline void unpack_e4m3(float *restrict dst, const void *src, size_t n)
{
    const byte *p = src;

    for (; n; n -= SMALL, dst += SMALL, p += 36) {
        float d = load_float(p), scale = 0x1p120f;

        for (int i = 0; i < SMALL; i++) {
            uint32_t v = p[4 + i];
            uint32_t bits = (v & 0x80) << 24 | (v & 0x7f) << 20;
            float f;

            memcpy(&f, &bits, sizeof(f));
            dst[i] = (v & 0x7f) == 0x7f ? NAN : d * (f * scale);
        }
    }
}
#endif

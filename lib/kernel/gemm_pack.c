#include <stdint.h>
#include <string.h>
#include "kernel/gemm_parts.h"

enum {
    GROUP = 16,    /* rows unpacked together before they are transposed */
    GROUP_K = 256, /* k unpacked together: a multiple of every block */
    ROWS_AHEAD = 8
};

static const void *element(const struct tf_side *s, size_t i, size_t p)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);

    return (const char *)s->data +
           (i * s->along + p * s->depth) / type->block * type->bytes;
}

static bool plain(const struct tf_side *s)
{
    return s->dtype == TF_F32 && (uintptr_t)s->data % sizeof(float) == 0;
}

bool tf_rows_in_place(const struct tf_side *s)
{
    return plain(s) && s->depth == 1;
}

bool tf_columns_in_place(const struct tf_side *s)
{
    return plain(s) && s->along == 1;
}

/* dst[m][ldd]: what lies along the rows in memory, turned. */
static void turn_rows(float *dst, size_t ldd, const struct tf_side *s, size_t i,
                      size_t m, size_t p, size_t k)
{
    const struct tf_kernels *kern = tf_kernels();
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    float group[GROUP * GROUP_K];
    size_t r, q, d, n, w;

    if (plain(s)) {
        kern->transpose(dst, ldd, element(s, i, p), s->depth, k, m);
        return;
    }
    for (r = 0; r < m; r += w) {
        w = tf_least(GROUP_K, m - r);
        for (q = 0; q < k; q += n) {
            n = tf_least(GROUP, k - q);
            for (d = 0; d < n; d++)
                type->unpack(group + d * w, element(s, i + r, p + q + d), w);
            kern->transpose(dst + r * ldd + q, ldd, group, w, n, w);
        }
    }
}

/* dst[m][ldd]: rows of float32. */
static void float_rows(float *dst, size_t ldd, const struct tf_side *s,
                       size_t i, size_t m, size_t p, size_t k)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    size_t r, q;

    if (s->depth == 1) {
        for (r = 0; r < m; r++)
            type->unpack(dst + r * ldd, element(s, i + r, p), k);
    } else if (s->along == 1) {
        turn_rows(dst, ldd, s, i, m, p, k);
    } else {
        for (r = 0; r < m; r++)
            for (q = 0; q < k; q++)
                type->unpack(dst + r * ldd + q, element(s, i + r, p + q), 1);
    }
}

/* dst[k][nr]: rows of a side that lie along k, as columns. */
static void turn_columns(float *dst, size_t nr, const struct tf_side *s,
                         size_t j, size_t n, size_t p, size_t k)
{
    const struct tf_kernels *kern = tf_kernels();
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    float group[GROUP * GROUP_K];
    size_t c, d, q, w, h;

    if (plain(s)) {
        kern->transpose(dst, nr, element(s, j, p), s->along, n, k);
        return;
    }
    for (c = 0; c < n; c += h) {
        h = tf_least(GROUP, n - c);
        for (q = 0; q < k; q += w) {
            w = tf_least(GROUP_K, k - q);
            for (d = 0; d < h; d++)
                type->unpack(group + d * GROUP_K, element(s, j + c + d, p + q),
                             w);
            kern->transpose(dst + q * nr + c, nr, group, GROUP_K, h, w);
        }
    }
}

/* Whole columns of float32: short copies whose length is worth telling. */
static void copy_columns(float *dst, size_t nr, const float *src, size_t depth,
                         size_t k)
{
    size_t q;

    if (nr == 32)
        for (q = 0; q < k; q++)
            memcpy(dst + q * 32, src + q * depth, 32 * sizeof(*dst));
    else
        for (q = 0; q < k; q++)
            memcpy(dst + q * nr, src + q * depth, nr * sizeof(*dst));
}

/* dst[k][nr]: columns of float32. */
static void float_panel(float *dst, size_t nr, const struct tf_side *s,
                        size_t j, size_t n, size_t p, size_t k)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    size_t q, c;

    if (s->along == 1 && plain(s) && n == nr) {
        copy_columns(dst, nr, element(s, j, p), s->depth, k);
    } else if (s->along == 1 && type->block == 1) {
        for (q = 0; q < k; q++)
            type->unpack(dst + q * nr, element(s, j, p + q), n);
    } else if (s->depth == 1) {
        turn_columns(dst, nr, s, j, n, p, k);
    } else {
        for (q = 0; q < k; q++)
            for (c = 0; c < n; c++)
                type->unpack(dst + q * nr + c, element(s, j + c, p + q), 1);
    }
    for (q = 0; n < nr && q < k; q++)
        for (c = n; c < nr; c++)
            dst[q * nr + c] = 0;
}

/* Of rows that lie along k a part is wanted, which is too short a stream for
 * the memory: fetch those that follow. */
static void fetch_row(const struct tf_side *s, size_t i, size_t p, size_t k)
{
    const struct tf_dtype_info *type = tf_dtype_info(s->dtype);
    size_t bytes = k / type->block * type->bytes, at;
    const char *row = element(s, i, p);

    for (at = 0; at < bytes; at += 64)
        __builtin_prefetch(row + at);
}

void tf_pack_rows(float *dst, size_t ldd, size_t plane, struct tf_cells how,
                  const struct tf_side *s, size_t i, size_t m, size_t p,
                  size_t k, size_t cells, float *strip)
{
    bool in_place = tf_rows_in_place(s) && k == 2 * cells;
    size_t lds = 2 * cells, r;
    float *row = strip;

    if (!how.pairs) {
        float_rows(dst, ldd, s, i, m, p, k);
        return;
    }
    if (s->depth != 1)
        float_rows(strip, lds, s, i, m, p, k);
    for (r = 0; r < m; r++, dst += ldd) {
        if (s->depth != 1) {
            row = strip + r * lds;
        } else {
            fetch_row(s, i + r + ROWS_AHEAD, p, k);
            if (!in_place)
                float_rows(strip, lds, s, i + r, 1, p, k);
        }
        if (!in_place)
            memset(row + k, 0, (lds - k) * sizeof(*row));
        tf_kernels()->split((uint32_t *)(void *)dst, plane, how.planes,
                            in_place ? element(s, i + r, p) : row, lds);
    }
}

/* Two rows of n floats that are read some rows later: they lie too far from
 * each other for the processor to see them coming. */
static void fetch_ahead(const float *row, size_t ld, size_t n)
{
    enum { ROWS = 16, LINE = 16 };
    size_t i;

    for (i = 0; i < n; i += LINE) {
        __builtin_prefetch(row + ROWS * ld + i);
        __builtin_prefetch(row + (ROWS + 1) * ld + i);
    }
}

void tf_pack_panel(float *dst, size_t nr, struct tf_cells how,
                   const struct tf_side *s, size_t j, size_t n, size_t p,
                   size_t k, size_t cells, float *strip)
{
    const struct tf_kernels *kern = tf_kernels();
    const float *src = strip;
    size_t q, lds = nr;

    if (!how.pairs) {
        float_panel(dst, nr, s, j, n, p, k);
        return;
    }
    if (tf_columns_in_place(s) && n == nr && k == 2 * cells) {
        src = element(s, j, p);
        lds = s->depth;
    } else {
        float_panel(strip, nr, s, j, n, p, k);
        memset(strip + k * nr, 0, (2 * cells - k) * nr * sizeof(*strip));
    }
    for (q = 0; q < cells; q++) {
        if (lds != nr)
            fetch_ahead(src + 2 * q * lds, lds, nr);
        kern->split_pairs((uint32_t *)(void *)(dst + q * nr), cells * nr,
                          how.planes, src + 2 * q * lds,
                          src + (2 * q + 1) * lds, nr);
    }
}

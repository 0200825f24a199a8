/* The plain C kernels of int8. */
#include "kernel/levels.h"

#include <math.h>
#include <string.h>

enum { MR = 4, NR = 16, CELL = 4 };

static void tile_int8(const struct tf_tile *t)
{
    int32_t sum[MR][NR] = { { 0 } }, *c = t->c;
    const int8_t *a = t->a, *b = t->b, *x, *y;
    size_t p, i, j, q;

    for (p = 0; p < t->k; p++) {
        for (i = 0; i < t->m; i++) {
            for (j = 0; j < NR; j++) {
                x = a + (i * t->lda + p) * CELL;
                y = b + (p * t->ldb + j) * CELL;
                for (q = 0; q < CELL; q++)
                    sum[i][j] += x[q] * y[q];
            }
        }
    }
    for (i = 0; i < t->m; i++, c += t->ldc)
        for (j = 0; j < t->n; j++)
            c[j] = t->first ? sum[i][j] : c[j] + sum[i][j];
}

static float largest(const float *a, size_t n)
{
    float most = 0;
    size_t i;

    for (i = 0; i < n && !isnan(most); i++)
        if (!(fabsf(a[i]) <= most))
            most = fabsf(a[i]);
    return most;
}

static float quantize(int8_t *dst, const float *src, uint8_t offset, size_t n)
{
    float most = largest(src, n), scale;
    size_t i;

    if (!isfinite(most) || most == 0) {
        memset(dst, offset, n);
        return most == 0 ? 0 : NAN;
    }
    scale = 127 / most;
    for (i = 0; i < n; i++)
        dst[i] = (int8_t)((uint8_t)lrintf(src[i] * scale) + offset);
    return most / 127;
}

static int32_t sum_int8(const int8_t *a, size_t n)
{
    int32_t sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += a[i];
    return sum;
}

void tf_int8_ref(struct tf_kernels *k)
{
    k->int8 = (struct tf_tiling){ .mr = MR,
                                  .nr = NR,
                                  .kc = 256,
                                  .block_rows = 112,
                                  .block_columns = 1024,
                                  .row_step = 1,
                                  .k_step = 1,
                                  .tile = tile_int8 };
    k->int8_offset = 0;
    k->largest = largest;
    k->quantize = quantize;
    k->sum_int8 = sum_int8;
}

#include "kernel/block_q8.h"

#include <math.h>
#include <string.h>

/* What float16 makes of them. */
static void round_half(const struct tf_kernels *kern, float *x, size_t n)
{
    uint16_t half[TF_Q8_CHUNK / TF_Q8_SCALED];

    kern->pack_f16(half, x, n);
    kern->unpack_f16(x, half, n);
}

/* n elements, a whole number of blocks, of a chunk. */
static void quantize_small(const struct tf_kernels *kern, struct tf_q8 *dst,
                           const float *src, size_t n)
{
    size_t blocks = n / TF_Q8_SCALED, i;
    int8_t *q = dst->q;

    for (i = 0; i < blocks; i++, q += TF_Q8_SCALED, src += TF_Q8_SCALED) {
        dst->scale[i] = kern->quantize(q, src, 0, TF_Q8_SCALED);
        dst->sum[i] = dst->scale[i] * (float)kern->sum_int8(q, TF_Q8_SCALED);
    }
    round_half(kern, dst->scale, blocks);
    round_half(kern, dst->sum, blocks);
}

static void quantize_large(const struct tf_kernels *kern, struct tf_q8 *dst,
                           const float *src)
{
    float most = kern->largest(src, TF_Q8_CHUNK), scale = 0;
    size_t i;

    if (!isfinite(most))
        scale = NAN;
    else if (most > 0)
        scale = 1 / (127 / most);
    kern->quantize(dst->q, src, 0, TF_Q8_CHUNK);
    for (i = 0; i < TF_Q8_CHUNK / TF_Q8_SCALED; i++)
        dst->scale[i] = scale;
    for (i = 0; i < TF_Q8_CHUNK / TF_Q8_SUMMED; i++)
        dst->sums[i] =
            (int16_t)kern->sum_int8(dst->q + i * TF_Q8_SUMMED, TF_Q8_SUMMED);
}

/* At most a chunk. */
static void quantize(const struct tf_kernels *kern, struct tf_q8 *dst,
                     const float *src, size_t n, size_t block)
{
    if (block == TF_Q8_CHUNK)
        quantize_large(kern, dst, src);
    else
        quantize_small(kern, dst, src, n);
}

void tf_q8_quantize(const struct tf_kernels *kern, struct tf_q8 *dst,
                    const float *src, size_t n, size_t block)
{
    size_t rest = n % TF_Q8_CHUNK;

    for (; n > rest; n -= TF_Q8_CHUNK, src += TF_Q8_CHUNK)
        quantize(kern, dst++, src, TF_Q8_CHUNK, block);
    if (rest) {
        memset(dst, 0, sizeof(*dst));
        quantize(kern, dst, src, rest, block);
    }
}

void tf_q8_round(const struct tf_kernels *kern, float *dst, const float *src,
                 size_t n, size_t block)
{
    struct tf_q8 x;
    size_t i, j, m;

    for (i = 0; i < n; i += m) {
        m = n - i < TF_Q8_CHUNK ? n - i : TF_Q8_CHUNK;
        quantize(kern, &x, src + i, m, block);
        for (j = 0; j < m; j++)
            dst[i + j] = (float)x.q[j] * x.scale[j / TF_Q8_SCALED];
    }
}

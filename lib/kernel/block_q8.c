#include "kernel/block_q8.h"

#include <string.h>

void tf_q8_quantize(const struct tf_kernels *kern, struct tf_q8 *dst,
                    const float *src, size_t n)
{
    size_t i, at, half;

    if (n % TF_Q8_CHUNK)
        memset(dst + n / TF_Q8_CHUNK, 0, sizeof(*dst));
    for (i = 0; i < n; i += TF_Q8_SCALED) {
        struct tf_q8 *to = dst + i / TF_Q8_CHUNK;

        at = i % TF_Q8_CHUNK;
        to->scale[at / TF_Q8_SCALED] =
            kern->quantize(to->q + at, src + i, 0, TF_Q8_SCALED);
        for (half = at; half < at + TF_Q8_SCALED; half += TF_Q8_SUMMED)
            to->sum[half / TF_Q8_SUMMED] =
                to->scale[at / TF_Q8_SCALED] *
                (float)kern->sum_int8(to->q + half, TF_Q8_SUMMED);
    }
}

void tf_q8_round(const struct tf_kernels *kern, float *dst, const float *src,
                 size_t n)
{
    int8_t q[TF_Q8_SCALED];
    size_t i, j;
    float scale;

    for (i = 0; i < n; i += TF_Q8_SCALED) {
        scale = kern->quantize(q, src + i, 0, TF_Q8_SCALED);
        for (j = 0; j < TF_Q8_SCALED; j++)
            dst[i + j] = (float)q[j] * scale;
    }
}

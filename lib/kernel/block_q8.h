/*
 * Rows of activations for products with weights in ggml's blocks, as llama.cpp
 * multiplies them: in int8, each 32 elements with a scale of their own. What a
 * row rounds to doesn't depend on the weights or on how they are multiplied.
 */
#ifndef TF_KERNEL_BLOCK_Q8_H
#define TF_KERNEL_BLOCK_Q8_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/kernel.h"

enum {
    TF_Q8_CHUNK = 256, /* elements: the largest block of weights */
    TF_Q8_SCALED = 32, /* that share a scale: the smallest */
    TF_Q8_SUMMED = 16  /* the smallest that share a scale in a weight */
};

/* Element i is q[i] * scale[i / 32]; behind the end of a row all is 0. */
struct tf_q8 {
    int8_t q[TF_Q8_CHUNK];
    float scale[TF_Q8_CHUNK / TF_Q8_SCALED];
    float sum[TF_Q8_CHUNK / TF_Q8_SUMMED]; /* of so many elements each */
};

/* tf_q8 of a row of n elements. */
static inline size_t tf_q8_chunks(size_t n)
{
    return (n + TF_Q8_CHUNK - 1) / TF_Q8_CHUNK;
}

/* One row; n is a multiple of 32. Numbers that are not finite make their
 * scale and sums NaN. */
void tf_q8_quantize(const struct tf_kernels *kern, struct tf_q8 *dst,
                    const float *src, size_t n);

/* dst = what src is rounded to; dst may be src. */
void tf_q8_round(const struct tf_kernels *kern, float *dst, const float *src,
                 size_t n);
#endif

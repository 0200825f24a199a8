/*
 * Rows of activations for products with weights in ggml's blocks, rounded to
 * int8 as ggml rounds them: elements of as many as a block of the weights has
 * share a scale, which for 32 (ggml's Q8_0 and Q8_1) is a float16 and for 256
 * (its Q8_K) a float32. What a row rounds to depends on neither the CPU nor how
 * it is multiplied.
 */
#ifndef TF_KERNEL_BLOCK_Q8_H
#define TF_KERNEL_BLOCK_Q8_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/kernel.h"

enum {
    TF_Q8_CHUNK = 256, /* elements: the largest block of weights */
    TF_Q8_SCALED = 32, /* the smallest, which share a scale at least */
    TF_Q8_SUMMED = 16  /* the smallest that share a scale in a weight */
};

/* Element i is q[i] * scale[i / 32]; behind the end of a row all is 0. */
struct tf_q8 {
    int8_t q[TF_Q8_CHUNK];
    float scale[TF_Q8_CHUNK / TF_Q8_SCALED];  /* all one for blocks of 256 */
    float sum[TF_Q8_CHUNK / TF_Q8_SCALED];    /* of the numbers, a float16; not
                                                 for blocks of 256 */
    int16_t sums[TF_Q8_CHUNK / TF_Q8_SUMMED]; /* of q; for blocks of 256 */
};

/* tf_q8 of a row of n elements. */
static inline size_t tf_q8_chunks(size_t n)
{
    return (n + TF_Q8_CHUNK - 1) / TF_Q8_CHUNK;
}

/* One row for weights in blocks of `block` elements, 32 or 256, which n is a
 * multiple of. Numbers that are not finite make the scale and sum that they
 * belong to NaN. */
void tf_q8_quantize(const struct tf_kernels *kern, struct tf_q8 *dst,
                    const float *src, size_t n, size_t block);

/* dst = what src is rounded to; dst may be src. */
void tf_q8_round(const struct tf_kernels *kern, float *dst, const float *src,
                 size_t n, size_t block);
#endif

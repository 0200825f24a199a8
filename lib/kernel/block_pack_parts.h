/* Private to lib/kernel: one block of a type from its floats and their weights.
 */
#ifndef TF_KERNEL_BLOCK_PACK_PARTS_H
#define TF_KERNEL_BLOCK_PACK_PARTS_H

#include <stdint.h>

typedef void tf_pack_block_fn(uint8_t *dst, const float *x, const float *w);

tf_pack_block_fn tf_pack_q4_k, tf_pack_q5_k, tf_pack_q6_k;

/* Store the float16 nearest to v, little-endian; returns its value. */
float tf_put_half(uint8_t *p, float v);
#endif

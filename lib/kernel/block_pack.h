/*
 * Floats into ggml's block types: the reverse of the dtype table's unpack. The
 * scales are chosen for a small squared error of what unpack gives back.
 */
#ifndef TF_KERNEL_BLOCK_PACK_H
#define TF_KERNEL_BLOCK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "kernel/dtype.h"

/* F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K? */
bool tf_can_pack(enum tf_dtype dtype);

/*
 * Pack n floats, a multiple of the type's block, into dst. `importance` weighs
 * each one's squared error in the choice of the scales: n numbers of 0 or more,
 * or NULL: all alike. Blocks fail on a number that is not finite or is beyond
 * float16, which their scales are (65504).
 */
int tf_pack_row(enum tf_dtype dtype, void *dst, const float *src, size_t n,
                const float *importance, struct tf_err *err);
#endif

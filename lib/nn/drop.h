/* Private to lib/nn: the draws of one dropout, the same there and back. */
#ifndef TF_NN_DROP_H
#define TF_NN_DROP_H

#include "kernel/kernel.h"
#include "nn/ops.h"

/* The next stream of draws of the context; one that drops nothing without
 * ctx->training. Its `lo` is 0; row i of these rows is row + i of it. */
struct tf_draws tf_draws_next(struct tf_ctx *ctx, float p, size_t rows);
#endif

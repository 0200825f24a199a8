/* Private to lib/nn: the draws of one dropout, the same there and back. */
#ifndef TF_NN_DROP_H
#define TF_NN_DROP_H

#include "nn/ops.h"

struct tf_drop {
    uint64_t seed, draw;
    uint32_t below; /* a 16-bit draw below it drops; 0: nothing is dropped */
    float scale;    /* of what stays */
};

/* The next draws of the context; none without ctx->training. */
struct tf_drop tf_drop_next(struct tf_ctx *ctx, float p);

/* dst = src where it stays, scaled, else 0, for elements [col, col + n) of a
 * row; row < 2^32. dst may be src. */
void tf_drop_row(const struct tf_drop *d, float *dst, const float *src,
                 uint64_t row, size_t col, size_t n);
#endif

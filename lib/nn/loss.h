/* Private to lib/nn: what the cross-entropies share. */
#ifndef TF_NN_LOSS_H
#define TF_NN_LOSS_H

#include "nn/ops.h"

float tf_log_sum_exp(const float *z, size_t n);
/* The loss of one row of n logits. */
float tf_label_loss(const float *z, size_t n, int32_t label, float lse,
                    float smoothing);
/* dz = factor (softmax(z) - target) for `len` of a row's n logits, from one on
 * that the label is counted from; it may be outside them. dz may be z. */
void tf_label_grad(float *dz, const float *z, size_t len, size_t n,
                   size_t label, float lse, float smoothing, float factor);
/* How many are not TF_IGNORE. */
size_t tf_count_labels(const int32_t *labels, size_t n);
/* The loss: the parts' sum over *denominator, which becomes `count` if it is
 * 0. As in PyTorch, the mean of nothing is not a number. */
struct tf_tensor *tf_loss_sum(struct tf_ctx *ctx, const float *parts, size_t n,
                              float *denominator, size_t count);
#endif

/*
 * Private to lib/model: local attention that sees sums of the text's tokens,
 * too (Transformers' LongT5TransientGlobalAttention).
 */
#ifndef TF_MODEL_SUMS_H
#define TF_MODEL_SUMS_H

#include "model/attend.h"

/* Attention of the layer's input x [T][C] up to its output product: [T][H D].
 * `spec` is that of the tokens alone. */
struct tf_tensor *tf_attend_sums(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *x,
                                 const struct tf_attention *spec);
#endif

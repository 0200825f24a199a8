/*
 * Private to lib/model: relative positions that are sines (Dai et al. 2019,
 * Transformer-XL; Transformers' XLNetRelativeAttention). The score of query i
 * and key j is scale ((q_i + u) k_j + (q_i + v) r_(i - j)), with u the content
 * bias, v the place bias and r the sines through a projection of the layer.
 */
#ifndef TF_MODEL_RELATIVE_H
#define TF_MODEL_RELATIVE_H

#include "model/attend.h"
#include "model/bind.h"

/* Find the biases of layer `at`. */
int tf_relative_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                     struct tf_place at, struct tf_bind *bind,
                     struct tf_err *err);

/* Add u to the queries q, whose products with spec->c2p are the second term but
 * for (v - u) r: that goes into spec->bias. */
void tf_relative_add(struct tf_run *run, struct tf_layer *layer,
                     struct tf_tensor *q, struct tf_attention *spec);
#endif

/*
 * Private to lib/model: the convolution beside attention that takes half the
 * width (Transformers' ConvBertSelfAttention).
 */
#ifndef TF_MODEL_SPAN_H
#define TF_MODEL_SPAN_H

#include "model/attend.h"
#include "model/bind.h"

/* Find the tensors of layer `at` into bind's memory; layer->span is set. */
int tf_span_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                 struct tf_place at, struct tf_bind *bind, struct tf_err *err);

/* What it gives beside attention, from the layer's input x [T][C] and the
 * queries [T][H D]: [T][H D]. */
struct tf_tensor *tf_span_run(struct tf_run *run, struct tf_layer *layer,
                              struct tf_tensor *x, struct tf_tensor *q);
#endif

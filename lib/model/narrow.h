/*
 * Private to lib/model: layers that work in a narrower width than the one
 * between them, and those with many feed-forwards (Transformers'
 * MobileBertLayer).
 */
#ifndef TF_MODEL_NARROW_H
#define TF_MODEL_NARROW_H

#include "model/bind.h"
#include "model/stack.h"

/* Find the tensors of layer `at` into bind's memory, beside those that are
 * bound already; layer->narrow is set. */
int tf_narrow_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                   struct tf_place at, struct tf_bind *bind,
                   struct tf_err *err);
#endif

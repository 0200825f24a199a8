/*
 * Private to lib/model: layers whose feed-forward is a mixture of experts; how
 * they are found in the files, where each has tensors of its own or all stand
 * in one.
 */
#ifndef TF_MODEL_EXPERTS_H
#define TF_MODEL_EXPERTS_H

#include "model/stack.h"

/* Find the layer's router, experts and shared expert. */
int tf_experts_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                    struct tf_place at, struct tf_bind *bind,
                    struct tf_err *err);
#endif

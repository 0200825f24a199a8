/* Private to lib/model: layers that are selective state spaces (Mamba). */
#ifndef TF_MODEL_SSM_H
#define TF_MODEL_SSM_H

#include "model/attend.h"
#include "model/bind.h"

/* Find the tensors of layer `at` into bind's memory; layer->ssm is set. */
int tf_ssm_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                struct tf_place at, struct tf_bind *bind, struct tf_err *err);

/* The layer up to its last product: [T][I]. */
struct tf_tensor *tf_ssm_run(struct tf_run *run, size_t i,
                             struct tf_layer *layer, struct tf_tensor *x);

/* Floats that a layer keeps of a sequence: the rows its convolution looks back
 * on, then the state. 0: the stack has no such layers. */
size_t tf_ssm_past(const struct tf_stack_spec *spec);
size_t tf_ssm_state(const struct tf_stack_spec *spec);
#endif

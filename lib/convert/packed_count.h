/* Private to lib/convert: the size of quantised models. */
#ifndef TF_CONVERT_PACKED_COUNT_H
#define TF_CONVERT_PACKED_COUNT_H

#include <jansson.h>
#include <stddef.h>
#include "nn/tensor.h"

/* Numbers of the model that the tensor of this name holds, by how a model with
 * this quantization_config (NULL: none) packs them: none are scales and the
 * like. */
size_t tf_packed_count(json_t *quantization, const char *name,
                       const struct tf_tensor *t);
#endif

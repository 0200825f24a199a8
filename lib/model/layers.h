/* Private to lib/model: which layers of a stack differ from the others. */
#ifndef TF_MODEL_LAYERS_H
#define TF_MODEL_LAYERS_H

#include "base/err.h"
#include "base/mem.h"
#include "model/arch.h"

/* Fill spec->local, unrotated and sparse by what the row and the config say. */
int tf_layers_mark(struct tf_stack_spec *spec, struct tf_arena *memory,
                   struct tf_err *err);
#endif

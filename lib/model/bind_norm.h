/* Private to lib/model: the norms of a stack. */
#ifndef TF_MODEL_BIND_NORM_H
#define TF_MODEL_BIND_NORM_H

#include "model/arch.h"
#include "model/bind.h"

/* The norm called `pattern` over n columns, of the kind that the stack has. */
int tf_bind_norm(struct tf_bind *bind, const struct tf_stack_spec *spec,
                 struct tf_norm *norm, const char *pattern, struct tf_place at,
                 size_t n, struct tf_err *err);
#endif

/*
 * Private to lib/model: int8 matrices with a scale for each row, LLM.int8's.
 * Files have them as bitsandbytes does: beside an int8 "x.weight" [out][in]
 * stand "x.SCB" [out], 127 times the scales, and perhaps "x.weight_format".
 */
#ifndef TF_MODEL_BIND_INT8_H
#define TF_MODEL_BIND_INT8_H

#include "model/bind.h"

/* Whether the tensor `t` of the files, "x.weight", is such a matrix. */
bool tf_int8_is(struct tf_bind *bind, const struct tf_tensor *t,
                const char *name);
/* Make `t` that matrix, whose shape must be [rows][cols]. */
int tf_int8_read(struct tf_bind *bind, struct tf_tensor *t, const char *name,
                 size_t rows, size_t cols, struct tf_err *err);
/* Quantise `t`, or, turned, its transpose. */
int tf_int8_make(struct tf_bind *bind, struct tf_tensor *t, bool turned,
                 struct tf_err *err);
/* What a linear layer wants beside its int8 matrix. */
int tf_int8_finish(struct tf_bind *bind, struct tf_weight *w,
                   struct tf_err *err);
#endif

/*
 * Private to lib/model: for adapters over a GGUF, whose writer moved rows of q,
 * k and qkv: which row of Transformers' weights each row of the file is.
 */
#ifndef TF_MODEL_MOVED_ROWS_H
#define TF_MODEL_MOVED_ROWS_H

#include <stdint.h>
#include "base/err.h"
#include "model/arch.h"
#include "model/bind.h"

struct tf_moved_rows {
    uint32_t *query, *key, *fused; /* NULL: they stand as they do there */
};

/* In bind->memory; all NULL without adapters. */
int tf_moved_rows_make(struct tf_moved_rows *m,
                       const struct tf_stack_spec *spec,
                       const struct tf_bind *bind, struct tf_err *err);
#endif

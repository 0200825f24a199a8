/* A tensor on its way into a file, and what writers of files share. */
#ifndef TF_FORMAT_NAMED_TENSOR_H
#define TF_FORMAT_NAMED_TENSOR_H

#include <stddef.h>
#include <stdio.h>
#include "base/err.h"
#include "nn/tensor.h"

struct tf_named_tensor {
    const char *name;
    /* data, when not NULL, is written as it is; ld is not looked at */
    struct tf_tensor tensor;
};

/* Makes the data of a tensor that has none: tf_tensor_bytes() at `out`. */
typedef int tf_fill_fn(void *arg, const struct tf_named_tensor *t, void *out,
                       struct tf_err *err);

int tf_put_bytes(FILE *f, const void *p, size_t n, struct tf_err *err);
/* A tensor's data, asked for when it is not there. */
int tf_put_tensor(FILE *f, const struct tf_named_tensor *t, tf_fill_fn *fill,
                  void *arg, struct tf_err *err);
#endif

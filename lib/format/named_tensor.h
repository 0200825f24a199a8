/* A tensor on its way into a file, and the end that all writers share. */
#ifndef TF_FORMAT_NAMED_TENSOR_H
#define TF_FORMAT_NAMED_TENSOR_H

#include <stddef.h>
#include "base/buf.h"
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

/*
 * Write the file at `path`: a header, then each tensor's data, asked for where
 * it is not there, with zeros behind it up to a multiple of `align`, at most
 * TF_ALIGN_MAX. On failure the old file is as it was.
 */
#define TF_ALIGN_MAX 32
int tf_write_tensors(const char *path, const struct tf_buf *header,
                     const struct tf_named_tensor *tensors, size_t n,
                     size_t align, tf_fill_fn *fill, void *arg,
                     struct tf_err *err);
#endif

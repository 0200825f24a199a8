/*
 * Write a .safetensors file as the reference writer lays it out (the same bytes
 * for the same tensors): "__metadata__" {"format": "pt"}, tensors by falling
 * element size, then name; header padded with blanks to 8 bytes. The file
 * appears whole or not at all, and one tensor's data is asked for at a time.
 */
#ifndef TF_FORMAT_SAFETENSORS_WRITE_H
#define TF_FORMAT_SAFETENSORS_WRITE_H

#include <stddef.h>
#include "base/err.h"
#include "format/named_tensor.h"

/*
 * Write n tensors, which are sorted in place. A tensor without data is asked
 * from fill(arg, t, out): tf_tensor_bytes(&t->tensor) bytes. -1 and `err` when
 * it fails, on a name twice, or when the file can't be written.
 */
int tf_safetensors_write(const char *path, struct tf_named_tensor *tensors,
                         size_t n, tf_fill_fn *fill, void *arg,
                         struct tf_err *err);
#endif

/*
 * Read a .safetensors file in place. The file is not trusted: open() checks
 * every name, shape and offset once, so callers use the tensors without
 * checking. Format: u64 header size, JSON header, tensor bytes without holes.
 */
#ifndef TF_FORMAT_SAFETENSORS_H
#define TF_FORMAT_SAFETENSORS_H

#include <stddef.h>
#include "base/err.h"
#include "nn/tensor.h"

struct tf_safetensors;

/* Map `path`. On failure returns NULL and says why in `err`. */
struct tf_safetensors *tf_safetensors_open(const char *path,
                                           struct tf_err *err);

/* Unmap; every tensor found in `st` dies with it. NULL is allowed. */
void tf_safetensors_close(struct tf_safetensors *st);

/* The tensor called `name`, borrowed until close, or NULL if there is none.
 * Its data is read only and maybe unaligned. */
const struct tf_tensor *tf_safetensors_find(const struct tf_safetensors *st,
                                            const char *name);
size_t tf_safetensors_count(const struct tf_safetensors *st);
/* Tensor i in the order of the data; `name` gets its name, until close. */
const struct tf_tensor *tf_safetensors_at(const struct tf_safetensors *st,
                                          size_t i, const char **name);
#endif

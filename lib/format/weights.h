/*
 * "Tensor by name" over what a model folder holds: model.safetensors or
 * pytorch_model.bin, or the shards that their index names; or over one such
 * file or a GGUF. Files are mapped, tensors are views into them; the experts
 * that a GGUF has in one tensor, x_exps.weight, are x_exps.0.weight and so on.
 * Files are not trusted: what open() gives is checked.
 */
#ifndef TF_FORMAT_WEIGHTS_H
#define TF_FORMAT_WEIGHTS_H

#include <stddef.h>
#include "base/err.h"
#include "format/gguf.h"
#include "nn/tensor.h"

struct tf_weights;

/* Open the weights of a folder, or one file or index. NULL and `err` on
 * failure; a folder that has only a form not readable here says so by name. */
struct tf_weights *tf_weights_open(const char *path, struct tf_err *err);
/* No tensors at all, of a model that begins anew. */
struct tf_weights *tf_weights_none(struct tf_err *err);
void tf_weights_close(struct tf_weights *w); /* NULL is allowed */

/* Borrowed until close, or NULL. */
const struct tf_tensor *tf_weights_find(const struct tf_weights *w,
                                        const char *name);
/* Its place for tf_weights_at(), or SIZE_MAX. */
size_t tf_weights_index(const struct tf_weights *w, const char *name);
size_t tf_weights_count(const struct tf_weights *w);
/* Tensor i in file order; `name` gets its name. */
const struct tf_tensor *tf_weights_at(const struct tf_weights *w, size_t i,
                                      const char **name);
/* The GGUF file behind it, for its metadata; NULL when it is none. */
const struct tf_gguf *tf_weights_gguf(const struct tf_weights *w);
/* Bytes of all tensors. */
size_t tf_weights_bytes(const struct tf_weights *w);
#endif

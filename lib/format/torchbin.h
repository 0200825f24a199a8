/*
 * Read what torch.save wrote (pytorch_model.bin, optimizer.pt) without running
 * any of it: the zip form of torch 1.6 and later, and the older one of five
 * pickles. The file is not trusted: only the globals that tensors need may be
 * named in it, and open() checks every storage, offset and stride once.
 */
#ifndef TF_FORMAT_TORCHBIN_H
#define TF_FORMAT_TORCHBIN_H

#include <stddef.h>
#include "base/err.h"
#include "format/pickle.h"
#include "nn/tensor.h"

struct tf_torchbin;

/* Map `path`. On failure NULL and `err`. */
struct tf_torchbin *tf_torchbin_open(const char *path, struct tf_err *err);
void tf_torchbin_close(struct tf_torchbin *tb); /* NULL is allowed */

/* The tensors of the dict that the file holds, those nested in other things
 * left out; views into the mapping, or contiguous copies of those that were
 * not. Borrowed until close. Find: NULL if absent. */
const struct tf_tensor *tf_torchbin_find(const struct tf_torchbin *tb,
                                         const char *name);
size_t tf_torchbin_count(const struct tf_torchbin *tb);
const struct tf_tensor *tf_torchbin_at(const struct tf_torchbin *tb, size_t i,
                                       const char **name);

/* All that the file holds, and the tensor that a node of it is (-1 and `err`
 * when it is none): for an optimizer's state. */
const struct tf_pickle *tf_torchbin_root(const struct tf_torchbin *tb);
int tf_torchbin_tensor(struct tf_torchbin *tb, const struct tf_pickle *node,
                       struct tf_tensor *out, struct tf_err *err);
#endif

/*
 * One file of named tensors in any of the forms read here: safetensors, GGUF,
 * torch.save's. Which one it is, its first bytes say.
 */
#ifndef TF_FORMAT_CONTAINER_H
#define TF_FORMAT_CONTAINER_H

#include <stddef.h>
#include "base/err.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "format/torchbin.h"

/* Zeroed memory is a closed container. One member is set while it is open. */
struct tf_container {
    struct tf_safetensors *safetensors;
    struct tf_gguf *gguf;
    struct tf_torchbin *torchbin;
};

int tf_container_open(struct tf_container *c, const char *path,
                      struct tf_err *err);
void tf_container_close(struct tf_container *c);

/* Borrowed until close. Find: NULL if absent. */
const struct tf_tensor *tf_container_find(const struct tf_container *c,
                                          const char *name);
size_t tf_container_count(const struct tf_container *c);
const struct tf_tensor *tf_container_at(const struct tf_container *c, size_t i,
                                        const char **name);
#endif

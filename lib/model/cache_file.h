/*
 * An attention cache in a file, so that another run need not read its tokens
 * again. The file is tied to the model that made it and is not trusted.
 *
 *     "TFKV" | u32 version | u64 identity | u64 tokens | u32 layers |
 *     u32 k_width | u32 v_width | u32 state_size | i32 ids[tokens] |
 *     per layer: f32 state[state_size] where layers have one, else
 *     u64 dropped, u64 rows, f32 k[rows][k_width], v[rows][v_width]
 *
 * all little-endian.
 */
#ifndef TF_MODEL_CACHE_FILE_H
#define TF_MODEL_CACHE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "model/cache.h"
#include "model/model.h"

/* A number that tells this model from others: of its config, the names, shapes
 * and types of its tensors, and some of their bytes. */
uint64_t tf_model_identity(const struct tf_model *m);

/* Write `cache`, which holds ids[cache->tokens]. The file is replaced at once.
 */
int tf_cache_save(const struct tf_cache *cache, const int32_t *ids,
                  uint64_t identity, const char *path, struct tf_err *err);

/* Read a cache for the stack of `spec`; `ids` gets its tokens, which free()
 * releases. NULL and `err` on failure; a file of another model says so. */
struct tf_cache *tf_cache_load(const struct tf_stack_spec *spec,
                               uint64_t identity, const char *path,
                               int32_t **ids, struct tf_err *err);
#endif

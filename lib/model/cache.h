/*
 * The keys and values of a sequence that was read so far, kept for the tokens
 * to come. Each layer has its own list of blocks of rows. Blocks are counted
 * references: a fork (a beam, another prompt with the same beginning) shares
 * them, and copies only a last block that is not full. Layers with a sliding
 * window drop the blocks behind it.
 */
#ifndef TF_MODEL_CACHE_H
#define TF_MODEL_CACHE_H

#include <stddef.h>
#include "base/err.h"
#include "model/arch.h"
#include "nn/ops.h"

struct tf_cache_block;

struct tf_cache_layer {
    struct tf_cache_block **blocks;
    size_t count, cap;
    size_t dropped; /* tokens that stood before the first block */
    size_t tokens;  /* rows in the blocks */
    size_t window;  /* tokens to keep; SIZE_MAX: all */
    float *state;   /* [state_size], of a state space layer instead; or NULL */
};

struct tf_cache {
    size_t tokens;     /* read so far, the same in every layer between runs */
    size_t k_width;    /* columns of a row of keys: Hkv D, in float32 */
    size_t v_width;    /* Hkv Dv; 0: values are the first columns of the keys
                          (latent attention) */
    size_t state_size; /* floats, 0: layers attend */
    size_t count;
    struct tf_cache_layer layers[];
};

struct tf_cache *tf_cache_new(const struct tf_stack_spec *spec,
                              struct tf_err *err);
void tf_cache_free(struct tf_cache *c); /* NULL is allowed */

/* The same tokens for another sequence. */
struct tf_cache *tf_cache_fork(const struct tf_cache *c, struct tf_err *err);

/* Forget all but the first n tokens. False, with nothing changed, when a
 * window has already dropped what they need, or a state has taken them in. */
bool tf_cache_cut(struct tf_cache *c, size_t n);

/* Forget all of them, whatever was dropped. */
void tf_cache_clear(struct tf_cache *c);

/* Add rows of k and v [n][width] (v NULL: a width of 0) behind those of layer
 * i. */
int tf_cache_append(struct tf_cache *c, size_t i, const struct tf_tensor *k,
                    const struct tf_tensor *v, size_t first, size_t n,
                    struct tf_err *err);
/* After n tokens went through every layer: they count, windows move. */
void tf_cache_advance(struct tf_cache *c, size_t n);

/* The rows of layer i as attention reads them, the pieces in ctx's arena. */
struct tf_kv tf_cache_rows(struct tf_ctx *ctx, const struct tf_cache *c,
                           size_t i);

/* Bytes that the cache holds, shared blocks in full. */
size_t tf_cache_bytes(const struct tf_cache *c);
#endif

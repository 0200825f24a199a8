/*
 * Private to lib/convert: the type of each tensor of a GGUF, by llama.cpp's
 * rules (convert_hf_to_gguf.py, llama-quant.cpp), so that a file made here is
 * the mixture that its users know by that name.
 */
#ifndef TF_CONVERT_GGUF_TYPES_H
#define TF_CONVERT_GGUF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include "convert/plan.h"

/* What the choice depends on beside the tensor. */
struct tf_gguf_mix {
    enum tf_dtype dtype; /* wanted: F32, F16, BF16 or blocks */
    bool plain;          /* blocks for all matrices alike, no mixture */
    bool tied;           /* no output.weight: the table of tokens is it */
    bool importance;     /* there are calibrated weights */
    size_t layers, heads, kv_heads, experts;
};

/* Is it a matrix that types are chosen for? All else is float32: vectors,
 * norms, positions, token types, the routers of experts. */
bool tf_gguf_is_matrix(const char *name, const struct tf_tensor *t);

/* The type of matrix `name` of shape `t`. */
enum tf_dtype tf_gguf_choose(const struct tf_gguf_mix *mix, const char *name,
                             const struct tf_tensor *t);

/* general.file_type of a mixture. */
unsigned tf_gguf_file_type(enum tf_dtype dtype);
#endif

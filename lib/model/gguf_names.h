/*
 * The architectures and tensors of a GGUF by their names there and here: what
 * reads one (gguf_model.h) and what writes one look them up alike.
 */
#ifndef TF_MODEL_GGUF_NAMES_H
#define TF_MODEL_GGUF_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

struct tf_gguf_arch {
    const char *name;       /* general.architecture */
    const char *model_type; /* Transformers' */
    /* q and k stored so that rotary pairs lie side by side (llama.cpp's
     * permutation of Hugging Face's weights) */
    bool permuted;
    bool norm_plus_one; /* 1 is already added to the norms' weights */
    bool written;       /* can be written, too */
};

/* Of a file's general.architecture; `model_type`, when not NULL, tells which of
 * those that share it. NULL: not known. */
const struct tf_gguf_arch *tf_gguf_arch_named(struct tf_str name,
                                              const char *model_type);
/* What a model of this type is written as; NULL: it can't be. */
const struct tf_gguf_arch *tf_gguf_arch_of(const char *model_type);

/* What a GGUF calls a role of tf_stack_names; NULL: it has no name for it. */
const char *tf_gguf_role(const char *role);
/* Gemma 2 and 3: what the scores of attention are divided by the root of, which
 * llama.cpp takes from the sizes; 0: of others, 1 / sqrt(head_size). `per_head`
 * is the width over the heads. */
size_t tf_gguf_scale_of(const struct tf_gguf_arch *k, size_t layers,
                        size_t per_head, size_t head_size);
#endif

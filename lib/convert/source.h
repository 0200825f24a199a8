/*
 * A model as files: weights, and, where there is one, the configuration with
 * the architecture that it names. Nothing is bound to layers, so that also a
 * model whose tensors are incomplete can be looked at.
 */
#ifndef TF_CONVERT_SOURCE_H
#define TF_CONVERT_SOURCE_H

#include <stdbool.h>
#include "base/err.h"
#include "format/weights.h"
#include "model/arch.h"
#include "model/config.h"

struct tf_source {
    struct tf_weights *weights;
    const struct tf_gguf *gguf; /* the file behind the weights, or NULL */
    struct tf_config config;    /* json NULL: weights alone */
    struct tf_arch arch;
    bool known;        /* arch is resolved */
    struct tf_err why; /* why not */
};

/* Open a model's folder, a GGUF, or a file of weights alone. `source` is
 * released by the caller also on failure. */
int tf_source_open(struct tf_source *source, const char *path,
                   struct tf_err *err);
void tf_source_release(struct tf_source *source);

/* The stack that reads the input; only when known. */
const struct tf_stack_spec *tf_source_reader(const struct tf_source *source);
#endif

/* What a model is, as JSON for tf-model(1). */
#ifndef TF_CONVERT_INFO_H
#define TF_CONVERT_INFO_H

#include <jansson.h>
#include "base/err.h"

/* {name, kind, tasks} of an architecture that comes with the library; a new
 * reference, or NULL and `err`. */
json_t *tf_info_architecture(const char *name, struct tf_err *err);

/*
 * Of a model's folder or GGUF: architecture, kind, tasks, parameters (each
 * tensor once), bytes by dtype, labels, context, vocabulary, tokenizer, memory
 * and licence; what is not known is left out. A new reference, or NULL and
 * `err` when weights or config.json can't be read.
 */
json_t *tf_info_model(const char *path, struct tf_err *err);
#endif

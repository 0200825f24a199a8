/*
 * A GGUF file as a model folder would say it: its metadata as config.json, and
 * what its writer changed (names, the order of rotary pairs, norms) as changes
 * to the architecture's row. Keys and names: ggml's gguf.md and constants of
 * the gguf package.
 */
#ifndef TF_MODEL_GGUF_MODEL_H
#define TF_MODEL_GGUF_MODEL_H

#include <jansson.h>
#include "base/err.h"
#include "format/gguf.h"

/* The metadata as a config.json, a new reference. NULL and `err` when the
 * architecture is not known or a value is missing. */
json_t *tf_gguf_config(const struct tf_gguf *g, struct tf_err *err);

/* Change the row of the architecture for tensors that come from a GGUF. */
int tf_gguf_row(json_t *row, const struct tf_gguf *g, struct tf_err *err);
/* What a GGUF's writer did to the rows of projections: rotary pairs of queries
 * and keys, which stand half a head apart in Transformers' weights, side by
 * side; and of a fused one, whose heads stand group by group there, all queries
 * first. */
struct tf_gguf_rows {
    bool pairs, groups;
};
struct tf_gguf_rows tf_gguf_rows(const struct tf_gguf *g);
#endif

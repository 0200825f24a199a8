/* From logits to labels with scores: Transformers' text-classification
 * pipeline. */
#ifndef TF_TASK_CLASSIFY_H
#define TF_TASK_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "model/config.h"

/* What makes scores of logits (function_to_apply). */
enum tf_function {
    TF_FUNCTION_AUTO, /* by the model's configuration */
    TF_FUNCTION_SOFTMAX,
    TF_FUNCTION_SIGMOID,
    TF_FUNCTION_NONE,
};

/* The one that AUTO stands for. */
enum tf_function tf_function_auto(const struct tf_config *config);

/* scores[i] from logits[i], n >= 1 of each; they may be the same array. */
void tf_scores(enum tf_function function, const float *logits, float *scores,
               size_t n);

/* order[0..n) becomes the indices by falling score; equal ones stay in order,
 * or, `last_first`, the later one comes first. */
void tf_rank(const float *scores, size_t n, bool last_first, size_t *order);

/* Append [{"label": ..., "score": ...}, ...] for the first n of order. */
void tf_put_labels(struct tf_buf *out, const struct tf_str *labels,
                   const float *scores, const size_t *order, size_t n);
#endif

/*
 * From logits to labels with scores: Transformers' text-classification and
 * zero-shot-classification pipelines.
 */
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

/*
 * Zero-shot: candidate labels in a template make hypotheses; a model of natural
 * language inference says how far each follows from the text.
 */

/* Append `template` with `label` in the place of each {}; {{ and }} stand for
 * braces. Fails when the template has no place for a label. */
int tf_hypothesis(struct tf_buf *out, const char *template, struct tf_str label,
                  struct tf_err *err);

/* The place of the label that begins with "entail", or, as Transformers has it,
 * the last when there is none (`*found` is then false). */
size_t tf_entailment(const struct tf_config *config, bool *found);

/* scores[n] from the logits [n][labels] of n hypotheses: softmax of their
 * entailment, or each one's entailment against its contradiction when they are
 * `independent` (multi_label, or only one). */
void tf_zero_shot_scores(const float *logits, size_t n, size_t labels,
                         size_t entailment, bool independent, float *scores);
#endif

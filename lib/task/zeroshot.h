/*
 * Transformers' zero-shot-classification pipeline: candidate labels in a
 * template make hypotheses, and a model of natural language inference says how
 * far each follows from the text.
 */
#ifndef TF_TASK_ZEROSHOT_H
#define TF_TASK_ZEROSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "model/config.h"

struct tf_candidates {
    struct tf_str *labels;     /* [count], in the list they were made from */
    struct tf_buf *hypotheses; /* [count] */
    size_t count;
};

/* Make hypotheses of a comma-separated list, which must outlive them: each
 * label, without the blanks around it, stands where the template has {}; {{ and
 * }} are braces. Fails when there is no label or no {}. `c` is released by the
 * caller also on failure. */
int tf_candidates_make(struct tf_candidates *c, const char *list,
                       const char *template, struct tf_err *err);
void tf_candidates_release(struct tf_candidates *c);

/* The place of the label that begins with "entail", or, as Transformers has it,
 * the last when there is none (`*found` is then false). */
size_t tf_entailment(const struct tf_config *config, bool *found);

/* scores[n] from the logits [n][labels] of n hypotheses: softmax of their
 * entailment, or each one's entailment against its contradiction when they are
 * `independent` (multi_label, or only one). */
void tf_zero_shot_scores(const float *logits, size_t n, size_t labels,
                         size_t entailment, bool independent, float *scores);
#endif

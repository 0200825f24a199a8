/*
 * What a run's evaluations report: of a task's metrics those that the config
 * names, or what a program makes of predictions and references ("metrics" and
 * "compute_metrics").
 */
#ifndef TF_TRAIN_COMPUTE_H
#define TF_TRAIN_COMPUTE_H

#include <jansson.h>
#include <stdbool.h>
#include "base/buf.h"
#include "train/metrics.h"

/* A record's line for the program: strings, or lists of them where there may be
 * any number; `logits` [logit_count] or NULL. */
struct tf_pair {
    const struct tf_str *predictions, *references;
    size_t prediction_count, reference_count;
    bool many_predictions, many_references;
    const float *logits;
    size_t logit_count;
};

/* Append {"prediction": ..., "reference": ...[, "logits": [...]]}. */
void tf_pair_put(struct tf_buf *lines, const struct tf_pair *pair);
/* The same of numbers, [n] each; one is no list. */
void tf_pair_put_numbers(struct tf_buf *lines, const float *predictions,
                         const float *references, size_t n);

/*
 * Run `command` by the shell with `lines` as its standard input: it prints one
 * JSON object of numbers, which become the metrics; those before are dropped.
 * `printed` gets the object, which the names are borrowed from.
 */
int tf_metrics_compute(struct tf_metrics *m, const char *command,
                       const struct tf_buf *lines, json_t **printed,
                       struct tf_err *err);

/* Keep the metrics of the whole that a list names, by these names, which are
 * borrowed; scikit-learn's and evaluate's will do. -1 when there is none of a
 * name. */
int tf_metrics_choose(struct tf_metrics *m, json_t *names, struct tf_err *err);

/* Of two labels the precision, recall and f1 of the second are those of the
 * whole, as evaluate.load("f1") has them. */
int tf_metrics_add_binary(struct tf_metrics *m, const char *second,
                          struct tf_err *err);
#endif

/*
 * Judge records: take a task's prediction and reference from each, and give the
 * metrics of all. Values are as this project's tools print them, or as the
 * field's data sets have them.
 */
#ifndef TF_TRAIN_JUDGE_H
#define TF_TRAIN_JUDGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonl.h"
#include "train/metrics.h"

enum tf_judge_task {
    /* a label (string, number, true, false), or for multi-label a list of
     * labels; predictions also [{label, score}, ...] */
    TF_JUDGE_CLASSIFICATION,
    /* numbers */
    TF_JUDGE_REGRESSION,
    /* an answer; references a string, a list of them or SQuAD's {text: [...]};
     * an empty list or null: there is no answer */
    TF_JUDGE_QUESTION_ANSWERING,
    /* lists of tags, or of entities {start, end, entity_group | entity | label
     * | type} */
    TF_JUDGE_TOKEN_CLASSIFICATION,
    /* a text; references a string or a list of them */
    TF_JUDGE_GENERATION,
    TF_JUDGE_TASKS
};

struct tf_judge_opts {
    enum tf_judge_task task;
    /* names of members, "a|b": the first that a record has; NULL: the task's */
    const char *prediction, *reference;
    double threshold; /* of scores in multi-label predictions */
};

struct tf_judge;

struct tf_judge *tf_judge_new(const struct tf_judge_opts *opts,
                              struct tf_err *err);
void tf_judge_free(struct tf_judge *j); /* NULL is allowed */

/* The names that are looked for. */
const char *tf_judge_prediction(const struct tf_judge *j);
const char *tf_judge_reference(const struct tf_judge *j);

/* Take one record. Fails with code "no_field" or "bad_field"; then it does not
 * count. */
int tf_judge_add(struct tf_judge *j, const struct tf_record *rec,
                 struct tf_err *err);

/* Append a JSON object: the metrics by name, n, and those of single labels or
 * entity types as objects in "labels" or "entities". */
int tf_judge_results(const struct tf_judge *j, struct tf_buf *out,
                     struct tf_err *err);
#endif

/*
 * Labels of records: what kind of problem they make, and their names. Strings
 * are names; whole numbers are class ids 0 to n - 1; other numbers mean
 * regression; lists of names, or of 0 and 1 for each label, mean that a record
 * has any number of them.
 */
#ifndef TF_TRAIN_LABELS_H
#define TF_TRAIN_LABELS_H

#include <stdint.h>
#include "base/jsonl.h"
#include "model/config.h"
#include "train/metrics.h"
#include "train/table.h"

struct tf_labels {
    enum tf_problem problem;
    size_t count; /* names, the model's outputs */
    char **names;
};

enum tf_label_kind {
    TF_LABELS_NONE,
    TF_LABELS_NAMES,
    TF_LABELS_IDS,
    TF_LABELS_NUMBERS,
    TF_LABELS_SETS,    /* lists of names */
    TF_LABELS_VECTORS, /* lists of numbers */
};

/* The labels of a table as they stand in it. */
struct tf_label_column {
    enum tf_label_kind kind;
    struct tf_names names; /* numbered as they come */
    double *values;        /* of NAMES and SETS: numbers of names */
    size_t used, room;
    size_t *start; /* [count + 1]: row i has values [start[i], start[i + 1]) */
    size_t count;
};

int tf_label_column_read(struct tf_label_column *c, const struct tf_table *t,
                         const char *column, struct tf_err *err);
void tf_label_column_release(struct tf_label_column *c);

/*
 * The labels that a model is to learn from a column: the names found, in the
 * order of a model that has just these, else sorted; or those given; for class
 * ids without names, those of a model that has as many, else LABEL_0, ....
 * `problem`: what it shall be, or TF_PROBLEM_NONE.
 */
int tf_labels_find(struct tf_labels *l, const struct tf_label_column *c,
                   json_t *given, enum tf_problem problem,
                   const struct tf_config *model, struct tf_err *err);
/* The same for lists with a label for each word or token. */
int tf_labels_find_tags(struct tf_labels *l, const struct tf_label_column *c,
                        json_t *given, const struct tf_config *model,
                        struct tf_err *err);
void tf_labels_release(struct tf_labels *l);

/* Targets of every row: [count][1] class ids for single labels, else
 * [count][labels] numbers. free() releases. NULL, with the row in the
 * message, when a row has a label that is not among `l`. */
float *tf_labels_targets(const struct tf_labels *l,
                         const struct tf_label_column *c,
                         const struct tf_table *t, size_t *cols,
                         struct tf_err *err);

/* The class ids of all of a column's values, in its order; -100 in a list of
 * numbers stays as it is. free() releases; NULL as above. */
int32_t *tf_labels_ids(const struct tf_labels *l,
                       const struct tf_label_column *c,
                       const struct tf_table *t, struct tf_err *err);
#endif

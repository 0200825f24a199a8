/*
 * Token classification: rows of words with a label each, as CoNLL's and as
 * Transformers' run_ner reads them. A word's label stands at its first token;
 * its other tokens have none, or with `all_tokens` the word's label, where that
 * begins with B- the I- of its kind.
 */
#ifndef TF_TRAIN_TAGS_H
#define TF_TRAIN_TAGS_H

#include "train/dataset.h"
#include "train/labels.h"

struct tf_tag_data {
    const char *words; /* the column of lists of strings; a row that has
                          input_ids has a label for each of them instead */
    const struct tf_labels *labels;
    const struct tf_label_column *column;
    bool all_tokens;
};

/* Fill inputs and labels; opts' columns are not used. On failure `err` names
 * the file and line. */
int tf_dataset_tags(struct tf_dataset *d, const struct tf_table *t,
                    const struct tf_dataset_opts *opts,
                    const struct tf_tag_data *data, struct tf_err *err);
#endif

/*
 * Sequence to sequence: a source that the encoder reads, and a target that the
 * decoder is to give, which it reads one token later (Transformers'
 * DataCollatorForSeq2Seq and shift_tokens_right).
 */
#ifndef TF_TRAIN_PAIRS_H
#define TF_TRAIN_PAIRS_H

#include "train/dataset.h"

struct tf_pair_data {
    const char *source, *target;           /* columns */
    const char *source_lang, *target_lang; /* of a row's "translation", and of
                                              the languages' tokens; or NULL */
    const char *prefix;                    /* before sources, or NULL */
    const struct tf_tokenizer *targets;    /* their tokenizer */
    size_t target_limit;                   /* tokens; 0: not cut */
    int32_t start; /* the decoder's first token; -1: the target's last one is
                      (mBART) */
};

/* Fill inputs, answers and labels; opts' columns are not used. A row that has
 * input_ids has the target's ids in "labels". `err` names the file and line. */
int tf_dataset_pairs(struct tf_dataset *d, const struct tf_table *t,
                     const struct tf_dataset_opts *opts,
                     const struct tf_pair_data *data, struct tf_err *err);
#endif

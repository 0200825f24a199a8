/* Records ready for a model, their order in an epoch, and batches of them. */
#ifndef TF_TRAIN_DATASET_H
#define TF_TRAIN_DATASET_H

#include <stdint.h>
#include "base/pool.h"
#include "task/input.h"
#include "text/tokenizer.h"
#include "train/table.h"

struct tf_dataset {
    struct tf_input *inputs; /* [count] */
    size_t count;
    float *targets; /* [count][cols]; NULL: none */
    size_t cols;
    struct tf_input *answers; /* [count]: what a decoder reads; NULL: none */
    /* [count] of [inputs[i].n], or [answers[i].n]: what each token is to give,
     * or TF_IGNORE; of a language model what stands one token later. NULL: none
     */
    int32_t **labels;
};

/* How rows become ids. */
struct tf_dataset_opts {
    const struct tf_tokenizer *tokenizer;
    struct tf_pool *pool;
    const char *text, *pair; /* columns; a row without the pair has one text */
    size_t limit;            /* tokens that texts are cut to; 0: not at all */
    bool empty;              /* a text may have no tokens */
};

/* Fill inputs from the table's texts, or from input_ids where a row has them.
 * On failure `err` names the file and line. */
int tf_dataset_encode(struct tf_dataset *d, const struct tf_table *t,
                      const struct tf_dataset_opts *opts, struct tf_err *err);
void tf_dataset_release(struct tf_dataset *d);

/* Room for so many inputs, and lists of labels, for others to fill. */
int tf_dataset_make(struct tf_dataset *d, size_t count, bool labels,
                    struct tf_err *err);
/* How many labels an input, or its answer, has: one a token. */
size_t tf_dataset_label_count(const struct tf_dataset *d, size_t i);
/* Labels of an input that is filled, all of them TF_IGNORE; NULL when there is
 * no memory. */
int32_t *tf_dataset_labels(struct tf_dataset *d, size_t i, struct tf_err *err);

/* A permutation of 0..n-1 that (seed, epoch) alone make. */
void tf_order_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n);
/* Sort runs of a permutation by falling length, so that batches have alike
 * ones, the longest first of all (Transformers' LengthGroupedSampler). */
int tf_order_by_length(const struct tf_dataset *d, size_t batch,
                       uint32_t *order, struct tf_err *err);
#endif

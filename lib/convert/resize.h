/*
 * A model whose vocabulary becomes another size, as Transformers'
 * resize_token_embeddings(): rows at the end of the table of tokens and of a
 * language model's head are added, or dropped.
 */
#ifndef TF_CONVERT_RESIZE_H
#define TF_CONVERT_RESIZE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* What new rows hold. */
enum tf_new_rows {
    /* mean_resizing: normal, with the mean and a thousand-millionth of the
     * covariance of the old ones */
    TF_NEW_LIKE_OLD,
    TF_NEW_MEAN,   /* the mean of the old ones */
    TF_NEW_NORMAL, /* mean 0, the config's initializer_range */
    TF_NEW_ZERO,
};

struct tf_resize_opts {
    const char *tokenizer; /* its folder; NULL: the model's own */
    size_t size;           /* of the vocabulary; 0: as the tokenizer has it */
    size_t multiple;       /* the size is rounded up to one; 0: not */
    enum tf_new_rows rows;
    uint64_t seed;
    size_t max_shard; /* bytes of tensors in a file; 0: no limit */
};

struct tf_resize_report {
    size_t before, after;         /* sizes of the vocabulary */
    size_t resized;               /* tensors */
    size_t tensors, bytes, files; /* written */
};

/*
 * Write the model in the folder `path` to the folder `dir`, which must be new
 * or empty, with the tokenizer. A bias of a head that is tied to the table is 0
 * for new tokens, another one the mean of the old; final_logits_bias is 0.
 */
int tf_resize(const char *path, const char *dir,
              const struct tf_resize_opts *opts,
              struct tf_resize_report *report, struct tf_err *err);
#endif

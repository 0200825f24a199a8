/* Masked tokens filled in: Transformers' fill-mask pipeline. */
#ifndef TF_TASK_FILL_H
#define TF_TASK_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "task/logits.h"
#include "text/tokenizer.h"

struct tf_fill_opts {
    const struct tf_tokenizer *tokenizer;
    size_t vocab;           /* of the model */
    size_t top_k;           /* predictions for a mask, at least 1 */
    const int32_t *targets; /* the only tokens to choose from, in order; NULL:
                               all */
    size_t target_count;
};

/* Zeroed memory is ready. */
struct tf_filler {
    struct tf_fill_opts opts;
    float *scores;                   /* [V] */
    struct tf_candidate *candidates; /* [V] */
    int32_t *ids; /* of a sequence, and again what is printed of it */
    size_t cap;
};

int tf_fill_init(struct tf_filler *f, const struct tf_fill_opts *opts,
                 struct tf_err *err);
void tf_fill_release(struct tf_filler *f);

/*
 * Append the predictions of the masks of ids[n], whose places are masks[m],
 * m >= 1, from their logits [m][V], finite: [{"token", "token_str", "score",
 * "sequence"}, ...], and of several masks a list of such lists.
 */
int tf_fill_put(struct tf_filler *f, const int32_t *ids, size_t n,
                const size_t *masks, size_t m, const float *logits,
                struct tf_buf *out, struct tf_err *err);

/* The id of a target word (get_target_ids): of the token so spelled, else,
 * `*spelled` false, of the first token of its text; -1 when it has none. */
int tf_fill_target(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                   struct tf_str target, int32_t *id, bool *spelled,
                   struct tf_err *err);
#endif

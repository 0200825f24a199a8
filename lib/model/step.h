/*
 * A causal model or an encoder-decoder one step at a time: tokens are read
 * behind what a sequence's cache holds, and the logits of what may come next
 * are given.
 */
#ifndef TF_MODEL_STEP_H
#define TF_MODEL_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "model/cache.h"
#include "model/model.h"

/* Tokens for one sequence. After a step that failed its cache is of no more
 * use. */
struct tf_feed {
    struct tf_cache *cache;
    const int32_t *ids; /* checked against the vocabulary; at least one */
    size_t n;
    int32_t source; /* of an encoder-decoder: number of its encoded source */
};

struct tf_stepper;

/* `m` is open for TF_TASK_CAUSAL_LM and outlives it. */
struct tf_stepper *tf_stepper_new(struct tf_model *m, struct tf_pool *pool,
                                  struct tf_err *err);
void tf_stepper_free(struct tf_stepper *d); /* NULL is allowed */

/* An empty cache for a new sequence. */
struct tf_cache *tf_stepper_cache(const struct tf_stepper *d,
                                  struct tf_err *err);
size_t tf_stepper_vocab(const struct tf_stepper *d);

/* True for an encoder-decoder. */
bool tf_stepper_has_sources(const struct tf_stepper *d);

/* Encode what an encoder-decoder's sequences read: feeds name these sources by
 * their number in the batch. Until the next call; sources->seqs lives as long.
 */
int tf_stepper_encode(struct tf_stepper *d, const struct tf_batch *sources,
                      struct tf_err *err);

/*
 * Read every feed, long ones in chunks. logits[f] is a row of V for the token
 * after feed f's last, valid until the next call: rows are f * cols apart.
 */
int tf_step(struct tf_stepper *d, const struct tf_feed *feeds, size_t count,
            struct tf_result *logits, struct tf_err *err);

/* Before more of a text of `n` tokens is read behind `cache`: it forgets what
 * it holds when that is to be read anew together with the rest (Phi-3). */
void tf_step_reread(const struct tf_stepper *d, struct tf_cache *cache,
                    size_t n);

/* Read one feed of at most tf_step_most() tokens and give the logits after each
 * of them: [n][V]. */
int tf_step_each(struct tf_stepper *d, const struct tf_feed *feed,
                 struct tf_result *logits, struct tf_err *err);
/* SIZE_MAX for a model whose rotary angles depend on the length of the text:
 * then a feed is a whole text, and no other text can go on from its cache. */
size_t tf_step_most(const struct tf_stepper *d);
#endif

/*
 * From a model's logits to the distribution of the next token: Transformers'
 * logits processors and warpers, in its order and with its arithmetic.
 */
#ifndef TF_TASK_LOGITS_H
#define TF_TASK_LOGITS_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "task/generation.h"

/* One sequence at one step. */
struct tf_logits_context {
    const struct tf_generation *generation;
    const int32_t *ids; /* all so far: the prompt (for encoder-decoders the
                           decoder's start), then what was generated */
    size_t n, prompt_length;
    size_t max_length;          /* in all, for forced_eos_token_id */
    const int32_t *encoder_ids; /* of the source, for encoder-decoders; for
                                   others the prompt */
    size_t encoder_n;
};

/* Mix in the logits of the unconditional prompt (guidance_scale; Sanchez et al.
 * 2023): both become log-probabilities. [V] each; the first is changed. */
void tf_logits_guide(double guidance_scale, float *scores,
                     const float *unconditional, size_t vocab_size);

/* A token and its score. */
struct tf_candidate {
    float score;
    int32_t id;
};

/* All processors but guidance, in place over scores [V]. Ids of the context and
 * the config that the vocabulary has not are passed over. `scratch` holds V
 * candidates. */
void tf_logits_process(const struct tf_logits_context *c, float *scores,
                       size_t vocab_size, struct tf_candidate *scratch);

/* The warpers of sampling, in place: what is dropped gets -INFINITY. At least
 * min_keep tokens stay. `scratch` holds V candidates. */
void tf_logits_warp(const struct tf_generation *g, size_t min_keep,
                    float *scores, size_t vocab_size,
                    struct tf_candidate *scratch);

void tf_log_softmax(float *scores, size_t n);

/* The k candidates of the highest scores, best first and lower ids first among
 * equals, moved to the front of v[n]. */
void tf_top_candidates(struct tf_candidate *v, size_t n, size_t k);

/* Draw an id from softmax(scores): u is uniform in [0, 1). */
int32_t tf_draw(const float *scores, size_t vocab_size, double u);
#endif

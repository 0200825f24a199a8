/*
 * Text generation, as Transformers' generate(): greedy, sampling and beam
 * search over a causal model, many sequences at once. A finished sequence
 * leaves and the next prompt enters; prompts with a common beginning pay for it
 * once.
 */
#ifndef TF_TASK_GENERATE_H
#define TF_TASK_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "model/step.h"
#include "task/generation.h"
#include "task/stop.h"

struct tf_prompt {
    const int32_t *ids; /* checked against the vocabulary and the context; of an
                           encoder-decoder what its decoder starts with */
    size_t n;           /* at least one */
    const int32_t *source; /* what an encoder-decoder reads, checked */
    size_t source_n;
    uint64_t key; /* the record: draws depend on (seed, key), not on what
                     else is generated */
};

struct tf_top_logprob {
    int32_t id;
    float logprob;
};

/* What was generated for a prompt. */
struct tf_completion {
    int32_t *ids; /* without the prompt; the end token included */
    size_t n;
    bool stopped;    /* by an end token or a stop string, not by length */
    float score;     /* of a beam, length penalty included; else the sum of the
                        drawn tokens' log-probabilities */
    float *logprobs; /* [n] of the model's own distribution, when wanted */
    struct tf_top_logprob *top; /* [n][top_logprobs] */
};

void tf_completion_release(struct tf_completion *c);

struct tf_generate_opts {
    const struct tf_generation *config; /* checked */
    uint64_t seed;
    const struct tf_stop *stop; /* NULL: no stop strings */
    size_t context;  /* tokens that the model can hold; SIZE_MAX: no limit */
    size_t together; /* sequences at a time, at least 1 */
    bool logprobs;   /* not with beams */
    size_t top_logprobs;
    /* called with each token as it is chosen, when not NULL; not with beams */
    void (*on_token)(void *arg, size_t prompt, int32_t id);
    void *arg;
    /* asked before every step; non-zero ends the run early, what is there
     * counts as cut by length. NULL: never */
    int (*cancelled)(void *arg);
};

struct tf_generator;

struct tf_generator *tf_generator_new(struct tf_stepper *stepper,
                                      const struct tf_generate_opts *opts,
                                      struct tf_err *err);
void tf_generator_free(struct tf_generator *g); /* NULL is allowed */

/* Generate for n prompts: out[p * num_return_sequences + i], released by the
 * caller also on failure. */
int tf_generate(struct tf_generator *g, const struct tf_prompt *prompts,
                size_t n, struct tf_completion *out, struct tf_err *err);

/* The most tokens in all, prompt included, that a config allows after a prompt
 * of n: max_new_tokens before max_length, at most the context. */
size_t tf_generation_limit(const struct tf_generation *config, size_t n,
                           size_t context);

/* Where the next prompt begins: a cache to start from instead of an empty one
 * (--kv-cache), whose tokens' ids are given; taken over. */
void tf_generator_seed_cache(struct tf_generator *g, struct tf_cache *cache,
                             int32_t *ids, size_t n);
/* The cache of the last finished sequence and the ids that it holds, borrowed;
 * NULL when there is none. */
const struct tf_cache *tf_generator_last_cache(const struct tf_generator *g,
                                               const int32_t **ids, size_t *n);
#endif

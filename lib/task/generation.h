/*
 * What a generation is asked to be: the fields of Transformers'
 * GenerationConfig (generation_config.json), with its names and meanings.
 */
#ifndef TF_TASK_GENERATION_H
#define TF_TASK_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

/* Token ids; one id in the file counts as a list of one. */
struct tf_ids {
    int32_t *v;
    size_t n;
};

/* A token sequence and what is added to the score of its last token when the
 * others stand before it; -INFINITY for a bad word. */
struct tf_sequence_bias {
    struct tf_ids ids;
    float bias;
};

enum tf_early_stopping {
    TF_STOP_HEURISTIC, /* false: when no running beam can likely win */
    TF_STOP_EARLY,     /* true: with num_beams finished */
    TF_STOP_NEVER,     /* "never": when no running beam can win at all */
};

struct tf_generation {
    /* lengths in tokens; 0: not set */
    int64_t max_length, max_new_tokens, min_length, min_new_tokens;

    bool do_sample;
    int64_t num_beams, num_return_sequences;
    enum tf_early_stopping early_stopping;
    double length_penalty;

    double repetition_penalty, encoder_repetition_penalty, guidance_scale;
    int64_t no_repeat_ngram_size, encoder_no_repeat_ngram_size;
    struct tf_sequence_bias *bad_words, *biases;
    size_t bad_word_count, bias_count;
    struct tf_ids suppress_tokens, begin_suppress_tokens;
    int64_t exponential_decay_start; /* with factor 0: not set */
    double exponential_decay_factor;
    bool remove_invalid_values, renormalize_logits;

    double temperature, top_p, typical_p, epsilon_cutoff, eta_cutoff;
    double min_p, top_h; /* 0: not set */
    int64_t top_k;       /* 0: all */

    struct tf_ids eos, forced_eos;
    int32_t bos, pad, decoder_start, forced_bos; /* -1: none */

    struct tf_arena arena; /* of the lists */
};

/* Transformers' defaults: greedy, no penalty. */
void tf_generation_init(struct tf_generation *g);
void tf_generation_release(struct tf_generation *g);

/* Take what a generation_config.json (or a config.json of an old model, or its
 * task_specific_params entry) says; other members and nulls change nothing. A
 * value out of its range fails by name. */
int tf_generation_read(struct tf_generation *g, const char *json, size_t len,
                       struct tf_err *err);

/* Read what a model's folder says: generation_config.json, or when there is
 * none config.json, as older models have it. */
int tf_generation_open(struct tf_generation *g, const char *dir,
                       struct tf_err *err);

/* Check the values together, however they came. */
int tf_generation_check(const struct tf_generation *g, struct tf_err *err);
#endif

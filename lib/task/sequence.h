/* Private to lib/task: sequences while they grow, for sampling and beams. */
#ifndef TF_TASK_SEQUENCE_H
#define TF_TASK_SEQUENCE_H

#include "task/generate.h"
#include "task/logits.h"

/* Token ids that grow. */
struct tf_id_list {
    int32_t *v;
    size_t n, cap;
};

int tf_id_list_add(struct tf_id_list *l, const int32_t *ids, size_t n,
                   struct tf_err *err);

/* A prompt that was read, kept for the next ones that begin alike. */
struct tf_read_prompt {
    struct tf_cache *cache; /* of `ids`, or NULL */
    struct tf_id_list ids;
};

struct tf_generator {
    struct tf_stepper *stepper;
    struct tf_generate_opts opts;
    size_t vocab;
    float *scores;                /* [beams][V] */
    struct tf_candidate *scratch; /* [beams * V] */
    int32_t *source_ids;          /* of all prompts, end to end */
    size_t *source_start;
    struct tf_read_prompt recent; /* the last prompt that was read */
    struct tf_read_prompt last;   /* the last finished sequence */
};

/* A cache that holds a beginning of ids[n], all but its last token at most, and
 * how many tokens that are: shared with the last prompt where that helps. */
struct tf_cache *tf_begin_cache(struct tf_generator *g, const int32_t *ids,
                                size_t n, struct tf_err *err);
/* Remember that `cache` holds ids[n]. Failure is no error: then the next prompt
 * is read anew. */
void tf_keep_cache(struct tf_read_prompt *r, const struct tf_cache *cache,
                   const int32_t *ids, size_t n);

/* Is the sequence ids[n], of which `prompt` are the prompt, at its end? 0, 1 by
 * length, 2 by an end token or a stop string; -1 and `err`. */
int tf_sequence_end(const struct tf_generator *g, const int32_t *ids, size_t n,
                    size_t prompt, struct tf_err *err);

/* Beam search for one prompt, whose source has the number; out has
 * num_return_sequences places. */
int tf_beam_search(struct tf_generator *g, const struct tf_prompt *prompt,
                   size_t source, struct tf_completion *out,
                   struct tf_err *err);

/* What the penalties of encoder tokens look at: the source, or of a causal
 * model the prompt. */
void tf_set_encoder_ids(struct tf_logits_context *c,
                        const struct tf_prompt *prompt);

/* The uniform number of a draw. */
double tf_draw_uniform(const struct tf_generator *g, uint64_t key, size_t step,
                       size_t variant, size_t index);
#endif

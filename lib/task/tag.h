/*
 * Token classification: from the logits of a text's tokens to entities, as
 * Transformers' token-classification pipeline.
 */
#ifndef TF_TASK_TAG_H
#define TF_TASK_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "text/points.h"
#include "text/tokenizer.h"

/* What becomes of tokens (aggregation_strategy). */
enum tf_aggregation {
    TF_AGGREGATE_NONE,    /* each is an entity */
    TF_AGGREGATE_SIMPLE,  /* neighbours with the same tag are one */
    TF_AGGREGATE_FIRST,   /* so are words, labelled by their first token */
    TF_AGGREGATE_AVERAGE, /* by the mean of their tokens' scores */
    TF_AGGREGATE_MAX,     /* by their surest token */
};

struct tf_tag_opts {
    enum tf_aggregation aggregation;
    const struct tf_config *config; /* labels */
    const struct tf_tokenizer *tokenizer;
    const struct tf_str *ignored; /* labels of entities to leave out */
    size_t ignored_count;
};

struct tf_tagged {
    struct tf_str label; /* as the model has it, or without B-, I- */
    float score;
    size_t index; /* of the token in its window; not when aggregated */
    struct tf_str word;
    size_t start, end; /* code points of the text */
    size_t number;     /* in the order they were found */
};

/* The entities of one record. Zeroed memory is ready; begin again to reuse. */
struct tf_tagging {
    struct tf_tag_opts opts;
    struct tf_points text;
    const size_t *word_start;
    bool has_text, has_offsets;
    size_t windows;
    struct tf_tagged *found;
    size_t count, cap;
    struct tf_arena memory; /* words */
    struct tf_tag_scratch {
        float *scores; /* [n][labels] */
        struct tf_tag_piece *pieces;
        struct tf_tagged *tagged;
        struct tf_str *words;
        size_t cap, labels;
        struct tf_buf joined;
    } scratch; /* of one window */
};

void tf_tag_release(struct tf_tagging *t);

/* What a record's windows are of. */
struct tf_tag_text {
    struct tf_str text;       /* s NULL: not known, then all tokens are words */
    const size_t *word_start; /* of a text given as words, joined by blanks:
                                 where each begins, in code points; offsets are
                                 within words. Else NULL */
};

/* Begin a record. Text and words must outlive it. */
int tf_tag_begin(struct tf_tagging *t, const struct tf_tag_opts *opts,
                 const struct tf_tag_text *text, struct tf_err *err);

/* Take a window and its tokens' logits [n][labels], finite. It has offsets, or
 * none of the record's windows have, and words where word_start wants them. */
int tf_tag_add(struct tf_tagging *t, const struct tf_window *w,
               const float *logits, struct tf_err *err);

/* All windows are there: of entities that overlap the longer one stays. */
int tf_tag_finish(struct tf_tagging *t, struct tf_err *err);

/* Append [{"entity" or "entity_group", "score", ...}, ...]. */
void tf_put_entities(struct tf_buf *out, const struct tf_tagging *t);
#endif

/*
 * Added tokens: found in the text before the model sees it, never split. As
 * AddedVocabulary of the `tokenizers` library.
 */
#ifndef TF_TEXT_ADDED_H
#define TF_TEXT_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/strmap.h"
#include "text/model.h"
#include "text/normalize.h"
#include "text/pretext.h"
#include "text/trie.h"

struct tf_added_token {
    struct tf_str content; /* ends with a NUL that is not counted */
    struct tf_str spelled; /* what it is matched by and decoded to: normalised
                              when `normalized`; may be the content itself */
    int32_t id;
    bool single_word;    /* only where no word character stands beside it */
    bool lstrip, rstrip; /* takes the white space before, behind it along */
    bool normalized;     /* found in the normalised text */
    bool special;
    bool skipped; /* was special once: left out of decoded text when asked */
};

/* Zeroed memory is empty. */
struct tf_added {
    struct tf_added_token *at; /* in the order they were added */
    size_t count, cap;
    struct tf_strmap by_content; /* index */
    uint32_t *by_id;             /* index + 1; 0: none */
    size_t ids;                  /* length of by_id */
    int64_t next;                /* the id of the next new one */
    struct tf_trie found[2];     /* those not normalised, those normalised */
    bool split_special;          /* special ones are text like any other */
};

/*
 * Add tokens: begin, put each, index. Of a token `content` and the flags count,
 * the rest is set. One of the model's vocabulary keeps its id, one added before
 * takes the new flags, any other gets the next free id: *is_new. An empty one
 * is ignored.
 */
void tf_added_begin(struct tf_added *a, const struct tf_model *model);
int tf_added_put(struct tf_added *a, const struct tf_added_token *token,
                 const struct tf_model *model,
                 const struct tf_normalizer *normalizer, bool *is_new,
                 struct tf_err *err);
int tf_added_index(struct tf_added *a, struct tf_err *err);
void tf_added_release(struct tf_added *a);

/* The token of an id, or of a content; NULL when none. */
const struct tf_added_token *tf_added_by_id(const struct tf_added *a,
                                            int32_t id);
const struct tf_added_token *tf_added_find(const struct tf_added *a,
                                           struct tf_str content);

/* Cut the tokens (not) normalised out of the pieces of `pre`. */
void tf_added_split(const struct tf_added *a, bool normalized,
                    struct tf_pretext *pre);
#endif

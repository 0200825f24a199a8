/* The tokens of a GGUF and what is made of them; for the files that implement
 * gguf_vocab.h. */
#ifndef TF_TEXT_GGUF_TOKENS_H
#define TF_TEXT_GGUF_TOKENS_H

#include "format/gguf.h"
#include "text/model.h"

/* Zeroed memory is empty. */
struct tf_gguf_tokens {
    const struct tf_gguf *g;
    struct tf_str *at;    /* by id; valid UTF-8, in the file */
    unsigned char *types; /* enum tf_spm_type, by id */
    size_t count, bytes;  /* bytes of all together */
};

int tf_gguf_tokens_read(struct tf_gguf_tokens *t, const struct tf_gguf *g,
                        struct tf_err *err);
void tf_gguf_tokens_release(struct tf_gguf_tokens *t);

/* How WordPiece's vocabulary spells a token; in `word` if otherwise. */
struct tf_str tf_gguf_word(const struct tf_gguf_tokens *t, size_t id,
                           struct tf_buf *word);

/*
 * Call `merge` for each in their order, until it fails: those that the file
 * lists; or the ways to make a piece of two, the best piece first, as
 * SentencePiece joins.
 */
typedef int tf_gguf_merge_fn(void *arg, struct tf_str a, struct tf_str b,
                             struct tf_err *err);
int tf_gguf_listed_merges(const struct tf_gguf *g, tf_gguf_merge_fn *merge,
                          void *arg, struct tf_err *err);
int tf_gguf_piece_merges(const struct tf_gguf_tokens *t,
                         tf_gguf_merge_fn *merge, void *arg,
                         struct tf_err *err);

/* Fill a zeroed model's vocabulary, and what goes with it. */
int tf_gguf_fill_words(struct tf_model *m, const struct tf_gguf_tokens *t,
                       struct tf_err *err);
int tf_gguf_fill_bytes(struct tf_model *m, const struct tf_gguf_tokens *t,
                       struct tf_err *err);
int tf_gguf_fill_pieces(struct tf_model *m, const struct tf_gguf_tokens *t,
                        struct tf_err *err);
int tf_gguf_fill_unigram(struct tf_model *m, const struct tf_gguf_tokens *t,
                         struct tf_err *err);
#endif

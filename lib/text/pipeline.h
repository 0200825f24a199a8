/* What a tokenizer is made of; for the files that implement tokenizer.h. */
#ifndef TF_TEXT_PIPELINE_H
#define TF_TEXT_PIPELINE_H

#include "base/json.h"
#include "text/added.h"
#include "text/decode.h"
#include "text/model.h"
#include "text/normalize.h"
#include "text/postprocess.h"
#include "text/pretext.h"
#include "text/split.h"
#include "text/tokconfig.h"
#include "text/tokenizer.h"
#include "text/wordcache.h"

struct tf_tokenizer {
    struct tf_normalizer *normalizer;
    struct tf_splitter *splitter;
    struct tf_model model;
    struct tf_added added;
    struct tf_postprocessor post;
    struct tf_decoder *decoder;
    struct tf_tokconfig config;
    struct tf_tokenizer_info info;
    char *path; /* of the tokenizer.json or of the folder */
    bool has_post;
    char *pad_token; /* of the file's padding section, or NULL */
    bool cleans_up;  /* decoded text, as clean_up_tokenization_spaces */
};

struct tf_tok_state {
    const struct tf_tokenizer *tok;
    struct tf_pretext pre;
    struct tf_scratch scratch;
    struct tf_wordcache cache;
    /* Of the text, or of both one after the other: */
    struct tf_tokens tokens; /* spans are within the piece */
    size_t cap;              /* of the arrays below */
    uint32_t (*offsets)[2];  /* in code points; if wanted */
    int32_t *words;          /* if wanted */
    struct tf_span *texts;   /* if wanted: in `surface`, or end 0: the token's
                                spelling in the vocabulary */
    struct tf_buf surface;
};

/* What beside ids is worked out: TF_TOK_ flags, and the texts of tokens where
 * trimming offsets needs them. */
unsigned tf_tok_needs(const struct tf_tokenizer *tok, unsigned want);

/* Forget the tokens of the last text; then append those of each. `word` is the
 * word index of all, or -1: each piece counts. */
void tf_tok_begin(struct tf_tok_state *st);
int tf_tok_append(struct tf_tok_state *st, struct tf_str text, unsigned needs,
                  int32_t word, struct tf_err *err);

/* The windows of the state's tokens, `first` of which are the first text's. */
int tf_tok_assemble(const struct tf_tok_state *st,
                    const struct tf_encode_opts *opts, size_t first, bool pair,
                    struct tf_encoding *enc, struct tf_err *err);

/* Read a tokenizer.json's text into zeroed parts. */
int tf_tokenizer_read(struct tf_tokenizer *tok, const char *text, size_t len,
                      struct tf_err *err);
#endif

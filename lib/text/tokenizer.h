/*
 * A tokenizer of the Hugging Face ecosystem: text to token ids and back, equal
 * to the `tokenizers` library and Transformers' fast tokenizers. A tokenizer is
 * immutable once open and shared by threads; what changes while it works is in
 * a tf_tok_state, one a thread.
 */
#ifndef TF_TEXT_TOKENIZER_H
#define TF_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_tokenizer;
struct tf_tok_state;

/*
 * Open the tokenizer of a model folder: tokenizer.json; else vocab.txt, or
 * vocab.json with merges.txt, or spiece.model, tokenizer.model,
 * sentencepiece.bpe.model; each with tokenizer_config.json,
 * special_tokens_map.json and added_tokens.json. `path` may also be a
 * tokenizer.json itself, or a GGUF file. NULL and `err` on failure.
 */
struct tf_tokenizer *tf_tokenizer_open(const char *path, struct tf_err *err);
/* The same for what a model of two languages is to give: of a folder that has
 * target.spm beside source.spm (Marian) that one's; else as above. */
struct tf_tokenizer *tf_tokenizer_open_target(const char *path,
                                              struct tf_err *err);
void tf_tokenizer_close(struct tf_tokenizer *tok); /* NULL is allowed */
/* Has the folder any of those files? */
bool tf_tokenizer_there(const char *dir);

struct tf_tok_state *tf_tok_state_new(const struct tf_tokenizer *tok,
                                      struct tf_err *err);
void tf_tok_state_free(struct tf_tok_state *st); /* NULL is allowed */

/* What of an encoding is wanted; ids, type ids and special flags always are. */
enum {
    TF_TOK_OFFSETS = 1, /* offsets, in code points of the text */
    TF_TOK_WORDS = 2,   /* word ids */
    TF_TOK_TOKENS = 4,  /* the tokens' texts, as Encoding.tokens has them */
};

enum tf_truncation {
    TF_LONGEST_FIRST,
    TF_ONLY_FIRST,
    TF_ONLY_SECOND,
};

struct tf_encode_opts {
    unsigned want;     /* TF_TOK_OFFSETS | ... */
    bool no_special;   /* add no special tokens */
    size_t max_length; /* tokens, special ones included; 0: no truncation */
    enum tf_truncation truncation;
    size_t stride;      /* tokens that consecutive windows share */
    bool overflow;      /* give every window, not only the first */
    bool truncate_left; /* drop from the start */
};

/* One window of ids; arrays are `n` long and belong to the encoding. */
struct tf_window {
    size_t n;
    int32_t *ids;
    uint8_t *type_ids;
    uint8_t *special;  /* 1 for tokens that the template added */
    uint8_t *sequence; /* 0 first text, 1 second, 2 special: sequence_ids */
    uint32_t (*offsets)[2]; /* [start, end) code points; NULL if not wanted */
    int32_t *words;         /* word index in its text, -1 for special tokens;
                               NULL if not wanted */
    struct tf_str *tokens;  /* as the vocabulary spells them, but an unknown
                               piece of a Unigram model and an added token as
                               they stand in the text; NULL if not wanted */
};

/* Zeroed memory is empty; encode again to reuse the memory. */
struct tf_encoding {
    struct tf_window *windows; /* the first is the answer, the rest overflow */
    size_t count;
    struct tf_buf memory; /* all arrays */
};

void tf_encoding_release(struct tf_encoding *enc);

/*
 * Encode valid UTF-8 (checked by the caller); pair.s NULL: no second text.
 * Fails with code "too_long" when the strategy can't shorten enough, in the
 * words of the `tokenizers` library.
 */
int tf_tokenizer_encode(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                        const struct tf_encode_opts *opts, struct tf_str text,
                        struct tf_str pair, struct tf_encoding *enc,
                        struct tf_err *err);

/* The same for words given one by one (is_split_into_words): word ids index
 * `words`, offsets are within each word. */
int tf_tokenizer_encode_words(const struct tf_tokenizer *tok,
                              struct tf_tok_state *st,
                              const struct tf_encode_opts *opts,
                              const struct tf_str *words, size_t n,
                              struct tf_encoding *enc, struct tf_err *err);

/* How many tokens encode() would give without truncation, special ones
 * included unless `no_special`: cheaper, no arrays. */
int tf_tokenizer_count(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                       bool no_special, struct tf_str text, struct tf_str pair,
                       size_t *n, struct tf_err *err);

/* Append the text of ids, as Transformers' decode: the tokenizer's decoder,
 * then clean_up_tokenization_spaces when the config says so. Unknown ids are
 * left out. */
int tf_tokenizer_decode(const struct tf_tokenizer *tok, const int32_t *ids,
                        size_t n, bool skip_special, struct tf_buf *out,
                        struct tf_err *err);

/* Append the text of n tokens given by their spellings, as Transformers'
 * convert_tokens_to_string: the tokenizer's decoder alone. */
int tf_tokenizer_join(const struct tf_tokenizer *tok,
                      const struct tf_str *tokens, size_t n, struct tf_buf *out,
                      struct tf_err *err);

/* The token of an id as the vocabulary spells it; s NULL for a free id. */
struct tf_str tf_tokenizer_token(const struct tf_tokenizer *tok, int32_t id);
/* The id of a token so spelled, or -1. */
int32_t tf_tokenizer_id(const struct tf_tokenizer *tok, const char *token,
                        size_t len);
bool tf_tokenizer_is_special(const struct tf_tokenizer *tok, int32_t id);

/* Tokens that the template adds to one text, or to a pair. */
size_t tf_tokenizer_added(const struct tf_tokenizer *tok, bool pair);

/* Add tokens after the file's own, as Transformers' add_tokens; known ones are
 * left as they are (made special when `special`). Returns how many were new,
 * or -1. Not while other threads use `tok`. */
int tf_tokenizer_add(struct tf_tokenizer *tok, const char *const *tokens,
                     size_t n, bool special, struct tf_err *err);
/* Write the tokenizer's files to a folder, the additions included. */
int tf_tokenizer_save(const struct tf_tokenizer *tok, const char *dir,
                      struct tf_err *err);

/* What the files say, for tools; strings are NULL and ids -1 when absent. */
struct tf_tokenizer_info {
    const char *class_name; /* tokenizer_class */
    const char *model;      /* "BPE", "WordPiece", "Unigram", "WordLevel" */
    const char *prefix; /* continuing_subword_prefix; NULL: none, or empty */
    size_t vocab_size;  /* ids, added tokens included: the largest + 1 */
    size_t added;       /* added tokens */
    size_t model_max_length; /* 0: none, or absurdly large */
    int32_t pad, unk, cls, sep, mask, bos, eos;
    bool has_type_ids;            /* model_input_names lists token_type_ids */
    bool pad_left, truncate_left; /* padding_side, truncation_side */
    bool has_chat_template;
};
const struct tf_tokenizer_info *tf_tokenizer_info(const struct tf_tokenizer *t);
#endif

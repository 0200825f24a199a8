/*
 * The models of tokenizer.json ("model"): one piece of text into tokens. Each
 * as the class of that name of the `tokenizers` library, without its dropout.
 */
#ifndef TF_TEXT_MODEL_H
#define TF_TEXT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "text/merges.h"
#include "text/trie.h"
#include "text/vocab.h"

enum tf_model_type {
    TF_MODEL_NONE, /* not named: told by the fields */
    TF_BPE,
    TF_WORDPIECE,
    TF_WORDLEVEL,
    TF_UNIGRAM,
};

#define TF_CHAR_IDS 0x800

struct tf_model {
    enum tf_model_type type;
    struct tf_vocab vocab;
    char *unk_token;  /* NULL: none */
    int32_t unk;      /* its id; -1: none, or not in the vocabulary */
    char *prefix;     /* continuing_subword_prefix; NULL: none */
    char *suffix;     /* end_of_word_suffix; NULL: none */
    size_t max_chars; /* max_input_chars_per_word */
    bool byte_fallback;
    bool fuse_unk;
    bool ignore_merges;
    struct tf_merges merges;
    int32_t byte_id[256];         /* of "<0x00>" ...; -1: not there */
    int32_t char_id[TF_CHAR_IDS]; /* of one-character tokens; -1: not there */
    /* The words of a text, each beginning with "▁", have the tokens that each
     * has alone, unless the byte before the start is glue. */
    bool words_apart;
    bool glue[256];
    double *score; /* Unigram: by index in the vocabulary */
    double min_score;
    struct tf_trie trie;
};

/* Bytes [start, end) of the piece. */
struct tf_span {
    uint32_t start, end;
};

/* Zeroed memory is empty; tokens are appended. */
struct tf_tokens {
    int32_t *ids;
    struct tf_span *spans;
    size_t n, cap;
};

/* Room for n more, or -1. */
int tf_tokens_room(struct tf_tokens *t, size_t n, struct tf_err *err);
void tf_tokens_release(struct tf_tokens *t);

static inline void tf_tokens_put(struct tf_tokens *t, int32_t id, size_t start,
                                 size_t end)
{
    t->ids[t->n] = id;
    t->spans[t->n].start = (uint32_t)start;
    t->spans[t->n].end = (uint32_t)end;
    t->n++;
}

/* What a model works in; one a thread. Zeroed memory is empty. */
struct tf_scratch {
    struct tf_buf bytes;
    struct tf_symbol *symbols; /* BPE */
    size_t symbols_cap;
    uint64_t *heap;
    size_t heap_n, heap_cap;
    struct tf_lattice_node *nodes; /* Unigram */
    size_t nodes_cap;
};

void tf_scratch_release(struct tf_scratch *s);

/* Read a model object at the cursor into zeroed memory, or, where the object
 * lacks them, to an indexed vocabulary with its merges or scores. On failure,
 * too, release it. */
int tf_model_read(struct tf_model *m, struct tf_json *j, struct tf_err *err);
void tf_model_release(struct tf_model *m);
const char *tf_model_name(const struct tf_model *m);

/* Append the tokens of a nonempty piece of less than 4 GiB. Fails when the
 * piece has an unknown part and the vocabulary no unknown token. */
int tf_model_tokenize(const struct tf_model *m, struct tf_scratch *s,
                      struct tf_str piece, struct tf_tokens *out,
                      struct tf_err *err);

/* What tf_model_tokenize chooses from. */
int tf_bpe_tokenize(const struct tf_model *m, struct tf_scratch *s,
                    struct tf_str piece, struct tf_tokens *out,
                    struct tf_err *err);
int tf_wordpiece_tokenize(const struct tf_model *m, struct tf_scratch *s,
                          struct tf_str piece, struct tf_tokens *out,
                          struct tf_err *err);
int tf_wordlevel_tokenize(const struct tf_model *m, struct tf_str piece,
                          struct tf_tokens *out, struct tf_err *err);
int tf_unigram_tokenize(const struct tf_model *m, struct tf_scratch *s,
                        struct tf_str piece, struct tf_tokens *out,
                        struct tf_err *err);
/* Make what they look up, after the fields are read. */
int tf_bpe_prepare(struct tf_model *m, struct tf_err *err);
int tf_unigram_prepare(struct tf_model *m, struct tf_err *err);
#endif

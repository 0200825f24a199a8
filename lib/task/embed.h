/*
 * Sentence embeddings: from the hidden states of tokens to one vector a text,
 * by the modules that sentence-transformers puts after a transformer.
 */
#ifndef TF_TASK_EMBED_H
#define TF_TASK_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/weights.h"
#include "model/model.h"
#include "nn/ops.h"

enum tf_embed_pool {
    TF_EMBED_CLS, /* the first token */
    TF_EMBED_MAX,
    TF_EMBED_MEAN,
    TF_EMBED_SQRT,     /* the sum by the root of how many there are */
    TF_EMBED_WEIGHTED, /* the mean, each weighted by its position from 1 */
    TF_EMBED_LAST,     /* the last token */
    TF_EMBED_POOLS,
    TF_EMBED_TOKENS, /* no pooling: a vector a token */
};

enum tf_embed_kind {
    TF_EMBED_POOLING,
    TF_EMBED_DENSE,
    TF_EMBED_LAYER_NORM,
    TF_EMBED_NORMALIZE, /* to length 1 */
};

struct tf_embed_module {
    enum tf_embed_kind kind;
    enum tf_embed_pool pools[TF_EMBED_POOLS]; /* side by side */
    size_t pool_count;
    bool skips_prompt; /* tokens of the prompt are not pooled */
    struct tf_weights *weights;
    struct tf_weight linear, residual; /* residual.w.data NULL: no weights */
    enum tf_act act;
    bool has_residual;
    struct tf_norm norm;
};

struct tf_prompt_text {
    char *name, *text;
};

/* What the folder of a sentence encoder says. */
struct tf_embedder {
    char *base; /* the folder of the transformer */
    struct tf_embed_module *modules;
    size_t module_count;
    size_t max_length; /* max_seq_length; 0: not given */
    bool lower_case;
    struct tf_prompt_text *prompts;
    size_t prompt_count;
    const char *default_prompt; /* its name, or NULL */
    size_t width, dim;          /* of the transformer; of an embedding */
    struct tf_arena memory;     /* of weights that can't stay in the file */
    struct tf_arena scratch;
    float *out; /* of the last run */
    size_t out_cap;
};

/*
 * Read modules.json, the folders that it names, sentence_bert_config.json and
 * config_sentence_transformers.json; a folder without modules.json is a
 * transformer, pooled by the mean. Fails when a module is not known. `e` is
 * released by the caller also on failure.
 */
int tf_embedder_open(struct tf_embedder *e, const char *dir,
                     struct tf_err *err);
void tf_embedder_release(struct tf_embedder *e);

struct tf_embed_opts {
    int pool;      /* enum tf_embed_pool; -1: as the folder says */
    int normalize; /* 1, 0; -1: as the folder says */
    size_t dim;    /* keep so many numbers of a vector (matryoshka
                      representations); what is normalized is so after that; 0:
                      all */
};

/* Fit the modules to a transformer's width and the options. */
int tf_embedder_fit(struct tf_embedder *e, const struct tf_embed_opts *opts,
                    size_t width, struct tf_err *err);

/* The text of a prompt, or NULL when there is none of that name. */
const char *tf_embedder_prompt(const struct tf_embedder *e, const char *name);
/* Whether tokens of prompts have to be counted. */
bool tf_embedder_skips_prompt(const struct tf_embedder *e);

/*
 * Embed the sequences of hidden states [T][width]: out [count][dim], or, when
 * tokens are not pooled, [T][dim]; valid until the next run. skip[count], or
 * NULL: the tokens of each sequence's prompt.
 */
int tf_embed(struct tf_embedder *e, struct tf_pool *pool,
             const struct tf_seqs *seqs, const float *hidden,
             const size_t *skip, struct tf_result *out, struct tf_err *err);

/* Append a vector as a JSON list, or as little-endian float32. */
void tf_put_vector(struct tf_buf *out, const float *v, size_t n);
void tf_put_vector_raw(struct tf_buf *out, const float *v, size_t n);

/* Scale a vector to length 1. */
void tf_to_length_one(float *x, size_t n);
#endif

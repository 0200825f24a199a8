/*
 * A model folder, opened: configuration, architecture, weights and the head of
 * one task; and a session that runs batches through it.
 */
#ifndef TF_MODEL_MODEL_H
#define TF_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "format/weights.h"
#include "model/adapter.h"
#include "model/arch.h"
#include "model/config.h"
#include "model/heads.h"
#include "model/params.h"
#include "model/stack.h"
#include "model/transformer.h"

/* What is to be trained, beside the task. */
struct tf_model_training {
    /* Names of a classification head's outputs, and what they mean, for
     * config.json; count 0: as the model has them. */
    const char *const *labels;
    size_t label_count;
    enum tf_problem problem;
    uint64_t seed; /* of a new head's numbers */
    /* Adapters to be trained instead of the model; NULL: none. Then the
     * model's own tensors stay as they are stored. */
    const struct tf_lora *lora;
};

struct tf_model_opts {
    enum tf_task task; /* the head to have; TF_TASK_NONE: none, and of an
                          encoder-decoder the encoder alone */
    const char *arch;  /* an architecture.json to use, or NULL */
    bool convert;      /* matrices to `dtype`; else as they are stored */
    enum tf_dtype
        dtype; /* TF_F32 (stored values, no change), TF_BF16, TF_F16 */
    /* Matrices of linear layers but the head's become int8 (LLM.int8), and of
     * an encoder the embeddings that no head is tied to. */
    bool int8;
    bool look;  /* only to see what tensors are for: not to be run */
    bool fresh; /* of the files config.json alone is read, all numbers are new:
                   tf_model_init() */
    const char *adapter; /* a folder of PEFT's layout to lay over it, or NULL */
    /* To train it: all tensors become float32 parameters, a head that is
     * missing or has other labels is made; NULL: not. */
    const struct tf_model_training *train;
    struct tf_pool *pool; /* for the work of opening; NULL: one thread */
};

struct tf_model {
    struct tf_config config;
    struct tf_arch arch;
    struct tf_weights *weights;
    struct tf_stack stack;    /* what the head reads: the decoder, else the
                                 encoder */
    struct tf_stack *encoder; /* of an encoder-decoder, else NULL */
    int32_t decoder_start;    /* its decoder's first id, -1: none */
    enum tf_task task;
    struct tf_head head; /* of the task */
    struct tf_arena memory;
    struct tf_parameters params;  /* when it is trained */
    size_t int8_count;            /* linear layers whose weight is int8 */
    uint8_t *roles;               /* [tensors of weights]: enum tf_role */
    const char **unexpected;      /* tensors of the files that nothing uses */
    struct tf_adapters *adapters; /* laid over it, or trained; or NULL */
    size_t unexpected_count;
};

/*
 * Open the model in the folder `dir`, or a GGUF file. Fails, naming it, when a
 * file is missing or broken, a tensor is missing (the task's head included) or
 * has not the shape that config.json gives it.
 */
struct tf_model *tf_model_open(const char *dir,
                               const struct tf_model_opts *opts,
                               struct tf_err *err);
void tf_model_close(struct tf_model *m); /* NULL is allowed */

/* Write config.json and model.safetensors of a model that is trained, as
 * save_pretrained() of Transformers' class of the task, to a folder; of one
 * that is trained with adapters what PEFT's does. */
int tf_model_save(const struct tf_model *m, const char *dir,
                  struct tf_err *err);

/* Let a config.json name Transformers' class of a task. */
int tf_model_set_class(json_t *config, enum tf_task task, struct tf_err *err);

/* Give the parameters the numbers that tf_model_save() wrote to a folder. */
int tf_model_load(struct tf_model *m, const char *dir, struct tf_err *err);

/* The type of most weights, for messages: "f32", "bf16", "f16",
 * "int8". */
const char *tf_model_dtype(const struct tf_model *m);

/* Tokens that a sequence of input can have: what the positions' table holds,
 * SIZE_MAX when they are computed. And what the model was made for
 * (config.json's max_position_embeddings), SIZE_MAX when it does not say. */
size_t tf_model_max_tokens(const struct tf_model *m);
size_t tf_model_made_for(const struct tf_model *m);

/* Check what one sequence asks the model to read. Fails with code "bad_ids"
 * (outside the vocabulary, or no ids) or "too_long". type_ids may be NULL. */
int tf_model_check(const struct tf_model *m, const int32_t *ids,
                   const uint8_t *type_ids, size_t n, struct tf_err *err);

/* The same of what an encoder-decoder's decoder reads. */
int tf_model_check_target(const struct tf_model *m, const int32_t *ids,
                          size_t n, struct tf_err *err);

/* Runs batches through a model; one at a time. */
struct tf_session;

struct tf_session *tf_session_new(struct tf_model *m, struct tf_pool *pool,
                                  struct tf_err *err);
void tf_session_free(struct tf_session *s); /* NULL is allowed */

/* Numbers for each sequence or token: row i is data + i * cols. */
struct tf_result {
    const float *data; /* until the session's next run */
    size_t rows, cols;
};

/*
 * The head's logits: [count][labels] for a task that reads a sequence, [T][..]
 * for one that reads tokens, in the order of the batch. The batch is cut where
 * that helps; every sequence was checked by tf_model_check().
 */
int tf_session_logits(struct tf_session *s, const struct tf_batch *batch,
                      struct tf_result *out, struct tf_err *err);

/* The same of some tokens alone, rows[n] of the batch, ascending: for a task
 * that reads tokens, of a model that is no encoder-decoder. */
int tf_session_logits_at(struct tf_session *s, const struct tf_batch *batch,
                         const int32_t *rows, size_t n, struct tf_result *out,
                         struct tf_err *err);

/* The hidden states after `layers` layers (SIZE_MAX: the last, with the final
 * norm), [T][width]. */
int tf_session_hidden(struct tf_session *s, const struct tf_batch *batch,
                      size_t layers, struct tf_result *out, struct tf_err *err);

/* An encoder-decoder's reading of its input: what tf_batch.cross wants, in
 * ctx's arena. NULL when ctx has failed. */
struct tf_cross *tf_model_encode(struct tf_ctx *ctx, struct tf_runner *r,
                                 struct tf_model *m,
                                 const struct tf_batch *batch);

/* The model's logits for one pass without cutting, in ctx's arena: what
 * training differentiates. NULL when ctx has failed. */
struct tf_tensor *tf_model_logits(struct tf_ctx *ctx, struct tf_runner *r,
                                  struct tf_model *m,
                                  const struct tf_batch *batch);

/* The cross-entropy of a language model's logits for labels [T], of which no
 * more than some rows are held; of an encoder-decoder for what its decoder
 * reads. */
struct tf_tensor *tf_model_token_loss(struct tf_ctx *ctx, struct tf_runner *r,
                                      struct tf_model *m,
                                      const struct tf_batch *batch,
                                      const int32_t *labels,
                                      const struct tf_loss *spec);
#endif

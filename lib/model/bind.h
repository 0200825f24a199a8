/*
 * From tensor names to the objects that layers compute with: finds a name in
 * the spellings it may have, checks its shape against what config.json says,
 * and brings vectors to float32.
 */
#ifndef TF_MODEL_BIND_H
#define TF_MODEL_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "format/weights.h"
#include "model/gguf_model.h"
#include "model/params.h"
#include "model/spelling.h"
#include "nn/ops.h"

/* What a tensor of the files is to the model. */
enum tf_role {
    TF_ROLE_UNUSED,
    TF_ROLE_OTHER,  /* vectors, norms, convolutions, scales */
    TF_ROLE_HEAD,   /* a matrix of a task's head, or one that is exact */
    TF_ROLE_TABLE,  /* embeddings */
    TF_ROLE_MATRIX, /* of a linear layer of the base model, [out][in] */
    TF_ROLE_TURNED, /* the same as [in][out] (Conv1D) */
};

struct tf_adapters;

struct tf_bind {
    const struct tf_weights *weights;
    const char
        *prefix;  /* may stand before a name, with a dot: "a|b", or NULL */
    bool convert; /* matrices to `dtype`, else left as they are */
    enum tf_dtype dtype;
    /* Matrices of the base model, and its tables, become int8 with scales;
     * those that are exact do not. */
    bool int8, int8_tables;
    bool exact;           /* those that are bound now */
    float threshold;      /* of int8 layers, also of those the files have */
    size_t int8_count;    /* of them, so far */
    json_t *quantization; /* quantization_config of config.json, or NULL */
    struct tf_pool *pool;
    struct tf_arena *memory; /* for what can't stay in the file */
    uint8_t *used;           /* [tensors of weights]: enum tf_role */
    bool look; /* names, shapes and roles alone: large tensors stay as they are
                  in the files */

    /* For training, else NULL: all that is bound becomes a parameter, or with
     * adapters what they say. */
    struct tf_parameters *params;
    bool inside; /* of the base model: saved with the prefix; a head is not */
    bool bare;   /* the base model is saved without it, too */
    bool fresh;  /* what is missing, or has another number of rows, is new */

    struct tf_adapters *adapters; /* laid over the weights, or NULL */
    bool linear;               /* PEFT's "all-linear" means what is bound now */
    bool gguf;                 /* patterns: a GGUF's name, then Transformers' */
    struct tf_gguf_rows moved; /* rows that its writer moved */
    /* [out] of the weight that is bound now: the row of Transformers' class
     * that each row is; NULL: the same */
    const uint32_t *rows;
};

/*
 * The tensor `pattern` names ("a.{}.b|c.{}.b") with `suffix` (".weight" or
 * ".bias", or their old names ".gamma", ".beta"; "" for a name in full) after
 * it: with the prefix before it or without. NULL when there is none; `name`,
 * of `size` bytes, then has the first spelling tried, else the one found.
 */
const struct tf_tensor *tf_bind_find(struct tf_bind *bind, const char *pattern,
                                     struct tf_place at, const char *suffix,
                                     char *name, size_t size);

/* Is there such a tensor? NULL: no. */
bool tf_bind_has(struct tf_bind *bind, const char *pattern, const char *suffix);

/* Transformers' name of the module of a tensor found as `name`; returns what
 * of the name comes after it: ".weight", ".bias" or "". */
const char *tf_bind_module(const struct tf_bind *bind, const char *pattern,
                           struct tf_place at, const char *name,
                           char module[TF_NAME_MAX]);

/* Make `t`, bound as `name`, a parameter if it is trained; `*adopted` says. */
int tf_bind_adopt(struct tf_bind *bind, struct tf_tensor *t,
                  const char *pattern, struct tf_place at, const char *name,
                  bool norm, bool *adopted, struct tf_err *err);

/* The same for a convolution's [out][taps][in], which the files hold as
 * [out][in][taps]. */
int tf_bind_adopt_taps(struct tf_bind *bind, struct tf_tensor *t,
                       const char *pattern, struct tf_place at,
                       const char *name, size_t taps, struct tf_err *err);

/* Make a matrix or table ready that stays in floating point: of a type the
 * kernels read, aligned. */
int tf_bind_settle(struct tf_bind *bind, struct tf_tensor *t,
                   struct tf_err *err);

/* Each fails with words that name the tensor when it is missing or has another
 * shape than the one given. */

#define TF_BIND_NAME TF_NAME_MAX /* bytes that a name takes at most */

/* A tensor as it is in the file, of a type that unpacks to float32; `name` gets
 * the name it has there. */
const struct tf_tensor *tf_bind_shaped(struct tf_bind *bind,
                                       const char *pattern, struct tf_place at,
                                       const char *suffix, const size_t *dim,
                                       size_t ndim, char name[TF_BIND_NAME],
                                       struct tf_err *err);
/* A matrix of a linear layer, [out][in] or, transposed, [in][out]. */
int tf_bind_weight(struct tf_bind *bind, struct tf_weight *w,
                   const char *pattern, struct tf_place at, size_t out,
                   size_t in, bool bias, bool transposed, struct tf_err *err);
/* The matrices of all experts in one tensor, whose name is given in full; as it
 * stands in the file, or a parameter. `dim` begins with how many. */
struct tf_tensor *tf_bind_stack(struct tf_bind *bind, const char *pattern,
                                struct tf_place at, const size_t dim[3],
                                char name[TF_BIND_NAME], struct tf_err *err);
/* One of them, whose w, in, out and `transposed` are given. It stays exact. */
int tf_bind_part(struct tf_bind *bind, struct tf_weight *w, const char *name,
                 struct tf_err *err);
/* A table of embeddings. */
int tf_bind_table(struct tf_bind *bind, struct tf_tensor *t,
                  const char *pattern, size_t rows, size_t cols,
                  struct tf_err *err);
/* A matrix, as float32. */
int tf_bind_numbers(struct tf_bind *bind, struct tf_tensor *t,
                    const char *pattern, struct tf_place at, const char *suffix,
                    size_t rows, size_t cols, struct tf_err *err);
/* A vector, as float32; leading dims of 1 don't matter. */
int tf_bind_vector(struct tf_bind *bind, struct tf_tensor *t,
                   const char *pattern, struct tf_place at, const char *suffix,
                   size_t n, struct tf_err *err);
#endif

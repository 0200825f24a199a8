/*
 * Low-rank adapters of a model in PEFT's layout: a folder with
 * adapter_config.json and adapter_model.safetensors. One that is read is laid
 * over the model while its tensors are bound (bind.h): linear layers and the
 * table of tokens get the matrices A and B, modules that were saved whole and
 * biases stand in for the model's own. One that is trained is made anew in the
 * same way; then its tensors, with the modules saved whole, are all that is
 * trained. Files are not trusted.
 */
#ifndef TF_MODEL_ADAPTER_H
#define TF_MODEL_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "format/weights.h"
#include "model/bind.h"
#include "model/lora.h"
#include "model/spelling.h"
#include "nn/ops.h"

struct tf_model;
struct tf_token_adapter;

struct tf_adapters {
    struct tf_lora lora;
    char *dir;                  /* the folder, for messages */
    struct tf_weights *weights; /* its tensors; NULL: made to be trained */
    uint8_t *used;              /* [tensors of weights] */
    size_t count;               /* modules adapted so far */
    uint64_t seed;              /* of new numbers */
    char seen[TF_NAME_MAX];     /* a module that could be adapted */
    bool targeted;              /* the module that is bound now is */
    float *bias;                /* [out] to add to its bias, or NULL */
};

/* Open a folder. NULL and `err` on failure. */
struct tf_adapters *tf_adapters_open(const char *dir, struct tf_err *err);
/* One to be trained by settings that are copied; where they name no targets,
 * PEFT's of the architecture. */
struct tf_adapters *tf_adapters_new(const struct tf_lora *lora,
                                    const char *model_type, uint64_t seed,
                                    struct tf_err *err);
void tf_adapters_free(struct tf_adapters *set); /* NULL is allowed */

/* The tensor that stands for the module's own; NULL: none. */
const struct tf_tensor *tf_adapters_find(struct tf_adapters *set,
                                         const char *module,
                                         const char *suffix);

/* Is a tensor of the base model, or a new one (`fresh`), trained? A new one's
 * module is put on the list of those saved whole. */
int tf_adapters_train(struct tf_adapters *set, const char *module,
                      const char *suffix, bool fresh, bool *trained,
                      struct tf_err *err);
/* Its name in the file. */
void tf_adapters_name(const struct tf_adapters *set, const char *module,
                      const char *suffix, char name[TF_NAME_MAX]);

/* Give a weight that was bound as `name` (NULL: the pattern's first) its
 * adapter, if it has one. */
int tf_adapters_attach(struct tf_bind *bind, struct tf_weight *w,
                       const char *pattern, struct tf_place at,
                       const char *name, struct tf_err *err);
/* Once its bias is bound: add the adapter's to it. */
void tf_adapters_attach_bias(struct tf_bind *bind, struct tf_weight *w);
/* Give a table of tokens its adapter; *out is NULL when there is none. */
int tf_adapters_attach_tokens(struct tf_bind *bind,
                              struct tf_token_adapter **out,
                              const struct tf_tensor *table,
                              const char *pattern, struct tf_err *err);

/* Was every tensor of the file used, every target found? `part`: the model is
 * open without its head, or its decoder. */
int tf_adapters_check(const struct tf_adapters *set, bool part,
                      struct tf_err *err);

/*
 * Give the adapters of a model that is trained the numbers of a folder, to go
 * on with them; what is saved whole, too, where it is there. Fails when an
 * adapter is missing, or something is for no module of the model, or of another
 * shape.
 */
int tf_adapters_load(struct tf_model *m, const char *dir, struct tf_err *err);

/* Write the folder of a model that is trained with adapters: PEFT's two files,
 * and of a classifier the config.json that has its labels. */
int tf_adapters_save(const struct tf_model *m, const char *dir,
                     struct tf_err *err);
#endif

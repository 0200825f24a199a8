/*
 * What a low-rank adapter is like: PEFT's LoraConfig, as adapter_config.json
 * has it and as a training config's "peft" section gives it (the same keys and
 * defaults), and which modules it is for. Modules are named as Transformers'
 * class of the task names them: "bert.encoder.layer.0.attention.self.query".
 */
#ifndef TF_MODEL_LORA_H
#define TF_MODEL_LORA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "model/arch.h"

enum tf_lora_bias { TF_BIAS_NONE, TF_BIAS_ALL, TF_BIAS_LORA_ONLY };
enum tf_lora_init {
    TF_LORA_KAIMING,  /* true: A uniform, B zeros */
    TF_LORA_GAUSSIAN, /* A normal with std 1 / r, B zeros */
    TF_LORA_RANDOM,   /* false: both as a new linear layer's */
};

/* JSON is borrowed from `json`; NULL: not given. */
struct tf_lora {
    json_t *json; /* all keys, owned */
    json_t *targets, *exclude, *saved, *layers, *layers_pattern;
    json_t *rank_pattern, *alpha_pattern;
    double rank, alpha, dropout;
    bool rs, dora;
    enum tf_lora_bias bias;
    enum tf_lora_init init;
    enum tf_task task; /* TF_TASK_NONE: not given, or FEATURE_EXTRACTION */
    const char *base;  /* base_model_name_or_path */
};

/*
 * Take the keys of an object. `strict`: an unknown key is an error (it names
 * the closest known one), else it is passed over, as PEFT does. Fails on
 * adapters of another kind, and on what can't be computed here. `lora` is
 * released by the caller also on failure.
 */
int tf_lora_read(struct tf_lora *lora, json_t *object, bool strict,
                 struct tf_err *err);
/* Read DIR/adapter_config.json. */
int tf_lora_open(struct tf_lora *lora, const char *dir, struct tf_err *err);
void tf_lora_release(struct tf_lora *lora);

/* Is there an adapter_config.json? */
bool tf_lora_in(const char *dir);

/* PEFT's target modules of an architecture, "q_proj|v_proj"; NULL: none. */
const char *tf_lora_default_targets(const char *model_type);

/* Is the module one to adapt? `linear`: "all-linear" means it. -1 and `err`
 * when a regular expression fails. */
int tf_lora_targets(const struct tf_lora *lora, const char *module, bool linear,
                    struct tf_err *err);
/* Is the module, or one that it is in, trained and saved whole? */
bool tf_lora_saves(const struct tf_lora *lora, const char *module);

/* Rank and scale of a module's adapter, the patterns applied. */
int tf_lora_rank(const struct tf_lora *lora, const char *module, size_t *rank,
                 struct tf_err *err);
int tf_lora_scale(const struct tf_lora *lora, const char *module, size_t rank,
                  float *scale, struct tf_err *err);
#endif

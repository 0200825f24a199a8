/*
 * What a training run is asked for: a YAML or JSON file whose keys are
 * TrainingArguments' names with the defaults of Transformers 5.23 (names of
 * older releases are taken too), and "key=value" words over it. A key that
 * nobody knows is refused; of those that are of no use here see
 * train/config_known.h.
 */
#ifndef TF_TRAIN_CONFIG_H
#define TF_TRAIN_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "train/schedule.h"

enum tf_train_task {
    TF_TRAIN_CLASSIFICATION,
    TF_TRAIN_CAUSAL_LM,
    TF_TRAIN_MASKED_LM,
    TF_TRAIN_TOKEN_CLASSIFICATION,
    TF_TRAIN_QUESTION_ANSWERING,
    TF_TRAIN_SEQ2SEQ,
};
enum tf_strategy {
    TF_STRATEGY_NO,
    TF_STRATEGY_STEPS,
    TF_STRATEGY_EPOCH,
    TF_STRATEGY_BEST /* of saving: after each evaluation that is the best */
};
enum tf_sampling {
    TF_SAMPLE_RANDOM,
    TF_SAMPLE_SEQUENTIAL,
    TF_SAMPLE_BY_LENGTH
};
enum tf_train_optim { TF_OPTIM_ADAMW, TF_OPTIM_ADAFACTOR, TF_OPTIM_SGD };

/* Strings and JSON are borrowed from `json`; NULL: not given. Counts of steps
 * below 1 are a part of all steps. */
struct tf_train_config {
    json_t *json; /* all that was given, by today's names; owned */

    const char *model, *output_dir;
    const char *from_config; /* config: a model from nothing, instead */
    const char *tokenizer;   /* NULL: the model's */
    int task;                /* enum tf_train_task */
    double mlm_probability;
    json_t *train_file; /* a string, or a list of them */
    json_t *validation_file;
    const char *text_column, *text_pair_column, *label_column;
    const char *tokens_column;   /* words, each with a label */
    bool label_all_tokens;       /* not only a word's first */
    const char *messages_column; /* chats, of a causal model */
    bool assistant_only;         /* the loss of replies alone */
    const char *question_column, *context_column, *answers_column;
    int64_t doc_stride;        /* tokens that windows share, -1: the task's */
    int64_t max_answer_length; /* tokens, of an evaluation */
    bool handle_impossible;    /* no answer is one, too */
    const char *source_column, *target_column;
    const char *source_lang, *target_lang, *source_prefix;
    int64_t max_target_length; /* tokens */
    bool predict_with_generate;
    int64_t generation_max_length, generation_num_beams; /* 0: not given */
    json_t *labels;                                      /* a list of strings */
    int problem_type; /* enum tf_problem; 0: as the labels are */
    int64_t max_length;
    int64_t block_size; /* tokens of a language model's records, 0: a row's */

    int64_t train_batch, eval_batch, accumulation;
    double epochs;
    int64_t max_steps; /* -1: by epochs */
    double learning_rate;
    const char *scheduler;
    json_t *scheduler_options;
    double warmup_steps, warmup_ratio;
    int optimizer; /* enum tf_train_optim */
    double weight_decay, beta1, beta2, eps;
    double max_grad_norm;
    double label_smoothing;

    int logging_strategy, eval_strategy, save_strategy; /* enum tf_strategy */
    double logging_steps, eval_steps, save_steps;       /* eval 0: logging's */
    double eval_delay; /* steps, or epochs, as the eval_strategy counts */
    bool eval_on_start, loss_only;
    bool logging_first_step;
    int64_t save_total_limit; /* 0: keep all */
    bool save_only_model;
    bool load_best;
    const char *best_metric; /* NULL: "loss" */
    bool greater_is_better, greater_given;
    int64_t early_stopping_patience; /* 0: never */
    double early_stopping_threshold;

    int64_t seed, data_seed; /* data_seed -1: seed */
    bool drop_last;
    bool recompute;              /* gradient_checkpointing */
    bool bf16;                   /* mixed precision, see struct tf_ctx */
    int sampling;                /* enum tf_sampling */
    json_t *resume;              /* a path, or true: the last of output_dir */
    const char *compute_metrics; /* a command of the shell */
    json_t *metrics;             /* a list of names */
    json_t *report_to;
    json_t *peft;        /* PEFT's LoraConfig, see train/peft.h */
    const char *adapter; /* a folder with one to go on with, instead */
    const char *logging_dir;

    char unknown[64]; /* the key that a failed call did not know, or "" */
};

/* Read a file and the words after it ("learning_rate=1e-4", a value as YAML
 * has it); then check that what is asked for fits together. The config is
 * released by the caller also on failure. */
int tf_train_config_open(struct tf_train_config *c, const char *path,
                         char *const *words, struct tf_err *err);
/* Does what is asked for fit together? Part of the above. */
int tf_train_config_check(const struct tf_train_config *c, struct tf_err *err);
void tf_train_config_release(struct tf_train_config *c);

/* All keys, "a|b|c"; free() releases. */
char *tf_train_config_keys(struct tf_err *err);

/* The learning rates that are asked for, over so many steps. */
int tf_train_schedule(const struct tf_train_config *c, int64_t steps,
                      struct tf_schedule *s, struct tf_err *err);

/* A count of steps out of `total`: at least 1. */
int64_t tf_train_steps(double steps, int64_t total);
#endif

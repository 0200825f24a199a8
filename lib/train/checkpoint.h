/*
 * Where a training run stands, and the folders checkpoint-N that keep it, with
 * Transformers' file names: config.json, model.safetensors, the tokenizer's
 * files, trainer_state.json, and optimizer.safetensors in place of its .pt
 * files.
 */
#ifndef TF_TRAIN_CHECKPOINT_H
#define TF_TRAIN_CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "model/model.h"
#include "train/optimizer.h"
#include "train/schedule.h"

struct tf_train_state {
    int64_t step;
    double epoch;
    double loss_sum; /* of the steps since the last log line, */
    int64_t logged;  /* which was after this step */
    double total_loss;
    bool has_best;
    double best_metric;
    int64_t best_step;
    int64_t patience; /* evaluations without a better metric */
    json_t *history;  /* log_history, a list; owned */
};

/* What a checkpoint is of. */
struct tf_checkpoint {
    const char *output_dir;
    struct tf_model *model;
    const char *model_dir;          /* generation_config.json goes with it, */
    const char *tokenizer_dir;      /* and the tokenizer's files */
    struct tf_optimizer *optimizer; /* NULL: its state is not kept */
    struct tf_train_state *state;
    struct tf_schedule *schedule; /* one that follows a metric has a state */
    json_t *settings; /* more members for trainer_state.json, borrowed */
};

int tf_train_state_init(struct tf_train_state *s, struct tf_err *err);
void tf_train_state_release(struct tf_train_state *s);

/* Copy the files of the tokenizer in `tokenizer`, and generation_config.json of
 * `model` when there is one, to another folder. */
int tf_checkpoint_copy(const char *model, const char *tokenizer, const char *to,
                       struct tf_err *err);

/* "output_dir/checkpoint-STEP"; free() releases. */
char *tf_checkpoint_path(const char *output_dir, int64_t step,
                         struct tf_err *err);
/* The step of the latest checkpoint of a folder; -1: there is none. */
int64_t tf_checkpoint_last(const char *output_dir);

/*
 * Write the folder of the state's step: aside, synced, then renamed, so that
 * there is never half of one. On failure older ones are as they were.
 */
int tf_checkpoint_save(const struct tf_checkpoint *c, struct tf_err *err);
/* Write the final model into output_dir itself, in the same way: no file there
 * is replaced before all of the new ones are on disk. */
int tf_checkpoint_finish(const struct tf_checkpoint *c, struct tf_err *err);
/* Remove all but the latest `limit`, and but the best one (its step, or -1). */
int tf_checkpoint_rotate(const char *output_dir, int64_t limit, int64_t best,
                         struct tf_err *err);
/* Go on from the checkpoint in the folder `dir`: weights, optimizer, state. */
int tf_checkpoint_load(const struct tf_checkpoint *c, const char *dir,
                       struct tf_err *err);
#endif

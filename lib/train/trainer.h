/*
 * Fine-tuning as Transformers' Trainer does it, from a config: the same
 * schedule of steps, evaluations and checkpoints, the same losses and logs. A
 * batch holds the same records as the Trainer's, laid end to end, and goes
 * through the model in parts of a bounded number of tokens whose gradients add
 * up; so no padding is computed and memory does not grow with the batch.
 */
#ifndef TF_TRAIN_TRAINER_H
#define TF_TRAIN_TRAINER_H

#include <signal.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/pool.h"
#include "train/config.h"

/* How a trainer speaks; it never prints. */
struct tf_train_hooks {
    void *arg;
    /* a line of tf(7)'s "A training config": one JSON object, no newline */
    void (*line)(void *arg, const char *json);
    /* something a user should know */
    void (*note)(void *arg, const char *text);
    /* after each step, how many of all were made; or NULL */
    void (*progress)(void *arg, int64_t steps, int64_t all);
    /* set, maybe by a signal: finish the step, save a checkpoint, return */
    const volatile sig_atomic_t *stop;
};

struct tf_trainer;

/*
 * Read the data, open the model in the folder `model_dir` (or make that of
 * config->from_config, which is then its path), and a checkpoint
 * when the config says so. Config, pool and hooks live as long as the trainer.
 * NULL and `err` on failure.
 */
struct tf_trainer *tf_trainer_new(const struct tf_train_config *config,
                                  const char *model_dir, struct tf_pool *pool,
                                  const struct tf_train_hooks *hooks,
                                  struct tf_err *err);
void tf_trainer_free(struct tf_trainer *t); /* NULL is allowed */

/* What would be done, as one JSON object: parameters, records, tokens, steps,
 * bytes of weights, gradients and the optimizer's state, and of memory in all,
 * by a run of some records. */
int tf_trainer_plan(struct tf_trainer *t, struct tf_buf *out,
                    struct tf_err *err);

/* Train. Returns 0 with the final model in output_dir, 1 when it was told to
 * stop and has saved a checkpoint, or -1. */
int tf_trainer_run(struct tf_trainer *t, struct tf_err *err);
#endif

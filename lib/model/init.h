/*
 * Models from nothing: the numbers that Transformers' _init_weights gives them.
 * Matrices and tables are normal with mean 0 and the config's
 * initializer_range (init_std, initializer_factor), biases 0, norms 1; the
 * row's "init" says what else its class does: GPT-2's output projections are
 * smaller with depth, T5's matrices with their width, a state space begins as
 * Mamba's does. The draws are this library's, not PyTorch's.
 */
#ifndef TF_MODEL_INIT_H
#define TF_MODEL_INIT_H

#include "model/model.h"

/*
 * A model of the configuration in the folder or config.json `path`, with
 * random numbers of opts->train->seed, as if it had been opened to be trained:
 * opts->train must be given. tf_model_save() writes it. NULL and `err` on
 * failure.
 */
struct tf_model *tf_model_init(const char *path,
                               const struct tf_model_opts *opts,
                               struct tf_err *err);

/* The task of the class that config.json's "architectures" names, for
 * opts->task; when it names none the first that the architecture has of
 * causal-lm and masked-lm. TF_TASK_NONE: a model without a head. */
int tf_model_task(const char *path, enum tf_task *task, struct tf_err *err);

/* Bring the parameters of a model that the files have not, all drawn alike, to
 * what the row says. */
void tf_init_fresh(struct tf_model *m);
#endif

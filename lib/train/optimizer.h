/*
 * Optimizers: AdamW and SGD as PyTorch's, Adafactor as Transformers'. A step
 * reads each gradient once, scaled by what clipping asks for, and leaves zeros
 * in its place for the next one.
 */
#ifndef TF_TRAIN_OPTIMIZER_H
#define TF_TRAIN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "nn/tensor.h"

/* A tensor that is trained: contiguous, with its gradient. */
struct tf_param {
    const char *name;
    struct tf_tensor *tensor; /* float32, or bfloat16 with a master */
    float *master; /* the float32 numbers that are stepped; NULL: the tensor's
                      own. The tensor gets them rounded. */
    bool decay;    /* weight decay acts on it */
};

enum tf_optimizer_kind { TF_ADAMW, TF_ADAFACTOR, TF_SGD };

struct tf_optimizer_config {
    enum tf_optimizer_kind kind;
    double weight_decay;
    double beta1, beta2, eps; /* AdamW; beta1 of Adafactor, where 0 is none */
    double momentum;          /* SGD */
    bool nesterov;
    /* Adafactor (Shazeer and Stern 2018): */
    double eps_square, eps_scale; /* its eps pair */
    double clip_threshold, decay_rate;
    bool scale_parameter, relative_step, warmup_init;
};

/* The defaults: AdamW's of TrainingArguments; Adafactor's as Trainer sets it
 * (no relative step, no parameter scale); SGD without momentum. */
void tf_optimizer_defaults(struct tf_optimizer_config *config,
                           enum tf_optimizer_kind kind);

struct tf_optimizer;

/* The params live as long as the optimizer. Its state begins at zero. */
struct tf_optimizer *tf_optimizer_new(const struct tf_optimizer_config *config,
                                      struct tf_param *params, size_t count,
                                      struct tf_err *err);
void tf_optimizer_free(struct tf_optimizer *opt); /* NULL is allowed */

/* Set all gradients to zero: before the first step, or to drop some. */
void tf_optimizer_zero(struct tf_optimizer *opt, struct tf_pool *pool);

/* The norm of all gradients as one vector. */
double tf_optimizer_norm(struct tf_optimizer *opt, struct tf_pool *pool);
/* What gradients of that norm are multiplied by to be no longer than max_norm
 * (torch.nn.utils.clip_grad_norm_); 1 when max_norm is 0. */
double tf_clip_factor(double norm, double max_norm);

/* One step at this learning rate with gradients times `factor`. */
void tf_optimizer_step(struct tf_optimizer *opt, struct tf_pool *pool,
                       double lr, double factor);

/*
 * The state, for checkpoints: how many steps were made, and arrays by PyTorch's
 * names. Array i of a param, i from 0, is NULL after the last; `name` and
 * `count` say what it is. It may be written to.
 */
int64_t tf_optimizer_steps(const struct tf_optimizer *opt);
void tf_optimizer_set_steps(struct tf_optimizer *opt, int64_t steps);
float *tf_optimizer_state(struct tf_optimizer *opt, size_t param, size_t i,
                          const char **name, size_t *count);
#endif

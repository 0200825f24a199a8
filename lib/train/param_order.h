/*
 * The order of a model's parameters in Transformers' class, by which torch's
 * optimizers number their states: that of named_parameters() in 5.23, which no
 * file of a model tells.
 */
#ifndef TF_TRAIN_PARAM_ORDER_H
#define TF_TRAIN_PARAM_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "model/model.h"

/*
 * Numbers of model->params that are trained, in that order; free() releases.
 * `count` gets how many. NULL and `err` when a name's place is not known.
 */
size_t *tf_param_order(const struct tf_model *model, size_t *count,
                       struct tf_err *err);

/* Does weight decay act on a parameter? As Trainer.get_decay_parameter_names().
 */
bool tf_param_decays(const struct tf_parameter *p);
#endif

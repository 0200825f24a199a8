/*
 * What torch.save(optimizer.state_dict()) wrote, as Transformers' Trainer keeps
 * it in checkpoints: optimizer.pt, read without running anything. States are
 * numbered there: parameters with weight decay in the order of
 * named_parameters(), then those without.
 */
#ifndef TF_TRAIN_OPTIMIZER_PT_H
#define TF_TRAIN_OPTIMIZER_PT_H

#include "base/err.h"
#include "model/model.h"
#include "train/optimizer.h"

/* Take the states of a model's parameters. `optimizer` is over the trained ones
 * in the model's order. -1 and `err` when a state is missing or has another
 * shape. */
int tf_optimizer_pt_load(const char *path, const struct tf_model *model,
                         struct tf_optimizer *optimizer, struct tf_err *err);
#endif

/*
 * What a schedule that follows a metric has seen, for checkpoints: as JSON, and
 * from the scheduler.pt of Transformers' Trainer.
 */
#ifndef TF_TRAIN_SCHEDULE_STATE_H
#define TF_TRAIN_SCHEDULE_STATE_H

#include <jansson.h>
#include "base/err.h"
#include "train/schedule.h"

/* A new object; NULL without memory. */
json_t *tf_schedule_json(const struct tf_schedule *s);
/* Take such an object; NULL: none, the state stays as it is. */
void tf_schedule_take(struct tf_schedule *s, json_t *state);

/* Take the state of PyTorch's ReduceLROnPlateau, and of any other schedule the
 * learning rate that it began with, as the Trainer does. */
int tf_schedule_pt_load(struct tf_schedule *s, const char *path,
                        struct tf_err *err);
#endif

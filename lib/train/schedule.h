/*
 * Learning rates over the steps of a training run: every lr_scheduler_type of
 * Transformers (get_scheduler and its lr_scheduler_kwargs), to the last digit.
 *
 *     tf_schedule_init(&s, "cosine", 5e-5, warmup, total, &err);
 *     tf_schedule_option(&s, "num_cycles", "1.5", &err);
 *     tf_schedule_check(&s, &err);
 *     ...lr = tf_schedule_rate(&s, step)...
 *
 * Two types do not follow the steps but a metric: reduce_lr_on_plateau (of
 * PyTorch) and greedy. They get it from tf_schedule_metric(), after every
 * evaluation.
 */
#ifndef TF_TRAIN_SCHEDULE_H
#define TF_TRAIN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

enum tf_schedule_type {
    TF_LINEAR,
    TF_COSINE,
    TF_COSINE_WITH_RESTARTS,
    TF_POLYNOMIAL,
    TF_CONSTANT,
    TF_CONSTANT_WITH_WARMUP,
    TF_INVERSE_SQRT,
    TF_REDUCE_ON_PLATEAU,
    TF_COSINE_WITH_MIN_LR,
    TF_COSINE_WARMUP_WITH_MIN_LR,
    TF_WARMUP_STABLE_DECAY,
    TF_GREEDY,
    TF_SCHEDULES /* how many */
};

/* How a ramp of warmup_stable_decay runs. */
enum tf_ramp { TF_RAMP_LINEAR, TF_RAMP_COSINE, TF_RAMP_ONE_MINUS_SQRT };

#define TF_SMOOTH_MAX 1000 /* metrics that greedy averages at most */

/* Numbers that were not set are NAN. */
struct tf_schedule {
    enum tf_schedule_type type;
    double lr; /* the learning rate that is given */
    double warmup, total;

    /* lr_scheduler_kwargs, by the names they have there */
    double num_cycles, lr_end, power, timescale;
    double min_lr, min_lr_rate, warmup_lr_rate;
    double num_decay_steps, num_stable_steps, min_lr_ratio;
    double warmup_type, decay_type; /* enum tf_ramp */
    double mode_max, threshold_abs; /* mode, threshold_mode: 0 or 1 */
    double factor, patience, threshold, cooldown, metric_warmup, max_lr, eps;
    double smooth, window_size, reset_start;

    /* what the types that follow a metric know; a checkpoint keeps it */
    struct tf_metric_state {
        double rate, best;
        int64_t good, bad, cooldown, warmup, reset;
        int64_t seen; /* metrics that the window holds */
        double sum, window[TF_SMOOTH_MAX];
    } state;
};

/* Set a schedule up by its name, with the defaults of its type. */
int tf_schedule_init(struct tf_schedule *s, const char *name, double lr,
                     int64_t warmup, int64_t total, struct tf_err *err);
/* Set one of lr_scheduler_kwargs from its text: a number, or a word where the
 * option takes one ("max", "abs", "cosine", "true"). */
int tf_schedule_option(struct tf_schedule *s, const char *key,
                       const char *value, struct tf_err *err);
/* Are the options whole and do they fit? Once, after the last one. */
int tf_schedule_check(struct tf_schedule *s, struct tf_err *err);

/* The rate of optimizer step `step`, counted from 0. */
double tf_schedule_rate(const struct tf_schedule *s, int64_t step);
/* True when the type follows a metric. */
bool tf_schedule_wants_metric(const struct tf_schedule *s);
void tf_schedule_metric(struct tf_schedule *s, double metric);

/* warmup_steps of TrainingArguments as steps: from 1 on it counts steps, below
 * it is a part of the total. */
int64_t tf_warmup_steps(double warmup, int64_t total);
#endif

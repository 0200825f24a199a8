#include "train/trainer_parts.h"

#include "base/io.h"
#include "train/parallel.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int order_epoch(struct tf_trainer *t, int64_t epoch, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    int64_t seed = c->data_seed >= 0 ? c->data_seed : c->seed;

    if (c->sampling == TF_SAMPLE_SEQUENTIAL) {
        for (size_t i = 0; i < t->train.count; i++)
            t->order[i] = (uint32_t)i;
        return 0;
    }
    tf_order_shuffle((uint64_t)seed, (uint64_t)epoch, t->order, t->train.count);
    return c->sampling == TF_SAMPLE_BY_LENGTH
               ? tf_order_by_length(&t->train, (size_t)c->train_batch, t->order,
                                    err)
               : 0;
}

/* metric_for_best_model as the metrics have it: "eval_loss" is "loss". */
static const char *best_metric(const struct tf_train_config *c)
{
    const char *name = c->best_metric ? c->best_metric : "loss";

    return strncmp(name, "eval_", 5) ? name : name + 5;
}

/* Keep in mind whether this evaluation is the best so far, as Trainer and
 * EarlyStoppingCallback do, and let a schedule that follows the metric know. */
static int judge_best(struct tf_trainer *t, double loss,
                      const struct tf_metrics *metrics, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    const char *name = best_metric(c);
    size_t n = strlen(name);
    bool is_loss = n >= 4 && !strcmp(name + n - 4, "loss");
    bool greater = c->greater_given ? c->greater_is_better : !is_loss;
    struct tf_train_state *s = &t->state;
    bool followed = tf_schedule_wants_metric(&t->schedule);
    double value = loss;
    bool better, enough;

    if (!c->load_best && !c->best_metric && !c->early_stopping_patience &&
        !followed)
        return 0;
    if (strcmp(name, "loss") && !tf_metrics_find(metrics, name, &value))
        return tf_fail(err, "metric_for_best_model: there is no \"%.100s\"",
                       name);
    if (followed)
        tf_schedule_metric(&t->schedule, value);
    better = !s->has_best ||
             (greater ? value > s->best_metric : value < s->best_metric);
    enough = !s->has_best || (better && fabs(value - s->best_metric) >
                                            c->early_stopping_threshold);
    s->patience = enough ? 0 : s->patience + 1;
    if (c->early_stopping_patience && s->patience >= c->early_stopping_patience)
        t->early = true;
    t->best_now = better;
    if (better) {
        s->has_best = true;
        s->best_metric = value;
        s->best_step = s->step;
    }
    return 0;
}

static int evaluate(struct tf_trainer *t, bool judged, struct tf_err *err)
{
    struct tf_metrics metrics = { 0 };
    double start = now(), loss = 0;
    int failed = tf_train_evaluate(t, &loss, &metrics, err);

    if (!failed && !tf_parallel_rank())
        failed = tf_train_log_metrics(t, loss, &metrics, now() - start, err) ||
                 (judged && judge_best(t, loss, &metrics, err));
    tf_metrics_release(&metrics);
    return failed ? -1 : 0;
}

/* The first of several processes judges; all hear whether to go on, and what
 * the learning rates make of the metric. */
static int evaluate_for_all(struct tf_trainer *t, struct tf_err *err)
{
    if (evaluate(t, true, err))
        return -1;
    return tf_parallel_share(&t->early, sizeof(t->early), err) ||
           tf_parallel_share(&t->schedule, sizeof(t->schedule), err);
}

static struct tf_checkpoint checkpoint_of(struct tf_trainer *t)
{
    return (struct tf_checkpoint){
        .output_dir = t->config->output_dir,
        .model = t->model,
        .model_dir = t->model_dir,
        .tokenizer_dir = t->tokenizer_dir,
        .optimizer = t->config->save_only_model ? NULL : t->optimizer,
        .state = &t->state,
        .schedule = &t->schedule,
        .settings = t->settings,
    };
}

/* What is left, and how to go on, where a folder can't be written. */
static int advise(const struct tf_trainer *t, struct tf_err *err)
{
    struct tf_err why = *err;

    return !t->saved
               ? tf_fail(err, "%s; this run has no checkpoint yet", why.msg)
               : tf_fail(err,
                         "%.300s; checkpoint-%lld is whole: go on from it "
                         "with resume_from_checkpoint=true",
                         why.msg, (long long)t->saved);
}

static int save(struct tf_trainer *t, struct tf_err *err)
{
    struct tf_checkpoint c = checkpoint_of(t);
    int64_t best =
        t->config->load_best && t->state.has_best ? t->state.best_step : -1;

    if (tf_parallel_rank())
        return 0;
    if (tf_checkpoint_save(&c, err))
        return advise(t, err);
    t->saved = t->state.step;
    return t->config->save_total_limit
               ? tf_checkpoint_rotate(t->config->output_dir,
                                      t->config->save_total_limit, best, err)
               : 0;
}

/* Is it time for what is done by `strategy` every so many steps? */
static bool is_time(const struct tf_trainer *t, int strategy, int64_t every)
{
    if (strategy == TF_STRATEGY_STEPS)
        return t->state.step % every == 0;
    return strategy == TF_STRATEGY_EPOCH &&
           (t->state.step % t->steps_per_epoch == 0 ||
            t->state.step == t->max_steps);
}

/* As Trainer, a run that evaluates by steps ends with an evaluation. */
static bool is_time_to_evaluate(const struct tf_trainer *t)
{
    const struct tf_train_config *c = t->config;
    bool last =
        c->eval_strategy == TF_STRATEGY_STEPS && t->state.step == t->max_steps;
    double done = c->eval_strategy == TF_STRATEGY_EPOCH ? t->state.epoch
                                                        : (double)t->state.step;

    return (last || is_time(t, c->eval_strategy, t->eval_steps)) &&
           c->eval_delay <= done;
}

/* Log, evaluate and save as this step asks for; as Trainer, a run ends with a
 * checkpoint when it saves by steps. */
static int after_step(struct tf_trainer *t, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    bool first = c->logging_first_step && t->state.step == 1;
    bool last_saved =
        c->save_strategy == TF_STRATEGY_STEPS && t->state.step == t->max_steps;

    if ((first || is_time(t, c->logging_strategy, t->logging_steps)) &&
        tf_train_log_steps(t, err))
        return -1;
    t->best_now = false;
    if (is_time_to_evaluate(t) && evaluate_for_all(t, err))
        return -1;
    if ((last_saved || (c->save_strategy == TF_STRATEGY_BEST && t->best_now) ||
         is_time(t, c->save_strategy, t->save_steps)) &&
        save(t, err))
        return -1;
    return 0;
}

static bool told_to_stop(const struct tf_trainer *t)
{
    return tf_parallel_size() > 1 ? t->told_to_stop
                                  : t->hooks->stop && *t->hooks->stop;
}

static int one_step(struct tf_trainer *t, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_train_state *s = &t->state;
    int64_t in_epoch = s->step % t->steps_per_epoch;
    size_t batch = (size_t)c->train_batch, width = batch;
    size_t first, end, all = t->batches * batch;
    double loss;

    width *= (size_t)c->accumulation;
    first = (size_t)in_epoch * width;
    all = all < t->train.count ? all : t->train.count;
    end = first + width < all ? first + width : all;
    if (tf_train_step(t, t->order + first, end - first, &loss, err))
        return -1;
    s->step++;
    /* batches done over batches in all */
    s->epoch =
        (double)((s->step - 1) / t->steps_per_epoch) +
        fmin((double)((in_epoch + 1) * c->accumulation), (double)t->batches) /
            (double)t->batches;
    s->loss_sum += loss;
    s->total_loss += loss;
    if (t->hooks->progress)
        t->hooks->progress(t->hooks->arg, s->step, t->max_steps);
    return after_step(t, err);
}

/* 0 at the end, 1 when told to stop. */
static int loop(struct tf_trainer *t, struct tf_err *err)
{
    int64_t epoch = -1;

    while (t->state.step < t->max_steps && !t->early) {
        if (t->state.step / t->steps_per_epoch != epoch) {
            epoch = t->state.step / t->steps_per_epoch;
            if (order_epoch(t, epoch, err))
                return -1;
        }
        if (one_step(t, err))
            return -1;
        if (told_to_stop(t))
            return save(t, err) ? -1 : 1;
    }
    return 0;
}

/* The final model, the best one when that is asked for. */
static int finish(struct tf_trainer *t, struct tf_err *err)
{
    struct tf_checkpoint c = checkpoint_of(t);

    if (tf_parallel_rank())
        return 0;
    if (t->config->load_best && t->state.has_best) {
        char *best = tf_checkpoint_path(c.output_dir, t->state.best_step, err);
        int failed = !best || tf_model_load(t->model, best, err);

        free(best);
        if (failed)
            return -1;
    }
    c.optimizer = NULL;
    return tf_checkpoint_finish(&c, err) ? advise(t, err) : 0;
}

/* It would be known too late that nothing can be saved. */
static int check_output(const struct tf_trainer *t, struct tf_err *err)
{
    const char *dir = t->config->output_dir;

    if (tf_dir_make(dir, err))
        return -1;
    return access(dir, W_OK | X_OK)
               ? tf_fail(err, "%.300s: can't write: %s", dir, strerror(errno))
               : 0;
}

int tf_trainer_run(struct tf_trainer *t, struct tf_err *err)
{
    double start = now();
    int stopped;

    if (!tf_parallel_rank() &&
        (check_output(t, err) || tf_train_open_events(t, err)))
        return -1;
    if (t->config->eval_on_start && evaluate(t, false, err))
        return -1;
    stopped = loop(t, err);
    if (stopped)
        return stopped;
    if (tf_train_log_end(t, now() - start, err) || finish(t, err))
        return -1;
    return *t->lost.msg ? tf_fail(err, "%.300s; the model is whole, in %.100s",
                                  t->lost.msg, t->config->output_dir)
                        : 0;
}

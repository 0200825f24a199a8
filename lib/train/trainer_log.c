#include "train/trainer_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "base/io.h"
#include "base/jsonl.h"

/* One flat JSON object, numbers as tf(7) has them. */
static void put_row(struct tf_buf *b, json_t *row)
{
    const char *name, *comma = "{";
    json_t *v;

    json_object_foreach (row, name, v) {
        tf_buf_adds(b, comma);
        tf_put_string(b, name, strlen(name));
        tf_buf_adds(b, ": ");
        if (json_is_integer(v))
            tf_put_int(b, json_integer_value(v));
        else if (json_is_real(v))
            tf_put_double(b, json_real_value(v));
        else
            tf_buf_adds(b, "null");
        comma = ", ";
    }
    tf_buf_addc(b, '}');
}

static bool reports(json_t *report_to)
{
    const char *s = json_string_value(report_to);
    size_t i;
    json_t *v;

    json_array_foreach (report_to, i, v)
        if (!strcmp(json_string_value(v), "tensorboard"))
            return true;
    return s && !strcmp(s, "tensorboard");
}

int tf_train_open_events(struct tf_trainer *t, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    char *name, *runs, *dir;
    const char *given;

    if (!reports(c->report_to))
        return 0;
    given = c->logging_dir ? c->logging_dir : getenv("TENSORBOARD_LOGGING_DIR");
    if (given && *given) {
        t->events = tf_events_open(given, err);
        return t->events ? 0 : -1;
    }
    name = tf_events_run_name(err);
    runs = name ? tf_path(c->output_dir, "runs", err) : NULL;
    dir = runs ? tf_path(runs, name, err) : NULL;
    t->events = dir ? tf_events_open(dir, err) : NULL;
    free(name);
    free(runs);
    free(dir);
    return t->events ? 0 : -1;
}

/* "eval_loss" is eval/loss to TensorBoard, all that is not so train/... */
static int put_events(struct tf_trainer *t, json_t *row, struct tf_err *err)
{
    const char *name;
    json_t *v;

    json_object_foreach (row, name, v) {
        bool eval = !strncmp(name, "eval_", 5);
        char tag[96];

        if (!json_is_number(v) || !strcmp(name, "step"))
            continue;
        snprintf(tag, sizeof(tag), "%s/%.80s", eval ? "eval" : "train",
                 eval ? name + 5 : name);
        if (tf_events_scalar(t->events, tag, (float)json_number_value(v),
                             t->state.step, err))
            return -1;
    }
    return 0;
}

/* A run is worth more than its curves: it goes on without them. */
static void lose_events(struct tf_trainer *t)
{
    struct tf_buf note = TF_BUF_INIT;

    tf_events_close(t->events);
    t->events = NULL;
    tf_buf_addf(&note, "%s; training goes on without TensorBoard's events",
                t->lost.msg);
    t->hooks->note(t->hooks->arg, tf_buf_cstr(&note));
    tf_buf_release(&note);
}

int tf_train_log(struct tf_trainer *t, json_t *row, struct tf_err *err)
{
    struct tf_buf line = TF_BUF_INIT;

    if (!row)
        return tf_no_memory(err, 1);
    put_row(&line, row);
    t->hooks->line(t->hooks->arg, tf_buf_cstr(&line));
    tf_buf_release(&line);
    if (t->events && put_events(t, row, &t->lost))
        lose_events(t);
    return json_array_append_new(t->state.history, row) ? tf_no_memory(err, 1)
                                                        : 0;
}

/* A number that may not be finite. */
static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

int tf_train_log_steps(struct tf_trainer *t, struct tf_err *err)
{
    struct tf_train_state *s = &t->state;
    double loss = s->loss_sum / (double)(s->step - s->logged);

    s->loss_sum = 0;
    s->logged = s->step;
    return tf_train_log(
        t,
        json_pack("{s:I, s:f, s:o, s:o, s:o}", "step", (json_int_t)s->step,
                  "epoch", s->epoch, "loss", real(loss), "learning_rate",
                  real(t->last_rate), "grad_norm", real(t->last_norm)),
        err);
}

int tf_train_log_metrics(struct tf_trainer *t, double loss,
                         const struct tf_metrics *metrics, double seconds,
                         struct tf_err *err)
{
    double n = (double)t->valid.count;
    double batches = ceil(n / (double)t->config->eval_batch);
    json_t *row =
        json_pack("{s:I, s:f, s:o}", "step", (json_int_t)t->state.step, "epoch",
                  t->state.epoch, "eval_loss", real(loss));
    char name[96];

    for (size_t i = 0; i < metrics->count; i++) {
        if (metrics->v[i].group)
            continue;
        snprintf(name, sizeof(name), "eval_%.80s", metrics->v[i].name);
        json_object_set_new(row, name, real(metrics->v[i].value));
    }
    json_object_set_new(row, "eval_runtime", real(seconds));
    json_object_set_new(row, "eval_samples_per_second", real(n / seconds));
    json_object_set_new(row, "eval_steps_per_second", real(batches / seconds));
    return tf_train_log(t, row, err);
}

int tf_train_log_end(struct tf_trainer *t, double seconds, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    double steps = (double)t->max_steps, samples;
    struct rusage usage;

    samples = c->max_steps > 0
                  ? steps * (double)(c->train_batch * c->accumulation)
                  : c->epochs * (double)t->train.count;
    getrusage(RUSAGE_SELF, &usage);
    return tf_train_log(
        t,
        json_pack("{s:f, s:o, s:o, s:o, s:I}", "train_runtime", seconds,
                  "train_samples_per_second", real(samples / seconds),
                  "train_steps_per_second", real(steps / seconds), "train_loss",
                  real(t->state.total_loss / (double)t->state.step),
                  "peak_rss_bytes", (json_int_t)usage.ru_maxrss * 1024),
        err);
}

#include "train/schedule_state.h"

#include <math.h>
#include <string.h>
#include "format/torchbin.h"
#include "model/config.h"

/* An infinite number, which JSON has not, is null. */
static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *tf_schedule_json(const struct tf_schedule *s)
{
    const struct tf_metric_state *m = &s->state;
    json_t *window = json_array();

    for (int64_t i = 0; window && i < m->seen; i++)
        json_array_append_new(window, json_real(m->window[i]));
    return json_pack("{s:f, s:o, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "rate",
                     m->rate, "best", real(m->best), "good",
                     (json_int_t)m->good, "bad", (json_int_t)m->bad, "cooldown",
                     (json_int_t)m->cooldown, "warmup", (json_int_t)m->warmup,
                     "reset", (json_int_t)m->reset, "sum", m->sum, "window",
                     window);
}

static int64_t count(json_t *state, const char *key)
{
    json_t *v = json_object_get(state, key);

    return json_is_integer(v) ? json_integer_value(v) : 0;
}

void tf_schedule_take(struct tf_schedule *s, json_t *state)
{
    struct tf_metric_state *m = &s->state;
    json_t *window = json_object_get(state, "window");
    json_t *best = json_object_get(state, "best");
    json_t *rate = json_object_get(state, "rate");

    if (!json_is_object(state))
        return;
    if (json_is_number(rate))
        m->rate = json_number_value(rate);
    if (json_is_number(best))
        m->best = json_number_value(best);
    m->good = count(state, "good");
    m->bad = count(state, "bad");
    m->cooldown = count(state, "cooldown");
    m->warmup = count(state, "warmup");
    m->reset = count(state, "reset");
    m->sum = json_number_value(json_object_get(state, "sum"));
    m->seen = 0;
    while (m->seen < (int64_t)json_array_size(window) &&
           (double)m->seen < s->window_size && m->seen < TF_SMOOTH_MAX) {
        m->window[m->seen] =
            json_number_value(json_array_get(window, (size_t)m->seen));
        m->seen++;
    }
}

/* A number in a dict; NAN: there is none. */
static double number(const struct tf_pickle *node)
{
    return !node                           ? NAN
           : node->type == TF_PICKLE_FLOAT ? node->number
           : node->type == TF_PICKLE_INT   ? (double)node->integer
                                           : NAN;
}

/* The first number of a list in a dict. */
static double first(const struct tf_pickle *dict, const char *key)
{
    const struct tf_pickle *list = tf_pickle_get(dict, key);

    return list && list->type == TF_PICKLE_LIST && list->count
               ? number(list->items[0])
               : NAN;
}

static void take_plateau(struct tf_schedule *s, const struct tf_pickle *root)
{
    double best = number(tf_pickle_get(root, "best"));
    double bad = number(tf_pickle_get(root, "num_bad_epochs"));
    double cooldown = number(tf_pickle_get(root, "cooldown_counter"));
    double rate = first(root, "_last_lr");

    if (!isnan(best))
        s->state.best = best;
    if (bad >= 0 && bad < 1e15)
        s->state.bad = (int64_t)bad;
    if (cooldown >= 0 && cooldown < 1e15)
        s->state.cooldown = (int64_t)cooldown;
    if (isfinite(rate))
        s->state.rate = rate;
}

int tf_schedule_pt_load(struct tf_schedule *s, const char *path,
                        struct tf_err *err)
{
    struct tf_torchbin *file = tf_torchbin_open(path, err);
    const struct tf_pickle *root;
    int failed = 0;

    if (!file)
        return -1;
    root = tf_torchbin_root(file);
    if (!root || root->type != TF_PICKLE_DICT)
        failed = tf_fail(err, "%.300s: not a schedule's state", path);
    else if (s->type == TF_REDUCE_ON_PLATEAU)
        take_plateau(s, root);
    else if (!tf_schedule_wants_metric(s) && isfinite(first(root, "base_lrs")))
        s->lr = first(root, "base_lrs");
    tf_torchbin_close(file);
    return failed;
}

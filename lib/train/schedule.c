#include "train/schedule.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[TF_SCHEDULES] = {
    [TF_LINEAR] = "linear",
    [TF_COSINE] = "cosine",
    [TF_COSINE_WITH_RESTARTS] = "cosine_with_restarts",
    [TF_POLYNOMIAL] = "polynomial",
    [TF_CONSTANT] = "constant",
    [TF_CONSTANT_WITH_WARMUP] = "constant_with_warmup",
    [TF_INVERSE_SQRT] = "inverse_sqrt",
    [TF_REDUCE_ON_PLATEAU] = "reduce_lr_on_plateau",
    [TF_COSINE_WITH_MIN_LR] = "cosine_with_min_lr",
    [TF_COSINE_WARMUP_WITH_MIN_LR] = "cosine_warmup_with_min_lr",
    [TF_WARMUP_STABLE_DECAY] = "warmup_stable_decay",
    [TF_GREEDY] = "greedy",
};

/* The words an option takes instead of a number, in the order of its values. */
static const char *const ramps[] = { "linear", "cosine", "1-sqrt", NULL };
static const char *const modes[] = { "min", "max", NULL };
static const char *const thresholds[] = { "rel", "abs", NULL };
static const char *const bools[] = { "false", "true", NULL };

/* An option of one type, or of two, with its default in each. */
static const struct option {
    enum tf_schedule_type type;
    const char *key;
    size_t offset;
    double normal;
    const char *const *words;
} options[] = {
#define OPTION(type, key, field, normal, words)                                \
    {                                                                          \
        type, key, offsetof(struct tf_schedule, field), normal, words          \
    }
#define NUMBER(type, name, normal) OPTION(type, #name, name, normal, NULL)
    NUMBER(TF_COSINE, num_cycles, 0.5),
    NUMBER(TF_COSINE_WITH_RESTARTS, num_cycles, 1),
    NUMBER(TF_POLYNOMIAL, lr_end, 1e-7),
    NUMBER(TF_POLYNOMIAL, power, 1),
    NUMBER(TF_INVERSE_SQRT, timescale, NAN),
    NUMBER(TF_COSINE_WITH_MIN_LR, num_cycles, 0.5),
    NUMBER(TF_COSINE_WITH_MIN_LR, min_lr, NAN),
    NUMBER(TF_COSINE_WITH_MIN_LR, min_lr_rate, NAN),
    NUMBER(TF_COSINE_WARMUP_WITH_MIN_LR, num_cycles, 0.5),
    NUMBER(TF_COSINE_WARMUP_WITH_MIN_LR, min_lr, NAN),
    NUMBER(TF_COSINE_WARMUP_WITH_MIN_LR, min_lr_rate, NAN),
    NUMBER(TF_COSINE_WARMUP_WITH_MIN_LR, warmup_lr_rate, NAN),
    NUMBER(TF_WARMUP_STABLE_DECAY, num_decay_steps, NAN),
    NUMBER(TF_WARMUP_STABLE_DECAY, num_stable_steps, NAN),
    NUMBER(TF_WARMUP_STABLE_DECAY, min_lr_ratio, 0),
    NUMBER(TF_WARMUP_STABLE_DECAY, num_cycles, 0.5),
    OPTION(TF_WARMUP_STABLE_DECAY, "warmup_type", warmup_type, TF_RAMP_LINEAR,
           ramps),
    OPTION(TF_WARMUP_STABLE_DECAY, "decay_type", decay_type, TF_RAMP_COSINE,
           ramps),
    OPTION(TF_REDUCE_ON_PLATEAU, "mode", mode_max, 0, modes),
    OPTION(TF_REDUCE_ON_PLATEAU, "threshold_mode", threshold_abs, 0,
           thresholds),
    NUMBER(TF_REDUCE_ON_PLATEAU, factor, 0.1),
    NUMBER(TF_REDUCE_ON_PLATEAU, patience, 10),
    NUMBER(TF_REDUCE_ON_PLATEAU, threshold, 1e-4),
    NUMBER(TF_REDUCE_ON_PLATEAU, cooldown, 0),
    NUMBER(TF_REDUCE_ON_PLATEAU, min_lr, 0),
    NUMBER(TF_REDUCE_ON_PLATEAU, eps, 1e-8),
    OPTION(TF_GREEDY, "mode", mode_max, 0, modes),
    OPTION(TF_GREEDY, "threshold_mode", threshold_abs, 1, thresholds),
    NUMBER(TF_GREEDY, factor, 0.95),
    NUMBER(TF_GREEDY, patience, 10),
    NUMBER(TF_GREEDY, threshold, 1e-6),
    NUMBER(TF_GREEDY, cooldown, 0),
    OPTION(TF_GREEDY, "warmup", metric_warmup, 0, NULL),
    NUMBER(TF_GREEDY, min_lr, 1e-3),
    NUMBER(TF_GREEDY, max_lr, 1),
    NUMBER(TF_GREEDY, eps, 1e-8),
    OPTION(TF_GREEDY, "smooth", smooth, 0, bools),
    NUMBER(TF_GREEDY, window_size, 50),
    NUMBER(TF_GREEDY, reset_start, 500),
#undef NUMBER
#undef OPTION
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static double *field(struct tf_schedule *s, const struct option *o)
{
    return (double *)(void *)((char *)s + o->offset);
}

static void forget_metrics(struct tf_schedule *s)
{
    struct tf_metric_state *m = &s->state;

    memset(m, 0, sizeof(*m));
    m->rate = s->lr;
    m->best = s->mode_max != 0 ? -INFINITY : INFINITY;
    m->reset = (int64_t)s->reset_start;
}

int tf_schedule_init(struct tf_schedule *s, const char *name, double lr,
                     int64_t warmup, int64_t total, struct tf_err *err)
{
    int type, i;

    for (type = 0; type < TF_SCHEDULES; type++)
        if (!strcmp(names[type], name))
            break;
    if (type == TF_SCHEDULES)
        return tf_fail(err,
                       "lr_scheduler_type \"%s\" is unknown (linear, "
                       "cosine, constant, ...)",
                       name);
    memset(s, 0, sizeof(*s));
    s->type = (enum tf_schedule_type)type;
    s->lr = lr;
    s->warmup = (double)warmup;
    s->total = (double)total;
    for (i = 0; i < OPTIONS; i++)
        if (options[i].type == s->type)
            *field(s, &options[i]) = options[i].normal;
    forget_metrics(s);
    return 0;
}

static int bad_word(const struct option *o, const char *value,
                    struct tf_err *err)
{
    char list[64] = "";
    int i;

    for (i = 0; o->words[i]; i++) {
        strcat(list, i ? ", " : "");
        strcat(list, o->words[i]);
    }
    return tf_fail(err, "lr_scheduler_kwargs: %s is \"%.100s\", not one of %s",
                   o->key, value, list);
}

int tf_schedule_option(struct tf_schedule *s, const char *key,
                       const char *value, struct tf_err *err)
{
    const struct option *o = options;
    double *number;
    char *end;
    int i;

    while (o < options + OPTIONS && (o->type != s->type || strcmp(o->key, key)))
        o++;
    if (o == options + OPTIONS)
        return tf_fail(err, "lr_scheduler_kwargs: %s does not take \"%.100s\"",
                       names[s->type], key);
    number = field(s, o);
    if (o->words) {
        for (i = 0; o->words[i] && strcmp(o->words[i], value); i++)
            ;
        *number = i;
        return o->words[i] ? 0 : bad_word(o, value, err);
    }
    *number = strtod(value, &end);
    if (end == value || *end || !isfinite(*number))
        return tf_fail(err,
                       "lr_scheduler_kwargs: %s is \"%.100s\", not a number",
                       key, value);
    return 0;
}

/* min_lr and min_lr_rate say the same: one of them, then the rate is known. */
static int check_min_lr(struct tf_schedule *s, struct tf_err *err)
{
    if (isnan(s->min_lr) == isnan(s->min_lr_rate))
        return tf_fail(err,
                       "lr_scheduler_kwargs: %s needs min_lr or "
                       "min_lr_rate, one of them",
                       names[s->type]);
    if (isnan(s->min_lr_rate))
        s->min_lr_rate = s->min_lr / s->lr;
    return 0;
}

static int check_metric(struct tf_schedule *s, struct tf_err *err)
{
    if (s->factor >= 1)
        return tf_fail(err, "lr_scheduler_kwargs: factor is %g, not below 1",
                       s->factor);
    if (s->smooth != 0 &&
        !(s->window_size >= 1 && s->window_size <= TF_SMOOTH_MAX))
        return tf_fail(err,
                       "lr_scheduler_kwargs: window_size is %g, not 1 to %d",
                       s->window_size, TF_SMOOTH_MAX);
    forget_metrics(s);
    return 0;
}

int tf_schedule_check(struct tf_schedule *s, struct tf_err *err)
{
    switch (s->type) {
    case TF_POLYNOMIAL:
        if (s->lr > s->lr_end)
            return 0;
        return tf_fail(err,
                       "lr_scheduler_kwargs: lr_end is %g, not below the "
                       "learning rate %g",
                       s->lr_end, s->lr);
    case TF_INVERSE_SQRT:
        if (isnan(s->timescale))
            s->timescale = s->warmup > 0 ? s->warmup : 10000;
        return 0;
    case TF_COSINE_WITH_MIN_LR:
    case TF_COSINE_WARMUP_WITH_MIN_LR:
        return check_min_lr(s, err);
    case TF_WARMUP_STABLE_DECAY:
        if (isnan(s->num_decay_steps))
            return tf_fail(err, "lr_scheduler_kwargs: warmup_stable_decay "
                                "needs num_decay_steps");
        if (isnan(s->num_stable_steps))
            s->num_stable_steps = s->total - s->warmup - s->num_decay_steps;
        return 0;
    default:
        return tf_schedule_wants_metric(s) ? check_metric(s, err) : 0;
    }
}

static const double PI = 3.141592653589793;

static double at_least(double low, double x)
{
    return x > low ? x : low;
}

/* The part of the way from the warm-up to the last step. */
static double progress(const struct tf_schedule *s, double step)
{
    return (step - s->warmup) / at_least(1, s->total - s->warmup);
}

static double wave(double cycles, double x)
{
    return 0.5 * (1 + cos(PI * cycles * 2 * x));
}

static double cosine_warmup_with_min_lr(const struct tf_schedule *s,
                                        double step)
{
    double x, low = s->warmup_lr_rate;

    if (step < s->warmup && isnan(low))
        return (step + 1) / at_least(1, s->warmup);
    if (step < s->warmup)
        return low + (1 - low) * step / at_least(1, s->warmup - 1);
    x = (step - s->warmup + 1) / at_least(1, s->total - s->warmup);
    return at_least(0, wave(s->num_cycles, x) * (1 - s->min_lr_rate) +
                           s->min_lr_rate);
}

static double polynomial(const struct tf_schedule *s, double step)
{
    double left;

    if (step > s->total)
        return s->lr_end / s->lr;
    left = s->total > s->warmup
               ? 1 - (step - s->warmup) / (s->total - s->warmup)
               : 1;
    return ((s->lr - s->lr_end) * pow(left, s->power) + s->lr_end) / s->lr;
}

static double warmup_stable_decay(const struct tf_schedule *s, double step)
{
    double x, decay = step - s->warmup - s->num_stable_steps;

    if (step >= s->warmup && decay < 0)
        return 1;
    if (decay >= s->num_decay_steps)
        return s->min_lr_ratio;
    if (step < s->warmup) {
        x = step / at_least(1, s->warmup);
        if (s->warmup_type == TF_RAMP_COSINE)
            x = 0.5 * (1 - cos(PI * x));
        else if (s->warmup_type == TF_RAMP_ONE_MINUS_SQRT)
            x = 1 - sqrt(1 - x);
    } else {
        x = decay / at_least(1, s->num_decay_steps);
        if (s->decay_type == TF_RAMP_LINEAR)
            x = 1 - x;
        else if (s->decay_type == TF_RAMP_COSINE)
            x = wave(s->num_cycles, x);
        else
            x = 1 - sqrt(x);
    }
    return at_least(0, x * (1 - s->min_lr_ratio) + s->min_lr_ratio);
}

/* What a step's rate is of the given one. */
static double part(const struct tf_schedule *s, double step)
{
    double x;

    if (s->type == TF_CONSTANT)
        return 1;
    if (s->type == TF_COSINE_WARMUP_WITH_MIN_LR)
        return cosine_warmup_with_min_lr(s, step);
    if (s->type == TF_WARMUP_STABLE_DECAY)
        return warmup_stable_decay(s, step);
    if (step < s->warmup)
        return step / at_least(1, s->warmup);
    x = progress(s, step);
    switch (s->type) {
    case TF_LINEAR:
        return at_least(0,
                        (s->total - step) / at_least(1, s->total - s->warmup));
    case TF_COSINE:
        return at_least(0, wave(s->num_cycles, x));
    case TF_COSINE_WITH_RESTARTS:
        if (x >= 1)
            return 0;
        return at_least(0, 0.5 * (1 + cos(PI * fmod(s->num_cycles * x, 1))));
    case TF_POLYNOMIAL:
        return polynomial(s, step);
    case TF_INVERSE_SQRT:
        return 1 / sqrt((step + s->timescale - s->warmup) / s->timescale);
    case TF_COSINE_WITH_MIN_LR:
        return at_least(0, wave(s->num_cycles, x) * (1 - s->min_lr_rate) +
                               s->min_lr_rate);
    default:
        return 1;
    }
}

double tf_schedule_rate(const struct tf_schedule *s, int64_t step)
{
    if (tf_schedule_wants_metric(s))
        return s->state.rate;
    return s->lr * part(s, (double)step);
}

bool tf_schedule_wants_metric(const struct tf_schedule *s)
{
    return s->type == TF_REDUCE_ON_PLATEAU || s->type == TF_GREEDY;
}

static bool better(const struct tf_schedule *s, double metric)
{
    double best = s->state.best, d = s->threshold;

    if (s->threshold_abs != 0)
        return s->mode_max != 0 ? metric > best + d : metric < best - d;
    return s->mode_max != 0 ? metric > best * (1 + d) : metric < best * (1 - d);
}

static void reduce(struct tf_schedule *s)
{
    double rate = at_least(s->min_lr, s->state.rate * s->factor);

    if (s->state.rate - rate > s->eps)
        s->state.rate = rate;
}

/* ReduceLROnPlateau of PyTorch */
static void plateau(struct tf_schedule *s, double metric)
{
    struct tf_metric_state *m = &s->state;

    m->bad++;
    if (better(s, metric)) {
        m->best = metric;
        m->bad = 0;
    }
    if (m->cooldown > 0) {
        m->cooldown--;
        m->bad = 0;
    }
    if ((double)m->bad > s->patience) {
        reduce(s);
        m->cooldown = (int64_t)s->cooldown;
        m->bad = 0;
    }
}

/* The mean of the metrics in the window, this one included. */
static double smoothed(struct tf_schedule *s, double metric)
{
    struct tf_metric_state *m = &s->state;
    int64_t size = (int64_t)s->window_size;

    m->sum += metric;
    if (m->seen == size) {
        m->sum -= m->window[0];
        memmove(m->window, m->window + 1,
                (size_t)(size - 1) * sizeof(m->window[0]));
        m->seen--;
    }
    m->window[m->seen++] = metric;
    return m->sum / (double)m->seen;
}

static void greedy_change(struct tf_schedule *s, bool up)
{
    struct tf_metric_state *m = &s->state;
    double rate;

    if (up) {
        rate =
            m->rate / s->factor < s->max_lr ? m->rate / s->factor : s->max_lr;
        if (rate - m->rate > s->eps)
            m->rate = rate;
        m->reset = (int64_t)s->reset_start;
        return;
    }
    reduce(s);
    if (m->rate <= s->min_lr && --m->reset <= 0)
        forget_metrics(s);
}

/* GreedyLR of Transformers */
static void greedy(struct tf_schedule *s, double metric)
{
    struct tf_metric_state *m = &s->state;

    if (s->smooth != 0)
        metric = smoothed(s, metric);
    if (m->cooldown > 0 || m->warmup > 0) {
        if (m->cooldown > 0)
            m->cooldown--;
        else
            m->warmup--;
        m->bad = 0;
        m->good = 0;
        return;
    }
    if (better(s, metric)) {
        m->best = metric;
        m->good++;
        m->bad = 0;
    } else {
        m->bad++;
        m->good = 0;
    }
    if ((double)m->good > s->patience) {
        greedy_change(s, true);
        m->warmup = (int64_t)s->metric_warmup;
        m->good = 0;
    } else if ((double)m->bad > s->patience) {
        greedy_change(s, false);
        m->cooldown = (int64_t)s->cooldown;
        m->bad = 0;
    }
}

void tf_schedule_metric(struct tf_schedule *s, double metric)
{
    if (s->type == TF_GREEDY)
        greedy(s, metric);
    else if (s->type == TF_REDUCE_ON_PLATEAU)
        plateau(s, metric);
}

int64_t tf_warmup_steps(double warmup, int64_t total)
{
    if (warmup >= 1)
        return (int64_t)warmup;
    return (int64_t)ceil((double)total * warmup);
}

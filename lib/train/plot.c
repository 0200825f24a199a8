#include "train/plot.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "train/chart.h"
#include "train/checkpoint.h"

#define STATE     "trainer_state.json"
#define STATE_MAX ((size_t)1 << 28) /* bytes */
#define POINTS    500               /* of a line; more are averaged */
#define METRICS   5                 /* lines of a panel of metrics, at most */

enum { LOSS, UNIT, OTHER, RATE, PANELS };

struct run {
    json_t *history;
    struct tf_panel panels[PANELS];
    struct tf_err *err;
};

static struct tf_line *add_line(struct run *r, int panel, const char *name,
                                bool marks)
{
    struct tf_panel *p = &r->panels[panel];
    struct tf_line *lines =
        tf_grow(p->lines, p->count + 1, sizeof(*lines), r->err);

    if (!lines)
        return NULL;
    p->lines = lines;
    lines[p->count] = (struct tf_line){ .name = name, .marks = marks };
    return &lines[p->count++];
}

/* All values that the history has under a name. */
static int read_line(const struct run *r, struct tf_line *l, const char *name)
{
    size_t i;
    json_t *row;

    l->points =
        tf_alloc(json_array_size(r->history), sizeof(*l->points), r->err);
    if (!l->points)
        return -1;
    json_array_foreach (r->history, i, row) {
        json_t *v = json_object_get(row, name);
        double x = json_number_value(json_object_get(row, "step"));

        if (!json_is_number(v) || !isfinite(json_number_value(v)) ||
            (l->count && x < l->points[l->count - 1].x))
            continue;
        l->points[l->count++] = (struct tf_point){ x, json_number_value(v) };
    }
    return 0;
}

/* Means of runs of points, when there are more than can be seen. */
static void thin_out(struct tf_line *l)
{
    size_t run = (l->count + POINTS - 1) / POINTS, n = 0;

    for (size_t i = 0; run > 1 && i < l->count; i += run) {
        size_t end = i + run < l->count ? i + run : l->count;
        struct tf_point mean = { 0, 0 };

        for (size_t k = i; k < end; k++) {
            mean.x += l->points[k].x / (double)(end - i);
            mean.y += l->points[k].y / (double)(end - i);
        }
        l->points[n++] = mean;
    }
    if (run > 1)
        l->count = n;
}

static int add_values(struct run *r, int panel, const char *key,
                      const char *name, bool marks)
{
    struct tf_line *l = add_line(r, panel, name, marks);

    if (!l || read_line(r, l, key))
        return -1;
    thin_out(l);
    return 0;
}

/* What says how good a model is, the plainest first. */
static int rank(const char *name)
{
    static const char *const names[] = { "accuracy",
                                         "f1",
                                         "f1_macro",
                                         "mcc",
                                         "matthews_correlation",
                                         "pearson",
                                         "mse",
                                         "rougeL",
                                         "rouge1",
                                         "spearmanr",
                                         "bleu",
                                         "exact_match",
                                         "perplexity" };

    for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
        if (!strcmp(names[i], name))
            return i;
    return 100;
}

/* Numbers of an evaluation that are no metrics, or of little news. */
static bool is_metric(const char *key, json_t *v)
{
    static const char *const others[] = { "loss",
                                          "runtime",
                                          "samples_per_second",
                                          "steps_per_second",
                                          "number",
                                          "precision_micro",
                                          "recall_micro",
                                          "f1_micro",
                                          "precision_macro",
                                          "recall_macro",
                                          "precision_weighted",
                                          "recall_weighted",
                                          "f1_weighted",
                                          "model_preparation_time",
                                          "bleu_bp",
                                          "bleu_sys_len",
                                          "bleu_ref_len" };

    if (strncmp(key, "eval_", 5) || !json_is_number(v))
        return false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(key + 5, others[i]))
            return false;
    return true;
}

/* Does a metric stay between 0 and 1? */
static bool is_unit(const struct run *r, const char *key)
{
    size_t i;
    json_t *row;

    json_array_foreach (r->history, i, row) {
        json_t *v = json_object_get(row, key);

        if (json_is_number(v) &&
            (json_number_value(v) < 0 || json_number_value(v) > 1))
            return false;
    }
    return true;
}

/* The metrics of all evaluations by their rank, and as they come. */
static int add_metrics(struct run *r, json_t *seen)
{
    const char *key;
    json_t *row, *v;
    size_t i;

    json_array_foreach (r->history, i, row)
        json_object_foreach (row, key, v)
            if (is_metric(key, v))
                json_object_set_new(seen, key, json_true());
    for (int at = 0; at <= 100; at++)
        json_object_foreach (seen, key, v) {
            int panel = is_unit(r, key) ? UNIT : OTHER;

            if (rank(key + 5) == at && r->panels[panel].count < METRICS &&
                add_values(r, panel, key, key + 5, true))
                return -1;
        }
    return 0;
}

static int draw(struct run *r, json_t *state, const char *title,
                struct tf_buf *svg)
{
    json_t *best = json_object_get(state, "best_global_step");
    struct tf_chart chart = {
        .title = title,
        .x_title = "step",
        .mark = json_is_number(best) ? json_number_value(best) : -1,
        .mark_name = "best",
        .panels = r->panels,
        .count = PANELS,
    };
    bool any = false;

    for (int p = 0; p < PANELS; p++)
        for (size_t i = 0; i < r->panels[p].count; i++) {
            struct tf_line *l = &r->panels[p].lines[i];

            any |= l->count > 0;
            if (l->count)
                chart.x_end = fmax(chart.x_end, l->points[l->count - 1].x);
        }
    if (!any)
        return tf_fail(r->err, "nothing is logged in it that can be drawn");
    tf_chart_draw(&chart, svg);
    return svg->failed ? tf_no_memory(r->err, svg->len) : 0;
}

static int plot(json_t *state, const char *title, struct tf_buf *svg,
                struct tf_err *err)
{
    struct run r = {
        .history = json_object_get(state, "log_history"),
        .panels = { [LOSS] = { .title = "Loss", .height = 220 },
                    [UNIT] = { .title = "Metrics",
                               .height = 180,
                               .unit = true },
                    [OTHER] = { .title = "Metrics", .height = 180 },
                    [RATE] = { .title = "Learning rate",
                               .height = 70,
                               .from_zero = true } },
        .err = err,
    };
    json_t *seen = json_object();
    int failed;

    failed = add_values(&r, LOSS, "loss", "train", false) ||
             add_values(&r, LOSS, "eval_loss", "eval", true) ||
             add_metrics(&r, seen) ||
             add_values(&r, RATE, "learning_rate", "", false) ||
             draw(&r, state, title, svg);
    for (int p = 0; p < PANELS; p++) {
        for (size_t i = 0; i < r.panels[p].count; i++)
            free(r.panels[p].lines[i].points);
        free(r.panels[p].lines);
    }
    json_decref(seen);
    return failed ? -1 : 0;
}

/* The state's file for a path that was given; free() releases. */
static char *find_state(const char *path, struct tf_err *err)
{
    char *in, *checkpoint;
    int64_t last;

    if (!tf_dir_exists(path))
        return tf_strndup(path, strlen(path), err);
    in = tf_path(path, STATE, err);
    last = in && !tf_file_exists(in) ? tf_checkpoint_last(path) : -1;
    if (last >= 0) { /* a run that goes on, or was stopped */
        free(in);
        checkpoint = tf_checkpoint_path(path, last, err);
        in = checkpoint ? tf_path(checkpoint, STATE, err) : NULL;
        free(checkpoint);
    }
    return in;
}

int tf_plot_run(const char *path, struct tf_buf *svg, struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    char *file = find_state(path, err);
    json_t *state = NULL;
    json_error_t where;
    int failed = !file || tf_file_read(file, STATE_MAX, &text, err);

    if (!failed) {
        state = json_loadb(tf_buf_cstr(&text), text.len, 0, &where);
        if (!json_is_array(json_object_get(state, "log_history")))
            failed = tf_fail(err, "no trainer_state.json with a log_history");
        else
            failed = plot(state, path, svg, err);
        if (failed)
            tf_err_at(err, file);
    }
    json_decref(state);
    tf_buf_release(&text);
    free(file);
    return failed ? -1 : 0;
}

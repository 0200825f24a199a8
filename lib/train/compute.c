#include "train/compute.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/jsonl.h"

#define PRINTED_MAX 65536 /* bytes of a program's metrics */

static void put_strings(struct tf_buf *b, const struct tf_str *v, size_t n,
                        bool list)
{
    tf_buf_adds(b, list ? "[" : "");
    for (size_t i = 0; i < n && (list || !i); i++) {
        tf_buf_adds(b, i ? ", " : "");
        tf_put_string(b, v[i].s, v[i].len);
    }
    tf_buf_adds(b, list ? "]" : "");
}

static void put_floats(struct tf_buf *b, const float *v, size_t n, bool list)
{
    tf_buf_adds(b, list ? "[" : "");
    for (size_t i = 0; i < n; i++) {
        tf_buf_adds(b, i ? ", " : "");
        tf_put_float(b, v[i]);
    }
    tf_buf_adds(b, list ? "]" : "");
}

void tf_pair_put(struct tf_buf *lines, const struct tf_pair *pair)
{
    tf_buf_adds(lines, "{\"prediction\": ");
    put_strings(lines, pair->predictions, pair->prediction_count,
                pair->many_predictions);
    tf_buf_adds(lines, ", \"reference\": ");
    put_strings(lines, pair->references, pair->reference_count,
                pair->many_references);
    if (pair->logits) {
        tf_buf_adds(lines, ", \"logits\": ");
        put_floats(lines, pair->logits, pair->logit_count, true);
    }
    tf_buf_adds(lines, "}\n");
}

void tf_pair_put_numbers(struct tf_buf *lines, const float *predictions,
                         const float *references, size_t n)
{
    tf_buf_adds(lines, "{\"prediction\": ");
    put_floats(lines, predictions, n, n > 1);
    tf_buf_adds(lines, ", \"reference\": ");
    put_floats(lines, references, n, n > 1);
    tf_buf_adds(lines, "}\n");
}

/* The shell that runs a command between two files; its status. */
static int run_shell(const char *command, FILE *in, FILE *out,
                     struct tf_err *err)
{
    pid_t child = fork();
    int status;

    if (child < 0)
        return tf_fail(err, "can't start a program: %s", strerror(errno));
    if (!child) {
        signal(SIGINT, SIG_IGN); /* it ends the training, at a step's end */
        if (dup2(fileno(in), STDIN_FILENO) >= 0 &&
            dup2(fileno(out), STDOUT_FILENO) >= 0)
            execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return tf_fail(err, "can't wait for a program: %s",
                           strerror(errno));
    if (WIFSIGNALED(status))
        return tf_fail(err, "ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status))
        return tf_fail(err, "exit status %d", WEXITSTATUS(status));
    return 0;
}

static int take_printed(struct tf_metrics *m, FILE *out, json_t **printed,
                        struct tf_err *err)
{
    char text[PRINTED_MAX];
    size_t n;
    const char *name;
    json_t *v;

    rewind(out);
    n = fread(text, 1, sizeof(text), out);
    json_decref(*printed);
    *printed = n < sizeof(text) ? json_loadb(text, n, 0, NULL) : NULL;
    if (!json_is_object(*printed))
        return tf_fail(err, "it printed no JSON object of metrics but \"%.*s\"",
                       (int)(n < 100 ? n : 100), text);
    m->count = 0;
    json_object_foreach (*printed, name, v) {
        if (!json_is_number(v))
            return tf_fail(err, "its \"%.100s\" is no number", name);
        if (tf_metrics_add(m, strncmp(name, "eval_", 5) ? name : name + 5, NULL,
                           json_number_value(v), err))
            return -1;
    }
    return 0;
}

int tf_metrics_compute(struct tf_metrics *m, const char *command,
                       const struct tf_buf *lines, json_t **printed,
                       struct tf_err *err)
{
    FILE *in = tmpfile(), *out = tmpfile();
    int failed;

    if (lines->failed)
        failed = tf_no_memory(err, lines->len);
    else if (!in || !out ||
             fwrite(lines->data, 1, lines->len, in) != lines->len || fflush(in))
        failed = tf_fail(err, "can't write to a temporary file: %s",
                         strerror(errno));
    else {
        rewind(in);
        failed = run_shell(command, in, out, err) ||
                 take_printed(m, out, printed, err);
    }
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    if (failed) {
        tf_err_at(err, command);
        tf_err_at(err, "compute_metrics");
    }
    return failed ? -1 : 0;
}

/* A metric's name here. */
static const char *ours(const char *name)
{
    static const char *const names[][2] = {
        { "matthews_correlation", "mcc" }, { "matthews_corrcoef", "mcc" },
        { "spearman", "spearmanr" },       { "pearsonr", "pearson" },
        { "mean_squared_error", "mse" },   { "mean_absolute_error", "mae" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i][0], name))
            return names[i][1];
    return name;
}

static int none_such(const struct tf_metrics *m, const char *name,
                     struct tf_err *err)
{
    char names[300] = "";
    size_t at = 0;

    for (size_t i = 0; i < m->count; i++)
        if (!m->v[i].group && at + strlen(m->v[i].name) + 3 < sizeof(names))
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                                   at ? ", " : "", m->v[i].name);
    return tf_fail(err, "metrics: there is no \"%.60s\" here; there is %s",
                   name, names);
}

int tf_metrics_choose(struct tf_metrics *m, json_t *names, struct tf_err *err)
{
    struct tf_metrics chosen = { 0 };
    json_t *name;
    size_t i;
    int failed = 0;

    json_array_foreach (names, i, name) {
        const char *wanted = json_string_value(name);
        bool found = false;

        wanted += strncmp(wanted, "eval_", 5) ? 0 : 5;

        for (size_t k = 0; k < m->count && !failed && !found; k++) {
            found = !m->v[k].group && !strcmp(m->v[k].name, ours(wanted));
            if (found)
                failed =
                    tf_metrics_add(&chosen, wanted, NULL, m->v[k].value, err);
        }
        if (!failed && !found)
            failed = none_such(m, wanted, err);
    }
    if (failed) {
        tf_metrics_release(&chosen);
        return -1;
    }
    tf_metrics_release(m);
    *m = chosen;
    return 0;
}

int tf_metrics_add_binary(struct tf_metrics *m, const char *second,
                          struct tf_err *err)
{
    static const char *const names[] = { "precision", "recall", "f1" };

    for (int k = 0; k < 3; k++) {
        double value = 0;

        for (size_t i = 0; i < m->count; i++)
            if (m->v[i].group && !strcmp(m->v[i].group, second) &&
                !strcmp(m->v[i].name, names[k]))
                value = m->v[i].value;
        if (tf_metrics_add(m, names[k], NULL, value, err))
            return -1;
    }
    return 0;
}

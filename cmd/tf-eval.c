/* tf-eval: metrics of predictions against references, or of a model. */
#include "cmd/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "train/judge.h"

struct eval_options eval_options;

static int task;
static bool task_given;
static const char *prediction, *reference;
static double threshold = 0.5;

/* in the order of enum tf_judge_task, then eval_lm's */
#define TASKS                                                                  \
    "classification|regression|question-answering|token-classification|"       \
    "generation|lm"

static const struct cli_opt opts[] = {
    { 'm', "model", CLI_STRING, &eval_options.model, "MODEL",
      "let this model make the predictions first" },
    { 0, "task", CLI_CHOICE, &task, TASKS, "what is judged", 0, 0, &task_given,
      false },
    { 0, "prediction", CLI_STRING, &prediction, "NAME",
      "member that holds the prediction (default: by task)" },
    { 0, "reference", CLI_STRING, &reference, "NAME",
      "member that holds what is right (default: by task)" },
    { 0, "threshold", CLI_FLOAT, &threshold, "P",
      "least score of a predicted label among several", 0, 1 },
    { 0, "stride", CLI_INT, &eval_options.stride, "N",
      "lm: begin a window every N tokens of a text longer than --max-length "
      "(default: half of it)",
      1, 1e9 },
    CLI_END,
};

static int judge_items(void *arg, struct cli_item **items, size_t n,
                       struct tf_err *err)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (tf_judge_add(arg, &items[i]->record, &items[i]->err)) {
            if (!items[i]->err.code ||
                !strcmp(items[i]->err.code, "no_memory")) {
                *err = items[i]->err;
                return -1;
            }
            items[i]->failed = true;
        }
    return 0;
}

static size_t one(void *arg, struct cli_item *item)
{
    (void)arg;
    (void)item;
    return 1;
}

static const char *const judge_members[] = { NULL };

static const struct cli_tool tool = {
    .name = "tf-eval",
    .summary = "judge predictions, or a model on labelled records",
    .operands = "[FILE ...]",
    .opts = opts,
    .shared = CLI_RECORDS | CLI_MODEL,
    .members = judge_members,
    .prepare = one,
    .run = judge_items,
    .token_budget = 1024,
};

/* The tool that makes a task's predictions, and its own options. */
static const char *const predictors[][3] = {
    [TF_JUDGE_CLASSIFICATION] = { "tf-classify" },
    [TF_JUDGE_REGRESSION] = { "tf-classify", "--function", "none" },
    [TF_JUDGE_QUESTION_ANSWERING] = { "tf-qa" },
    [TF_JUDGE_TOKEN_CLASSIFICATION] = { "tf-tag", "--aggregation", "simple" },
    [TF_JUDGE_GENERATION] = { "tf-generate", "--no-full-text" },
};

/* The command that predicts over `files`, as execv wants it; free() releases.
 */
static const char **predictor(char **files)
{
    static const char *const dtypes[] = { "auto", "f32", "bf16", "f16",
                                          "int8" };
    static char batch[24], length[24];
    const char *const values[][2] = {
        { "--model", eval_options.model },
        { "--adapter", cli.adapter },
        { "--cache-dir", cli.cache_dir },
        { "--arch", cli.arch },
        { "--dtype", dtypes[cli.dtype] },
        { "--field", cli.field },
        { "--pair-field", cli.pair_field },
        { "--batch-size", cli.batch_size ? batch : NULL },
        { "--max-length", cli.max_length ? length : NULL },
    };
    size_t n = 0, k = 0, i;
    const char **argv;
    struct tf_err err;

    snprintf(batch, sizeof(batch), "%lld", (long long)cli.batch_size);
    snprintf(length, sizeof(length), "%lld", (long long)cli.max_length);
    while (files[n])
        n++;
    argv = tf_alloc(n + 32, sizeof(*argv), &err);
    if (!argv)
        cli_die(CLI_FILE, "%s", err.msg);
    for (i = 0; i < 3 && predictors[task][i]; i++)
        argv[k++] = predictors[task][i];
    argv[k++] = "--prefix=pred_";
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (values[i][1]) {
            argv[k++] = values[i][0];
            argv[k++] = values[i][1];
        }
    if (cli.offline)
        argv[k++] = "--offline";
    if (cli.no_truncation)
        argv[k++] = "--no-truncation";
    if (cli.quiet)
        argv[k++] = "--quiet";
    argv[k++] = "--";
    for (i = 0; i < n; i++)
        argv[k++] = files[i];
    return argv;
}

/* Make standard input what the predictor prints; returns its process. */
static pid_t predict(char **files)
{
    const char **argv = predictor(files);
    int out;
    pid_t child = cli_start_tool(argv, STDIN_FILENO, &out);

    dup2(out, STDIN_FILENO);
    close(out);
    free(argv);
    return child;
}

static int judge(char **files)
{
    static char *none[] = { NULL };
    struct tf_judge_opts judge_opts = { (enum tf_judge_task)task, prediction,
                                        reference, threshold };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_judge *j;
    struct tf_err err;
    pid_t child = 0;
    int status, theirs = 0;

    if (!(j = tf_judge_new(&judge_opts, &err)))
        cli_die(CLI_FILE, "%s", err.msg);
    if (eval_options.model) {
        child = predict(files);
        files = none;
    }
    cli.format = CLI_RAW;
    status = cli_each(&tool, files, j);
    if (child)
        theirs = cli_wait_tool(child);
    if (theirs > CLI_SOME_FAILED)
        cli_die(theirs, "%s failed: no predictions to judge",
                predictors[task][0]);
    if (tf_judge_results(j, &out, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    tf_buf_addc(&out, '\n');
    cli_write(out.data, out.len);
    tf_buf_release(&out);
    tf_judge_free(j);
    return status > theirs ? status : theirs;
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&tool, argc, argv);

    if (!task_given)
        cli_usage("--task is needed: " TASKS);
    return cli_finish(task == TF_JUDGE_TASKS ? eval_lm(&tool, files)
                                             : judge(files));
}

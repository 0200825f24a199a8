/* tf-train - fine-tune a model as a config file says */
#include "cmd/cli.h"
#include "cmd/train_data.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "train/parallel.h"
#include "train/plot.h"
#include "train/trainer.h"

static bool dry_run;
static const char *plot_file;

static const struct cli_opt opts[] = {
    { 0, "dry-run", CLI_FLAG_ON, &dry_run, NULL,
      "check everything and print what would be done, without doing it" },
    { 0, "plot", CLI_STRING, &plot_file, "FILE.svg",
      "draw the curves of the run in an output folder (or trainer_state.json) "
      "that is named instead of a config; \"-\": to standard output" },
    CLI_END,
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    stop = number;
}

static void catch_signals(void)
{
    struct sigaction how = { .sa_handler = on_signal,
                             .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &how, NULL);
    sigaction(SIGTERM, &how, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error like no room */
}

static void print_note(void *arg, const char *text)
{
    (void)arg;
    if (tf_parallel_rank())
        return;
    cli_progress_clear();
    cli_note("%s", text);
}

static int output_error;

/* A run is worth more than its lines, which trainer_state.json has as well. */
static void print_line(void *arg, const char *json)
{
    (void)arg;
    if (tf_parallel_rank() || output_error)
        return; /* the first of several processes speaks for all */
    cli_progress_clear();
    if (puts(json) != EOF && !fflush(stdout))
        return;
    output_error = errno;
    if (!dry_run)
        cli_note("can't write to standard output: %s; training goes on",
                 strerror(output_error));
}

static void show_progress(void *arg, int64_t steps, int64_t all)
{
    char text[64];

    (void)arg;
    if (tf_parallel_rank())
        return;
    snprintf(text, sizeof(text), "step %lld of %lld", (long long)steps,
             (long long)all);
    cli_progress_bar((double)steps / (double)all, text);
}

static void read_config(struct tf_train_config *config, char **operands)
{
    const char *near;
    struct tf_err err;
    char *keys;

    if (!tf_train_config_open(config, operands[0], operands + 1, &err))
        return;
    if (*config->unknown) {
        keys = tf_train_config_keys(&err);
        near = keys ? cli_closest(config->unknown, keys) : NULL;
        if (near)
            tf_fail(&err, "%s: unknown key \"%s\"; did you mean \"%s\"?",
                    operands[0], config->unknown, near);
        free(keys);
    }
    cli_die(CLI_USAGE, "%s", err.msg);
}

static void print_plan(struct tf_trainer *trainer)
{
    struct tf_buf plan = TF_BUF_INIT;
    struct tf_err err;

    if (tf_trainer_plan(trainer, &plan, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    print_line(NULL, tf_buf_cstr(&plan));
    tf_buf_release(&plan);
}

/* What training came to; ends by the signal that ended it. */
static void train(struct tf_trainer *trainer)
{
    struct tf_err err;
    int stopped;

    catch_signals();
    stopped = tf_trainer_run(trainer, &err);
    cli_progress_clear();
    if (stopped < 0)
        cli_die(CLI_FILE, "%s", err.msg);
    if (stopped) {
        print_note(NULL, "stopped; a checkpoint is saved: go on with "
                         "resume_from_checkpoint=true");
        fflush(stdout);
        tf_parallel_end(); /* after the checkpoint is there */
        signal(stop, SIG_DFL);
        raise(stop); /* 0, and nothing, where another process was told */
    }
}

/* An adapter alone stands for the model that it changes, too. */
static void find_model(struct tf_train_config *config)
{
    cli.model = config->model;
    cli.adapter = config->adapter;
    cli_take_adapter();
    config->model = cli.model;
    config->adapter = cli.adapter;
}

static void plot(const char *run)
{
    struct tf_buf svg = TF_BUF_INIT;
    struct tf_err err;

    if (tf_plot_run(run, &svg, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    if (!strcmp(plot_file, "-")) {
        fwrite(svg.data, 1, svg.len, stdout);
    } else if (tf_file_write(plot_file, svg.data, svg.len, &err)) {
        cli_die(CLI_FILE, "%s", err.msg);
    }
    tf_buf_release(&svg);
}

/* What a step frees goes back to the system: left to itself glibc comes to
 * keep large pieces apart, and gradient checkpointing would save nothing. */
static void return_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

int main(int argc, char **argv)
{
    static const struct cli_tool tool = {
        .name = "tf-train",
        .summary = "fine-tune a model as a config file says",
        .operands = "CONFIG.yaml [KEY=VALUE ...] | --plot FILE.svg OUTPUT_DIR",
        .opts = opts,
        .shared = CLI_THREADS | CLI_PROGRESS,
    };
    static const struct tf_train_hooks hooks = { .line = print_line,
                                                 .note = print_note,
                                                 .progress = show_progress,
                                                 .stop = &stop };
    char **operands = cli_parse(&tool, argc, argv);
    struct tf_train_config config;
    struct tf_trainer *trainer;
    const char *model;
    struct tf_err err;

    if (!operands[0])
        cli_usage(plot_file ? "--plot: no output folder is given"
                            : "no config file is given");
    if (plot_file) {
        plot(operands[0]);
        return cli_finish(CLI_OK);
    }
    if (tf_parallel_begin(&err))
        cli_die(CLI_USAGE, "%s", err.msg);
    read_config(&config, operands);
    train_data_fetch(&config);
    config.tokenizer = cli_model_path(config.tokenizer, CLI_NEED_TOKENIZER);
    find_model(&config);
    model = config.from_config ? config.from_config
                               : cli_model_path(config.model, CLI_NEED_MODEL);
    return_memory();
    trainer = tf_trainer_new(&config, model, cli_pool(), &hooks, &err);
    if (!trainer)
        cli_die(CLI_FILE, "%s", err.msg);
    if (dry_run)
        print_plan(trainer);
    else
        train(trainer);
    tf_trainer_free(trainer);
    tf_train_config_release(&config);
    tf_parallel_end();
    if (output_error)
        cli_die(CLI_FILE, "can't write to standard output: %s%s",
                strerror(output_error),
                dry_run ? ""
                        : "; the model is whole, and trainer_state.json beside "
                          "it has the lines");
    return cli_finish(CLI_OK);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "cmd/quantize.h"
#include "model/config.h"

const char *quantize_task;

/* What the class in config.json says that the model does. */
static const char *task_of(const char *path)
{
    static const char *const tasks[][2] = {
        { "ForSequenceClassification", "classification" },
        { "ForTokenClassification", "token-classification" },
        { "ForQuestionAnswering", "question-answering" },
        { "ForCausalLM", "lm" },
        { "LMHeadModel", "lm" },
    };
    struct tf_config config;
    struct tf_err err;
    const char *name, *task = NULL;

    if (!tf_dir_exists(path))
        return "lm"; /* a GGUF */
    if (tf_config_open(&config, path, &err))
        cli_die(cli_status_of(&err), "%s", err.msg);
    name = json_string_value(
        json_array_get(json_object_get(config.json, "architectures"), 0));
    for (size_t i = 0; name && i < sizeof(tasks) / sizeof(tasks[0]); i++)
        if (strstr(name, tasks[i][0]))
            task = tasks[i][1];
    tf_config_release(&config);
    if (!task)
        cli_usage("--eval: config.json does not say what the model does; name "
                  "it with --task");
    return task;
}

static json_t *last_line(const struct tf_buf *text)
{
    size_t end = text->len, begin;

    while (end && text->data[end - 1] == '\n')
        end--;
    for (begin = end; begin && text->data[begin - 1] != '\n'; begin--)
        ;
    return json_loadb(text->data + begin, end - begin, 0, NULL);
}

json_t *quantize_judge(const char *original, const char *model,
                       const char *file)
{
    const char *task = quantize_task ? quantize_task : task_of(original);
    char threads[16];
    const char *argv[] = { "tf-eval", "--task",  task,        "--model",
                           model,     "--quiet", "--threads", threads,
                           "--",      file,      NULL };
    struct tf_buf out = TF_BUF_INIT;
    int fd, status;
    pid_t child;
    json_t *answer;

    snprintf(threads, sizeof(threads), "%d", tf_pool_threads(cli_pool()));
    child = cli_start_tool(argv, STDIN_FILENO, &fd);
    cli_read_all(fd, &out);
    status = cli_wait_tool(child);
    if (status > CLI_SOME_FAILED)
        cli_die(status, "tf-eval failed on %s: no figures to compare", model);
    answer = out.len ? last_line(&out) : NULL;
    if (!json_is_object(answer))
        cli_die(CLI_FILE, "tf-eval said nothing about %s", model);
    tf_buf_release(&out);
    return answer;
}

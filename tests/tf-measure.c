/*
 * A filter that needs no model, to test what all filters share: it measures
 * texts. A text "fail" can't be measured, "two" has two answers.
 */
#include "cmd/cli.h"

static bool alone, batches;
static int64_t top_k = 5;
static double scale = 1;
static int function;
static struct cli_strings targets;
static int64_t logprobs;
static bool logprobs_given;

static const struct cli_opt opts[] = {
    { 0, "alone", CLI_FLAG_ON, &alone, NULL, "answer without batches" },
    { 0, "batches", CLI_FLAG_ON, &batches, NULL, "add batch: its records" },
    { 'k', "top-k", CLI_INT, &top_k, "N", "a number", 0, 100 },
    { 0, "scale", CLI_FLOAT, &scale, "X", "multiply lengths", 0.5, 8 },
    { 0, "function", CLI_CHOICE, &function, "auto|softmax|sigmoid|none",
      "a word of several, with an explanation that needs a second line" },
    { 0, "target", CLI_STRINGS, &targets, "T", "may be given again" },
    { 0, "logprobs", CLI_INT, &logprobs, "N", "with or without a number", 0, 20,
      &logprobs_given, true },
    CLI_END,
};

static const char *const members[] = { "bytes", "list", "batch", NULL };

struct measure {
    struct tf_buf buf;
    struct tf_str text;
};

static void release(void *data)
{
    tf_buf_release(&((struct measure *)data)->buf);
}

static void answer(struct cli_item *item, size_t batch)
{
    struct measure *m = item->data;

    cli_put(item, "bytes");
    if (scale == 1)
        tf_put_int(&item->out, (int64_t)m->text.len);
    else
        tf_put_double(&item->out, (double)m->text.len * scale);
    cli_put(item, "list");
    tf_buf_adds(&item->out, "[1, \"a\\tb\", {\"k\": null}]");
    if (batch && batches) {
        cli_put(item, "batch");
        tf_put_int(&item->out, (int64_t)batch);
    }
    cli_count_tokens(item, m->text.len);
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct measure *m = item->data;

    (void)arg;
    if (tf_record_text(&item->record, cli.field, &m->buf, &m->text, &item->err))
        return 0;
    if (tf_str_is(m->text, "fail")) {
        cli_item_fail(item, "too_long", "no way to measure \"%s\"", "fail");
        return 0;
    }
    if (alone) {
        answer(item, 0);
        if (tf_str_is(m->text, "two")) {
            cli_put_record(item);
            cli_put(item, "bytes");
            tf_buf_adds(&item->out, "null");
        }
    }
    return m->text.len + 1;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    size_t i;

    (void)arg;
    (void)err;
    for (i = 0; i < n; i++)
        answer(items[i], n);
    return 0;
}

int main(int argc, char **argv)
{
    struct cli_tool tool = {
        .name = "tf-measure",
        .summary = "Measure texts.",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct measure),
        .data_release = release,
        .prepare = prepare,
        .run = run,
        .token_budget = 100,
    };
    char **files = cli_parse(&tool, argc, argv);
    size_t i;

    for (i = 0; i < targets.n; i++)
        cli_verbose("target %s", targets.v[i]);
    if (logprobs_given)
        cli_verbose("logprobs %lld", (long long)logprobs);
    cli_verbose("top-k %lld, function %d", (long long)top_k, function);
    if (alone)
        tool.run = NULL;
    return cli_finish(cli_each(&tool, files, NULL));
}

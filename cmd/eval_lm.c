#include "cmd/eval.h"

#include <math.h>
#include <stdlib.h>
#include "cmd/cli_reader.h"
#include "model/step.h"
#include "task/score.h"

struct scorer {
    struct cli_reader reader;
    struct tf_stepper *stepper;
    struct tf_score_opts opts;
    struct tf_score all;
};

static void release(void *data)
{
    tf_input_release(data);
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct scorer *s = arg;
    struct tf_input *in = item->data;

    return cli_reader_read(&s->reader, item, in) ? 0 : in->n + 1;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct scorer *s = arg;
    struct tf_score score;
    size_t i;

    for (i = 0; i < n; i++) {
        const struct tf_input *in = items[i]->data;

        if (tf_score_ids(s->stepper, &s->opts, in->ids, in->n, &score, err))
            return -1;
        if (!isfinite(score.nll)) {
            cli_item_fail(items[i], "not_finite",
                          "the model's answer is not a number");
            continue;
        }
        cli_put(items[i], "nll");
        tf_put_double(&items[i]->out, score.nll);
        cli_put(items[i], "n_tokens");
        tf_put_int(&items[i]->out, (int64_t)score.tokens);
        s->all.nll += score.nll;
        s->all.tokens += score.tokens;
    }
    return 0;
}

/* Windows of what the model can hold, or of --max-length; texts are not cut. */
static void open_scorer(struct scorer *s, const char *dir)
{
    size_t window = cli.max_length ? (size_t)cli.max_length : SIZE_MAX, most;
    struct tf_err err;

    cli.max_length = 0;
    cli.no_truncation = true;
    cli_reader_open(&s->reader, dir, TF_CAUSAL_LM);
    if (s->reader.model->encoder)
        cli_die(CLI_FILE, "--task lm is for causal models; this one is an "
                          "encoder-decoder");
    most = tf_model_max_tokens(s->reader.model);
    if (tf_model_made_for(s->reader.model) < most)
        most = tf_model_made_for(s->reader.model);
    s->opts.pool = cli_pool();
    s->opts.window = window < most ? window : most;
    if (s->opts.window < 2)
        cli_usage("--max-length must be at least 2");
    s->opts.stride =
        eval_options.stride ? (size_t)eval_options.stride : s->opts.window / 2;
    if (s->opts.stride > s->opts.window)
        cli_usage("--stride must not be more than the window's %zu tokens",
                  s->opts.window);
    s->stepper = tf_stepper_new(s->reader.model, cli_pool(), &err);
    if (!s->stepper)
        cli_die(CLI_FILE, "%s", err.msg);
}

static void print_all(const struct scorer *s)
{
    double n = (double)s->all.tokens;
    struct tf_buf out = TF_BUF_INIT;

    tf_buf_adds(&out, "{\"perplexity\": ");
    tf_put_double(&out, s->all.tokens ? exp(s->all.nll / n) : (double)NAN);
    tf_buf_adds(&out, ", \"nll\": ");
    tf_put_double(&out, s->all.nll);
    tf_buf_adds(&out, ", \"n_tokens\": ");
    tf_put_int(&out, (int64_t)s->all.tokens);
    tf_buf_adds(&out, "}\n");
    cli_write(out.data, out.len);
    tf_buf_release(&out);
}

int eval_lm(const struct cli_tool *like, char **files)
{
    static const char *const members[] = { "nll", "n_tokens", NULL };
    const char *dir = cli_model_path(eval_options.model, CLI_NEED_MODEL);
    struct cli_tool tool = *like;
    struct scorer s = { .stepper = NULL };
    int status;

    if (!dir)
        dir = cli_model_path(cli.model, CLI_NEED_MODEL);
    if (!dir)
        cli_usage("no model is named: -m MODEL");
    tool.members = members;
    tool.data_size = sizeof(struct tf_input);
    tool.data_release = release;
    tool.prepare = prepare;
    tool.run = run;
    open_scorer(&s, dir);
    status = cli_each(&tool, files, &s);
    print_all(&s);
    tf_stepper_free(s.stepper);
    cli_reader_close(&s.reader);
    return status;
}

/* tf-classify - label texts */
#include "cmd/cli_reader.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "task/classify.h"
#include "task/zeroshot.h"

static int64_t top_k;
static bool top_k_given, multi_label, want_logits;
static int function = TF_FUNCTION_AUTO;
static const char *candidates, *template = "This example is {}.";

static const struct cli_opt opts[] = {
    { 'k', "top-k", CLI_INT, &top_k, "N",
      "add labels: the N best with their scores; 0: all", 0, 1e9,
      &top_k_given },
    { 0, "function", CLI_CHOICE, &function, "auto|softmax|sigmoid|none",
      "what makes scores of logits; auto: what the model's configuration says" },
    { 0, "logits", CLI_FLAG_ON, &want_logits, NULL,
      "add logits: the numbers before that function, in the model's order" },
    { 0, "candidate-labels", CLI_STRING, &candidates, "A,B,...",
      "zero-shot: label with these words, by a model of natural language "
      "inference" },
    { 0, "hypothesis-template", CLI_STRING, &template, "T",
      "zero-shot: the sentence that {} in it makes of a label" },
    { 0, "multi-label", CLI_FLAG_ON, &multi_label, NULL,
      "zero-shot: score each label by itself" },
    CLI_END,
};

/* What classifies: a reader and what the options made of the model. */
struct classifier {
    struct cli_reader reader;
    struct tf_candidates candidates; /* count 0: not zero-shot */
    size_t entailment;
    enum tf_function function;
    size_t count; /* of labels */
    struct tf_str *labels;
    float *scores; /* [count] */
    size_t *order;
};

/* A record's inputs: one, or with zero-shot one for each label. */
struct inputs {
    struct tf_input *in;
    size_t count;
    struct tf_buf text;
};

static void release(void *data)
{
    struct inputs *d = data;

    for (size_t i = 0; i < d->count; i++)
        tf_input_release(&d->in[i]);
    free(d->in);
    tf_buf_release(&d->text);
}

/* The text beside each hypothesis; only the text is cut. */
static int read_hypotheses(struct classifier *c, struct cli_item *item)
{
    struct inputs *d = item->data;
    struct tf_str text;

    if (tf_record_text(&item->record, cli.field, &d->text, &text, &item->err))
        return -1;
    for (size_t i = 0; i < d->count; i++) {
        const struct tf_buf *h = &c->candidates.hypotheses[i];

        if (cli_reader_encode(&c->reader, item, text,
                              (struct tf_str){ h->data, h->len }, TF_ONLY_FIRST,
                              &d->in[i]))
            return -1;
    }
    return 0;
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct classifier *c = arg;
    struct inputs *d = item->data;
    size_t n = c->candidates.count ? c->candidates.count : 1, cost = 0;

    if (!d->in) {
        d->in = tf_alloc(n, sizeof(d->in[0]), &item->err);
        if (!d->in)
            return 0;
        d->count = n;
    }
    if (c->candidates.count ? read_hypotheses(c, item)
                            : cli_reader_read(&c->reader, item, &d->in[0]))
        return 0;
    for (size_t i = 0; i < n; i++)
        cost += d->in[i].n;
    return cost;
}

static void put_answer(const struct classifier *c, struct cli_item *item,
                       const float *logits, size_t n)
{
    const struct tf_str *best = &c->labels[c->order[0]];
    size_t k = top_k && (size_t)top_k < c->count ? (size_t)top_k : c->count;

    if (c->candidates.count || top_k_given) {
        cli_put(item, "labels");
        tf_put_labels(&item->out, c->labels, c->scores, c->order, k);
    } else {
        cli_put(item, "label");
        tf_put_string(&item->out, best->s, best->len);
        cli_put(item, "score");
        tf_put_float(&item->out, c->scores[c->order[0]]);
    }
    if (!want_logits)
        return;
    cli_put(item, "logits");
    for (size_t i = 0; i < n; i++) {
        tf_buf_adds(&item->out, i ? ", " : "[");
        tf_put_float(&item->out, logits[i]);
    }
    tf_buf_addc(&item->out, ']');
}

/* Answer from the logits of the record's inputs, [inputs][cols]. */
static void answer(struct classifier *c, struct cli_item *item,
                   const float *logits, size_t cols)
{
    const struct inputs *d = item->data;

    if (cli_reader_finite(item, logits, d->count * cols))
        return;
    if (c->candidates.count)
        tf_zero_shot_scores(logits, d->count, cols, c->entailment,
                            multi_label || d->count == 1, c->scores);
    else
        tf_scores(c->function, logits, c->scores, cols);
    tf_rank(c->scores, c->count, c->candidates.count > 0, c->order);
    put_answer(c, item, logits, d->count * cols);
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct classifier *c = arg;
    struct tf_joined *joined = &c->reader.joined;
    struct tf_result r;
    size_t row = 0;

    tf_join_reset(joined);
    for (size_t i = 0; i < n; i++) {
        struct inputs *d = items[i]->data;

        for (size_t k = 0; k < d->count; k++)
            if (tf_join_add(joined, &d->in[k], err))
                return -1;
    }
    if (cli_reader_logits(&c->reader, &r, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        answer(c, items[i], r.data + row * r.cols, r.cols);
        row += ((struct inputs *)items[i]->data)->count;
    }
    return 0;
}

static void find_entailment(struct classifier *c)
{
    const struct tf_config *config = &c->reader.model->config;
    bool found;

    if (config->label_count < 2)
        cli_die(CLI_FILE,
                "--candidate-labels needs a model of natural language "
                "inference; this one has %zu label",
                config->label_count);
    c->entailment = tf_entailment(config, &found);
    if (!found)
        cli_note("no label of the model begins with \"entail\"; the last, "
                 "\"%s\", is taken for it",
                 config->labels[c->entailment]);
}

static void open_model(struct classifier *c)
{
    const char *dir = cli_model_path(cli.model, CLI_NEED_MODEL);
    const struct tf_config *config;
    struct tf_err err;

    if (!dir && !(dir = cli_default_model()))
        cli_die(CLI_FILE, "the default model is not installed; name one with "
                          "-m");
    cli_reader_open(&c->reader, dir, TF_SEQUENCE_CLASSIFICATION);
    config = &c->reader.model->config;
    c->function = function == TF_FUNCTION_AUTO ? tf_function_auto(config)
                                               : (enum tf_function)function;
    c->count = c->candidates.count;
    if (c->count)
        find_entailment(c);
    else
        c->count = config->label_count;
    c->labels = tf_alloc(c->count, sizeof(c->labels[0]), &err);
    c->scores = tf_alloc(c->count, sizeof(c->scores[0]), &err);
    c->order = tf_alloc(c->count, sizeof(c->order[0]), &err);
    if (!c->labels || !c->scores || !c->order)
        cli_die(CLI_FILE, "%s", err.msg);
    for (size_t i = 0; i < c->count; i++)
        c->labels[i] = c->candidates.count
                           ? c->candidates.labels[i]
                           : (struct tf_str){ config->labels[i],
                                              strlen(config->labels[i]) };
}

static void close_model(struct classifier *c)
{
    tf_candidates_release(&c->candidates);
    free(c->labels);
    free(c->scores);
    free(c->order);
    cli_reader_close(&c->reader);
}

int main(int argc, char **argv)
{
    static const char *members[] = { "label", "score", NULL, NULL };
    static const struct cli_tool tool = {
        .name = "tf-classify",
        .summary = "label texts",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct inputs),
        .data_release = release,
        .prepare = prepare,
        .run = run,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct classifier c = { .count = 0 };
    size_t shown = 2;
    struct tf_err err;
    int status;

    if (candidates &&
        tf_candidates_make(&c.candidates, candidates, template, &err))
        cli_usage("--candidate-labels: %s", err.msg);
    if (candidates || top_k_given) {
        members[0] = "labels";
        shown = 1;
    }
    members[shown] = want_logits ? "logits" : NULL;
    open_model(&c);
    status = cli_each(&tool, files, &c);
    close_model(&c);
    return cli_finish(status);
}

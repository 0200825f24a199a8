/* tf-fill - fill masked words in texts */
#include "cmd/cli_reader.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "task/fill.h"

static int64_t top_k = 5;
static const char *targets;

static const struct cli_opt opts[] = {
    { 'k', "top-k", CLI_INT, &top_k, "N", "predictions for each mask", 1, 1e9 },
    { 0, "targets", CLI_STRING, &targets, "A,B,...",
      "choose from these words alone" },
    CLI_END,
};

struct fill {
    struct cli_reader reader;
    int32_t mask;
    struct tf_str mask_token;
    int32_t *targets; /* NULL: all tokens */
    size_t target_count;
    struct tf_filler filler;
    int32_t *rows; /* of the masks in a batch */
    size_t rows_cap;
};

/* A record's tokens and the places of its masks. */
struct masked {
    struct tf_input in;
    size_t *masks;
    size_t count, cap;
};

static void release(void *data)
{
    struct masked *d = data;

    tf_input_release(&d->in);
    free(d->masks);
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct fill *f = arg;
    struct masked *d = item->data;

    if (cli_reader_read(&f->reader, item, &d->in))
        return 0;
    d->count = 0;
    for (size_t i = 0; i < d->in.n; i++) {
        if (d->in.ids[i] != f->mask)
            continue;
        if (d->count == d->cap) {
            size_t cap = d->cap ? 2 * d->cap : 4;
            size_t *grown = tf_grow(d->masks, cap, sizeof(*grown), &item->err);

            if (!grown)
                return 0;
            d->masks = grown;
            d->cap = cap;
        }
        d->masks[d->count++] = i;
    }
    if (!d->count) {
        tf_fail_code(&item->err, "bad_field",
                     "the text has no mask token, \"%.*s\"",
                     (int)f->mask_token.len, f->mask_token.s);
        return 0;
    }
    return d->in.n;
}

/* The rows of all masks of the joined items; returns how many, or -1. */
static long find_rows(struct fill *f, struct cli_item **items, size_t n,
                      struct tf_err *err)
{
    const size_t *start = f->reader.joined.batch.seqs.start;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((struct masked *)items[i]->data)->count;
    if (count > f->rows_cap) {
        int32_t *grown = tf_grow(f->rows, count, sizeof(*grown), err);

        if (!grown)
            return -1;
        f->rows = grown;
        f->rows_cap = count;
    }
    count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct masked *d = items[i]->data;

        for (size_t k = 0; k < d->count; k++)
            f->rows[count++] = (int32_t)(start[i] + d->masks[k]);
    }
    return (long)count;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct fill *f = arg;
    struct tf_result r;
    const float *logits;
    long rows;

    tf_join_reset(&f->reader.joined);
    for (size_t i = 0; i < n; i++)
        if (tf_join_add(&f->reader.joined,
                        &((struct masked *)items[i]->data)->in, err))
            return -1;
    if ((rows = find_rows(f, items, n, err)) < 0 ||
        tf_session_logits_at(f->reader.session, &f->reader.joined.batch,
                             f->rows, (size_t)rows, &r, err))
        return -1;
    logits = r.data;
    for (size_t i = 0; i < n; i++) {
        const struct masked *d = items[i]->data;

        if (!cli_reader_finite(items[i], logits, d->count * r.cols)) {
            cli_put(items[i], "predictions");
            if (tf_fill_put(&f->filler, d->in.ids, d->in.n, d->masks, d->count,
                            logits, &items[i]->out, err))
                return -1;
        }
        logits += d->count * r.cols;
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* The id of one target, or -1 for one that has none, with a word on it. */
static int32_t find_target(struct fill *f, struct tf_tok_state *state,
                           struct tf_str target, size_t vocab)
{
    struct tf_str piece;
    bool spelled;
    int32_t id;
    struct tf_err err;

    if (tf_fill_target(f->reader.tokenizer, state, target, &id, &spelled, &err))
        cli_usage("--targets: %.*s: %s", (int)target.len, target.s, err.msg);
    if (id < 0 || (size_t)id >= vocab) {
        cli_note("--targets: the model has no token for \"%.*s\": left out",
                 (int)target.len, target.s);
        return -1;
    }
    piece = tf_tokenizer_token(f->reader.tokenizer, id);
    if (!spelled)
        cli_note("--targets: \"%.*s\" is no token of the model; \"%.*s\" "
                 "stands for it",
                 (int)target.len, target.s, (int)piece.len, piece.s);
    return id;
}

static void read_targets(struct fill *f, size_t vocab)
{
    struct tf_err err;
    struct tf_tok_state *state = tf_tok_state_new(f->reader.tokenizer, &err);
    size_t n = 0;

    f->targets = tf_alloc(strlen(targets) + 1, sizeof(f->targets[0]), &err);
    if (!state || !f->targets)
        cli_die(CLI_FILE, "%s", err.msg);
    for (const char *s = targets; *s;) {
        size_t len = strcspn(s, ",");

        if (len && (f->targets[n] = find_target(
                        f, state, (struct tf_str){ s, len }, vocab)) >= 0)
            n++;
        s += len + (s[len] == ',');
    }
    tf_tok_state_free(state);
    if (!n)
        cli_usage("--targets names no token of the model");
    qsort(f->targets, n, sizeof(f->targets[0]), by_id);
    for (size_t i = 0; i < n; i++)
        if (!i || f->targets[i] != f->targets[i - 1])
            f->targets[f->target_count++] = f->targets[i];
}

static void open_model(struct fill *f)
{
    const struct tf_tokenizer_info *info;
    struct tf_fill_opts fill;
    struct tf_err err;

    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    cli_reader_open(&f->reader, cli_model_path(cli.model, CLI_NEED_MODEL),
                    TF_MASKED_LM);
    info = tf_tokenizer_info(f->reader.tokenizer);
    if (info->mask < 0)
        cli_die(CLI_FILE, "%s: the tokenizer has no mask token", cli.model);
    f->mask = info->mask;
    f->mask_token = tf_tokenizer_token(f->reader.tokenizer, info->mask);
    fill = (struct tf_fill_opts){
        .tokenizer = f->reader.tokenizer,
        .vocab = f->reader.model->stack.spec->vocab,
        .top_k = (size_t)top_k,
    };
    if (targets) {
        read_targets(f, fill.vocab);
        fill.targets = f->targets;
        fill.target_count = f->target_count;
    }
    if (tf_fill_init(&f->filler, &fill, &err))
        cli_die(CLI_FILE, "%s", err.msg);
}

int main(int argc, char **argv)
{
    static const char *const members[] = { "predictions", NULL };
    static const struct cli_tool tool = {
        .name = "tf-fill",
        .summary = "fill masked words in texts",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct masked),
        .data_release = release,
        .prepare = prepare,
        .run = run,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct fill f = { .rows = NULL };
    int status;

    open_model(&f);
    status = cli_each(&tool, files, &f);
    tf_fill_release(&f.filler);
    free(f.targets);
    free(f.rows);
    cli_reader_close(&f.reader);
    return cli_finish(status);
}

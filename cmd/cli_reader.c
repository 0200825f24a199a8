#include "cmd/cli_reader.h"

#include "cmd/cli_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "base/mem.h"

/* What one thread tokenizes with. */
struct cli_reader_worker {
    struct tf_tok_state *state;
    struct tf_encoding encoding;
    struct tf_buf text, pair;
};

static struct tf_model_opts model_opts(enum tf_task task)
{
    static const enum tf_dtype dtypes[] = {
        [CLI_F32] = TF_F32, [CLI_BF16] = TF_BF16, [CLI_F16] = TF_F16
    };
    struct tf_model_opts opts = { .task = task, .arch = cli.arch };

    opts.adapter = cli.adapter;
    opts.int8 = cli.dtype == CLI_INT8;
    opts.pool = cli_pool();
    opts.convert = cli.dtype != CLI_AUTO && !opts.int8;
    if (opts.convert)
        opts.dtype = dtypes[cli.dtype];
    return opts;
}

/* How many tokens inputs are cut to: those asked for, else what tokenizer and
 * model were made for; never more than the model has positions. */
static size_t choose_limit(const struct cli_reader *r)
{
    size_t positions = tf_model_max_tokens(r->model);
    size_t limit = tf_tokenizer_info(r->tokenizer)->model_max_length;
    size_t made_for = tf_model_made_for(r->model);

    if (cli.no_truncation)
        return 0;
    if (!limit || made_for < limit)
        limit = made_for;
    if (cli.max_length)
        limit = (size_t)cli.max_length;
    if (positions < limit)
        limit = positions;
    return limit == SIZE_MAX ? 0 : limit;
}

static void open_workers(struct cli_reader *r)
{
    struct tf_err err;

    r->worker_count = tf_pool_threads(cli_pool());
    r->workers = tf_alloc((size_t)r->worker_count, sizeof(r->workers[0]), &err);
    if (!r->workers)
        cli_die(CLI_FILE, "%s", err.msg);
    for (int i = 0; i < r->worker_count; i++) {
        r->workers[i].state = tf_tok_state_new(r->tokenizer, &err);
        if (!r->workers[i].state)
            cli_die(CLI_FILE, "%s", err.msg);
    }
}

void cli_reader_open(struct cli_reader *r, const char *dir, enum tf_task task)
{
    struct tf_model_opts opts = model_opts(task);
    struct tf_err err;

    memset(r, 0, sizeof(*r));
    r->model = tf_model_open(dir, &opts, &err);
    /* one that was saved with the adapter may have more tokens, or a chat
     * template */
    if (r->model && cli.adapter && tf_tokenizer_there(cli.adapter))
        r->tokenizer = tf_tokenizer_open(cli.adapter, &err);
    else if (r->model)
        r->tokenizer = tf_tokenizer_open(dir, &err);
    if (r->tokenizer)
        r->session = tf_session_new(r->model, cli_pool(), &err);
    if (!r->session)
        cli_die(CLI_FILE, "%s", err.msg);
    for (size_t i = 0; i < r->model->unexpected_count; i++)
        cli_verbose("%s: tensor %s is not used", dir, r->model->unexpected[i]);
    r->max_tokens = choose_limit(r);
    open_workers(r);
    cli_stats_loaded(tf_model_dtype(r->model));
}

void cli_reader_close(struct cli_reader *r)
{
    for (int i = 0; i < r->worker_count; i++) {
        tf_tok_state_free(r->workers[i].state);
        tf_encoding_release(&r->workers[i].encoding);
        tf_buf_release(&r->workers[i].text);
        tf_buf_release(&r->workers[i].pair);
    }
    free(r->workers);
    tf_join_release(&r->joined);
    tf_session_free(r->session);
    tf_tokenizer_close(r->tokenizer);
    tf_model_close(r->model);
}

const char *cli_default_model(void)
{
    static const char *const places[] = {
        "../share/tf/models/sentiment", /* installed */
        "../models/sentiment",          /* in build/ of the source tree */
    };
    static char *found;
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    struct tf_err err;
    char *slash;

    if (found || n <= 0)
        return found;
    exe[n] = 0;
    slash = strrchr(exe, '/');
    if (!slash)
        return NULL;
    *slash = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
        found = tf_path(exe, places[i], &err);
        if (found && !tf_dir_exists(found)) {
            free(found);
            found = NULL;
        }
    }
    return found;
}

/* The model may have to refuse what the tokenizer gave. */
static int check(struct cli_reader *r, struct cli_item *item,
                 const struct tf_input *in)
{
    if (tf_model_check(r->model, in->ids, in->type_ids, in->n, &item->err))
        return -1;
    cli_count_tokens(item, in->n);
    return 0;
}

int cli_reader_encode(struct cli_reader *r, struct cli_item *item,
                      struct tf_str text, struct tf_str pair,
                      enum tf_truncation truncation, struct tf_input *in)
{
    const struct tf_tokenizer_info *info = tf_tokenizer_info(r->tokenizer);
    struct cli_reader_worker *w = &r->workers[item->worker];
    struct tf_encode_opts opts = { .max_length = r->max_tokens,
                                   .truncation = truncation,
                                   .truncate_left = info->truncate_left };

    int failed = tf_tokenizer_encode(r->tokenizer, w->state, &opts, text, pair,
                                     &w->encoding, &item->err);

    if (failed && truncation == TF_ONLY_FIRST && item->err.code &&
        !strcmp(item->err.code, "too_long")) {
        opts.max_length = 0;
        failed = tf_tokenizer_encode(r->tokenizer, w->state, &opts, text, pair,
                                     &w->encoding, &item->err);
    }
    if (failed || tf_input_take(in, &w->encoding.windows[0], &item->err))
        return -1;
    if (!info->has_type_ids && in->n)
        memset(in->type_ids, 0, in->n);
    return check(r, item, in);
}

int cli_reader_read(struct cli_reader *r, struct cli_item *item,
                    struct tf_input *in)
{
    struct cli_reader_worker *w = &r->workers[item->worker];
    struct tf_str text, pair = { NULL, 0 };
    int given = tf_input_read(in, &item->record, &item->err);

    if (given)
        return given < 0 ? -1 : check(r, item, in);
    if (tf_record_text(&item->record, cli.field, &w->text, &text, &item->err))
        return -1;
    if (tf_record_get(&item->record, cli.pair_field).s &&
        tf_record_text(&item->record, cli.pair_field, &w->pair, &pair,
                       &item->err))
        return -1;
    return cli_reader_encode(r, item, text, pair, TF_LONGEST_FIRST, in);
}

int cli_reader_windows(struct cli_reader *r, struct cli_item *item,
                       const struct tf_encode_opts *opts,
                       const struct cli_reader_texts *texts,
                       struct tf_encoding *enc)
{
    bool has_types = tf_tokenizer_info(r->tokenizer)->has_type_ids;
    struct tf_tok_state *state = cli_reader_state(r, item);
    int failed;

    if (texts->words)
        failed =
            tf_tokenizer_encode_words(r->tokenizer, state, opts, texts->words,
                                      texts->word_count, enc, &item->err);
    else
        failed = tf_tokenizer_encode(r->tokenizer, state, opts, texts->text,
                                     texts->pair, enc, &item->err);
    for (size_t i = 0; !failed && i < enc->count; i++) {
        struct tf_window *w = &enc->windows[i];

        if (!has_types && w->n)
            memset(w->type_ids, 0, w->n);
        failed =
            tf_model_check(r->model, w->ids, w->type_ids, w->n, &item->err);
        cli_count_tokens(item, w->n);
    }
    return failed;
}

struct tf_tok_state *cli_reader_state(struct cli_reader *r,
                                      const struct cli_item *item)
{
    return r->workers[item->worker].state;
}

int cli_reader_join(struct cli_reader *r, const struct tf_encoding *enc,
                    struct tf_err *err)
{
    for (size_t i = 0; i < enc->count; i++) {
        const struct tf_window *w = &enc->windows[i];
        struct tf_input in = { .ids = w->ids,
                               .type_ids = w->type_ids,
                               .n = w->n };

        if (tf_join_add(&r->joined, &in, err))
            return -1;
    }
    return 0;
}

int cli_reader_logits(struct cli_reader *r, struct tf_result *out,
                      struct tf_err *err)
{
    return tf_session_logits(r->session, &r->joined.batch, out, err);
}

int cli_reader_finite(struct cli_item *item, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return cli_item_fail(item, "not_finite",
                                 "the model's answer is not a number");
    return 0;
}

/* tf-tag - find entities in texts */
#include "cmd/cli_reader.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "task/tag.h"

static int aggregation;
static int64_t stride;
static bool stride_given;
static const char *ignored = "O";

static const struct cli_opt opts[] = {
    { 0, "aggregation", CLI_CHOICE, &aggregation,
      "none|simple|first|average|max",
      "make entities of tokens: of neighbours with the same tag, or of whole "
      "words, labelled by their first token, the mean or the surest" },
    { 0, "stride", CLI_INT, &stride, "N",
      "read a long text in windows that share N tokens, instead of cutting it; "
      "with --aggregation",
      0, INT32_MAX, &stride_given },
    { 0, "ignore-labels", CLI_STRING, &ignored, "A,B,...",
      "leave out what has these labels; O when not given" },
    CLI_END,
};

struct tagger {
    struct cli_reader reader;
    struct tf_encode_opts encode;
    struct tf_tag_opts opts;
    struct tf_str *ignored;
    struct tf_tagging tagging;
};

/* A record's text and its windows. */
struct text {
    struct tf_buf text;
    struct tf_tag_text tag;
    struct tf_encoding windows;
    struct tf_input given; /* with n: the window that the record carries */
    struct tf_window window;
    uint32_t (*offsets)[2];
    size_t *word_start;
    struct tf_str *words;
    size_t words_cap, word_count;
};

static void release(void *data)
{
    struct text *d = data;

    tf_buf_release(&d->text);
    tf_encoding_release(&d->windows);
    tf_input_release(&d->given);
    free(d->offsets);
    free(d->window.special);
    free(d->word_start);
    free(d->words);
}

/* One more word, which begins at byte `at` of d->text and code point
 * `start`. */
static int add_word(struct text *d, struct tf_str word, size_t start,
                    struct tf_err *err)
{
    if (d->word_count == d->words_cap) {
        size_t cap = d->words_cap ? 2 * d->words_cap : 16;
        struct tf_str *words = tf_grow(d->words, cap, sizeof(*words), err);
        size_t *starts;

        if (!words)
            return -1;
        d->words = words;
        starts = tf_grow(d->word_start, cap, sizeof(*starts), err);
        if (!starts)
            return -1;
        d->word_start = starts;
        d->words_cap = cap;
    }
    d->words[d->word_count] = (struct tf_str){ NULL, word.len };
    d->word_start[d->word_count++] = start;
    if (d->word_count > 1)
        tf_buf_addc(&d->text, ' ');
    tf_buf_add(&d->text, word.s, word.len);
    return d->text.failed ? tf_no_memory(err, word.len) : 0;
}

/* Take the record's "tokens", a list of words; the text is they with blanks
 * between. */
static int read_words(struct text *d, struct tf_str value, struct tf_err *err)
{
    struct tf_json j;
    struct tf_str word;
    size_t start = 0, at = 0;
    int failed = 0;

    tf_buf_reset(&d->text);
    d->word_count = 0;
    tf_json_init(&j, value.s, value.len);
    if (tf_json_array(&j))
        while (!failed && tf_json_item(&j) && tf_json_string(&j, &word)) {
            failed = add_word(d, word, start, err);
            start += tf_points_count(word) + 1;
        }
    if (!failed && j.what)
        failed = tf_fail_code(err, "bad_field",
                              "\"tokens\" is not an array of strings");
    tf_json_release(&j);
    for (size_t i = 0; i < d->word_count; i++) {
        d->words[i].s = d->text.data ? d->text.data + at : "";
        at += d->words[i].len + 1;
    }
    return failed;
}

/* Ids that Transformers' tokenizers put around a text. */
static bool is_around(const struct tf_tokenizer_info *info, int32_t id)
{
    return id == info->cls || id == info->sep || id == info->bos ||
           id == info->eos || id == info->pad;
}

/* The window that the record carries: 1, or 0 when it has no ids, or -1. */
static int read_given(struct tagger *t, struct cli_item *item)
{
    struct text *d = item->data;
    struct tf_input *in = &d->given;
    int given = tf_input_read(in, &item->record, &item->err), placed;
    uint8_t *special;

    if (given <= 0)
        return given;
    if (tf_model_check(t->reader.model, in->ids, in->type_ids, in->n,
                       &item->err))
        return -1;
    placed = tf_input_offsets(in, &item->record, &d->offsets, &item->err);
    if (placed < 0)
        return -1;
    special = tf_grow(d->window.special, in->n, 1, &item->err);
    if (!special)
        return -1;
    for (size_t i = 0; i < in->n; i++)
        special[i] =
            is_around(tf_tokenizer_info(t->reader.tokenizer), in->ids[i]);
    d->window = (struct tf_window){ .n = in->n,
                                    .ids = in->ids,
                                    .type_ids = in->type_ids,
                                    .special = special,
                                    .offsets = placed ? d->offsets : NULL };
    cli_count_tokens(item, in->n);
    if (tf_record_get(&item->record, cli.field).s)
        return tf_record_text(&item->record, cli.field, &d->text, &d->tag.text,
                              &item->err)
                   ? -1
                   : 1;
    return 1;
}

static const struct tf_window *windows(const struct text *d, size_t *n)
{
    *n = d->given.n ? 1 : d->windows.count;
    return d->given.n ? &d->window : d->windows.windows;
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct tagger *t = arg;
    struct text *d = item->data;
    struct tf_str tokens = tf_record_get(&item->record, "tokens");
    struct cli_reader_texts texts = { 0 };
    size_t cost = 0;
    int given;

    d->tag = (struct tf_tag_text){ 0 };
    d->given.n = 0;
    given = read_given(t, item);
    if (given)
        return given < 0 ? 0 : d->given.n;
    if (tokens.s) {
        if (read_words(d, tokens, &item->err))
            return 0;
        texts.words = d->words ? d->words : &texts.text;
        texts.word_count = d->word_count;
        d->tag.text =
            (struct tf_str){ d->text.len ? d->text.data : "", d->text.len };
        d->tag.word_start = d->word_start;
    } else {
        if (tf_record_text(&item->record, cli.field, &d->text, &texts.text,
                           &item->err))
            return 0;
        d->tag.text = texts.text;
    }
    if (cli_reader_windows(&t->reader, item, &t->encode, &texts, &d->windows))
        return 0;
    for (size_t i = 0; i < d->windows.count; i++)
        cost += d->windows.windows[i].n;
    return cost;
}

/* Answer from the logits [T][cols] of the record's windows. */
static int answer(struct tagger *t, struct cli_item *item, const float *logits,
                  size_t cols, struct tf_err *err)
{
    const struct text *d = item->data;
    const struct tf_window *w;
    size_t n;

    if (tf_tag_begin(&t->tagging, &t->opts, &d->tag, err))
        return -1;
    w = windows(d, &n);
    for (size_t i = 0; i < n; i++) {
        if (cli_reader_finite(item, logits, w[i].n * cols))
            return 0;
        if (tf_tag_add(&t->tagging, &w[i], logits, err))
            return -1;
        logits += w[i].n * cols;
    }
    if (tf_tag_finish(&t->tagging, err))
        return -1;
    cli_put(item, "entities");
    tf_put_entities(&item->out, &t->tagging);
    return 0;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct tagger *t = arg;
    struct tf_result r;
    const float *logits;
    size_t count;

    tf_join_reset(&t->reader.joined);
    for (size_t i = 0; i < n; i++) {
        const struct text *d = items[i]->data;

        if (d->given.n ? tf_join_add(&t->reader.joined, &d->given, err)
                       : cli_reader_join(&t->reader, &d->windows, err))
            return -1;
    }
    if (cli_reader_logits(&t->reader, &r, err))
        return -1;
    logits = r.data;
    for (size_t i = 0; i < n; i++) {
        const struct tf_window *w = windows(items[i]->data, &count);

        if (answer(t, items[i], logits, r.cols, err))
            return -1;
        for (size_t k = 0; k < count; k++)
            logits += w[k].n * r.cols;
    }
    return 0;
}

/* The labels of --ignore-labels. */
static void split_ignored(struct tagger *t)
{
    size_t n = 1;
    struct tf_err err;

    for (const char *s = ignored; *s; s++)
        n += *s == ',';
    t->ignored = tf_alloc(n, sizeof(t->ignored[0]), &err);
    if (!t->ignored)
        cli_die(CLI_FILE, "%s", err.msg);
    for (const char *s = ignored; *s;) {
        size_t len = strcspn(s, ",");

        if (len)
            t->ignored[t->opts.ignored_count++] = (struct tf_str){ s, len };
        s += len + (s[len] == ',');
    }
    t->opts.ignored = t->ignored;
}

static void open_model(struct tagger *t)
{
    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    cli_reader_open(&t->reader, cli_model_path(cli.model, CLI_NEED_MODEL),
                    TF_TOKEN_CLASSIFICATION);
    t->opts.aggregation = (enum tf_aggregation)aggregation;
    t->opts.config = &t->reader.model->config;
    t->opts.tokenizer = t->reader.tokenizer;
    t->encode = (struct tf_encode_opts){
        .want = TF_TOK_OFFSETS | TF_TOK_WORDS,
        .max_length = t->reader.max_tokens,
        .truncate_left = tf_tokenizer_info(t->reader.tokenizer)->truncate_left,
        .overflow = stride_given,
        .stride = t->reader.max_tokens ? (size_t)stride : 0,
    };
    if (t->reader.max_tokens && (size_t)stride >= t->reader.max_tokens)
        cli_usage("--stride %lld must be less than the %zu tokens of a window",
                  (long long)stride, t->reader.max_tokens);
}

int main(int argc, char **argv)
{
    static const char *const members[] = { "entities", NULL };
    static const struct cli_tool tool = {
        .name = "tf-tag",
        .summary = "find entities in texts",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct text),
        .data_release = release,
        .prepare = prepare,
        .run = run,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct tagger t = { .ignored = NULL };
    int status;

    if (stride_given && aggregation == TF_AGGREGATE_NONE)
        cli_usage("--stride needs --aggregation: single tokens of windows are "
                  "not merged");
    split_ignored(&t);
    open_model(&t);
    status = cli_each(&tool, files, &t);
    tf_tag_release(&t.tagging);
    free(t.ignored);
    cli_reader_close(&t.reader);
    return cli_finish(status);
}

/* tf-qa - find answers in texts */
#include "cmd/cli_reader.h"

#include <string.h>
#include "base/io.h"
#include "task/qa.h"

#define MADE_LENGTH   384 /* tokens of a window, when the model has room */
#define MADE_STRIDE   128
#define CONTEXT_BYTES ((size_t)1 << 30) /* the most of --context */

static const char *question, *context_file;
static const char *question_field = "question", *context_field = "context";
static int64_t top_k = 1, stride = -1, question_length, answer_length = 15;
static bool top_k_given, impossible, no_align;

static const struct cli_opt opts[] = {
    { 0, "question", CLI_STRING, &question, "Q",
      "ask this of every record; a line of text is a context" },
    { 0, "context", CLI_FILE_NAME, &context_file, "FILE",
      "look in this text for all answers; a line of text is a question" },
    { 'k', "top-k", CLI_INT, &top_k, "N", "add answers: the N best", 1, 1e9,
      &top_k_given },
    { 0, "question-field", CLI_STRING, &question_field, "NAME",
      "the member that holds the question" },
    { 0, "context-field", CLI_STRING, &context_field, "NAME",
      "the member that holds the context" },
    { 0, "doc-stride", CLI_INT, &stride, "N",
      "tokens that windows of a long context share; 128, at most half of "
      "--max-length, when not given",
      0, INT32_MAX },
    { 0, "max-length", CLI_INT, &cli.max_length, "N",
      "tokens of a window, question included; 384, at most the model's, when "
      "not given",
      1, INT32_MAX },
    { 0, "max-question-length", CLI_INT, &question_length, "N",
      "cut questions to N tokens", 1, INT32_MAX },
    { 0, "max-answer-length", CLI_INT, &answer_length, "N",
      "the most tokens of an answer", 1, INT32_MAX },
    { 0, "handle-impossible-answer", CLI_FLAG_ON, &impossible, NULL,
      "that there is no answer is one, the empty text" },
    { 0, "no-align-to-words", CLI_FLAG_ON, &no_align, NULL,
      "let answers begin and end inside words" },
    CLI_END,
};

struct asker {
    struct cli_reader reader;
    struct tf_encode_opts encode;
    struct tf_qa_opts opts;
    struct tf_qa qa;
    struct tf_buf context; /* of --context */
};

/* A record's texts and the windows of both together. */
struct asked {
    struct tf_buf question_text, context_text;
    struct tf_str question, context;
    struct tf_encoding windows;
};

static void release(void *data)
{
    struct asked *d = data;

    tf_buf_release(&d->question_text);
    tf_buf_release(&d->context_text);
    tf_encoding_release(&d->windows);
}

/* The member `name`, or, where an option gives the other of the pair and the
 * record has no such member, its text. */
static int read_member(struct cli_item *item, const char *name,
                       bool other_given, struct tf_buf *buf, struct tf_str *out)
{
    if (other_given && !tf_record_get(&item->record, name).s &&
        tf_record_get(&item->record, cli.field).s)
        name = cli.field;
    if (tf_record_text(&item->record, name, buf, out, &item->err))
        return -1;
    return out->len
               ? 0
               : tf_fail_code(&item->err, "bad_field", "\"%s\" is empty", name);
}

/* Cut the question to --max-question-length tokens. */
static int cut_question(struct asker *a, struct cli_item *item,
                        struct tf_str *text)
{
    struct asked *d = item->data;
    struct tf_encode_opts encode = { .want = TF_TOK_OFFSETS,
                                     .no_special = true };
    struct tf_points points = { 0 };
    const struct tf_window *w;
    int failed;

    if (tf_tokenizer_encode(
            a->reader.tokenizer, cli_reader_state(&a->reader, item), &encode,
            *text, (struct tf_str){ NULL, 0 }, &d->windows, &item->err))
        return -1;
    w = &d->windows.windows[0];
    if (w->n <= (size_t)question_length)
        return 0;
    failed = tf_points_read(&points, *text, &item->err);
    if (!failed)
        text->len = tf_points_byte(&points, w->offsets[question_length - 1][1]);
    tf_points_release(&points);
    return failed;
}

static int read_pair(struct asker *a, struct cli_item *item)
{
    struct asked *d = item->data;

    d->question = (struct tf_str){ question, question ? strlen(question) : 0 };
    if (!question && read_member(item, question_field, context_file,
                                 &d->question_text, &d->question))
        return -1;
    d->context = (struct tf_str){ a->context.data, a->context.len };
    if (!context_file && read_member(item, context_field, question,
                                     &d->context_text, &d->context))
        return -1;
    return question_length ? cut_question(a, item, &d->question) : 0;
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct asker *a = arg;
    struct asked *d = item->data;
    struct cli_reader_texts texts;
    size_t cost = 0;

    if (read_pair(a, item))
        return 0;
    texts =
        (struct cli_reader_texts){ .text = d->question, .pair = d->context };
    if (!a->opts.context)
        texts = (struct cli_reader_texts){ .text = d->context,
                                           .pair = d->question };
    if (cli_reader_windows(&a->reader, item, &a->encode, &texts, &d->windows))
        return 0;
    for (size_t i = 0; i < d->windows.count; i++)
        cost += d->windows.windows[i].n;
    return cost;
}

static void put_answer(const struct asker *a, struct cli_item *item)
{
    const struct tf_answer *best = &a->qa.answers[0];

    if (top_k_given) {
        cli_put(item, "answers");
        tf_put_answers(&item->out, a->qa.answers, a->qa.count);
        return;
    }
    cli_put(item, "answer");
    tf_put_string(&item->out, best->text.s, best->text.len);
    cli_put(item, "score");
    tf_put_float(&item->out, (float)best->score);
    cli_put(item, "start");
    tf_put_int(&item->out, (int64_t)best->start);
    cli_put(item, "end");
    tf_put_int(&item->out, (int64_t)best->end);
}

/* Answer from the logits [T][2] of the record's windows. */
static int answer(struct asker *a, struct cli_item *item, const float *logits,
                  struct tf_err *err)
{
    const struct asked *d = item->data;

    if (tf_qa_begin(&a->qa, &a->opts, d->context, err))
        return -1;
    for (size_t i = 0; i < d->windows.count; i++) {
        const struct tf_window *w = &d->windows.windows[i];

        if (cli_reader_finite(item, logits, 2 * w->n))
            return 0;
        if (tf_qa_add(&a->qa, w, logits, err))
            return -1;
        logits += 2 * w->n;
    }
    if (tf_qa_finish(&a->qa, err))
        return -1;
    put_answer(a, item);
    return 0;
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct asker *a = arg;
    struct tf_result r;
    const float *logits;

    tf_join_reset(&a->reader.joined);
    for (size_t i = 0; i < n; i++) {
        struct asked *d = items[i]->data;

        if (cli_reader_join(&a->reader, &d->windows, err))
            return -1;
    }
    if (cli_reader_logits(&a->reader, &r, err))
        return -1;
    logits = r.data;
    for (size_t i = 0; i < n; i++) {
        const struct tf_encoding *e =
            &((struct asked *)items[i]->data)->windows;

        if (answer(a, items[i], logits, err))
            return -1;
        for (size_t k = 0; k < e->count; k++)
            logits += 2 * e->windows[k].n;
    }
    return 0;
}

static void open_context(struct asker *a)
{
    struct tf_err err;

    if (tf_file_read(context_file, CONTEXT_BYTES, &a->context, &err))
        cli_die(cli_status_of(&err), "%s", err.msg);
    if (!a->context.len)
        cli_die(CLI_USAGE, "%s: the context is empty", context_file);
    if (tf_utf8_valid(a->context.data, a->context.len) != a->context.len)
        cli_die(CLI_FILE, "%s: is not UTF-8", context_file);
}

static void choose_lengths(struct asker *a)
{
    size_t max = a->reader.max_tokens;

    if (!cli.max_length && max > MADE_LENGTH)
        max = MADE_LENGTH;
    a->encode.max_length = max;
    if (stride < 0)
        stride = max / 2 < MADE_STRIDE ? (int64_t)(max / 2) : MADE_STRIDE;
    if (max && (size_t)stride > max)
        cli_usage("--doc-stride %lld is more than the %zu tokens of a window",
                  (long long)stride, max);
    a->encode.stride = max ? (size_t)stride : 0;
}

static void open_model(struct asker *a)
{
    const struct tf_tokenizer_info *info;

    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    cli_reader_open(&a->reader, cli_model_path(cli.model, CLI_NEED_MODEL),
                    TF_QUESTION_ANSWERING);
    info = tf_tokenizer_info(a->reader.tokenizer);
    a->opts = (struct tf_qa_opts){
        .top_k = (size_t)top_k,
        .max_answer_length = (size_t)answer_length,
        .impossible = impossible,
        .align = !no_align,
        .cls = info->cls,
        .context = !info->pad_left, /* XLNet and its like read it first */
    };
    a->encode = (struct tf_encode_opts){
        .want = TF_TOK_OFFSETS | TF_TOK_WORDS,
        .truncation = a->opts.context ? TF_ONLY_SECOND : TF_ONLY_FIRST,
        .overflow = true,
        .truncate_left = info->truncate_left,
    };
    choose_lengths(a);
}

int main(int argc, char **argv)
{
    static const char *members[] = { "answer", "score", "start", "end", NULL };
    static const struct cli_tool tool = {
        .name = "tf-qa",
        .summary = "find answers in texts",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = members,
        .data_size = sizeof(struct asked),
        .data_release = release,
        .prepare = prepare,
        .run = run,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct asker a = { .context = TF_BUF_INIT };
    int status;

    if (question && context_file)
        cli_usage("--question and --context leave nothing to read");
    if (question && !*question)
        cli_usage("--question is empty");
    if (top_k_given) {
        members[0] = "answers";
        members[1] = NULL;
    }
    if (context_file)
        open_context(&a);
    open_model(&a);
    status = cli_each(&tool, files, &a);
    tf_qa_release(&a.qa);
    tf_buf_release(&a.context);
    cli_reader_close(&a.reader);
    return cli_finish(status);
}

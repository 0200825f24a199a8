/* tf-generate: continue texts, translate or summarise them. */
#include "cmd/chat_record.h"
#include "cmd/cli_reader.h"
#include "cmd/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/cache_file.h"
#include "task/generate.h"
#include "task/stream.h"
#include "text/language.h"

#define TOGETHER    16    /* sequences at a time, where -b says nothing */
#define RECORD_COST 512   /* tokens that a record counts for beside its own */
#define BUDGET      32768 /* tokens of the records that are answered together */

/* What generates: a reader and what the options made of the model. */
struct writer {
    struct cli_reader reader;
    struct tf_generation config;
    struct generate_source source;
    struct tf_chat *chat; /* with --chat */
    struct tf_stepper *stepper;
    struct tf_generator *generator;
    struct tf_stop stop;
    size_t context; /* tokens the decoder can hold; SIZE_MAX: no limit */
    int32_t start;  /* an encoder-decoder's first token */

    struct tf_stream stream;
    struct tf_buf piece; /* of the stream */
    struct tf_prompt *prompts;
    struct tf_completion *completions;
    size_t room; /* prompts */
};

/* A record's prompt. */
struct prompt {
    struct tf_input input;
    struct tf_buf text, prefixed;
    struct chat_record chat;
    struct tf_str messages; /* with --chat, as they were read */
    struct tf_encoding encoding;
};

static void release(void *data)
{
    struct prompt *p = data;

    tf_input_release(&p->input);
    tf_buf_release(&p->text);
    tf_buf_release(&p->prefixed);
    chat_record_release(&p->chat);
    tf_encoding_release(&p->encoding);
}

/* Put the asked language's code in the place of the one that the tokenizer put
 * beside the text. */
static int set_language(const struct writer *w, struct cli_item *item,
                        struct tf_input *in)
{
    if (tf_language_set(w->reader.tokenizer, w->source.language, in->ids,
                        in->n))
        return 0;
    return cli_item_fail(item, "bad_field",
                         "--src-lang: the tokenizer puts no language code "
                         "beside a text");
}

/* A chat as its template writes it, up to where the model's answer begins. */
static int read_chat(struct writer *w, struct cli_item *item)
{
    struct tf_encode_opts opts = { .no_special = true,
                                   .max_length = w->reader.max_tokens };
    struct prompt *p = item->data;
    struct tf_chat_request q = { 0 };

    if (chat_record_read(&p->chat, item, generate_options.system, &q))
        return -1;
    p->messages = q.messages;
    q.go_on = chat_record_goes_on(&q);
    q.generation_prompt = !q.go_on;
    tf_buf_reset(&p->prefixed);
    if (tf_chat_render(w->chat, &q, &p->prefixed, &item->err))
        return -1;
    return tf_tokenizer_encode(
               w->reader.tokenizer, cli_reader_state(&w->reader, item), &opts,
               (struct tf_str){ tf_buf_cstr(&p->prefixed), p->prefixed.len },
               (struct tf_str){ 0 }, &p->encoding, &item->err) ||
                   tf_input_take(&p->input, &p->encoding.windows[0],
                                 &item->err) ||
                   tf_model_check(w->reader.model, p->input.ids, NULL,
                                  p->input.n, &item->err)
               ? -1
               : 0;
}

static int read_prompt(struct writer *w, struct cli_item *item)
{
    struct prompt *p = item->data;
    struct tf_str text;

    if (w->chat && !tf_record_get(&item->record, "input_ids").s)
        return read_chat(w, item);
    if (!w->source.prefix || tf_record_get(&item->record, "input_ids").s) {
        if (cli_reader_read(&w->reader, item, &p->input))
            return -1;
    } else {
        if (tf_record_text(&item->record, cli.field, &p->text, &text,
                           &item->err))
            return -1;
        tf_buf_reset(&p->prefixed);
        tf_buf_adds(&p->prefixed, w->source.prefix);
        tf_buf_add(&p->prefixed, text.s, text.len);
        text = (struct tf_str){ p->prefixed.data, p->prefixed.len };
        if (cli_reader_encode(&w->reader, item, text, (struct tf_str){ 0 },
                              TF_LONGEST_FIRST, &p->input))
            return -1;
    }
    return w->source.language < 0 ? 0 : set_language(w, item, &p->input);
}

static size_t prepare(void *arg, struct cli_item *item)
{
    struct writer *w = arg;
    struct prompt *p = item->data;
    size_t n;

    if (read_prompt(w, item))
        return 0;
    n = w->reader.model->encoder ? 1 : p->input.n;
    if (n >= w->context) {
        cli_item_fail(item, "too_long",
                      "the prompt has %zu tokens and the model's context %zu: "
                      "no room to generate; --max-prompt-length cuts prompts",
                      n, w->context);
        return 0;
    }
    if (n >= tf_generation_limit(&w->config, n, w->context)) {
        cli_item_fail(item, "too_long",
                      "the prompt has %zu tokens and max_length is %lld; "
                      "--max-new-tokens counts only new ones",
                      n, (long long)w->config.max_length);
        return 0;
    }
    return n + RECORD_COST;
}

/* The prompt's text, as generated_text begins with it. */
static int put_prompt(struct writer *w, struct cli_item *item,
                      struct tf_buf *out, struct tf_err *err)
{
    struct prompt *p = item->data;
    struct tf_str text;

    if (!generate_options.full_text || w->chat || w->reader.model->encoder)
        return 0;
    if (tf_record_get(&item->record, "input_ids").s)
        return tf_tokenizer_decode(w->reader.tokenizer, p->input.ids,
                                   p->input.n, true, out, err);
    if (tf_record_text(&item->record, cli.field, &p->text, &text, err))
        return -1;
    tf_buf_add(out, text.s, text.len);
    return 0;
}

static void put_ids(struct tf_buf *out, const int32_t *ids, size_t n)
{
    size_t i;

    tf_buf_addc(out, '[');
    for (i = 0; i < n; i++) {
        tf_buf_adds(out, i ? ", " : "");
        tf_put_int(out, ids[i]);
    }
    tf_buf_addc(out, ']');
}

static void put_top(const struct writer *w, struct tf_buf *out,
                    const struct tf_completion *c)
{
    size_t n = (size_t)generate_options.logprobs, i, k;

    for (i = 0; i < c->n; i++) {
        tf_buf_adds(out, i ? "], [" : "[[");
        for (k = 0; k < n && c->top[i * n + k].id >= 0; k++) {
            const struct tf_top_logprob *t = &c->top[i * n + k];
            struct tf_str token =
                tf_tokenizer_token(w->reader.tokenizer, t->id);

            tf_buf_addf(out, "%s{\"id\": %d, \"token\": ", k ? ", " : "",
                        t->id);
            if (token.s)
                tf_put_string(out, token.s, token.len);
            else
                tf_buf_adds(out, "null");
            tf_buf_adds(out, ", \"logprob\": ");
            tf_put_float(out, t->logprob);
            tf_buf_addc(out, '}');
        }
    }
    tf_buf_adds(out, c->n ? "]]" : "[]");
}

/* The text of a completion behind its prompt's, as a JSON string. */
static int put_text(struct writer *w, struct cli_item *item,
                    const struct tf_completion *c, struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    int failed = put_prompt(w, item, &text, err) ||
                 tf_tokenizer_decode(w->reader.tokenizer, c->ids, c->n, true,
                                     &text, err);

    if (!failed)
        tf_put_string(&item->out, text.data, text.len);
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

static const char *finish_reason(const struct tf_completion *c)
{
    return c->stopped ? "\"stop\"" : "\"length\"";
}

/* The messages, and the reply as the assistant's turn behind them. */
static int put_messages(struct writer *w, struct cli_item *item,
                        const struct tf_completion *c, struct tf_err *err)
{
    const struct prompt *p = item->data;
    size_t end = p->messages.len, head;

    while (end && p->messages.s[end - 1] != ']')
        end--;
    for (head = end ? end - 1 : 0;
         head && strchr(" \t\r\n", p->messages.s[head - 1]); head--)
        ;
    cli_put(item, "messages");
    tf_buf_add(&item->out, p->messages.s, head);
    tf_buf_adds(&item->out, ", {\"role\": \"assistant\", \"content\": ");
    if (put_text(w, item, c, err))
        return -1;
    tf_buf_adds(&item->out, "}]");
    return 0;
}

static int answer_one(struct writer *w, struct cli_item *item,
                      const struct tf_completion *c, struct tf_err *err)
{
    const struct prompt *p = item->data;
    size_t i;

    cli_put(item, "generated_text");
    if (put_text(w, item, c, err))
        return -1;
    cli_put(item, "output_ids");
    put_ids(&item->out, c->ids, c->n);
    cli_put(item, "finish_reason");
    tf_buf_adds(&item->out, finish_reason(c));
    if (w->chat && p->messages.s && put_messages(w, item, c, err))
        return -1;
    if (!generate_options.logprobs_given)
        return 0;
    cli_put(item, "token_logprobs");
    for (i = 0; i < c->n; i++) {
        tf_buf_adds(&item->out, i ? ", " : "[");
        tf_put_float(&item->out, c->logprobs[i]);
    }
    tf_buf_adds(&item->out, c->n ? "]" : "[]");
    if (generate_options.logprobs) {
        cli_put(item, "top_logprobs");
        put_top(w, &item->out, c);
    }
    return 0;
}

static int answer_many(struct writer *w, struct cli_item *item,
                       const struct tf_completion *c, size_t n,
                       struct tf_err *err)
{
    size_t i;

    cli_put(item, "generations");
    for (i = 0; i < n; i++) {
        tf_buf_adds(&item->out,
                    i ? ", {\"generated_text\": " : "[{\"generated_text\": ");
        if (put_text(w, item, &c[i], err))
            return -1;
        tf_buf_adds(&item->out, ", \"output_ids\": ");
        put_ids(&item->out, c[i].ids, c[i].n);
        tf_buf_addf(&item->out, ", \"finish_reason\": %s, \"score\": ",
                    finish_reason(&c[i]));
        tf_put_float(&item->out, c[i].score);
        tf_buf_addc(&item->out, '}');
    }
    tf_buf_addc(&item->out, ']');
    return 0;
}

static int reserve(struct writer *w, size_t n, struct tf_err *err)
{
    size_t per = (size_t)w->config.num_return_sequences;
    void *p;

    if (n <= w->room)
        return 0;
    if (!(p = tf_grow(w->prompts, n, sizeof(*w->prompts), err)))
        return -1;
    w->prompts = p;
    if (!(p = tf_grow(w->completions, n * per, sizeof(*w->completions), err)))
        return -1;
    w->completions = p;
    w->room = n;
    return 0;
}

/* --stream: the prompt first, then each token's text as it comes. */
static int begin_stream(struct writer *w, struct cli_item *item,
                        struct tf_err *err)
{
    tf_buf_reset(&w->piece);
    if (put_prompt(w, item, &w->piece, err))
        return -1;
    cli_write(w->piece.data, w->piece.len);
    return 0;
}

static void stream_token(void *arg, size_t prompt, int32_t id)
{
    struct writer *w = arg;
    struct tf_err err;

    (void)prompt;
    tf_buf_reset(&w->piece);
    if (tf_stream_add(&w->stream, id, &w->piece, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    cli_write(w->piece.data, w->piece.len);
}

static int end_stream(struct writer *w, struct tf_err *err)
{
    tf_buf_reset(&w->piece);
    if (tf_stream_end(&w->stream, &w->piece, err))
        return -1;
    tf_buf_addc(&w->piece, '\n');
    cli_write(w->piece.data, w->piece.len);
    return 0;
}

static int answer(struct writer *w, struct cli_item *item,
                  const struct tf_completion *c, struct tf_err *err)
{
    size_t per = (size_t)w->config.num_return_sequences;

    cli_count_tokens(item, c->n);
    if (generate_options.stream)
        return end_stream(w, err);
    return per > 1 ? answer_many(w, item, c, per, err)
                   : answer_one(w, item, c, err);
}

static int run(void *arg, struct cli_item **items, size_t n, struct tf_err *err)
{
    struct writer *w = arg;
    size_t per = (size_t)w->config.num_return_sequences, i;
    int failed = reserve(w, n, err);

    for (i = 0; !failed && i < n; i++) {
        const struct prompt *p = items[i]->data;
        struct tf_prompt causal = { p->input.ids, p->input.n, NULL, 0,
                                    items[i]->index };
        struct tf_prompt translated = { &w->start, 1, p->input.ids, p->input.n,
                                        items[i]->index };

        w->prompts[i] = w->reader.model->encoder ? translated : causal;
    }
    if (!failed && generate_options.stream)
        failed = begin_stream(w, items[0], err);
    if (failed)
        return -1;
    failed = tf_generate(w->generator, w->prompts, n, w->completions, err);
    for (i = 0; !failed && i < n; i++)
        failed = answer(w, items[i], &w->completions[i * per], err);
    for (i = 0; i < n * per; i++)
        tf_completion_release(&w->completions[i]);
    return failed;
}

static uint64_t choose_seed(void)
{
    char text[24];
    uint64_t seed = (uint64_t)generate_options.seed;

    if (!generate_options.seed_given &&
        getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
        seed >>= 12; /* a number that every JSON reader keeps */
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    cli_stats_put("seed", text);
    return seed;
}

static void check_options(const struct tf_generation *config)
{
    bool many = config->num_return_sequences > 1;

    if (generate_options.system && !generate_options.chat)
        cli_usage("--system goes with --chat");

    if (generate_options.stream && (many || config->num_beams > 1))
        cli_usage("--stream shows one text as it comes: neither with beams nor "
                  "with several texts for a record");
    if (generate_options.logprobs_given && (many || config->num_beams > 1))
        cli_usage("--logprobs is for one text without beams");
}

/* The decoder's first token, which generation_config.json or config.json
 * names. */
static int32_t start_token(const struct writer *w)
{
    int32_t id = w->config.decoder_start;

    if (id < 0)
        id = w->reader.model->decoder_start;
    if (id < 0)
        id = w->config.bos;
    if (id < 0)
        cli_die(CLI_FILE, "the model's decoder has no start token: config.json "
                          "has neither decoder_start_token_id nor "
                          "bos_token_id");
    return id;
}

static void open_writer(struct writer *w, const char *dir)
{
    struct tf_generate_opts opts = { .config = &w->config };
    struct tf_err err;
    size_t made_for;

    cli.max_length = generate_options.max_prompt_length;
    cli.no_truncation = !cli.max_length;
    cli_reader_open(&w->reader, dir, TF_CAUSAL_LM);
    generate_configure(&w->config, dir, w->reader.tokenizer);
    generate_languages(&w->source, &w->config, dir, w->reader.tokenizer);
    check_options(&w->config);
    if (generate_options.chat) {
        w->chat = tf_chat_open(w->reader.tokenizer, &err);
        if (!w->chat)
            cli_die(CLI_FILE, "--chat: %s", err.msg);
    }
    made_for = tf_model_made_for(w->reader.model);
    w->context = tf_model_max_tokens(w->reader.model);
    if (made_for < w->context)
        w->context = made_for;
    if (w->reader.model->encoder)
        w->start = start_token(w);
    w->stop = (struct tf_stop){ w->reader.tokenizer, generate_options.stop.v,
                                generate_options.stop.n };
    w->stream.tokenizer = w->reader.tokenizer;
    opts.seed = choose_seed();
    opts.stop = w->stop.count ? &w->stop : NULL;
    opts.context = w->context;
    opts.together = cli.batch_size ? (size_t)cli.batch_size : TOGETHER;
    opts.logprobs = generate_options.logprobs_given;
    opts.top_logprobs = (size_t)generate_options.logprobs;
    opts.on_token = generate_options.stream ? stream_token : NULL;
    opts.arg = w;
    w->stepper = tf_stepper_new(w->reader.model, cli_pool(), &err);
    if (w->stepper)
        w->generator = tf_generator_new(w->stepper, &opts, &err);
    if (!w->generator)
        cli_die(CLI_FILE, "%s", err.msg);
}

static void close_writer(struct writer *w)
{
    tf_generator_free(w->generator);
    tf_stepper_free(w->stepper);
    tf_stream_release(&w->stream);
    tf_buf_release(&w->piece);
    tf_generation_release(&w->config);
    tf_chat_close(w->chat);
    free(w->source.prefix);
    free(w->prompts);
    free(w->completions);
    cli_reader_close(&w->reader);
}

/* --kv-cache: begin with what the file holds, when it is there. */
static void load_cache(struct writer *w)
{
    const char *path = generate_options.kv_cache;
    struct tf_model *m = w->reader.model;
    struct tf_cache *cache;
    struct tf_err err;
    int32_t *ids;

    if (!path || access(path, F_OK))
        return;
    cache =
        tf_cache_load(m->stack.spec, tf_model_identity(m), path, &ids, &err);
    if (!cache)
        cli_die(CLI_FILE, "%s", err.msg);
    tf_generator_seed_cache(w->generator, cache, ids, cache->tokens);
}

static void save_cache(struct writer *w)
{
    const char *path = generate_options.kv_cache;
    const struct tf_cache *cache;
    struct tf_err err;
    const int32_t *ids;
    size_t n;

    if (!path)
        return;
    cache = tf_generator_last_cache(w->generator, &ids, &n);
    if (cache && tf_cache_save(cache, ids, tf_model_identity(w->reader.model),
                               path, &err))
        cli_die(CLI_FILE, "%s", err.msg);
}

int main(int argc, char **argv)
{
    static const char *one[7] = { "generated_text", "output_ids",
                                  "finish_reason" };
    static const char *many[] = { "generations", NULL };
    struct cli_tool tool = {
        .name = "tf-generate",
        .summary = "continue texts, translate or summarise them",
        .operands = "[FILE ...]",
        .opts = generate_opts(),
        .shared = CLI_RECORDS | CLI_MODEL,
        .members = one,
        .data_size = sizeof(struct prompt),
        .data_release = release,
        .prepare = prepare,
        .run = run,
        .token_budget = BUDGET,
    };
    char **files = cli_parse(&tool, argc, argv);
    const char *dir = cli_model_path(cli.model, CLI_NEED_MODEL);
    static char *none[] = { NULL };
    struct writer w = { .start = -1 };
    size_t n = 3; /* members in `one` */
    int status;

    if (!dir)
        cli_usage("no model is named: -m MODEL");
    if (generate_options.stream) {
        cli.format = CLI_RAW;
        tool.token_budget = 1; /* one record at a time */
    }
    open_writer(&w, dir);
    if (generate_options.chat)
        one[n++] = "messages";
    if (generate_options.logprobs_given)
        one[n++] = "token_logprobs";
    if (generate_options.logprobs)
        one[n++] = "top_logprobs";
    if (w.config.num_return_sequences > 1)
        tool.members = many;
    load_cache(&w);
    if (generate_options.resume)
        generate_resume(generate_options.resume);
    if (generate_options.prompt) {
        generate_feed(generate_options.prompt);
        files = none;
    }
    status = cli_each(&tool, files, &w);
    save_cache(&w);
    close_writer(&w);
    return cli_finish(status);
}

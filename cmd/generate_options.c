#include "cmd/generate.h"
#include "format/gguf.h"
#include "model/gguf_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

#define DEFAULT_NEW_TOKENS 256
#define FILE_MAX           (16 << 20) /* bytes of a list of words */

struct generate_options generate_options = { .full_text = true };

/* Options that are numbers of the config, under its name with dashes. */
static struct number {
    const char *option, *member, *arg, *help;
    bool integer;
    double min, max;
    int64_t i;
    double d;
    bool given;
} numbers[] = {
    { "max-new-tokens", "max_new_tokens", "N",
      "generate at most N tokens (default: the model's, else 256)", true, 1,
      1e9 },
    { "max-length", "max_length", "N",
      "the same, with the prompt's tokens counted", true, 1, 1e9 },
    { "min-new-tokens", "min_new_tokens", "N", "no end before N tokens", true,
      0, 1e9 },
    { "min-length", "min_length", "N",
      "the same, with the prompt's tokens counted", true, 0, 1e9 },
    { "num-beams", "num_beams", "N", "search with N beams", true, 1, 1000 },
    { "num-return-sequences", "num_return_sequences", "N",
      "give N texts for each record, as generations", true, 1, 1000 },
    { "length-penalty", "length_penalty", "P",
      "beams: divide a score by the length to the power of P", false, -100,
      100 },
    { "temperature", "temperature", "T", "divide the logits by T", false, 0,
      1e6 },
    { "top-k", "top_k", "N", "draw from the N best tokens; 0: from all", true,
      0, 1e9 },
    { "top-p", "top_p", "P", "draw from the best tokens of together P", false,
      0, 1 },
    { "min-p", "min_p", "P", "drop tokens below P times the best's", false, 0,
      1 },
    { "top-h", "top_h", "H", "keep the best tokens up to H of the entropy",
      false, 0, 1 },
    { "typical-p", "typical_p", "P", "draw from typical tokens of together P",
      false, 0, 1 },
    { "epsilon-cutoff", "epsilon_cutoff", "E", "drop tokens below E", false, 0,
      1 },
    { "eta-cutoff", "eta_cutoff", "E",
      "the same, lower where the distribution is flat", false, 0, 1 },
    { "repetition-penalty", "repetition_penalty", "P",
      "make tokens less likely that were there (above 1)", false, 0, 100 },
    { "encoder-repetition-penalty", "encoder_repetition_penalty", "P",
      "make tokens more likely that the source has (above 1)", false, 0, 100 },
    { "no-repeat-ngram-size", "no_repeat_ngram_size", "N",
      "no run of N tokens twice", true, 0, 1e6 },
    { "encoder-no-repeat-ngram-size", "encoder_no_repeat_ngram_size", "N",
      "no run of N tokens that the source has", true, 0, 1e6 },
    { "guidance-scale", "guidance_scale", "S",
      "classifier-free guidance (above 1)", false, -100, 100 },
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static bool do_sample, early_given, renormalize, remove_invalid;
static int early_stopping;
static const char *decay, *suppress, *begin_suppress;

static const struct cli_opt others[] = {
    { 0, "do-sample", CLI_FLAG_ON, &do_sample, NULL,
      "draw tokens instead of taking the best" },
    { 0, "early-stopping", CLI_CHOICE, &early_stopping, "false|true|never",
      "when a beam search ends", 0, 0, &early_given },
    { 0, "exponential-decay-length-penalty", CLI_STRING, &decay, "START,FACTOR",
      "make the end likelier after START tokens" },
    { 0, "suppress-tokens", CLI_STRING, &suppress, "ID,...",
      "never generate these tokens" },
    { 0, "begin-suppress-tokens", CLI_STRING, &begin_suppress, "ID,...",
      "not these as the first token" },
    { 0, "bad-words", CLI_FILE_NAME, &generate_options.bad_words, "FILE",
      "never generate these texts, one a line" },
    { 0, "remove-invalid-values", CLI_FLAG_ON, &remove_invalid, NULL,
      "take NaN and infinite logits for 0 and the largest numbers" },
    { 0, "renormalize-logits", CLI_FLAG_ON, &renormalize, NULL,
      "make scores log-probabilities again after all changes" },
    { 0, "forced-bos-token", CLI_STRING, &generate_options.forced_bos, "T",
      "the first token that is generated" },
    { 0, "src-lang", CLI_STRING, &generate_options.source_language, "CODE",
      "language of the text, as the model names it" },
    { 0, "tgt-lang", CLI_STRING, &generate_options.target_language, "CODE",
      "language to translate to" },
    { 0, "task", CLI_STRING, &generate_options.task, "NAME",
      "one of the model's task_specific_params, e.g. summarization" },
    { 0, "stop", CLI_STRINGS, &generate_options.stop, "STRING",
      "end after this text" },
    { 0, "seed", CLI_INT, &generate_options.seed, "N",
      "draw the same texts again", 0, 9e15, &generate_options.seed_given },
    { 0, "logprobs", CLI_INT, &generate_options.logprobs, "N",
      "add token_logprobs, and top_logprobs of the N best", 0, 1000,
      &generate_options.logprobs_given, true },
    { 0, "no-full-text", CLI_FLAG_OFF, &generate_options.full_text, NULL,
      "leave the prompt out of generated_text" },
    { 0, "prompt", CLI_STRING, &generate_options.prompt, "TEXT",
      "the one record; standard input is not read" },
    { 0, "chat", CLI_FLAG_ON, &generate_options.chat, NULL,
      "records are chats: messages through the model's chat template" },
    { 0, "system", CLI_STRING, &generate_options.system, "TEXT",
      "with --chat: a system message for chats that have none" },
    { 0, "max-prompt-length", CLI_INT, &generate_options.max_prompt_length, "N",
      "cut prompts to N tokens", 1, 1e9 },
    { 0, "stream", CLI_FLAG_ON, &generate_options.stream, NULL,
      "print plain text as it comes" },
    { 0, "kv-cache", CLI_FILE_NAME, &generate_options.kv_cache, "FILE",
      "keep the attention cache here, and begin with what it holds" },
    { 0, "resume", CLI_FILE_NAME, &generate_options.resume, "OUT",
      "append to OUT, leaving out the records that it has answers for" },
    CLI_END,
};
#define OTHERS (sizeof(others) / sizeof(others[0]))

const struct cli_opt *generate_opts(void)
{
    static struct cli_opt opts[NUMBERS + OTHERS];
    size_t i;

    for (i = 0; i < NUMBERS; i++) {
        struct number *n = &numbers[i];

        opts[i] = (struct cli_opt){
            .name = n->option,
            .kind = n->integer ? CLI_INT : CLI_FLOAT,
            .value = n->integer ? (void *)&n->i : (void *)&n->d,
            .arg = n->arg,
            .help = n->help,
            .min = n->min,
            .max = n->max,
            .given = &n->given,
        };
    }
    memcpy(opts + NUMBERS, others, sizeof(others));
    return opts;
}

/* Begin another member of the object in b. */
static void put_name(struct tf_buf *b, const char *name)
{
    tf_buf_addf(b, "%s\"%s\": ", b->len > 1 ? ", " : "", name);
}

/* A member with this value, unless that is NULL. */
static void put_word(struct tf_buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    put_name(b, name);
    tf_buf_adds(b, value);
}

/* "1,2,3" as it stands in JSON; the reader of the config checks it. */
static void put_list(struct tf_buf *b, const char *name, const char *list)
{
    if (!list)
        return;
    put_name(b, name);
    tf_buf_addf(b, "[%s]", list);
}

/* The options that are fields of the config, as a JSON object. */
static void put_options(struct tf_buf *b)
{
    static const char *const early[] = { "false", "true", "\"never\"" };
    size_t i;

    tf_buf_addc(b, '{');
    for (i = 0; i < NUMBERS; i++) {
        if (!numbers[i].given)
            continue;
        put_name(b, numbers[i].member);
        if (numbers[i].integer)
            tf_put_int(b, numbers[i].i);
        else
            tf_put_double(b, numbers[i].d);
    }
    put_word(b, "do_sample", do_sample ? "true" : NULL);
    put_word(b, "early_stopping", early_given ? early[early_stopping] : NULL);
    put_word(b, "remove_invalid_values", remove_invalid ? "true" : NULL);
    put_word(b, "renormalize_logits", renormalize ? "true" : NULL);
    put_list(b, "exponential_decay_length_penalty", decay);
    put_list(b, "suppress_tokens", suppress);
    put_list(b, "begin_suppress_tokens", begin_suppress);
    tf_buf_addc(b, '}');
}

/* A text's ids without special tokens, as one more bad word of the config. */
static void add_bad_word(struct tf_generation *config,
                         const struct tf_tokenizer *tokenizer,
                         struct tf_tok_state *state, struct tf_str text,
                         size_t *cap)
{
    struct tf_encode_opts opts = { .no_special = true };
    struct tf_encoding enc = { 0 };
    struct tf_sequence_bias *grown;
    struct tf_err err;
    struct tf_ids ids;

    if (tf_tokenizer_encode(tokenizer, state, &opts, text, (struct tf_str){ 0 },
                            &enc, &err))
        cli_die(CLI_FILE, "%s: %s", generate_options.bad_words, err.msg);
    ids.n = enc.windows[0].n;
    ids.v = tf_arena_alloc(&config->arena, ids.n, sizeof(*ids.v));
    if (config->bad_word_count == *cap) {
        *cap = *cap ? 2 * *cap : 16;
        grown = tf_arena_alloc(&config->arena, *cap, sizeof(*grown));
        if (grown && config->bad_word_count)
            memcpy(grown, config->bad_words,
                   config->bad_word_count * sizeof(*grown));
        config->bad_words = grown;
    }
    if (!ids.v || !config->bad_words)
        cli_die(CLI_FILE, "no memory for the bad words");
    memcpy(ids.v, enc.windows[0].ids, ids.n * sizeof(*ids.v));
    if (ids.n)
        config->bad_words[config->bad_word_count++] =
            (struct tf_sequence_bias){ ids, -HUGE_VALF };
    tf_encoding_release(&enc);
}

/* Each line of the file, as it is spelled at the start of a text and behind a
 * blank. */
static void read_bad_words(struct tf_generation *config,
                           const struct tf_tokenizer *tokenizer)
{
    struct tf_buf text = TF_BUF_INIT, spaced = TF_BUF_INIT;
    struct tf_tok_state *state;
    struct tf_err err;
    size_t i, len, cap = config->bad_word_count;

    if (tf_file_read(generate_options.bad_words, FILE_MAX, &text, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    if (tf_utf8_valid(text.data, text.len) != text.len)
        cli_die(CLI_FILE, "%s: not valid UTF-8", generate_options.bad_words);
    if (!(state = tf_tok_state_new(tokenizer, &err)))
        cli_die(CLI_FILE, "%s", err.msg);
    for (i = 0; i < text.len; i += len + 1) {
        const char *nl = memchr(text.data + i, '\n', text.len - i);

        len = nl ? (size_t)(nl - text.data) - i : text.len - i;
        if (!len)
            continue;
        tf_buf_reset(&spaced);
        tf_buf_addc(&spaced, ' ');
        tf_buf_add(&spaced, text.data + i, len);
        add_bad_word(config, tokenizer, state,
                     (struct tf_str){ spaced.data + 1, len }, &cap);
        add_bad_word(config, tokenizer, state,
                     (struct tf_str){ spaced.data, len + 1 }, &cap);
    }
    tf_tok_state_free(state);
    tf_buf_release(&text);
    tf_buf_release(&spaced);
}

/* What a GGUF's metadata say of generation: which tokens end it. */
static void read_gguf(struct tf_generation *config, const char *path)
{
    struct tf_err err;
    struct tf_gguf *g = tf_gguf_open(path, &err);
    json_t *json = g ? tf_gguf_config(g, &err) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (!text || tf_generation_read(config, text, strlen(text), &err))
        cli_die(CLI_FILE, "%s: %s", path, err.msg);
    free(text);
    json_decref(json);
    tf_gguf_close(g);
}

void generate_configure(struct tf_generation *config, const char *dir,
                        const struct tf_tokenizer *tokenizer)
{
    struct tf_buf json = TF_BUF_INIT;
    struct tf_err err;

    tf_generation_init(config);
    if (!tf_dir_exists(dir))
        read_gguf(config, dir);
    else if (tf_generation_open(config, dir, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    put_options(&json);
    if (tf_generation_read(config, json.data, json.len, &err))
        cli_usage("%s", err.msg);
    tf_buf_release(&json);
    if (!config->max_new_tokens && !config->max_length)
        config->max_new_tokens = DEFAULT_NEW_TOKENS;
    if (generate_options.forced_bos) {
        const char *token = generate_options.forced_bos;

        config->forced_bos = tf_tokenizer_id(tokenizer, token, strlen(token));
        if (config->forced_bos < 0)
            cli_usage("--forced-bos-token: the tokenizer has no token \"%s\"",
                      token);
    }
    if (generate_options.bad_words)
        read_bad_words(config, tokenizer);
}

/* Texts to token ids and back, as a Hugging Face fast tokenizer does it. */
#include "cmd/cli.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "task/input.h"
#include "text/tokenizer.h"
#include "cmd/chat_record.h"
#include "cmd/window_json.h"

static bool tokens, offsets, special_mask, words, no_special, overflow, count;
static bool decode, skip_special, info;
static bool chat, generation_prompt, go_on, render;
static const char *system_text;
static int truncation, padding, padding_side;
static bool truncation_given, padding_given, side_given;
static int64_t max_length, stride, multiple, group;
static struct cli_strings added, added_special;
static const char *save;

static const struct cli_opt opts[] = {
    { 0, "tokens", CLI_FLAG_ON, &tokens, NULL, "add tokens: their texts" },
    { 0, "offsets", CLI_FLAG_ON, &offsets, NULL,
      "add offsets: [start, end] in code points of the text" },
    { 0, "special-mask", CLI_FLAG_ON, &special_mask, NULL,
      "add special_tokens_mask" },
    { 0, "words", CLI_FLAG_ON, &words, NULL, "add word_ids" },
    { 0, "no-special-tokens", CLI_FLAG_ON, &no_special, NULL,
      "add no special tokens to the text" },
    { 0, "truncation", CLI_CHOICE, &truncation,
      "longest_first|only_first|only_second",
      "which text of a pair to cut (default: longest_first)", 0, 0,
      &truncation_given },
    { 0, "max-length", CLI_INT, &max_length, "N",
      "cut to N tokens, special ones included", 1, INT32_MAX },
    { 0, "stride", CLI_INT, &stride, "N",
      "tokens that a window of --overflow shares with the one before", 0,
      INT32_MAX },
    { 0, "overflow", CLI_FLAG_ON, &overflow, NULL,
      "print every window of a text that was cut, not only the first" },
    { 0, "padding", CLI_CHOICE, &padding, "longest|max_length",
      "fill up to the longest record of all the input, or to --max-length", 0,
      0, &padding_given },
    { 'b', "batch-size", CLI_INT, &group, "N",
      "with --padding longest: to the longest of every N records", 1,
      INT32_MAX },
    { 0, "pad-to-multiple-of", CLI_INT, &multiple, "N",
      "fill up further, to a multiple of N", 1, INT32_MAX },
    { 0, "padding-side", CLI_CHOICE, &padding_side, "left|right",
      "where to fill up; what the tokenizer says when not given", 0, 0,
      &side_given },
    { 0, "add-token", CLI_STRINGS, &added, "T",
      "add a token; may be repeated" },
    { 0, "add-special-token", CLI_STRINGS, &added_special, "T",
      "add a special token; may be repeated" },
    { 0, "save", CLI_DIR_NAME, &save, "DIR",
      "write the tokenizer with what was added to DIR; without files, end "
      "then" },
    { 0, "count", CLI_FLAG_ON, &count, NULL, "add n_tokens only" },
    { 0, "chat", CLI_FLAG_ON, &chat, NULL,
      "records are chats: messages through the model's chat template" },
    { 0, "system", CLI_STRING, &system_text, "TEXT",
      "with --chat: a system message for chats that have none" },
    { 0, "add-generation-prompt", CLI_FLAG_ON, &generation_prompt, NULL,
      "with --chat: end with the head of the model's answer" },
    { 0, "continue-final-message", CLI_FLAG_ON, &go_on, NULL,
      "with --chat: end within the last message" },
    { 0, "render", CLI_FLAG_ON, &render, NULL,
      "with --chat: add the template's text, prompt, only" },
    { 0, "decode", CLI_FLAG_ON, &decode, NULL, "from input_ids back to text" },
    { 0, "skip-special-tokens", CLI_FLAG_ON, &skip_special, NULL,
      "with --decode: leave special tokens out" },
    { 0, "info", CLI_FLAG_ON, &info, NULL,
      "print one JSON object about the tokenizer and end" },
    CLI_END,
};

struct tokenize {
    struct tf_tokenizer *tok;
    const struct tf_tokenizer_info *info;
    struct tf_tok_state **states; /* one a worker */
    struct tf_chat *chat;
    struct tf_encode_opts opts;
    struct window_json print;
    bool pad;
    size_t pad_to; /* 0: to the longest */
};

/* Of one record. */
struct texts {
    struct tf_buf first, second;
    struct chat_record chat;
    struct tf_encoding enc;
    struct tf_input ids;
};

static void release(void *data)
{
    struct texts *t = data;

    tf_buf_release(&t->first);
    tf_buf_release(&t->second);
    chat_record_release(&t->chat);
    tf_encoding_release(&t->enc);
    tf_input_release(&t->ids);
}

static int read_chat(const struct tokenize *z, struct cli_item *item)
{
    struct texts *t = item->data;
    struct tf_chat_request q = { .generation_prompt = generation_prompt,
                                 .go_on = go_on };

    tf_buf_reset(&t->first);
    return chat_record_read(&t->chat, item, system_text, &q) ||
                   tf_chat_render(z->chat, &q, &t->first, &item->err)
               ? -1
               : 0;
}

static int read_texts(const struct tokenize *z, struct cli_item *item,
                      struct tf_str *text, struct tf_str *pair)
{
    struct texts *t = item->data;

    if (z->chat) {
        if (read_chat(z, item))
            return -1;
        *text =
            (struct tf_str){ t->first.data ? t->first.data : "", t->first.len };
        *pair = (struct tf_str){ NULL, 0 };
        return 0;
    }
    if (tf_record_text(&item->record, cli.field, &t->first, text, &item->err))
        return -1;
    *pair = (struct tf_str){ NULL, 0 };
    if (tf_record_get(&item->record, cli.pair_field).s &&
        tf_record_text(&item->record, cli.pair_field, &t->second, pair,
                       &item->err))
        return -1;
    if (!pair->len)
        pair->s = NULL; /* Transformers takes an empty one as none */
    return 0;
}

static size_t padded(size_t length)
{
    size_t m = multiple ? (size_t)multiple : 1;

    return (length + m - 1) / m * m;
}

static void put_windows(const struct tokenize *z, struct cli_item *item,
                        size_t length)
{
    struct texts *t = item->data;
    size_t i, n = overflow ? t->enc.count : 1;

    for (i = 0; i < n; i++) {
        if (i)
            cli_put_record(item);
        window_json_put(&z->print, item, &t->enc.windows[i],
                        z->pad ? padded(length) : 0);
        if (overflow) {
            cli_put(item, "overflow");
            tf_put_int(&item->out, (int64_t)i);
        }
        cli_count_tokens(item, t->enc.windows[i].n);
    }
}

/* The longest window, at least `length`. */
static size_t longest(const struct texts *t, size_t length)
{
    size_t i, n = overflow ? t->enc.count : 1;

    for (i = 0; i < n; i++)
        if (t->enc.windows[i].n > length)
            length = t->enc.windows[i].n;
    return length;
}

static size_t encode(void *arg, struct cli_item *item)
{
    struct tokenize *z = arg;
    struct texts *t = item->data;
    struct tf_str text, pair;

    if (read_texts(z, item, &text, &pair) ||
        tf_tokenizer_encode(z->tok, z->states[item->worker], &z->opts, text,
                            pair, &t->enc, &item->err))
        return 0;
    if (!z->pad || z->pad_to)
        put_windows(z, item, z->pad_to);
    return 1;
}

/* All records of the group are known: fill them up. */
static int fill_up(void *arg, struct cli_item **items, size_t n,
                   struct tf_err *err)
{
    size_t i, length = 0;

    (void)err;
    for (i = 0; i < n; i++)
        length = longest(items[i]->data, length);
    for (i = 0; i < n; i++)
        put_windows(arg, items[i], length);
    return 0;
}

static size_t count_tokens(void *arg, struct cli_item *item)
{
    struct tokenize *z = arg;
    struct texts *t = item->data;
    struct tf_str text, pair;
    size_t n;

    if (read_texts(z, item, &text, &pair))
        return 0;
    if (z->opts.max_length) {
        if (tf_tokenizer_encode(z->tok, z->states[item->worker], &z->opts, text,
                                pair, &t->enc, &item->err))
            return 0;
        n = t->enc.windows[0].n;
    } else if (tf_tokenizer_count(z->tok, z->states[item->worker], no_special,
                                  text, pair, &n, &item->err)) {
        return 0;
    }
    cli_put(item, "n_tokens");
    tf_put_int(&item->out, (int64_t)n);
    cli_count_tokens(item, n);
    return 1;
}

static size_t to_text(void *arg, struct cli_item *item)
{
    struct tokenize *z = arg;
    struct texts *t = item->data;
    size_t i;
    int found = tf_input_read(&t->ids, &item->record, &item->err);

    if (!found)
        cli_item_fail(item, "no_field", "the record has no \"input_ids\"");
    for (i = 0; found > 0 && i < t->ids.n; i++)
        if ((size_t)t->ids.ids[i] >= z->info->vocab_size)
            found = cli_item_fail(
                item, "bad_ids", "token id %d is outside the vocabulary of %zu",
                t->ids.ids[i], z->info->vocab_size);
    if (found <= 0)
        return 0;
    tf_buf_reset(&t->first);
    if (tf_tokenizer_decode(z->tok, t->ids.ids, t->ids.n, skip_special,
                            &t->first, &item->err))
        return 0;
    cli_put(item, "text");
    tf_put_string(&item->out, t->first.data, t->first.len);
    cli_count_tokens(item, t->ids.n);
    return 1;
}

static size_t render_chat(void *arg, struct cli_item *item)
{
    struct texts *t = item->data;

    if (read_chat(arg, item))
        return 0;
    cli_put(item, "prompt");
    tf_put_string(&item->out, t->first.data, t->first.len);
    return 1;
}

static void put_special(struct tf_buf *b, const struct tokenize *z,
                        const char *name, int32_t id)
{
    struct tf_str s = tf_tokenizer_token(z->tok, id);

    tf_buf_addf(b, ", \"%s_token\": ", name);
    if (id < 0 || !s.s)
        tf_buf_adds(b, "null");
    else
        tf_put_string(b, s.s, s.len);
    tf_buf_addf(b, ", \"%s_token_id\": ", name);
    if (id < 0)
        tf_buf_adds(b, "null");
    else
        tf_put_int(b, id);
}

static void put_string_or_null(struct tf_buf *b, const char *s)
{
    if (s)
        tf_put_string(b, s, strlen(s));
    else
        tf_buf_adds(b, "null");
}

static void print_info(const struct tokenize *z)
{
    const struct tf_tokenizer_info *i = z->info;
    struct tf_buf b = TF_BUF_INIT;

    tf_buf_adds(&b, "{\"tokenizer_class\": ");
    put_string_or_null(&b, i->class_name);
    tf_buf_adds(&b, ", \"model\": ");
    put_string_or_null(&b, i->model);
    tf_buf_addf(&b, ", \"vocab_size\": %zu, \"added_tokens\": %zu",
                i->vocab_size, i->added);
    tf_buf_adds(&b, ", \"model_max_length\": ");
    if (i->model_max_length)
        tf_buf_addf(&b, "%zu", i->model_max_length);
    else
        tf_buf_adds(&b, "null");
    tf_buf_addf(&b, ", \"special_tokens_added\": [%zu, %zu]",
                tf_tokenizer_added(z->tok, false),
                tf_tokenizer_added(z->tok, true));
    put_special(&b, z, "bos", i->bos);
    put_special(&b, z, "eos", i->eos);
    put_special(&b, z, "unk", i->unk);
    put_special(&b, z, "sep", i->sep);
    put_special(&b, z, "pad", i->pad);
    put_special(&b, z, "cls", i->cls);
    put_special(&b, z, "mask", i->mask);
    tf_buf_addf(&b, ", \"token_type_ids\": %s",
                i->has_type_ids ? "true" : "false");
    tf_buf_addf(&b, ", \"padding_side\": \"%s\"",
                i->pad_left ? "left" : "right");
    tf_buf_addf(&b, ", \"truncation_side\": \"%s\"",
                i->truncate_left ? "left" : "right");
    tf_buf_addf(&b, ", \"chat_template\": %s}\n",
                i->has_chat_template ? "true" : "false");
    cli_write(b.data, b.len);
    tf_buf_release(&b);
}

/* Truncation and padding mean what they mean when a tokenizer of Transformers
 * is called with these arguments. */
static void set_lengths(struct tokenize *z)
{
    size_t most = z->info->model_max_length;
    size_t special = no_special ? 0 : tf_tokenizer_added(z->tok, false);

    if (max_length)
        most = (size_t)max_length;
    if (truncation_given || (max_length && !padding_given)) {
        if (!most)
            cli_note("--truncation does nothing: the tokenizer has no greatest "
                     "length, and there is no --max-length");
        z->opts.max_length = most;
        if (stride && most && (size_t)stride + special >= most)
            cli_usage("--stride %lld leaves no room for new tokens: a window "
                      "has %zu, %zu of them special",
                      (long long)stride, most, special);
    }
    if (!padding_given)
        return;
    if (z->info->pad < 0)
        cli_usage(
            "--padding: the tokenizer has no padding token to fill up with");
    z->pad = !padding || most;
    if (!z->pad)
        cli_note("--padding max_length does nothing: the tokenizer has no "
                 "greatest length, and there is no --max-length");
    z->pad_to = padding ? most : 0;
    z->print.pad_left = side_given ? !padding_side : z->info->pad_left;
}

static void set_options(struct tokenize *z)
{
    z->opts.want = (tokens ? TF_TOK_TOKENS : 0) |
                   (offsets ? TF_TOK_OFFSETS : 0) | (words ? TF_TOK_WORDS : 0);
    z->opts.no_special = no_special;
    z->opts.truncation = (enum tf_truncation)truncation;
    z->opts.stride = (size_t)stride;
    z->opts.overflow = overflow;
    z->opts.truncate_left = z->info->truncate_left;
    z->print = (struct window_json){
        .tok = z->tok,
        .tokens = tokens,
        .offsets = offsets,
        .special_mask = special_mask,
        .words = words,
    };
    set_lengths(z);
}

/* Options that exclude or need each other. */
static void check_options(void)
{
    if (count && decode)
        cli_usage("--count and --decode do not go together");
    if (render && count)
        cli_usage("--render and --count do not go together");
    if (chat && decode)
        cli_usage("--chat and --decode do not go together");
    if (!chat && (system_text || generation_prompt || go_on || render))
        cli_usage("--system, --add-generation-prompt, "
                  "--continue-final-message and --render need --chat");
    if (generation_prompt && go_on)
        cli_usage("--add-generation-prompt and --continue-final-message do "
                  "not go together");
}

static void add_tokens(struct tokenize *z)
{
    struct tf_err err;

    if (tf_tokenizer_add(z->tok, added.v, added.n, false, &err) < 0 ||
        tf_tokenizer_add(z->tok, added_special.v, added_special.n, true, &err) <
            0 ||
        (save && tf_tokenizer_save(z->tok, save, &err)))
        cli_die(CLI_FILE, "%s", err.msg);
    z->info = tf_tokenizer_info(z->tok);
}

/* The names the records get under these options, in the order of tf(7). */
static void list_members(const struct tokenize *z, const char **names)
{
    bool ids = !count && !decode && !render;
    const struct {
        bool wanted;
        const char *name;
    } all[] = {
        { ids, "input_ids" },
        { ids, "attention_mask" },
        { ids && z->info->has_type_ids, "token_type_ids" },
        { ids && tokens, "tokens" },
        { ids && offsets, "offsets" },
        { ids && special_mask, "special_tokens_mask" },
        { ids && words, "word_ids" },
        { ids && overflow, "overflow" },
        { count, "n_tokens" },
        { decode, "text" },
        { render, "prompt" },
    };
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].wanted)
            *names++ = all[i].name;
    *names = NULL;
}

static void open_states(struct tokenize *z)
{
    size_t i, n = (size_t)tf_pool_threads(cli_pool());
    struct tf_err err;

    z->states = tf_alloc(n, sizeof(z->states[0]), &err);
    if (!z->states)
        cli_die(CLI_FILE, "%s", err.msg);
    for (i = 0; i < n; i++) {
        z->states[i] = tf_tok_state_new(z->tok, &err);
        if (!z->states[i])
            cli_die(CLI_FILE, "%s", err.msg);
    }
}

static void close_all(struct tokenize *z)
{
    size_t i, n = (size_t)tf_pool_threads(cli.pool);

    for (i = 0; z->states && i < n; i++)
        tf_tok_state_free(z->states[i]);
    free(z->states);
    tf_chat_close(z->chat);
    tf_tokenizer_close(z->tok);
}

int main(int argc, char **argv)
{
    const char *members[13];
    struct cli_tool tool = {
        .name = "tf-tokenize",
        .summary = "Turn texts into the token ids of a model, and back.",
        .operands = "[FILE ...]",
        .opts = opts,
        .shared = CLI_RECORDS | CLI_MODEL_PATH,
        .members = members,
        .data_size = sizeof(struct texts),
        .data_release = release,
        .prepare = encode,
    };
    char **files = cli_parse(&tool, argc, argv);
    struct tokenize z = { 0 };
    struct tf_err err;
    int status = CLI_OK;

    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    check_options();
    z.tok =
        tf_tokenizer_open(cli_model_path(cli.model, CLI_NEED_TOKENIZER), &err);
    if (!z.tok)
        cli_die(CLI_FILE, "%s", err.msg);
    add_tokens(&z);
    if (chat) {
        z.chat = tf_chat_open(z.tok, &err);
        if (!z.chat)
            cli_die(CLI_FILE, "%s", err.msg);
        no_special = true; /* the template writes them */
    }
    set_options(&z);
    list_members(&z, members);
    if (count || decode || render) {
        tool.prepare = count ? count_tokens : decode ? to_text : render_chat;
    } else if (z.pad && !z.pad_to) {
        tool.run = fill_up;
        tool.hold = group ? (size_t)group : SIZE_MAX;
    }
    cli_stats_loaded(NULL);
    if (info) {
        print_info(&z);
    } else if (!save || *files) {
        open_states(&z);
        status = cli_each(&tool, files, &z);
    }
    close_all(&z);
    return cli_finish(status);
}

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/pipeline.h"
#include "text/toksource.h"

static bool same_flags(const struct tf_added_token *a,
                       const struct tf_added_token *b)
{
    return a->single_word == b->single_word && a->lstrip == b->lstrip &&
           a->rstrip == b->rstrip && a->normalized == b->normalized &&
           a->special == b->special;
}

/* Is the token one of the list's first n? */
static bool listed(const struct tf_token_list *l, size_t n, struct tf_str s)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (l->at[i].content.s && tf_str_eq(l->at[i].content, s))
            return true;
    return false;
}

/*
 * What TokenizersBackend.__init__ adds to a tokenizer.json: the tokens of
 * added_tokens_decoder that the file has not, or has otherwise; then the
 * special tokens that are still missing. Those of old files never replace.
 */
static int add_config_tokens(struct tf_tokenizer *tok, struct tf_err *err)
{
    const struct tf_tokconfig *c = &tok->config;
    const struct tf_token_list *lists[] = { &c->special, &c->extra };
    bool replace = tf_record_get(&c->config, "added_tokens_decoder").s, is_new;
    size_t i, k;

    tf_added_begin(&tok->added, &tok->model);
    for (i = 0; i < c->added.count; i++) {
        struct tf_added_token t = c->added.at[i];
        const struct tf_added_token *old =
            tf_added_find(&tok->added, t.content);

        t.special |= listed(&c->special, c->special.count, t.content);
        if (old && (!replace || same_flags(old, &c->added.at[i])))
            continue;
        if (tf_added_put(&tok->added, &t, &tok->model, tok->normalizer, &is_new,
                         err))
            return -1;
    }
    for (k = 0; k < 2; k++)
        for (i = 0; i < lists[k]->count; i++) {
            const struct tf_added_token *t = &lists[k]->at[i];

            if (t->content.s && !tf_added_find(&tok->added, t->content) &&
                tf_added_put(&tok->added, t, &tok->model, tok->normalizer,
                             &is_new, err))
                return -1;
        }
    return tf_added_index(&tok->added, err);
}

static int32_t special_id(const struct tf_tokenizer *tok, enum tf_special which)
{
    struct tf_str s = { NULL, 0 };

    if (tok->config.special.count)
        s = tok->config.special.at[which].content;
    return s.s ? tf_tokenizer_id(tok, s.s, s.len) : -1;
}

static void count_ids(struct tf_tokenizer *tok)
{
    size_t i;

    tok->info.added = tok->added.count;
    tok->info.vocab_size = tok->model.vocab.ids;
    for (i = 0; i < tok->added.count; i++)
        if ((size_t)tok->added.at[i].id >= tok->info.vocab_size)
            tok->info.vocab_size = (size_t)tok->added.at[i].id + 1;
}

static bool side_is_left(const struct tf_tokconfig *c, const char *name,
                         bool otherwise)
{
    struct tf_str s = tf_tokconfig_string(c, name);

    return s.s ? tf_str_is(s, "left") : otherwise;
}

static void fill_info(struct tf_tokenizer *tok)
{
    const struct tf_tokconfig *c = &tok->config;
    struct tf_tokenizer_info *info = &tok->info;
    double max = tf_tokconfig_number(c, "model_max_length",
                                     tf_tokconfig_number(c, "max_len", 0));

    info->class_name = c->class_name;
    info->model = tf_model_name(&tok->model);
    if (tok->model.prefix && *tok->model.prefix)
        info->prefix = tok->model.prefix;
    if (max >= 1 && max < 1e15)
        info->model_max_length = (size_t)max;
    info->bos = special_id(tok, TF_BOS);
    info->eos = special_id(tok, TF_EOS);
    info->unk = special_id(tok, TF_UNK);
    info->sep = special_id(tok, TF_SEP);
    info->pad = special_id(tok, TF_PAD);
    info->cls = special_id(tok, TF_CLS);
    info->mask = special_id(tok, TF_MASK);
    info->has_type_ids = tf_tokconfig_lists(
        c, "model_input_names", "token_type_ids", c->cls && c->cls->type_ids);
    info->pad_left = side_is_left(
        c, "padding_side", info->pad_left || (c->cls && c->cls->pad_left));
    info->truncate_left =
        side_is_left(c, "truncation_side", info->truncate_left);
    info->has_chat_template = c->has_template;
    tok->added.split_special =
        tf_tokconfig_flag(c, "split_special_tokens", false);
    count_ids(tok);
    tok->cleans_up =
        tf_tokconfig_flag(c, "clean_up_tokenization_spaces", false) &&
        (tok->model.type != TF_BPE ||
         tf_tokconfig_flag(c,
                           "clean_up_tokenization_spaces_for_bpe_even_though_"
                           "it_will_corrupt_output",
                           false));
}

static int read_source(struct tf_tokenizer *tok, struct tf_err *err)
{
    struct tf_toksource s = { 0 };
    int failed =
        tf_toksource_open(&s, tok->path, &tok->config, &tok->model, err);
    bool is_folder = s.is_folder;
    struct tf_err late;

    if (!failed && tf_tokenizer_read(tok, s.text.s, s.text.len, err)) {
        tf_err_at(err, s.name);
        failed = -1;
    }
    if (tf_toksource_close(&s, &late) && !failed) {
        *err = late;
        failed = -1;
    }
    if (failed || !is_folder)
        return failed;
    if (tok->pad_token &&
        tf_tokconfig_default_pad(&tok->config, tok->pad_token, err))
        return -1;
    return add_config_tokens(tok, err);
}

static struct tf_tokenizer *open_side(const char *path, bool target,
                                      struct tf_err *err)
{
    struct tf_tokenizer *tok = tf_alloc(1, sizeof(*tok), err);

    if (!tok)
        return NULL;
    tok->config.target = target;
    tok->path = tf_strndup(path, strlen(path), err);
    if (!tok->path || read_source(tok, err)) {
        tf_tokenizer_close(tok);
        return NULL;
    }
    fill_info(tok);
    return tok;
}

struct tf_tokenizer *tf_tokenizer_open(const char *path, struct tf_err *err)
{
    return open_side(path, false, err);
}

struct tf_tokenizer *tf_tokenizer_open_target(const char *path,
                                              struct tf_err *err)
{
    return open_side(path, true, err);
}

void tf_tokenizer_close(struct tf_tokenizer *tok)
{
    if (!tok)
        return;
    tf_normalizer_free(tok->normalizer);
    tf_splitter_free(tok->splitter);
    tf_decoder_free(tok->decoder);
    tf_model_release(&tok->model);
    tf_added_release(&tok->added);
    tf_postprocessor_release(&tok->post);
    tf_tokconfig_release(&tok->config);
    free(tok->pad_token);
    free(tok->path);
    free(tok);
}

struct tf_tok_state *tf_tok_state_new(const struct tf_tokenizer *tok,
                                      struct tf_err *err)
{
    struct tf_tok_state *st = tf_alloc(1, sizeof(*st), err);

    if (!st)
        return NULL;
    st->tok = tok;
    if (tf_wordcache_init(&st->cache, err) ||
        tf_tokens_room(&st->tokens, 1, err)) {
        tf_tok_state_free(st);
        return NULL;
    }
    return st;
}

void tf_tok_state_free(struct tf_tok_state *st)
{
    if (!st)
        return;
    tf_pretext_release(&st->pre);
    tf_scratch_release(&st->scratch);
    tf_wordcache_release(&st->cache);
    tf_tokens_release(&st->tokens);
    free(st->offsets);
    free(st->words);
    free(st->texts);
    tf_buf_release(&st->surface);
    free(st);
}

const struct tf_tokenizer_info *tf_tokenizer_info(const struct tf_tokenizer *t)
{
    return &t->info;
}

struct tf_str tf_tokenizer_token(const struct tf_tokenizer *tok, int32_t id)
{
    const struct tf_added_token *t = tf_added_by_id(&tok->added, id);

    return t ? t->spelled : tf_vocab_token(&tok->model.vocab, id);
}

int32_t tf_tokenizer_id(const struct tf_tokenizer *tok, const char *token,
                        size_t len)
{
    struct tf_str s = { token, len };
    const struct tf_added_token *t = tf_added_find(&tok->added, s);

    return t ? t->id : tf_vocab_find(&tok->model.vocab, s);
}

bool tf_tokenizer_is_special(const struct tf_tokenizer *tok, int32_t id)
{
    struct tf_str s = tf_tokenizer_token(tok, id);
    const struct tf_added_token *t = s.s ? tf_added_find(&tok->added, s) : NULL;

    return t && t->skipped;
}

size_t tf_tokenizer_added(const struct tf_tokenizer *tok, bool pair)
{
    return tok->post.added[pair];
}

int tf_tokenizer_add(struct tf_tokenizer *tok, const char *const *tokens,
                     size_t n, bool special, struct tf_err *err)
{
    int added = 0;
    bool is_new;
    size_t i;

    tf_added_begin(&tok->added, &tok->model);
    for (i = 0; i < n; i++) {
        struct tf_added_token t = { .content = { tokens[i], strlen(tokens[i]) },
                                    .special = special,
                                    .normalized = !special };
        const struct tf_added_token *old =
            tf_added_find(&tok->added, t.content);

        if (old && !special)
            continue;
        if (old) {
            t = *old;
            t.special = true;
        }
        if (tf_added_put(&tok->added, &t, &tok->model, tok->normalizer, &is_new,
                         err))
            return -1;
        added += is_new;
    }
    if (tf_added_index(&tok->added, err))
        return -1;
    count_ids(tok);
    return added;
}

int tf_tokenizer_encode(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                        const struct tf_encode_opts *opts, struct tf_str text,
                        struct tf_str pair, struct tf_encoding *enc,
                        struct tf_err *err)
{
    unsigned needs = tf_tok_needs(tok, opts->want);
    size_t first;

    tf_tok_begin(st);
    if (tf_tok_append(st, text, needs, -1, err))
        return -1;
    first = st->tokens.n;
    if (pair.s && tf_tok_append(st, pair, needs, -1, err))
        return -1;
    return tf_tok_assemble(st, opts, first, pair.s != NULL, enc, err);
}

int tf_tokenizer_encode_words(const struct tf_tokenizer *tok,
                              struct tf_tok_state *st,
                              const struct tf_encode_opts *opts,
                              const struct tf_str *words, size_t n,
                              struct tf_encoding *enc, struct tf_err *err)
{
    unsigned needs = tf_tok_needs(tok, opts->want);
    size_t i;

    tf_tok_begin(st);
    for (i = 0; i < n; i++)
        if (tf_tok_append(st, words[i], needs, (int32_t)i, err))
            return -1;
    return tf_tok_assemble(st, opts, st->tokens.n, false, enc, err);
}

int tf_tokenizer_count(const struct tf_tokenizer *tok, struct tf_tok_state *st,
                       bool no_special, struct tf_str text, struct tf_str pair,
                       size_t *n, struct tf_err *err)
{
    const struct tf_layout *l = &tok->post.layout[pair.s != NULL][!no_special];
    size_t first, i;

    tf_tok_begin(st);
    if (tf_tok_append(st, text, 0, -1, err))
        return -1;
    first = st->tokens.n;
    if (pair.s && tf_tok_append(st, pair, 0, -1, err))
        return -1;
    for (*n = i = 0; i < l->count; i++)
        if (l->parts[i].id >= 0)
            ++*n;
        else
            *n += l->parts[i].sequence ? st->tokens.n - first : first;
    return 0;
}

void tf_encoding_release(struct tf_encoding *enc)
{
    tf_buf_release(&enc->memory);
    enc->windows = NULL;
    enc->count = 0;
}

#include "text/gguf_vocab_write.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "text/gguf_pre.h"
#include "text/normalizers.h"
#include "text/pipeline.h"
#include "text/spm.h"
#include "text/toksource.h"
#include "text/utf8.h"

#define TEMPLATE_MAX ((size_t)1 << 24)

struct writing {
    struct tf_gguf_meta *m;
    const struct tf_tokenizer *tok;
    size_t rows;
    const struct tf_gguf_ids *ids;
    enum tf_model_type model;
    bool pieces;    /* SentencePiece's: blanks are U+2581, bytes <0xHH> */
    double *scores; /* [rows] of pieces, by the first merge that makes them;
                       -INFINITY: none does */
    struct tf_err *err;
};

static bool begins(struct tf_str s, const char *with)
{
    size_t n = strlen(with);

    return s.len >= n && !memcmp(s.s, with, n);
}

static bool ends(struct tf_str s, const char *with)
{
    size_t n = strlen(with);

    return s.len >= n && !memcmp(s.s + s.len - n, with, n);
}

/* Tokens that some models mark as plain added ones and mean as control tokens;
 * the list is that of llama.cpp's converter. */
static bool looks_special(struct tf_str s)
{
    static const char *const words[] = { "<pad>", "<mask>", "<2mass>",
                                         "[@BOS@]" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (tf_str_is(s, words[i]))
            return true;
    return (begins(s, "<|") && ends(s, "|>")) ||
           (begins(s, "<\xef\xbd\x9c") && ends(s, "\xef\xbd\x9c>")) ||
           (begins(s, "<unused") && ends(s, ">"));
}

static int32_t or_else(int32_t id, int32_t other)
{
    return id >= 0 ? id : other;
}

static int32_t unknown(const struct writing *w)
{
    return or_else(w->tok->info.unk, w->tok->model.unk);
}

static enum tf_spm_type type_of(const struct writing *w, int32_t id,
                                struct tf_str s)
{
    const struct tf_added_token *added = tf_added_by_id(&w->tok->added, id);

    if (!s.s)
        return TF_SPM_UNUSED;
    if (w->pieces && id == unknown(w))
        return TF_SPM_UNKNOWN;
    if (added)
        return added->special || looks_special(s) ? TF_SPM_CONTROL
                                                  : TF_SPM_USER_DEFINED;
    if (w->pieces && s.len == 6 && begins(s, "<0x") && s.s[5] == '>')
        return TF_SPM_BYTE;
    /* SentencePiece would make it of any two pieces */
    if (w->pieces && s.len > tf_utf8_len((unsigned char)s.s[0]) &&
        isinf(w->scores[id]))
        return TF_SPM_UNUSED;
    return TF_SPM_NORMAL;
}

/* Added tokens are looked for before blanks become U+2581. */
static void put_plain(struct tf_buf *out, struct tf_str s)
{
    size_t mark = strlen(TF_WORD_START);

    for (size_t i = 0; i < s.len;) {
        struct tf_str rest = { s.s + i, s.len - i };
        bool blank = begins(rest, TF_WORD_START);

        tf_buf_addc(out, blank ? ' ' : s.s[i]);
        i += blank ? mark : 1;
    }
}

static void spell(const struct writing *w, struct tf_buf *out, int32_t id)
{
    struct tf_str s = tf_tokenizer_token(w->tok, id);
    enum tf_spm_type type = type_of(w, id, s);

    tf_buf_reset(out);
    if (!s.s) {
        tf_buf_addf(out, "[PAD%d]", (int)id);
    } else if (type == TF_SPM_USER_DEFINED && w->model == TF_BPE) {
        put_plain(out, s);
    } else if (w->model == TF_WORDPIECE && type != TF_SPM_CONTROL) {
        if (begins(s, "##")) {
            s.s += 2;
            s.len -= 2;
        } else {
            tf_buf_adds(out, TF_WORD_START);
        }
        tf_buf_add(out, s.s, s.len);
    } else {
        tf_buf_add(out, s.s, s.len);
    }
}

static void put_tokens(struct writing *w)
{
    struct tf_buf text = TF_BUF_INIT;

    tf_gguf_put_strings(w->m, "tokenizer.ggml.tokens", w->rows);
    for (size_t i = 0; i < w->rows; i++) {
        spell(w, &text, (int32_t)i);
        tf_gguf_add_string(w->m, (struct tf_str){ text.data, text.len });
    }
    w->m->bytes.failed = w->m->bytes.failed || text.failed;
    tf_buf_release(&text);
    tf_gguf_put_i32s(w->m, "tokenizer.ggml.token_type", w->rows);
    for (size_t i = 0; i < w->rows; i++)
        tf_gguf_add_i32(
            w->m, (int32_t)type_of(w, (int32_t)i,
                                   tf_tokenizer_token(w->tok, (int32_t)i)));
}

/* A piece is as good as the merge that makes it comes early. */
static int find_scores(struct writing *w)
{
    const struct tf_merges *merges = &w->tok->model.merges;

    w->scores = tf_alloc(w->rows, sizeof(*w->scores), w->err);
    if (!w->scores)
        return -1;
    for (size_t i = 0; i < w->rows; i++)
        w->scores[i] = -INFINITY;
    for (size_t i = merges->count; i-- > 0;) {
        int32_t id =
            merges->by_piece ? merges->ranked[i] : merges->at[i].result;

        if ((size_t)id < w->rows)
            w->scores[id] = -(double)i;
    }
    return 0;
}

static void put_scores(struct writing *w)
{
    double last = -(double)w->tok->model.merges.count;

    tf_gguf_put_f32s(w->m, "tokenizer.ggml.scores", w->rows);
    for (size_t i = 0; i < w->rows; i++)
        tf_gguf_add_f32(w->m, fmax(w->scores[i], last));
}

static void put_merges(struct writing *w)
{
    const struct tf_model *model = &w->tok->model;
    struct tf_buf text = TF_BUF_INIT;

    tf_gguf_put_strings(w->m, "tokenizer.ggml.merges", model->merges.count);
    for (size_t i = 0; i < model->merges.count; i++) {
        const struct tf_merge *m = &model->merges.at[i];
        struct tf_str a = tf_vocab_token(&model->vocab, m->left);
        struct tf_str b = tf_vocab_token(&model->vocab, m->right);

        tf_buf_reset(&text);
        tf_buf_add(&text, a.s, a.len);
        tf_buf_addc(&text, ' ');
        tf_buf_add(&text, b.s, b.len);
        tf_gguf_add_string(w->m, (struct tf_str){ text.data, text.len });
    }
    w->m->bytes.failed = w->m->bytes.failed || text.failed;
    tf_buf_release(&text);
}

static void put_id(struct writing *w, const char *key, int32_t id)
{
    if (id >= 0 && (size_t)id < w->rows)
        tf_gguf_put_u32(w->m, key, (uint32_t)id);
}

/* One text's tokens with the special ones around them. */
static int encode(const struct writing *w, const char *text, bool special,
                  struct tf_encoding *enc)
{
    struct tf_tok_state *st = tf_tok_state_new(w->tok, w->err);
    struct tf_encode_opts opts = { .no_special = !special };
    struct tf_str s = { text, strlen(text) }, none = { 0 };
    int failed =
        !st || tf_tokenizer_encode(w->tok, st, &opts, s, none, enc, w->err);

    tf_tok_state_free(st);
    return failed ? -1 : 0;
}

/* The special tokens that stand at the ends of a text; -1: none. */
static int find_ends(struct writing *w, int32_t *first, int32_t *last)
{
    struct tf_encoding enc = { 0 };
    const struct tf_window *win;
    int failed = encode(w, "a", true, &enc);

    *first = *last = -1;
    if (!failed) {
        win = &enc.windows[0];
        if (win->n && win->special[0])
            *first = win->ids[0];
        if (win->n && win->special[win->n - 1])
            *last = win->ids[win->n - 1];
    }
    tf_encoding_release(&enc);
    return failed;
}

static int put_specials(struct writing *w)
{
    const struct tf_tokenizer_info *info = &w->tok->info;
    int32_t first, last, bos = or_else(info->bos, info->cls);
    int32_t eos = or_else(info->eos, info->sep), cls = info->cls;
    int32_t sep = info->sep;

    if (find_ends(w, &first, &last))
        return -1;
    if (w->model == TF_WORDPIECE) {
        cls = or_else(cls, first);
        sep = or_else(sep, last);
    }
    bos = or_else(or_else(first, bos), w->ids->bos);
    if (w->model != TF_WORDPIECE || eos < 0)
        eos = or_else(last, eos);
    eos = or_else(eos, w->ids->eos);
    put_id(w, "tokenizer.ggml.bos_token_id", bos);
    put_id(w, "tokenizer.ggml.eos_token_id", eos);
    if (w->ids->eot != eos)
        put_id(w, "tokenizer.ggml.eot_token_id", w->ids->eot);
    put_id(w, "tokenizer.ggml.unknown_token_id", unknown(w));
    put_id(w, "tokenizer.ggml.seperator_token_id", sep);
    put_id(w, "tokenizer.ggml.padding_token_id",
           or_else(info->pad, w->ids->pad));
    put_id(w, "tokenizer.ggml.cls_token_id", cls);
    put_id(w, "tokenizer.ggml.mask_token_id", info->mask);
    tf_gguf_put_bool(w->m, "tokenizer.ggml.add_bos_token", first >= 0);
    tf_gguf_put_bool(w->m, "tokenizer.ggml.add_eos_token", last >= 0);
    return 0;
}

/* Does a text get a blank before it? */
static int put_space_prefix(struct writing *w)
{
    struct tf_encoding enc = { 0 };
    const struct tf_window *win;
    int failed = encode(w, "a", false, &enc);

    if (!failed) {
        win = &enc.windows[0];
        tf_gguf_put_bool(
            w->m, "tokenizer.ggml.add_space_prefix",
            win->n &&
                begins(tf_tokenizer_token(w->tok, win->ids[0]), TF_WORD_START));
    }
    tf_encoding_release(&enc);
    return failed;
}

/* A member of tokenizer.json; NULL: it has none, or `failed`. */
static json_t *member(const struct writing *w, const char *name, bool *failed)
{
    struct tf_toksource s = { 0 };
    struct tf_tokconfig config = { 0 };
    struct tf_str key, value;
    json_t *found = NULL;
    struct tf_err late;
    struct tf_json j;

    *failed = tf_toksource_open(&s, w->tok->path, &config, NULL, w->err) != 0;
    tf_json_init(&j, s.text.s, s.text.len);
    if (!*failed && tf_json_object(&j))
        while (tf_json_key(&j, &key) && tf_json_skip(&j, &value))
            if (tf_str_is(key, name))
                found = json_loadb(value.s, value.len, 0, NULL);
    tf_json_release(&j);
    tf_tokconfig_release(&config);
    if (tf_toksource_close(&s, *failed ? &late : w->err))
        *failed = true;
    return found;
}

static bool is_type(json_t *v, const char *type)
{
    const char *s = json_string_value(json_object_get(v, "type"));

    return s && !strcmp(s, type);
}

/* What a step of the pre-tokenizer adds to the kind; false: it has no word. */
static bool read_step(json_t *step, struct tf_gguf_pre *pre, bool *space)
{
    json_t *regex = json_object_get(json_object_get(step, "pattern"), "Regex");
    const char *behavior = json_string_value(json_object_get(step, "behavior"));

    if (is_type(step, "ByteLevel")) {
        *space = json_is_true(json_object_get(step, "add_prefix_space"));
        return json_is_false(json_object_get(step, "use_regex")) ==
               (pre->kind == TF_SPLIT_REGEX);
    }
    if (is_type(step, "Digits") && pre->kind == TF_SPLIT_GPT2) {
        pre->kind = TF_SPLIT_DIGITS;
        return json_is_true(json_object_get(step, "individual_digits"));
    }
    if (!is_type(step, "Split") || !json_is_string(regex) || !behavior ||
        strcmp(behavior, "Isolated") || pre->kind != TF_SPLIT_GPT2 ||
        json_is_true(json_object_get(step, "invert")))
        return false;
    pre->kind = TF_SPLIT_REGEX;
    pre->regex = json_string_value(regex);
    return true;
}

static bool has_nfc(json_t *normalizer)
{
    json_t *items = json_object_get(normalizer, "normalizers"), *item;
    size_t i;

    json_array_foreach (items, i, item)
        if (is_type(item, "NFC"))
            return true;
    return is_type(normalizer, "NFC");
}

static int put_splitter(struct writing *w, json_t *pre_tokenizer,
                        json_t *normalizer)
{
    json_t *steps = json_object_get(pre_tokenizer, "pretokenizers");
    struct tf_gguf_pre wanted = {
        .nfc = has_nfc(normalizer),
        .ignore_merges = w->tok->model.ignore_merges,
    };
    const struct tf_gguf_pre *found;
    bool space = false, good;
    json_t *step;
    size_t i;

    good =
        pre_tokenizer && (steps || read_step(pre_tokenizer, &wanted, &space));
    json_array_foreach (steps, i, step)
        good = good && read_step(step, &wanted, &space);
    found = good ? tf_gguf_pre_like(&wanted) : NULL;
    if (!found)
        return tf_fail(w->err,
                       "a GGUF has no name for how this tokenizer splits texts "
                       "into words (pre_tokenizer in tokenizer.json)");
    tf_gguf_put_string(w->m, "tokenizer.ggml.pre",
                       (struct tf_str){ found->name, strlen(found->name) });
    if (space)
        tf_gguf_put_bool(w->m, "tokenizer.ggml.add_space_prefix", true);
    return 0;
}

static int put_bytes(struct writing *w)
{
    bool failed[2];
    json_t *pre = member(w, "pre_tokenizer", &failed[0]);
    json_t *normalizer = failed[0] ? NULL : member(w, "normalizer", &failed[1]);
    int bad = failed[0] || failed[1] || put_splitter(w, pre, normalizer);

    json_decref(pre);
    json_decref(normalizer);
    return bad ? -1 : 0;
}

static int put_kind(struct writing *w)
{
    const struct tf_normalizer *n = w->tok->normalizer;
    const char *kind = w->model == TF_WORDPIECE ? "bert"
                       : w->pieces              ? "llama"
                                                : "gpt2";

    if (w->model != TF_WORDPIECE && w->model != TF_BPE)
        return tf_fail(w->err,
                       "a tokenizer of the kind %s can't be written into a "
                       "GGUF; BPE and WordPiece can",
                       tf_model_name(&w->tok->model));
    if (w->model == TF_BPE && (w->tok->model.prefix || w->tok->model.suffix))
        return tf_fail(w->err,
                       "a GGUF has no word for a tokenizer that marks "
                       "where words begin or end (\"%s\")",
                       w->tok->model.suffix ? w->tok->model.suffix
                                            : w->tok->model.prefix);
    tf_gguf_put_string(w->m, "tokenizer.ggml.model",
                       (struct tf_str){ kind, strlen(kind) });
    if (w->model == TF_WORDPIECE) {
        tf_gguf_put_bool(w->m, "tokenizer.ggml.normalizer.lowercase",
                         n && n->lowercase);
        tf_gguf_put_bool(w->m, "tokenizer.ggml.normalizer.strip_accents",
                         n && n->strip_accents);
    }
    return w->model == TF_BPE && !w->pieces ? put_bytes(w) : 0;
}

/* The template for chats: a file of its own, or in tokenizer_config.json. */
static int put_template(struct writing *w)
{
    static const char name[] = "chat_template.jinja";
    struct tf_buf text = TF_BUF_INIT;
    struct tf_err none;
    char *path = NULL;
    int failed = 0;

    if (tf_dir_exists(w->tok->path)) {
        path = tf_path(w->tok->path, name, w->err);
        failed = !path;
    }
    if (!failed && path && tf_file_exists(path))
        failed = tf_file_read(path, TEMPLATE_MAX, &text, w->err);
    else if (!failed)
        tf_record_string(&w->tok->config.config, "chat_template", &text, &none);
    if (!failed && text.len)
        tf_gguf_put_string(w->m, "tokenizer.chat_template",
                           (struct tf_str){ text.data, text.len });
    free(path);
    tf_buf_release(&text);
    return failed ? -1 : 0;
}

int tf_gguf_put_vocab(struct tf_gguf_meta *m, const struct tf_tokenizer *tok,
                      size_t rows, const struct tf_gguf_ids *ids,
                      struct tf_err *err)
{
    struct writing w = { .m = m,
                         .tok = tok,
                         .rows = rows,
                         .ids = ids,
                         .model = tok->model.type,
                         .pieces = tok->model.type == TF_BPE &&
                                   tok->model.byte_fallback,
                         .err = err };
    int failed;

    failed = put_kind(&w) || (w.pieces && find_scores(&w));
    if (!failed) {
        put_tokens(&w);
        if (w.pieces)
            put_scores(&w);
        else if (w.model == TF_BPE)
            put_merges(&w);
        failed = (w.pieces && put_space_prefix(&w)) || put_specials(&w) ||
                 put_template(&w);
    }
    free(w.scores);
    return failed ? -1 : 0;
}

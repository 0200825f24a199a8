#include "text/gguf_vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/gguf_pre.h"
#include "text/gguf_tokens.h"
#include "text/spm.h"

#define MARK "\xe2\x96\x81" /* U+2581, a blank of SentencePiece */

/* The special tokens that the metadata names; s NULL: none. */
struct named {
    struct tf_str bos, eos, unk, pad, cls, sep, mask;
};

struct vocab {
    const struct tf_gguf *g;
    struct tf_buf *out;
    struct tf_model *fill; /* what is large goes here; NULL: to `out` too */
    struct tf_err *err;
    struct tf_gguf_tokens tokens;
    bool merged; /* a merge was put */
    struct tf_str model;
    bool add_bos, add_eos, add_space;
    bool lowercase, strip_accents; /* of WordPiece */
    struct named named;
};

static bool is_model(const struct vocab *v, const char *name)
{
    return tf_str_is(v->model, name);
}

static struct tf_str token_of(const struct vocab *v, const char *key)
{
    int64_t id;

    return tf_gguf_int(v->g, key, &id) && id >= 0 &&
                   (size_t)id < v->tokens.count
               ? v->tokens.at[id]
               : (struct tf_str){ 0 };
}

static void read_settings(struct vocab *v)
{
    struct named *n = &v->named;

    n->bos = token_of(v, "tokenizer.ggml.bos_token_id");
    n->eos = token_of(v, "tokenizer.ggml.eos_token_id");
    n->unk = token_of(v, "tokenizer.ggml.unknown_token_id");
    n->pad = token_of(v, "tokenizer.ggml.padding_token_id");
    n->cls = token_of(v, "tokenizer.ggml.cls_token_id");
    n->sep = token_of(v, "tokenizer.ggml.seperator_token_id");
    n->mask = token_of(v, "tokenizer.ggml.mask_token_id");
    v->lowercase = true;
    tf_gguf_bool(v->g, "tokenizer.ggml.normalizer.lowercase", &v->lowercase);
    v->strip_accents = v->lowercase;
    tf_gguf_bool(v->g, "tokenizer.ggml.normalizer.strip_accents",
                 &v->strip_accents);
    v->add_bos = is_model(v, "llama");
    v->add_eos = is_model(v, "t5");
    v->add_space = is_model(v, "llama") || is_model(v, "t5");
    tf_gguf_bool(v->g, "tokenizer.ggml.add_bos_token", &v->add_bos);
    tf_gguf_bool(v->g, "tokenizer.ggml.add_eos_token", &v->add_eos);
    tf_gguf_bool(v->g, "tokenizer.ggml.add_space_prefix", &v->add_space);
}

static void put_token(struct vocab *v, struct tf_str s)
{
    tf_put_string(v->out, s.s, s.len);
}

static void put_added(struct vocab *v)
{
    bool first = true;
    size_t i;

    tf_buf_adds(v->out, ",\n\"added_tokens\":[");
    for (i = 0; i < v->tokens.count; i++) {
        bool special = v->tokens.types[i] == TF_SPM_CONTROL ||
                       v->tokens.types[i] == TF_SPM_UNKNOWN;

        if (!special && v->tokens.types[i] != TF_SPM_USER_DEFINED)
            continue;
        tf_buf_addf(v->out, "%s{\"id\":%zu,\"content\":", first ? "" : ",\n",
                    i);
        put_token(v, v->tokens.at[i]);
        tf_buf_addf(v->out,
                    ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                    "\"normalized\":false,\"special\":%s}",
                    special ? "true" : "false");
        first = false;
    }
    tf_buf_addc(v->out, ']');
}

static void put_special(struct vocab *v, bool *first, struct tf_str s, int type)
{
    tf_buf_adds(v->out, *first ? "{\"SpecialToken\":{\"id\":"
                               : ",{\"SpecialToken\":{\"id\":");
    put_token(v, s);
    tf_buf_addf(v->out, ",\"type_id\":%d}}", type);
    *first = false;
}

static void put_sequence(struct vocab *v, bool *first, char name, int type)
{
    tf_buf_addf(v->out, "%s{\"Sequence\":{\"id\":\"%c\",\"type_id\":%d}}",
                *first ? "" : ",", name, type);
    *first = false;
}

/* One text, or two, with the tokens at their ends. */
static void put_template(struct vocab *v, int texts, struct tf_str start,
                         struct tf_str end, bool bert)
{
    bool first = true;
    int i, type;

    for (i = 0; i < texts; i++) {
        type = bert ? i : 0;
        if (start.s && !(bert && i))
            put_special(v, &first, start, type);
        put_sequence(v, &first, i ? 'B' : 'A', i);
        if (end.s)
            put_special(v, &first, end, type);
    }
}

static void put_token_ids(struct vocab *v, struct tf_str s, bool *first)
{
    size_t i;

    for (i = 0; s.s && i < v->tokens.count; i++)
        if (v->tokens.at[i].s == s.s) {
            tf_buf_adds(v->out, *first ? "" : ",");
            put_token(v, s);
            tf_buf_adds(v->out, ":{\"id\":");
            put_token(v, s);
            tf_buf_addf(v->out, ",\"ids\":[%zu],\"tokens\":[", i);
            put_token(v, s);
            tf_buf_adds(v->out, "]}");
            *first = false;
            return;
        }
}

static void put_post(struct vocab *v)
{
    bool bert = is_model(v, "bert"), first = true;
    struct tf_str none = { 0 };
    struct tf_str start = v->add_bos ? v->named.bos : none;
    struct tf_str end = v->add_eos ? v->named.eos : none;

    if (bert) {
        start = v->named.cls.s ? v->named.cls : v->named.bos;
        end = v->named.sep;
    }
    tf_buf_adds(v->out, ",\n\"post_processor\":{\"type\":\"TemplateProcessing"
                        "\",\"single\":[");
    put_template(v, 1, start, end, bert);
    tf_buf_adds(v->out, "],\"pair\":[");
    put_template(v, 2, start, end, bert);
    tf_buf_adds(v->out, "],\"special_tokens\":{");
    put_token_ids(v, start, &first);
    if (end.s != start.s)
        put_token_ids(v, end, &first);
    tf_buf_adds(v->out, "}}");
}

/* "vocab": {token: id, ...}; of WordPiece spelled as BERT does. */
static void put_vocab(struct vocab *v)
{
    bool bert = is_model(v, "bert");
    struct tf_buf word = TF_BUF_INIT;
    size_t i;

    tf_buf_adds(v->out, ",\"vocab\":{");
    for (i = 0; i < v->tokens.count; i++) {
        tf_buf_adds(v->out, i ? ",\n" : "");
        put_token(v,
                  bert ? tf_gguf_word(&v->tokens, i, &word) : v->tokens.at[i]);
        tf_buf_addf(v->out, ":%zu", i);
    }
    tf_buf_addc(v->out, '}');
    v->out->failed = v->out->failed || word.failed;
    tf_buf_release(&word);
}

static int put_merge(void *vocab, struct tf_str a, struct tf_str b,
                     struct tf_err *err)
{
    struct vocab *v = vocab;

    if (tf_utf8_valid(a.s, a.len) != a.len ||
        tf_utf8_valid(b.s, b.len) != b.len)
        return tf_fail(err, "a merge is no pair of UTF-8 strings");
    tf_buf_adds(v->out, v->merged ? ",\n[" : "[");
    put_token(v, a);
    tf_buf_addc(v->out, ',');
    put_token(v, b);
    tf_buf_addc(v->out, ']');
    v->merged = true;
    return 0;
}

static int put_scored(struct vocab *v)
{
    struct tf_gguf_array scores = { 0 };
    double score;
    size_t i;

    tf_gguf_array(v->g, "tokenizer.ggml.scores", &scores);
    tf_buf_adds(v->out, ",\"vocab\":[");
    for (i = 0; i < v->tokens.count; i++) {
        if (!tf_gguf_next_double(&scores, &score) || !isfinite(score))
            return tf_fail(v->err, "token %zu has no score", i);
        tf_buf_adds(v->out, i ? ",\n[" : "[");
        put_token(v, v->tokens.at[i]);
        tf_buf_addf(v->out, ",%.17g]", score);
    }
    tf_buf_addc(v->out, ']');
    return 0;
}

enum kind { PIECES, BYTES, WORDS, UNIGRAM };

/* The end of the "model" member: its vocabulary and what goes with that. */
static int put_large(struct vocab *v, enum kind kind)
{
    static int (*const fill[])(struct tf_model * m,
                               const struct tf_gguf_tokens *t,
                               struct tf_err *err) = {
        tf_gguf_fill_pieces,
        tf_gguf_fill_bytes,
        tf_gguf_fill_words,
        tf_gguf_fill_unigram,
    };
    int failed = 0;

    if (v->fill) {
        failed = fill[kind](v->fill, &v->tokens, v->err);
    } else if (kind == UNIGRAM) {
        failed = put_scored(v);
    } else {
        put_vocab(v);
        tf_buf_adds(v->out, kind == WORDS ? "" : ",\"merges\":[");
        if (kind == PIECES)
            failed = tf_gguf_piece_merges(&v->tokens, put_merge, v, v->err);
        else if (kind == BYTES)
            failed = tf_gguf_listed_merges(v->g, put_merge, v, v->err);
        tf_buf_adds(v->out, kind == WORDS ? "" : "]");
    }
    tf_buf_addc(v->out, '}');
    return failed;
}

static int put_pieces(struct vocab *v)
{
    const struct tf_str mark = { MARK, sizeof(MARK) - 1 };

    tf_buf_adds(v->out, ",\n\"normalizer\":{\"type\":\"Sequence\","
                        "\"normalizers\":[");
    if (v->add_space) {
        tf_buf_adds(v->out, "{\"type\":\"Prepend\",\"prepend\":");
        put_token(v, mark);
        tf_buf_adds(v->out, "},");
    }
    tf_buf_adds(v->out, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
                        "\"content\":");
    put_token(v, mark);
    tf_buf_adds(v->out, "}]},\n\"pre_tokenizer\":null,\n\"decoder\":{\"type\":"
                        "\"Sequence\",\"decoders\":[{\"type\":\"Replace\","
                        "\"pattern\":{\"String\":");
    put_token(v, mark);
    tf_buf_adds(v->out, "},\"content\":\" \"},{\"type\":\"ByteFallback\"},"
                        "{\"type\":\"Fuse\"}");
    if (v->add_space)
        tf_buf_adds(v->out, ",{\"type\":\"Strip\",\"content\":\" \","
                            "\"start\":1,\"stop\":0}");
    tf_buf_adds(v->out, "]},\n\"model\":{\"type\":\"BPE\",\"fuse_unk\":true,"
                        "\"byte_fallback\":true,\"unk_token\":");
    if (v->named.unk.s)
        put_token(v, v->named.unk);
    else
        tf_buf_adds(v->out, "null");
    return put_large(v, PIECES);
}

static int put_bytes(struct vocab *v)
{
    const struct tf_gguf_pre *s;
    struct tf_str pre = { "default", 7 };

    tf_gguf_string(v->g, "tokenizer.ggml.pre", &pre);
    s = tf_gguf_pre_named(pre);
    if (!s)
        return tf_fail(v->err, "tokenizer.ggml.pre \"%.*s\" is not supported",
                       (int)(pre.len < 60 ? pre.len : 60), pre.s);
    tf_buf_addf(v->out,
                ",\n\"normalizer\":%s,\n\"pre_tokenizer\":{\"type\":"
                "\"Sequence\",\"pretokenizers\":[",
                s->nfc ? "{\"type\":\"NFC\"}" : "null");
    if (s->kind == TF_SPLIT_DIGITS)
        tf_buf_adds(v->out, "{\"type\":\"Digits\",\"individual_digits\":true"
                            "},");
    if (s->kind == TF_SPLIT_REGEX) {
        tf_buf_adds(v->out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"");
        tf_buf_adds(v->out, s->regex);
        tf_buf_adds(v->out, "\"},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    tf_buf_addf(v->out,
                "{\"type\":\"ByteLevel\",\"add_prefix_space\":%s,"
                "\"trim_offsets\":true,\"use_regex\":%s}]},\n\"decoder\":"
                "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                "\"trim_offsets\":true,\"use_regex\":true},\n\"model\":"
                "{\"type\":\"BPE\",\"ignore_merges\":%s",
                v->add_space ? "true" : "false",
                s->kind == TF_SPLIT_REGEX ? "false" : "true",
                s->ignore_merges ? "true" : "false");
    return put_large(v, BYTES);
}

static int put_words(struct vocab *v)
{
    if (!v->named.unk.s)
        return tf_fail(v->err, "no tokenizer.ggml.unknown_token_id");
    tf_buf_addf(v->out,
                ",\n\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":"
                "true,\"handle_chinese_chars\":true,\"strip_accents\":%s,"
                "\"lowercase\":%s},\n\"pre_tokenizer\":{\"type\":"
                "\"BertPreTokenizer\"},\n\"decoder\":{\"type\":\"WordPiece\","
                "\"prefix\":\"##\",\"cleanup\":true},\n\"model\":{\"type\":"
                "\"WordPiece\",\"continuing_subword_prefix\":\"##\","
                "\"max_input_chars_per_word\":100,\"unk_token\":",
                v->strip_accents ? "true" : "false",
                v->lowercase ? "true" : "false");
    put_token(v, v->named.unk);
    return put_large(v, WORDS);
}

static int put_unigram(struct vocab *v)
{
    int64_t unk = 0;

    tf_gguf_int(v->g, "tokenizer.ggml.unknown_token_id", &unk);
    tf_buf_adds(v->out,
                ",\n\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
                "{\"type\":\"NFKC\"},{\"type\":\"Replace\",\"pattern\":"
                "{\"Regex\":\" {2,}\"},\"content\":\" \"}]},\n"
                "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":"
                "\"" MARK "\",\"prepend_scheme\":\"always\",\"split\":true},\n"
                "\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"" MARK
                "\",\"prepend_scheme\":\"always\",\"split\":true},\n"
                "\"model\":{\"type\":\"Unigram\"");
    tf_buf_addf(v->out, ",\"unk_id\":%lld", (long long)unk);
    return put_large(v, UNIGRAM);
}

static int put_all(struct vocab *v)
{
    tf_buf_adds(v->out, "{\"version\":\"1.0\",\"truncation\":null,"
                        "\"padding\":null");
    put_added(v);
    put_post(v);
    if (is_model(v, "llama"))
        return put_pieces(v);
    if (is_model(v, "gpt2"))
        return put_bytes(v);
    if (is_model(v, "bert"))
        return put_words(v);
    if (is_model(v, "t5"))
        return put_unigram(v);
    return tf_fail(v->err, "tokenizer.ggml.model \"%.*s\" is not supported",
                   (int)(v->model.len < 60 ? v->model.len : 60), v->model.s);
}

/* A member of tokenizer_config.json, unless it is absent. */
static void put_member(struct tf_buf *b, const char *name, struct tf_str s)
{
    if (!s.s)
        return;
    tf_buf_addf(b, ",\n\"%s\":", name);
    tf_put_string(b, s.s, s.len);
}

static void put_config(const struct vocab *v, struct tf_buf *b)
{
    const struct named *n = &v->named;
    struct tf_str template = { 0 };

    tf_gguf_string(v->g, "tokenizer.chat_template", &template);
    if (template.s && tf_utf8_valid(template.s, template.len) != template.len)
        template.s = NULL;
    tf_buf_addf(b, "{\"add_bos_token\":%s,\"add_eos_token\":%s",
                v->add_bos ? "true" : "false", v->add_eos ? "true" : "false");
    put_member(b, "bos_token", n->bos);
    put_member(b, "eos_token", n->eos);
    put_member(b, "unk_token", n->unk);
    put_member(b, "pad_token", n->pad);
    put_member(b, "cls_token", n->cls);
    put_member(b, "sep_token", n->sep);
    put_member(b, "mask_token", n->mask);
    put_member(b, "chat_template", template);
    tf_buf_adds(b, "}");
}

bool tf_gguf_has_vocab(const struct tf_gguf *g)
{
    struct tf_str model;

    return tf_gguf_string(g, "tokenizer.ggml.model", &model) &&
           !tf_str_is(model, "none") && !tf_str_is(model, "no_vocab");
}

int tf_gguf_vocab(const struct tf_gguf *g, struct tf_model *model,
                  struct tf_buf *json, struct tf_buf *config,
                  struct tf_err *err)
{
    struct vocab v = { .g = g, .out = json, .fill = model, .err = err };
    int failed;

    if (!tf_gguf_has_vocab(g))
        return tf_fail(err, "no tokenizer.ggml.model: the file has no "
                            "tokenizer");
    tf_gguf_string(g, "tokenizer.ggml.model", &v.model);
    failed = tf_gguf_tokens_read(&v.tokens, g, err);
    if (!failed) {
        read_settings(&v);
        failed = put_all(&v);
        tf_buf_adds(json, "}\n");
        put_config(&v, config);
    }
    if (!failed && (json->failed || config->failed))
        failed = tf_no_memory(err, json->len);
    tf_gguf_tokens_release(&v.tokens);
    return failed ? -1 : 0;
}

#include "text/gguf_vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "text/gguf_pre.h"
#include "text/spm.h"
#include "text/utf8.h"

#define MARK "\xe2\x96\x81" /* U+2581, a blank of SentencePiece */

/* The special tokens that the metadata names; s NULL: none. */
struct named {
    struct tf_str bos, eos, unk, pad, cls, sep, mask;
};

struct vocab {
    const struct tf_gguf *g;
    struct tf_buf *out;
    struct tf_err *err;
    struct tf_str *tokens; /* by id */
    unsigned char *types;
    size_t count;
    struct tf_str model;
    bool add_bos, add_eos, add_space;
    bool lowercase, strip_accents; /* of WordPiece */
    struct named named;
};

static bool is_model(const struct vocab *v, const char *name)
{
    return tf_str_is(v->model, name);
}

static int read_tokens(struct vocab *v)
{
    struct tf_gguf_array tokens, types;
    bool typed = tf_gguf_array(v->g, "tokenizer.ggml.token_type", &types);
    int64_t type;
    size_t i;

    if (!tf_gguf_array(v->g, "tokenizer.ggml.tokens", &tokens) ||
        tokens.count > INT32_MAX)
        return tf_fail(v->err, "no tokenizer.ggml.tokens");
    v->count = tokens.count;
    v->tokens = tf_alloc(v->count, sizeof(*v->tokens), v->err);
    v->types = tf_alloc(v->count, 1, v->err);
    if (!v->tokens || !v->types)
        return -1;
    for (i = 0; i < v->count; i++) {
        struct tf_str *t = &v->tokens[i];

        if (!tf_gguf_next_string(&tokens, t) ||
            tf_utf8_valid(t->s, t->len) != t->len)
            return tf_fail(v->err, "token %zu is no UTF-8 string", i);
        v->types[i] = TF_SPM_NORMAL;
        if (typed && tf_gguf_next_int(&types, &type) && type >= TF_SPM_NORMAL &&
            type <= TF_SPM_BYTE)
            v->types[i] = (unsigned char)type;
    }
    return 0;
}

static struct tf_str token_of(const struct vocab *v, const char *key)
{
    int64_t id;

    return tf_gguf_int(v->g, key, &id) && id >= 0 && (size_t)id < v->count
               ? v->tokens[id]
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
    for (i = 0; i < v->count; i++) {
        bool special =
            v->types[i] == TF_SPM_CONTROL || v->types[i] == TF_SPM_UNKNOWN;

        if (!special && v->types[i] != TF_SPM_USER_DEFINED)
            continue;
        tf_buf_addf(v->out, "%s{\"id\":%zu,\"content\":", first ? "" : ",\n",
                    i);
        put_token(v, v->tokens[i]);
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

    for (i = 0; s.s && i < v->count; i++)
        if (v->tokens[i].s == s.s) {
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
    size_t i, mark = sizeof(MARK) - 1;
    struct tf_buf word = TF_BUF_INIT;

    tf_buf_adds(v->out, ",\"vocab\":{");
    for (i = 0; i < v->count; i++) {
        struct tf_str t = v->tokens[i];

        tf_buf_adds(v->out, i ? ",\n" : "");
        if (bert && t.len > mark && !memcmp(t.s, MARK, mark)) {
            tf_put_string(v->out, t.s + mark, t.len - mark);
        } else if (bert && v->types[i] == TF_SPM_NORMAL) {
            tf_buf_reset(&word);
            tf_buf_adds(&word, "##");
            tf_buf_add(&word, t.s, t.len);
            tf_put_string(v->out, word.data, word.len);
        } else {
            put_token(v, t);
        }
        tf_buf_addf(v->out, ":%zu", i);
    }
    tf_buf_addc(v->out, '}');
    v->out->failed = v->out->failed || word.failed;
    tf_buf_release(&word);
}

static void put_merge(struct vocab *v, bool *first, struct tf_str a,
                      struct tf_str b)
{
    tf_buf_adds(v->out, *first ? "[" : ",\n[");
    put_token(v, a);
    tf_buf_addc(v->out, ',');
    put_token(v, b);
    tf_buf_addc(v->out, ']');
    *first = false;
}

struct scored {
    double score;
    size_t id;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The pieces, the best first; of those as good, or without scores, by id. */
static struct scored *rank_pieces(struct vocab *v)
{
    struct scored *ranks = tf_alloc(v->count, sizeof(*ranks), v->err);
    struct tf_gguf_array scores = { 0 };
    size_t i;

    if (!ranks)
        return NULL;
    tf_gguf_array(v->g, "tokenizer.ggml.scores", &scores);
    for (i = 0; i < v->count; i++) {
        ranks[i].id = i;
        if (!tf_gguf_next_double(&scores, &ranks[i].score) ||
            isnan(ranks[i].score))
            ranks[i].score = 0;
    }
    qsort(ranks, v->count, sizeof(*ranks), by_score);
    return ranks;
}

/* Every way to make a piece of two. */
static void put_ways(struct vocab *v, const struct tf_strmap *ids,
                     struct tf_str t, bool *first)
{
    for (size_t at = 0; at < t.len;) {
        at += tf_utf8_len((unsigned char)t.s[at]);
        if (at < t.len && tf_strmap_get(ids, t.s, at) != TF_STRMAP_NONE &&
            tf_strmap_get(ids, t.s + at, t.len - at) != TF_STRMAP_NONE)
            put_merge(v, first, (struct tf_str){ t.s, at },
                      (struct tf_str){ t.s + at, t.len - at });
    }
}

/* SentencePiece joins the pair that makes the best piece. */
static int put_piece_merges(struct vocab *v)
{
    struct scored *ranks = rank_pieces(v);
    struct tf_strmap ids = { 0 };
    bool first = true;
    size_t i;
    int failed = !ranks || tf_strmap_reserve(&ids, v->count, v->err);

    for (i = 0; !failed && i < v->count; i++)
        failed = tf_strmap_set(&ids, v->tokens[i].s, v->tokens[i].len,
                               (uint32_t)i, v->err);
    for (i = 0; !failed && i < v->count; i++)
        if (v->types[ranks[i].id] == TF_SPM_NORMAL)
            put_ways(v, &ids, v->tokens[ranks[i].id], &first);
    free(ranks);
    tf_strmap_release(&ids);
    return failed ? -1 : 0;
}

static int put_listed_merges(struct vocab *v)
{
    struct tf_gguf_array merges;
    struct tf_str m;
    const char *gap;
    bool first = true;

    if (!tf_gguf_array(v->g, "tokenizer.ggml.merges", &merges))
        return tf_fail(v->err, "no tokenizer.ggml.merges");
    while (tf_gguf_next_string(&merges, &m)) {
        gap = m.len > 1 ? memchr(m.s + 1, ' ', m.len - 1) : NULL;
        if (!gap || tf_utf8_valid(m.s, m.len) != m.len)
            return tf_fail(v->err, "a merge is no pair of tokens");
        put_merge(v, &first, (struct tf_str){ m.s, (size_t)(gap - m.s) },
                  (struct tf_str){ gap + 1, m.len - (size_t)(gap + 1 - m.s) });
    }
    return 0;
}

static int put_pieces(struct vocab *v)
{
    const struct tf_str mark = { MARK, sizeof(MARK) - 1 };
    int failed;

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
    put_vocab(v);
    tf_buf_adds(v->out, ",\"merges\":[");
    failed = put_piece_merges(v);
    tf_buf_adds(v->out, "]}");
    return failed;
}

static int put_bytes(struct vocab *v)
{
    const struct tf_gguf_pre *s;
    struct tf_str pre = { "default", 7 };
    int failed;

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
    put_vocab(v);
    tf_buf_adds(v->out, ",\"merges\":[");
    failed = put_listed_merges(v);
    tf_buf_adds(v->out, "]}");
    return failed;
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
    put_vocab(v);
    tf_buf_addc(v->out, '}');
    return 0;
}

static int put_unigram(struct vocab *v)
{
    struct tf_gguf_array scores;
    int64_t unk = 0;
    double score;
    size_t i;

    if (!tf_gguf_array(v->g, "tokenizer.ggml.scores", &scores))
        return tf_fail(v->err, "no tokenizer.ggml.scores");
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
    tf_buf_addf(v->out, ",\"unk_id\":%lld,\"vocab\":[", (long long)unk);
    for (i = 0; i < v->count; i++) {
        if (!tf_gguf_next_double(&scores, &score) || !isfinite(score))
            return tf_fail(v->err, "token %zu has no score", i);
        tf_buf_adds(v->out, i ? ",\n[" : "[");
        put_token(v, v->tokens[i]);
        tf_buf_addf(v->out, ",%.17g]", score);
    }
    tf_buf_adds(v->out, "]}");
    return 0;
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

int tf_gguf_vocab(const struct tf_gguf *g, struct tf_buf *json,
                  struct tf_buf *config, struct tf_err *err)
{
    struct vocab v = { .g = g, .out = json, .err = err };
    int failed;

    if (!tf_gguf_has_vocab(g))
        return tf_fail(err, "no tokenizer.ggml.model: the file has no "
                            "tokenizer");
    tf_gguf_string(g, "tokenizer.ggml.model", &v.model);
    failed = read_tokens(&v);
    if (!failed) {
        read_settings(&v);
        failed = put_all(&v);
        tf_buf_adds(json, "}\n");
        put_config(&v, config);
    }
    if (!failed && (json->failed || config->failed))
        failed = tf_no_memory(err, json->len);
    free(v.tokens);
    free(v.types);
    return failed ? -1 : 0;
}

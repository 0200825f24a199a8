#include "text/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static const struct {
    const char *name;
    enum tf_model_type type;
} types[] = {
    { "BPE", TF_BPE },
    { "WordPiece", TF_WORDPIECE },
    { "WordLevel", TF_WORDLEVEL },
    { "Unigram", TF_UNIGRAM },
};

const char *tf_model_name(const struct tf_model *m)
{
    size_t i;

    for (i = 0; types[i].type != m->type;)
        i++;
    return types[i].name;
}

/* What the object says beside what goes straight into the model. */
struct fields {
    struct tf_str merges; /* the array's bytes; s NULL: none */
    bool merges_read;     /* with no prefix */
    bool has_vocab, is_list;
    bool filled; /* vocabulary and merges were there before */
    bool has_max_chars;
    int64_t unk_id; /* -1: none */
};

static int read_type(struct tf_model *m, struct tf_json *j, struct tf_err *err)
{
    struct tf_str s;
    size_t i;

    if (!tf_json_string(j, &s)) {
        tf_json_failed(j, err);
        return -1;
    }
    for (i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (tf_str_is(s, types[i].name)) {
            m->type = types[i].type;
            return 0;
        }
    return tf_fail(err, "unknown type \"%.*s\"", s.len < 60 ? (int)s.len : 60,
                   s.s);
}

/* A string or null; an affix that is empty is as none. */
static void read_name(struct tf_json *j, char **out, struct tf_err *err)
{
    struct tf_str s;

    free(*out);
    *out = NULL;
    if (tf_json_null(j) || !tf_json_string(j, &s))
        return;
    if (memchr(s.s, 0, s.len)) {
        tf_json_bad(j, "a NUL in the name of a token");
        return;
    }
    *out = tf_strndup(s.s, s.len, err);
    if (!*out)
        tf_json_bad(j, "no memory");
}

static void read_flag(struct tf_json *j, bool *out)
{
    if (!tf_json_null(j))
        tf_json_bool(j, out);
}

/* {"token": id, ...} */
static int read_vocab_map(struct tf_vocab *v, struct tf_json *j,
                          struct tf_err *err)
{
    struct tf_str key;
    int64_t id;

    tf_json_object(j);
    while (tf_json_key(j, &key))
        if (tf_json_int(j, &id) && tf_vocab_add(v, key, id, err))
            return -1;
    return tf_json_failed(j, err) ? -1 : 0;
}

/* [["piece", score], ...] */
static int read_vocab_list(struct tf_model *m, struct tf_json *j,
                           struct tf_err *err)
{
    size_t n = 0, cap = 0;
    struct tf_str piece;
    double *score;

    tf_json_array(j);
    for (; tf_json_item(j); n++) {
        if (n == cap) {
            cap = cap ? cap * 2 : 1024;
            score = tf_grow(m->score, cap, sizeof(*score), err);
            if (!score)
                return -1;
            m->score = score;
        }
        if (!tf_json_array(j) || !tf_json_item(j) ||
            !tf_json_string(j, &piece)) {
            tf_json_bad(j, "vocab: expected a piece and its score");
            break;
        }
        if (tf_vocab_add(&m->vocab, piece, (int64_t)n, err))
            return -1;
        if (!tf_json_item(j) || !tf_json_double(j, &m->score[n]) ||
            tf_json_item(j)) {
            tf_json_bad(j, "vocab: expected a piece and its score");
            break;
        }
    }
    return tf_json_failed(j, err) ? -1 : 0;
}

static int read_vocab(struct tf_model *m, struct tf_json *j, struct fields *f,
                      struct tf_err *err)
{
    if (f->has_vocab)
        return tf_fail(err, "\"vocab\" stands there twice");
    f->has_vocab = true;
    f->is_list = tf_json_peek(j) == TF_JSON_ARRAY;
    if (f->is_list ? read_vocab_list(m, j, err)
                   : read_vocab_map(&m->vocab, j, err))
        return -1;
    return tf_vocab_index(&m->vocab, err);
}

/*
 * Merges are looked up in the vocabulary and lose the prefix. Both stand before
 * them in all but odd files, for which they are read again at the end.
 */
static int read_merges(struct tf_model *m, struct tf_json *j, struct fields *f,
                       struct tf_err *err)
{
    const char *begin = j->p;

    if (f->merges.s)
        return tf_fail(err, "\"merges\" stands there twice");
    if (!f->has_vocab || f->is_list || m->prefix) {
        tf_json_skip(j, &f->merges);
        return 0;
    }
    if (tf_merges_read(&m->merges, j, &m->vocab, (struct tf_str){ "", 0 }, err))
        return -1;
    f->merges = (struct tf_str){ begin, (size_t)(j->p - begin) };
    f->merges_read = true;
    return 0;
}

static int read_field(struct tf_model *m, struct tf_json *j, struct fields *f,
                      struct tf_str key, struct tf_err *err)
{
    int64_t n = 0;

    if (tf_str_is(key, "vocab"))
        return read_vocab(m, j, f, err);
    if (tf_str_is(key, "merges"))
        return read_merges(m, j, f, err);
    if (tf_str_is(key, "type"))
        return read_type(m, j, err);
    if (tf_str_is(key, "unk_token")) {
        read_name(j, &m->unk_token, err);
    } else if (tf_str_is(key, "continuing_subword_prefix")) {
        read_name(j, &m->prefix, err);
    } else if (tf_str_is(key, "end_of_word_suffix")) {
        read_name(j, &m->suffix, err);
    } else if (tf_str_is(key, "fuse_unk")) {
        read_flag(j, &m->fuse_unk);
    } else if (tf_str_is(key, "byte_fallback")) {
        read_flag(j, &m->byte_fallback);
    } else if (tf_str_is(key, "ignore_merges")) {
        read_flag(j, &m->ignore_merges);
    } else if (tf_str_is(key, "max_input_chars_per_word")) {
        if (tf_json_int(j, &n) && n < 0)
            tf_json_bad(j, "max_input_chars_per_word is negative");
        m->max_chars = (size_t)n;
        f->has_max_chars = true;
    } else if (tf_str_is(key, "unk_id")) {
        if (!tf_json_null(j) && tf_json_int(j, &f->unk_id) && f->unk_id < 0)
            tf_json_bad(j, "unk_id is negative");
    } else {
        tf_json_skip(j, NULL);
    }
    return 0;
}

static enum tf_model_type deduce_type(const struct tf_model *m,
                                      const struct fields *f)
{
    if (f->merges.s)
        return TF_BPE;
    if (f->is_list)
        return TF_UNIGRAM;
    return f->has_max_chars && m->prefix ? TF_WORDPIECE : TF_WORDLEVEL;
}

static int default_name(char **name, const char *value, struct tf_err *err)
{
    if (*name)
        return 0;
    *name = tf_strndup(value, strlen(value), err);
    return *name ? 0 : -1;
}

static int finish_bpe(struct tf_model *m, struct fields *f, struct tf_err *err)
{
    struct tf_str prefix = { "", 0 };
    struct tf_json j;
    int failed = 0;

    if (m->prefix && !*m->prefix) {
        free(m->prefix);
        m->prefix = NULL;
    }
    if (m->suffix && !*m->suffix) {
        free(m->suffix);
        m->suffix = NULL;
    }
    if (!f->merges.s && !f->filled)
        return tf_fail(err, "no \"merges\"");
    if (!f->filled && (!f->merges_read || m->prefix)) {
        if (m->prefix)
            prefix = (struct tf_str){ m->prefix, strlen(m->prefix) };
        tf_merges_release(&m->merges);
        tf_json_init(&j, f->merges.s, f->merges.len);
        failed = tf_merges_read(&m->merges, &j, &m->vocab, prefix, err);
        tf_json_release(&j);
    }
    return failed || tf_bpe_prepare(m, err) ? -1 : 0;
}

static int finish_unigram(struct tf_model *m, const struct fields *f,
                          struct tf_err *err)
{
    if (f->unk_id >= (int64_t)m->vocab.count)
        return tf_fail(err, "unk_id is %" PRId64 ", the vocabulary has %zu",
                       f->unk_id, m->vocab.count);
    m->unk = (int32_t)f->unk_id;
    return tf_unigram_prepare(m, err);
}

static void find_bytes(struct tf_model *m)
{
    char name[8];
    unsigned b;

    for (b = 0; b < 256; b++) {
        snprintf(name, sizeof(name), "<0x%02X>", b);
        m->byte_id[b] =
            tf_vocab_find(&m->vocab, (struct tf_str){ name, strlen(name) });
    }
}

static int finish(struct tf_model *m, struct fields *f, struct tf_err *err)
{
    if (!f->has_vocab)
        return tf_fail(err, "no \"vocab\"");
    if (m->type == TF_MODEL_NONE)
        m->type = deduce_type(m, f);
    if (f->is_list != (m->type == TF_UNIGRAM))
        return tf_fail(err, "vocab: expected %s for a model of type %s",
                       f->is_list ? "an object" : "an array", tf_model_name(m));
    find_bytes(m);
    if (m->type == TF_UNIGRAM)
        return finish_unigram(m, f, err);
    if (m->type != TF_BPE &&
        default_name(&m->unk_token, m->type == TF_WORDPIECE ? "[UNK]" : "<unk>",
                     err))
        return -1;
    if (m->unk_token)
        m->unk = tf_vocab_find(
            &m->vocab, (struct tf_str){ m->unk_token, strlen(m->unk_token) });
    if (m->type == TF_WORDPIECE) {
        if (!f->has_max_chars)
            m->max_chars = 100;
        return default_name(&m->prefix, "##", err);
    }
    return m->type == TF_BPE ? finish_bpe(m, f, err) : 0;
}

int tf_model_read(struct tf_model *m, struct tf_json *j, struct tf_err *err)
{
    bool filled = m->vocab.slots;
    struct fields f = {
        .has_vocab = filled, .filled = filled, .is_list = m->score, .unk_id = -1
    };
    struct tf_str key;

    m->unk = -1;
    tf_json_object(j);
    while (tf_json_key(j, &key))
        if (read_field(m, j, &f, key, err))
            return -1;
    return tf_json_failed(j, err) ? -1 : finish(m, &f, err);
}

void tf_model_release(struct tf_model *m)
{
    tf_vocab_release(&m->vocab);
    tf_merges_release(&m->merges);
    tf_trie_release(&m->trie);
    free(m->unk_token);
    free(m->prefix);
    free(m->suffix);
    free(m->score);
    memset(m, 0, sizeof(*m));
}

int tf_model_tokenize(const struct tf_model *m, struct tf_scratch *s,
                      struct tf_str piece, struct tf_tokens *out,
                      struct tf_err *err)
{
    switch (m->type) {
    case TF_BPE:
        return tf_bpe_tokenize(m, s, piece, out, err);
    case TF_WORDPIECE:
        return tf_wordpiece_tokenize(m, s, piece, out, err);
    case TF_UNIGRAM:
        return tf_unigram_tokenize(m, s, piece, out, err);
    default:
        return tf_wordlevel_tokenize(m, piece, out, err);
    }
}

int tf_tokens_room(struct tf_tokens *t, size_t n, struct tf_err *err)
{
    size_t cap = t->cap ? t->cap : 256;
    int32_t *ids;
    struct tf_span *spans;

    if (n <= t->cap - t->n)
        return 0;
    while (cap - t->n < n)
        if (__builtin_mul_overflow(cap, 2, &cap))
            return tf_no_memory(err, SIZE_MAX);
    ids = tf_grow(t->ids, cap, sizeof(*ids), err);
    if (!ids)
        return -1;
    t->ids = ids;
    spans = tf_grow(t->spans, cap, sizeof(*spans), err);
    if (!spans)
        return -1;
    t->spans = spans;
    t->cap = cap;
    return 0;
}

void tf_tokens_release(struct tf_tokens *t)
{
    free(t->ids);
    free(t->spans);
    memset(t, 0, sizeof(*t));
}

void tf_scratch_release(struct tf_scratch *s)
{
    tf_buf_release(&s->bytes);
    free(s->symbols);
    free(s->heap);
    free(s->nodes);
    memset(s, 0, sizeof(*s));
}

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/pipeline.h"
#include "text/utf8.h"

#define TEXTS 0x100 /* a need beside the TF_TOK_ flags */

unsigned tf_tok_needs(const struct tf_tokenizer *tok, unsigned want)
{
    if (want & TF_TOK_TOKENS || (want & TF_TOK_OFFSETS && tok->post.trims))
        want |= TEXTS;
    return want;
}

void tf_tok_begin(struct tf_tok_state *st)
{
    st->tokens.n = 0;
    tf_buf_reset(&st->surface);
}

/* The arrays beside ids, as long as those. */
static int arrays_room(struct tf_tok_state *st, struct tf_err *err)
{
    size_t n = st->tokens.cap;
    void *p;

    if (st->cap == n)
        return 0;
    if (!(p = tf_grow(st->offsets, n, sizeof(*st->offsets), err)))
        return -1;
    st->offsets = p;
    if (!(p = tf_grow(st->words, n, sizeof(*st->words), err)))
        return -1;
    st->words = p;
    if (!(p = tf_grow(st->texts, n, sizeof(*st->texts), err)))
        return -1;
    st->texts = p;
    st->cap = n;
    return 0;
}

/* How many characters stand before a byte of the original text. It moves from
 * where it was asked last: tokens come in order. */
struct cursor {
    struct tf_str s;
    size_t byte, chars;
};

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Characters that begin in [0, byte], less one: which one holds the byte. */
static size_t char_at(struct cursor *c, size_t byte)
{
    while (c->byte < byte) {
        c->byte++;
        c->chars += !continues(c->s.s[c->byte]);
    }
    while (c->byte > byte) {
        c->chars -= !continues(c->s.s[c->byte]);
        c->byte--;
    }
    return c->chars;
}

/* A range of bytes in characters; one that lies outside stays as it is. */
static void to_chars(struct cursor *c, size_t start, size_t end,
                     uint32_t out[2])
{
    size_t len = c->s.len, first, last;

    if (start < len) {
        first = char_at(c, start);
        if (end < len)
            last = char_at(c, end);
        else if (end - 1 < len)
            last = char_at(c, end - 1) + 1;
        else
            last = first + 2;
        start = first;
        end = last;
    }
    out[0] = (uint32_t)start;
    out[1] = (uint32_t)end;
}

/* Offsets of the tokens from `from` on, which are those of a piece. */
static void locate(struct tf_tok_state *st, struct tf_piece piece, size_t from,
                   struct cursor *c)
{
    struct tf_origin o;
    size_t i;

    for (i = from; i < st->tokens.n; i++) {
        struct tf_span span = st->tokens.spans[i];

        /* byte tokens of affixes can reach past the piece */
        if (span.end <= piece.end - piece.start) {
            o = tf_pretext_origin(&st->pre, piece.start + span.start,
                                  piece.start + span.end);
            span = (struct tf_span){ o.start, o.end };
        }
        to_chars(c, span.start, span.end, st->offsets[i]);
    }
}

/* Keep what a token of the piece reads where the vocabulary spells it
 * otherwise: added tokens, and what a Unigram model does not know. */
static void keep_texts(struct tf_tok_state *st, struct tf_piece piece,
                       size_t from)
{
    const struct tf_model *m = &st->tok->model;
    const char *text = st->pre.text.s + piece.start;
    size_t i;

    for (i = from; i < st->tokens.n; i++) {
        struct tf_span span = st->tokens.spans[i], *kept = &st->texts[i];

        *kept = (struct tf_span){ 0, 0 };
        if (piece.id < 0 &&
            (m->type != TF_UNIGRAM || st->tokens.ids[i] != m->unk))
            continue;
        kept->start = (uint32_t)st->surface.len;
        tf_buf_add(&st->surface, text + span.start, span.end - span.start);
        kept->end = (uint32_t)st->surface.len;
    }
}

/* Where the word that begins at `at` ends: before the next word start that
 * follows neither another nor glue. */
static size_t word_end(const struct tf_model *m, const char *s, size_t len,
                       size_t at)
{
    const char *p;
    size_t i = at;

    for (;; i += 3) {
        while (len - i >= 3 && !memcmp(s + i, TF_WORD_START, 3))
            i += 3;
        do {
            p = memchr(s + i, TF_WORD_START[0], len - i);
            if (!p)
                return len;
            i = (size_t)(p - s) + 1;
        } while (len - i < 2 || memcmp(p, TF_WORD_START, 3));
        i--;
        if (!m->glue[(unsigned char)s[i - 1]])
            return i;
    }
}

/* A piece whose words the model treats one by one. */
static int append_words(struct tf_tok_state *st, const char *s, size_t len,
                        struct tf_err *err)
{
    size_t at, end, i, from;
    struct tf_str word;

    for (at = 0; at < len; at = end) {
        end = word_end(&st->tok->model, s, len, at);
        word = (struct tf_str){ s + at, end - at };
        from = st->tokens.n;
        if (tf_wordcache_tokenize(&st->cache, &st->tok->model, &st->scratch,
                                  word, &st->tokens, err))
            return -1;
        for (i = from; i < st->tokens.n && at; i++) {
            st->tokens.spans[i].start += (uint32_t)at;
            st->tokens.spans[i].end += (uint32_t)at;
        }
    }
    return 0;
}

static int append_piece(struct tf_tok_state *st, struct tf_piece piece,
                        struct tf_err *err)
{
    const struct tf_model *m = &st->tok->model;
    struct tf_str s = { st->pre.text.s + piece.start, piece.end - piece.start };

    if (piece.id >= 0) {
        if (tf_tokens_room(&st->tokens, 1, err))
            return -1;
        tf_tokens_put(&st->tokens, piece.id, 0, s.len);
        return 0;
    }
    if (m->words_apart)
        return append_words(st, s.s, s.len, err);
    return tf_wordcache_tokenize(&st->cache, m, &st->scratch, s, &st->tokens,
                                 err);
}

static int append_pieces(struct tf_tok_state *st, unsigned needs, int32_t word,
                         struct tf_err *err)
{
    struct cursor c = { st->pre.original, 0, 0 };
    size_t i, k, from;

    for (i = 0; i < st->pre.pieces.count; i++) {
        struct tf_piece piece = st->pre.pieces.at[i];

        from = st->tokens.n;
        if (append_piece(st, piece, err))
            return -1;
        if (!needs)
            continue;
        if (arrays_room(st, err))
            return -1;
        if (needs & TF_TOK_OFFSETS)
            locate(st, piece, from, &c);
        if (needs & TF_TOK_WORDS)
            for (k = from; k < st->tokens.n; k++)
                st->words[k] = word < 0 ? (int32_t)i : word;
        if (needs & TEXTS)
            keep_texts(st, piece, from);
    }
    return st->surface.failed ? tf_no_memory(err, st->surface.len) : 0;
}

int tf_tok_append(struct tf_tok_state *st, struct tf_str text, unsigned needs,
                  int32_t word, struct tf_err *err)
{
    const struct tf_tokenizer *tok = st->tok;
    struct tf_pretext *pre = &st->pre;
    bool origins = needs & TF_TOK_OFFSETS;

    tf_pretext_set(pre, text);
    tf_added_split(&tok->added, false, pre);
    tf_normalize(tok->normalizer, pre, origins);
    tf_added_split(&tok->added, true, pre);
    tf_split(tok->splitter, pre, origins);
    if (pre->failed)
        return pre->why ? tf_fail_code(err, "too_large", "%s", pre->why)
                        : tf_no_memory(err, text.len);
    return append_pieces(st, needs, word, err);
}

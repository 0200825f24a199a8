#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/model.h"
#include "text/pieces.h"
#include "text/utf8.h"

/* One token of a word that is being merged. */
struct tf_symbol {
    int32_t id;
    uint32_t len;        /* bytes of the piece; 0: merged into another */
    uint32_t prev, next; /* of those that are left; NONE at the ends */
};

#define NONE UINT32_MAX

/* Up to so many symbols, looking through all is faster than a heap. */
#define SHORT 40

/*
 * No merge reaches across the start of a word, but for those few that need a
 * certain byte before it? Then the tokens of a word do not depend on the words
 * beside it. Runs of word starts may join.
 */
static bool words_stand_apart(struct tf_model *m)
{
    const struct tf_vocab *v = &m->vocab;
    struct tf_str start = { TF_WORD_START, 3 }, s = tf_vocab_token(v, m->unk);
    size_t i, b;

    /* with affixes a token is not what the text spells */
    if (m->prefix || m->suffix || m->ignore_merges ||
        tf_vocab_find(v, start) < 0 || m->merges.crossings > TF_CROSSING_MAX ||
        (s.len >= 3 && !memcmp(s.s + s.len - 3, TF_WORD_START, 3)))
        return false;
    for (i = 0; i < m->merges.crossings; i++) {
        int32_t left = m->merges.crossing[i];

        /* nor are these */
        for (b = 0; b < 256; b++)
            if (left == m->unk || left == m->byte_id[b])
                return false;
        s = tf_vocab_token(v, left);
        if (!s.len)
            return false;
        m->glue[(unsigned char)s.s[s.len - 1]] = true;
    }
    return true;
}

int tf_bpe_prepare(struct tf_model *m, struct tf_err *err)
{
    char name[4];
    uint32_t c;

    for (c = 0; c < TF_CHAR_IDS; c++) {
        struct tf_str s = { name, tf_utf8_put(name, c) };

        m->char_id[c] = tf_vocab_find(&m->vocab, s);
    }
    m->words_apart = words_stand_apart(m);
    if (!m->merges.slots && !m->merges.by_piece) {
        m->merges.slots = tf_alloc(1, sizeof(*m->merges.slots), err);
        if (!m->merges.slots)
            return -1;
    }
    return 0;
}

static int symbols_room(struct tf_scratch *s, size_t n, struct tf_err *err)
{
    struct tf_symbol *p;

    if (n <= s->symbols_cap)
        return 0;
    if (n >= NONE)
        return tf_fail_code(err, "too_large", "a word of %zu bytes", n);
    if (n < s->symbols_cap * 2)
        n = s->symbols_cap * 2;
    p = tf_grow(s->symbols, n, sizeof(*p), err);
    if (!p)
        return -1;
    s->symbols = p;
    s->symbols_cap = n;
    return 0;
}

/* The id of the character at [at, at + len), with the affixes that its place
 * gives it; `*spelled` gets what was looked up. */
static int32_t find_char(const struct tf_model *m, struct tf_scratch *s,
                         struct tf_str piece, size_t at, size_t len,
                         struct tf_str *spelled)
{
    bool prefix = m->prefix && at, suffix = m->suffix && at + len == piece.len;
    uint32_t c;

    *spelled = (struct tf_str){ piece.s + at, len };
    if (!prefix && !suffix) {
        c = tf_utf8_get(piece.s + at, &len);
        return c < TF_CHAR_IDS ? m->char_id[c]
                               : tf_vocab_find(&m->vocab, *spelled);
    }
    tf_buf_reset(&s->bytes);
    if (prefix)
        tf_buf_adds(&s->bytes, m->prefix);
    tf_buf_add(&s->bytes, piece.s + at, len);
    if (suffix)
        tf_buf_adds(&s->bytes, m->suffix);
    *spelled = (struct tf_str){ s->bytes.data, s->bytes.len };
    return s->bytes.failed ? -1 : tf_vocab_find(&m->vocab, *spelled);
}

struct word {
    struct tf_symbol *symbols;
    size_t n;
    uint32_t unknown; /* bytes of an unknown token not yet put down */
};

static void put(struct word *w, int32_t id, uint32_t len)
{
    w->symbols[w->n].id = id;
    w->symbols[w->n].len = len;
    w->n++;
}

/* The bytes of a character that is no token, or nothing if one has no token. */
static bool put_bytes(const struct tf_model *m, struct word *w,
                      struct tf_str spelled)
{
    size_t i;

    for (i = 0; i < spelled.len; i++)
        if (m->byte_id[(unsigned char)spelled.s[i]] < 0)
            return false;
    for (i = 0; i < spelled.len; i++)
        put(w, m->byte_id[(unsigned char)spelled.s[i]], 1);
    return true;
}

/*
 * The characters of a piece as symbols. An unknown token stands for one
 * character, or with fuse_unk for all in a row; it is put down when the next
 * token that is no byte comes, as `tokenizers` does. Without an unknown token
 * a character is left out.
 */
static int split_chars(const struct tf_model *m, struct tf_scratch *s,
                       struct tf_str piece, struct word *w, struct tf_err *err)
{
    size_t affixes = (m->prefix ? strlen(m->prefix) : 0) +
                     (m->suffix ? strlen(m->suffix) : 0);
    size_t at, len;
    struct tf_str spelled;
    int32_t id;

    /* a byte more for an unknown token put down after bytes */
    if (__builtin_mul_overflow(piece.len + 1, 1 + affixes, &len))
        return tf_no_memory(err, SIZE_MAX);
    if (symbols_room(s, len, err))
        return -1;
    w->symbols = s->symbols;
    w->n = w->unknown = 0;
    for (at = 0; at < piece.len; at += len) {
        len = tf_utf8_len((unsigned char)piece.s[at]);
        id = find_char(m, s, piece, at, len, &spelled);
        if (s->bytes.failed)
            return tf_no_memory(err, spelled.len);
        if (id >= 0) {
            if (w->unknown)
                put(w, m->unk, w->unknown);
            w->unknown = 0;
            put(w, id, (uint32_t)len);
            continue;
        }
        if ((m->byte_fallback && put_bytes(m, w, spelled)) || !m->unk_token)
            continue;
        if (m->unk < 0)
            return tf_fail_code(err, "bad_field",
                                "the unknown token \"%s\" is not in the "
                                "vocabulary",
                                m->unk_token);
        if (w->unknown && !m->fuse_unk) {
            put(w, m->unk, w->unknown);
            w->unknown = 0;
        }
        w->unknown += (uint32_t)len;
    }
    if (w->unknown)
        put(w, m->unk, w->unknown);
    return 0;
}

static uint32_t rank_of(const struct tf_model *m, int32_t left, int32_t right)
{
    return m->merges.by_piece
               ? tf_pieces_find(&m->merges, &m->vocab, left, right)
               : tf_merges_find(&m->merges, left, right);
}

static int32_t result_of(const struct tf_merges *m, uint32_t rank)
{
    return m->by_piece ? tf_pieces_result(m, rank) : m->at[rank].result;
}

/* The lowest rank first, the leftmost of equals. */
static void merge_short(const struct tf_model *m, struct word *w)
{
    uint32_t rank[SHORT], best;
    struct tf_symbol *s = w->symbols;
    size_t i, at = 0, n = w->n;

    for (i = 0; i + 1 < n; i++)
        rank[i] = rank_of(m, s[i].id, s[i + 1].id);
    for (;;) {
        best = TF_NO_MERGE;
        for (i = 0; i + 1 < n; i++)
            if (rank[i] < best) {
                best = rank[i];
                at = i;
            }
        if (best == TF_NO_MERGE)
            break;
        s[at].id = result_of(&m->merges, best);
        s[at].len += s[at + 1].len;
        n--;
        memmove(s + at + 1, s + at + 2, (n - at - 1) * sizeof(*s));
        memmove(rank + at + 1, rank + at + 2, (n - at - 1) * sizeof(*rank));
        if (at)
            rank[at - 1] = rank_of(m, s[at - 1].id, s[at].id);
        if (at + 1 < n)
            rank[at] = rank_of(m, s[at].id, s[at + 1].id);
    }
    w->n = n;
}

/* The heap holds rank << 32 | place. */
static int heap_push(struct tf_scratch *s, uint64_t x, struct tf_err *err)
{
    size_t i = s->heap_n, up;

    if (i == s->heap_cap) {
        size_t cap = s->heap_cap ? s->heap_cap * 2 : 256;
        uint64_t *p = tf_grow(s->heap, cap, sizeof(*p), err);

        if (!p)
            return -1;
        s->heap = p;
        s->heap_cap = cap;
    }
    for (s->heap_n++; i; i = up) {
        up = (i - 1) / 4;
        if (s->heap[up] <= x)
            break;
        s->heap[i] = s->heap[up];
    }
    s->heap[i] = x;
    return 0;
}

static uint64_t heap_pop(struct tf_scratch *s)
{
    uint64_t top = s->heap[0], x = s->heap[--s->heap_n];
    size_t i = 0, n = s->heap_n, k, down, end;

    while ((down = i * 4 + 1) < n) {
        end = down + 4 < n ? down + 4 : n;
        for (k = down + 1; k < end; k++)
            if (s->heap[k] < s->heap[down])
                down = k;
        if (s->heap[down] >= x)
            break;
        s->heap[i] = s->heap[down];
        i = down;
    }
    s->heap[i] = x;
    return top;
}

static int push_pair(const struct tf_model *m, struct tf_scratch *s,
                     const struct tf_symbol *symbols, uint32_t at,
                     struct tf_err *err)
{
    uint32_t rank;

    if (at == NONE || symbols[at].next == NONE)
        return 0;
    rank = rank_of(m, symbols[at].id, symbols[symbols[at].next].id);
    return rank == TF_NO_MERGE ? 0
                               : heap_push(s, (uint64_t)rank << 32 | at, err);
}

static int merge_long(const struct tf_model *m, struct tf_scratch *scratch,
                      struct word *w, struct tf_err *err)
{
    struct tf_symbol *s = w->symbols, *left, *right;
    size_t i, n = w->n;
    uint64_t top;

    scratch->heap_n = 0;
    for (i = 0; i < n; i++) {
        s[i].prev = i ? (uint32_t)i - 1 : NONE;
        s[i].next = i + 1 < n ? (uint32_t)i + 1 : NONE;
    }
    for (i = 0; i < n; i++)
        if (push_pair(m, scratch, s, (uint32_t)i, err))
            return -1;
    while (scratch->heap_n) {
        top = heap_pop(scratch);
        left = &s[(uint32_t)top];
        if (!left->len || left->next == NONE)
            continue;
        right = &s[left->next];
        if (rank_of(m, left->id, right->id) != top >> 32)
            continue; /* it was another pair then */
        left->id = result_of(&m->merges, (uint32_t)(top >> 32));
        left->len += right->len;
        left->next = right->next;
        right->len = 0;
        if (left->next != NONE)
            s[left->next].prev = (uint32_t)top;
        if (push_pair(m, scratch, s, left->prev, err) ||
            push_pair(m, scratch, s, (uint32_t)top, err))
            return -1;
    }
    for (w->n = i = 0; i < n; i++)
        if (s[i].len)
            s[w->n++] = s[i];
    return 0;
}

static int merge_word(const struct tf_model *m, struct tf_scratch *s,
                      struct tf_str piece, size_t base, struct tf_tokens *out,
                      struct tf_err *err)
{
    struct word w = { 0 };
    size_t i, at = base;

    if (split_chars(m, s, piece, &w, err))
        return -1;
    if (w.n <= SHORT)
        merge_short(m, &w);
    else if (merge_long(m, s, &w, err))
        return -1;
    if (tf_tokens_room(out, w.n, err))
        return -1;
    for (i = 0; i < w.n; i++) {
        tf_tokens_put(out, w.symbols[i].id, at, at + w.symbols[i].len);
        at += w.symbols[i].len;
    }
    return 0;
}

/*
 * Byte-pair encoding (Sennrich et al. 2016, "Neural machine translation of rare
 * words with subword units", section 3.2).
 */
int tf_bpe_tokenize(const struct tf_model *m, struct tf_scratch *s,
                    struct tf_str piece, struct tf_tokens *out,
                    struct tf_err *err)
{
    int32_t id;

    if (m->ignore_merges && (id = tf_vocab_find(&m->vocab, piece)) >= 0) {
        if (tf_tokens_room(out, 1, err))
            return -1;
        tf_tokens_put(out, id, 0, piece.len);
        return 0;
    }
    return merge_word(m, s, piece, 0, out, err);
}

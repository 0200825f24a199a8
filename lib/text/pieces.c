#include "text/pieces.h"

#include <string.h>

/* The first merges of a piece that reach across the start of a word. */
static void note_crossings(struct tf_merges *m, const struct tf_vocab *v,
                           struct tf_str s)
{
    const size_t n = sizeof(TF_WORD_START) - 1;
    const char *p = s.s, *end = s.s + s.len;
    int32_t left;

    if (!s.len)
        return;
    while ((p = memchr(p + 1, TF_WORD_START[0], (size_t)(end - p - 1)))) {
        struct tf_str a = { s.s, (size_t)(p - s.s) };
        struct tf_str b = { p, (size_t)(end - p) };

        if (b.len < n || memcmp(p, TF_WORD_START, n) ||
            (a.len >= n && !memcmp(p - n, TF_WORD_START, n)))
            continue;
        left = tf_vocab_find(v, a);
        if (left >= 0 && tf_vocab_find(v, b) >= 0 &&
            m->crossings++ < TF_CROSSING_MAX)
            m->crossing[m->crossings - 1] = left;
    }
}

int tf_pieces_index(struct tf_merges *m, const struct tf_vocab *v,
                    const uint32_t *order, size_t n, struct tf_err *err)
{
    size_t i;

    m->by_piece = true;
    m->piece_rank = tf_alloc(v->count, sizeof(*m->piece_rank), err);
    m->ranked = tf_alloc(n, sizeof(*m->ranked), err);
    if (!m->piece_rank || !m->ranked)
        return -1;
    memset(m->piece_rank, 0xff, v->count * sizeof(*m->piece_rank));
    for (i = 0; i < n; i++) {
        struct tf_str s = tf_vocab_at(v, order[i]);
        /* of pieces spelled alike the last is found, and the worst counts */
        int32_t id =
            v->size == v->count ? (int32_t)order[i] : tf_vocab_find(v, s);

        m->piece_rank[id] = (uint32_t)i;
        m->ranked[i] = id;
        note_crossings(m, v, s);
    }
    m->count = n;
    return 0;
}

uint32_t tf_pieces_find(const struct tf_merges *m, const struct tf_vocab *v,
                        int32_t left, int32_t right)
{
    struct tf_str a = tf_vocab_token(v, left), b = tf_vocab_token(v, right);
    struct tf_str s = { NULL, a.len + b.len };
    char joined[TF_PIECE_MAX];
    int32_t id;

    if (!a.len || !b.len || s.len > v->longest)
        return TF_NO_MERGE;
    memcpy(joined, a.s, a.len);
    memcpy(joined + a.len, b.s, b.len);
    s.s = joined;
    id = tf_vocab_find(v, s);
    if (id < 0 || m->piece_rank[id] == TF_NO_MERGE)
        return TF_NO_MERGE;
    return m->piece_rank[id] << 8 | (uint32_t)a.len;
}

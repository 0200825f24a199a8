#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/model.h"
#include "text/utf8.h"

/* The best way to write the text up to here: its last token and the sum. */
struct tf_lattice_node {
    double score;
    uint32_t length; /* bytes of the last token; 0: no way leads here */
    uint32_t token;  /* the index of it, or UNKNOWN */
};

#define UNKNOWN         UINT32_MAX
#define UNKNOWN_PENALTY 10.0

int tf_unigram_prepare(struct tf_model *m, struct tf_err *err)
{
    struct tf_trie_entry *e = tf_alloc(m->vocab.count, sizeof(*e), err);
    size_t i, n = 0;
    int failed;

    if (!e)
        return -1;
    m->min_score = INFINITY;
    for (i = 0; i < m->vocab.count; i++) {
        e[n].s = tf_vocab_at(&m->vocab, i);
        e[n].value = (uint32_t)i;
        n += e[n].s.len > 0;
        if (m->score[i] < m->min_score)
            m->min_score = m->score[i];
    }
    failed = tf_trie_build(&m->trie, e, n, err);
    free(e);
    return failed;
}

static int nodes_room(struct tf_scratch *s, size_t n, struct tf_err *err)
{
    struct tf_lattice_node *p;

    if (n <= s->nodes_cap)
        return 0;
    if (n < s->nodes_cap * 2)
        n = s->nodes_cap * 2;
    p = tf_grow(s->nodes, n, sizeof(*p), err);
    if (!p)
        return -1;
    s->nodes = p;
    s->nodes_cap = n;
    return 0;
}

/* Of equal ways the first is kept. */
static bool better(const struct tf_lattice_node *node, double score)
{
    return !node->length || score > node->score;
}

static void take(struct tf_lattice_node *node, double score, size_t length,
                 uint32_t token)
{
    node->score = score;
    node->length = (uint32_t)length;
    node->token = token;
}

/* Every token that begins at `at`, and the unknown token if none is one
 * character long: false when there is no unknown token to take. */
static bool extend(const struct tf_model *m, struct tf_lattice_node *nodes,
                   struct tf_str text, size_t at, size_t char_len)
{
    double so_far = nodes[at].score, score;
    bool single = false;
    uint32_t node = 0, token;
    size_t i;

    for (i = at; i < text.len; i++) {
        node = tf_trie_step(&m->trie, node, (unsigned char)text.s[i]);
        if (!node)
            break;
        token = m->trie.nodes[node].value;
        if (token == TF_TRIE_NONE)
            continue;
        score = m->score[token] + so_far;
        if (better(&nodes[i + 1], score))
            take(&nodes[i + 1], score, i + 1 - at, token);
        single |= i + 1 - at == char_len;
    }
    score = m->min_score - UNKNOWN_PENALTY + so_far;
    if (single || !better(&nodes[at + char_len], score))
        return true;
    take(&nodes[at + char_len], score, char_len, UNKNOWN);
    return m->unk >= 0;
}

/* The unknown part [start, end): it may be spelled as a token after all, now
 * that it is joined; else its bytes, else the unknown token. */
static int put_unknown(const struct tf_model *m, struct tf_str text,
                       size_t start, size_t end, struct tf_tokens *out,
                       struct tf_err *err)
{
    struct tf_str part = { text.s + start, end - start };
    int32_t id = tf_vocab_find(&m->vocab, part);
    size_t i;

    if (tf_tokens_room(out, m->byte_fallback ? part.len : 1, err))
        return -1;
    if (id < 0 && m->byte_fallback) {
        for (i = 0; i < part.len; i++)
            if (m->byte_id[(unsigned char)part.s[i]] < 0)
                break;
        if (i == part.len) {
            for (i = 0; i < part.len; i++)
                tf_tokens_put(out, m->byte_id[(unsigned char)part.s[i]], start,
                              end);
            return 0;
        }
    }
    tf_tokens_put(out, id < 0 ? m->unk : id, start, end);
    return 0;
}

static bool is_unknown(const struct tf_model *m,
                       const struct tf_lattice_node *node)
{
    return node->token == UNKNOWN ||
           tf_vocab_id(&m->vocab, node->token) == m->unk;
}

/* Turn the links around, so that a node's length is that of the token which
 * begins there. */
static void turn_around(struct tf_lattice_node *nodes, size_t len)
{
    struct tf_lattice_node carried = nodes[len], next;
    size_t at = len;

    while (at) {
        at -= carried.length;
        next = nodes[at];
        nodes[at] = carried;
        carried = next;
    }
}

/*
 * The most probable way to write the text with the tokens (Kudo 2018, "Subword
 * regularization", section 3.2), by Viterbi's algorithm.
 */
int tf_unigram_tokenize(const struct tf_model *m, struct tf_scratch *s,
                        struct tf_str piece, struct tf_tokens *out,
                        struct tf_err *err)
{
    struct tf_lattice_node *nodes;
    size_t at, len, end;

    if (nodes_room(s, piece.len + 1, err))
        return -1;
    nodes = s->nodes;
    memset(nodes, 0, (piece.len + 1) * sizeof(*nodes));
    for (at = 0; at < piece.len; at += len) {
        len = tf_utf8_len((unsigned char)piece.s[at]);
        if (!extend(m, nodes, piece, at, len))
            return tf_fail_code(err, "bad_field",
                                "\"%.*s\" is no token, and the model has no "
                                "unk_id",
                                (int)len, piece.s + at);
    }
    turn_around(nodes, piece.len);
    for (at = 0; at < piece.len; at = end) {
        end = at + nodes[at].length;
        if (!is_unknown(m, &nodes[at])) {
            if (tf_tokens_room(out, 1, err))
                return -1;
            tf_tokens_put(out, tf_vocab_id(&m->vocab, nodes[at].token), at,
                          end);
            continue;
        }
        while (end < piece.len && is_unknown(m, &nodes[end]))
            end += nodes[end].length;
        if (put_unknown(m, piece, at, end, out, err))
            return -1;
    }
    return 0;
}

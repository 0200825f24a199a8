#include "text/gguf_tokens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "text/pieces.h"
#include "text/spm.h"
#include "text/utf8.h"

int tf_gguf_tokens_read(struct tf_gguf_tokens *t, const struct tf_gguf *g,
                        struct tf_err *err)
{
    struct tf_gguf_array tokens, types;
    bool typed = tf_gguf_array(g, "tokenizer.ggml.token_type", &types);
    int64_t type;
    size_t i;

    if (!tf_gguf_array(g, "tokenizer.ggml.tokens", &tokens) ||
        tokens.count > INT32_MAX)
        return tf_fail(err, "no tokenizer.ggml.tokens");
    t->g = g;
    t->count = tokens.count;
    t->at = tf_alloc_table(t->count, sizeof(*t->at), err);
    t->types = tf_alloc(t->count, 1, err);
    if (!t->at || !t->types)
        return -1;
    for (i = 0; i < t->count; i++) {
        struct tf_str *s = &t->at[i];

        if (!tf_gguf_next_string(&tokens, s) ||
            tf_utf8_valid(s->s, s->len) != s->len)
            return tf_fail(err, "token %zu is no UTF-8 string", i);
        t->bytes += s->len;
        t->types[i] = TF_SPM_NORMAL;
        if (typed && tf_gguf_next_int(&types, &type) && type >= TF_SPM_NORMAL &&
            type <= TF_SPM_BYTE)
            t->types[i] = (unsigned char)type;
    }
    return 0;
}

void tf_gguf_tokens_release(struct tf_gguf_tokens *t)
{
    free(t->at);
    free(t->types);
}

struct tf_str tf_gguf_word(const struct tf_gguf_tokens *t, size_t id,
                           struct tf_buf *word)
{
    const size_t mark = sizeof(TF_WORD_START) - 1;
    struct tf_str s = t->at[id];

    if (s.len > mark && !memcmp(s.s, TF_WORD_START, mark))
        return (struct tf_str){ s.s + mark, s.len - mark };
    if (t->types[id] != TF_SPM_NORMAL)
        return s;
    tf_buf_reset(word);
    tf_buf_adds(word, "##");
    tf_buf_add(word, s.s, s.len);
    return (struct tf_str){ word->data, word->len };
}

int tf_gguf_listed_merges(const struct tf_gguf *g, tf_gguf_merge_fn *merge,
                          void *arg, struct tf_err *err)
{
    struct tf_gguf_array merges;
    struct tf_str m, a, b;
    const char *gap;

    if (!tf_gguf_array(g, "tokenizer.ggml.merges", &merges))
        return tf_fail(err, "no tokenizer.ggml.merges");
    while (tf_gguf_next_string(&merges, &m)) {
        gap = m.len > 1 ? memchr(m.s + 1, ' ', m.len - 1) : NULL;
        if (!gap)
            return tf_fail(err, "a merge is no pair of tokens");
        a = (struct tf_str){ m.s, (size_t)(gap - m.s) };
        b = (struct tf_str){ gap + 1, m.len - a.len - 1 };
        if (merge(arg, a, b, err))
            return -1;
    }
    return 0;
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

static double next_score(struct tf_gguf_array *scores)
{
    double score;

    return tf_gguf_next_double(scores, &score) && !isnan(score) ? score : 0;
}

/* Sort the ids of the pieces by their scores. */
static int sort_pieces(const struct tf_gguf_tokens *t,
                       struct tf_gguf_array scores, uint32_t *order, size_t n,
                       struct tf_err *err)
{
    struct scored *ranks = tf_alloc(n, sizeof(*ranks), err);
    size_t i, k = 0;

    if (!ranks)
        return -1;
    for (i = 0; k < n; i++) {
        double score = next_score(&scores);

        if (t->types[i] == TF_SPM_NORMAL)
            ranks[k++] = (struct scored){ score, i };
    }
    qsort(ranks, n, sizeof(*ranks), by_score);
    for (i = 0; i < n; i++)
        order[i] = (uint32_t)ranks[i].id;
    free(ranks);
    return 0;
}

/* The pieces, the best first; of those as good, or without scores, by id, in
 * which order most files have them. NULL: no memory. */
static uint32_t *rank_pieces(const struct tf_gguf_tokens *t, size_t *n,
                             struct tf_err *err)
{
    uint32_t *order = tf_alloc(t->count, sizeof(*order), err);
    struct tf_gguf_array scores = { 0 }, rest;
    double score, last = INFINITY;
    bool sorted = true;
    size_t i;

    if (!order)
        return NULL;
    tf_gguf_array(t->g, "tokenizer.ggml.scores", &scores);
    rest = scores;
    for (*n = i = 0; i < t->count; i++) {
        score = next_score(&rest);
        if (t->types[i] != TF_SPM_NORMAL)
            continue;
        sorted = sorted && score <= last;
        last = score;
        order[(*n)++] = (uint32_t)i;
    }
    if (!sorted && sort_pieces(t, scores, order, *n, err)) {
        free(order);
        return NULL;
    }
    return order;
}

int tf_gguf_piece_merges(const struct tf_gguf_tokens *t,
                         tf_gguf_merge_fn *merge, void *arg, struct tf_err *err)
{
    struct tf_strmap ids = { 0 };
    uint32_t *order;
    size_t n, i, at;
    int failed;

    order = rank_pieces(t, &n, err);
    failed = !order || tf_strmap_reserve(&ids, t->count, err);
    for (i = 0; !failed && i < t->count; i++)
        failed =
            tf_strmap_set(&ids, t->at[i].s, t->at[i].len, (uint32_t)i, err);
    for (i = 0; !failed && i < n; i++) {
        struct tf_str s = t->at[order[i]];

        for (at = 0; !failed && at < s.len;) {
            at += tf_utf8_len((unsigned char)s.s[at]);
            if (at < s.len && tf_strmap_get(&ids, s.s, at) != TF_STRMAP_NONE &&
                tf_strmap_get(&ids, s.s + at, s.len - at) != TF_STRMAP_NONE)
                failed = merge(arg, (struct tf_str){ s.s, at },
                               (struct tf_str){ s.s + at, s.len - at }, err);
        }
    }
    free(order);
    tf_strmap_release(&ids);
    return failed ? -1 : 0;
}

/* The vocabulary, spelled as `spell` does or else as the file. */
static int fill_vocab(struct tf_vocab *v, const struct tf_gguf_tokens *t,
                      struct tf_str (*spell)(const struct tf_gguf_tokens *t,
                                             size_t id, struct tf_buf *word),
                      struct tf_err *err)
{
    struct tf_buf word = TF_BUF_INIT;
    int failed = tf_vocab_reserve(v, t->count, t->bytes, err);
    size_t i;

    for (i = 0; !failed && i < t->count; i++)
        failed = tf_vocab_add(v, spell ? spell(t, i, &word) : t->at[i],
                              (int64_t)i, err);
    if (!failed && word.failed)
        failed = tf_no_memory(err, t->bytes);
    tf_buf_release(&word);
    return failed || tf_vocab_index(v, err) ? -1 : 0;
}

int tf_gguf_fill_words(struct tf_model *m, const struct tf_gguf_tokens *t,
                       struct tf_err *err)
{
    return fill_vocab(&m->vocab, t, tf_gguf_word, err);
}

static int add_merge(void *reader, struct tf_str a, struct tf_str b,
                     struct tf_err *err)
{
    return tf_merges_add(reader, a, b, err);
}

int tf_gguf_fill_bytes(struct tf_model *m, const struct tf_gguf_tokens *t,
                       struct tf_err *err)
{
    struct tf_merge_reader r;

    if (fill_vocab(&m->vocab, t, NULL, err))
        return -1;
    tf_merges_start(&r, &m->merges, &m->vocab, 0);
    return tf_merges_end(&r, tf_gguf_listed_merges(t->g, add_merge, &r, err),
                         err);
}

int tf_gguf_fill_pieces(struct tf_model *m, const struct tf_gguf_tokens *t,
                        struct tf_err *err)
{
    struct tf_merge_reader r;
    uint32_t *order;
    size_t n;
    int failed;

    if (fill_vocab(&m->vocab, t, NULL, err))
        return -1;
    if (m->vocab.longest <= TF_PIECE_MAX) {
        order = rank_pieces(t, &n, err);
        failed =
            !order || tf_pieces_index(&m->merges, &m->vocab, order, n, err);
        free(order);
        return failed ? -1 : 0;
    }
    tf_merges_start(&r, &m->merges, &m->vocab, 0);
    return tf_merges_end(&r, tf_gguf_piece_merges(t, add_merge, &r, err), err);
}

int tf_gguf_fill_unigram(struct tf_model *m, const struct tf_gguf_tokens *t,
                         struct tf_err *err)
{
    struct tf_gguf_array scores;
    size_t i;

    if (fill_vocab(&m->vocab, t, NULL, err))
        return -1;
    m->score = tf_alloc(t->count, sizeof(*m->score), err);
    if (!m->score)
        return -1;
    if (!tf_gguf_array(t->g, "tokenizer.ggml.scores", &scores))
        return tf_fail(err, "no tokenizer.ggml.scores");
    for (i = 0; i < t->count; i++)
        if (!tf_gguf_next_double(&scores, &m->score[i]) ||
            !isfinite(m->score[i]))
            return tf_fail(err, "token %zu has no score", i);
    return 0;
}

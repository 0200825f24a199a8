#include "text/merges.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"

/*
 * Three look-ups a merge, in a table that no cache holds, are most of the time
 * of opening a tokenizer: so they are made some merges at a time, to wait for
 * memory once and not for each.
 */
#define BATCH 64

struct batch {
    struct tf_buf text; /* of each merge: a, b, and then a + b if it differs */
    struct spelled {
        size_t at, a, b; /* where, lengths */
        size_t joined, joined_len;
        struct tf_vocab_probe probe[2];
    } merge[BATCH];
    size_t n;
    int32_t last; /* the last result: the next is often the same, or one more */
};

/* End a merge whose a is in the text already. */
static int add_b(struct batch *x, struct tf_str b, size_t prefix,
                 struct tf_err *err)
{
    struct spelled *s = &x->merge[x->n];
    size_t drop = prefix < b.len ? prefix : b.len;
    char *joined;

    s->b = b.len;
    s->joined = s->at;
    s->joined_len = s->a + b.len - drop;
    tf_buf_add(&x->text, b.s, b.len);
    if (drop && (joined = tf_buf_room(&x->text, s->joined_len))) {
        memcpy(joined, x->text.data + s->at, s->a);
        memcpy(joined + s->a, b.s + drop, b.len - drop);
        s->joined = x->text.len;
        x->text.len += s->joined_len;
    }
    if (x->text.failed)
        return tf_no_memory(err, x->text.len);
    x->n++;
    return 0;
}

static struct tf_str text_of(const struct batch *x, size_t at, size_t len)
{
    return (struct tf_str){ x->text.data + at, len };
}

/* "a b" or ["a", "b"] into the batch; a version line is passed over. */
static int read_pair(struct batch *x, struct tf_json *j, size_t prefix,
                     size_t rank, struct tf_err *err)
{
    struct spelled *s = &x->merge[x->n];
    struct tf_str a, b = { "", 0 };
    const char *space;

    s->at = x->text.len;
    if (tf_json_peek(j) == TF_JSON_STRING) {
        tf_json_string(j, &a);
        if (tf_json_failed(j, err))
            return -1;
        if (a.len >= 8 && !memcmp(a.s, "#version", 8))
            return 0;
        space = memchr(a.s, ' ', a.len);
        if (!space)
            return tf_fail(err,
                           "merges: \"%.*s\" (number %zu) is not two "
                           "tokens with a space between",
                           a.len < 60 ? (int)a.len : 60, a.s, rank + 1);
        b.s = space + 1;
        b.len = (size_t)(a.s + a.len - b.s);
        a.len = (size_t)(space - a.s);
        s->a = a.len;
        tf_buf_add(&x->text, a.s, a.len);
    } else {
        if (!tf_json_array(j) || !tf_json_item(j) || !tf_json_string(j, &a)) {
            tf_json_bad(j, "merges: expected two tokens");
            return tf_json_failed(j, err) ? -1 : 0;
        }
        s->a = a.len;
        tf_buf_add(&x->text, a.s, a.len);
        if (!tf_json_item(j) || !tf_json_string(j, &b) || tf_json_item(j))
            tf_json_bad(j, "merges: expected two tokens");
        if (tf_json_failed(j, err))
            return -1;
    }
    return add_b(x, b, prefix, err);
}

static int unknown(struct tf_str token, size_t rank, struct tf_err *err)
{
    return tf_fail(err,
                   "merges: token \"%.*s\" (of number %zu) is not in the "
                   "vocabulary",
                   token.len < 60 ? (int)token.len : 60, token.s, rank + 1);
}

static bool starts_word(struct tf_str s)
{
    return s.len >= 3 && !memcmp(s.s, TF_WORD_START, 3);
}

static bool ends_in_start(struct tf_str s)
{
    return s.len >= 3 && !memcmp(s.s + s.len - 3, TF_WORD_START, 3);
}

static int32_t find_joined(struct batch *x, const struct tf_vocab *vocab,
                           struct tf_str joined)
{
    if (tf_str_eq(joined, tf_vocab_token(vocab, x->last)))
        return x->last;
    if (tf_str_eq(joined, tf_vocab_token(vocab, x->last + 1)))
        return ++x->last;
    return x->last = tf_vocab_find(vocab, joined);
}

static void probe(struct batch *x, const struct tf_vocab *vocab)
{
    size_t i, k;

    for (i = 0; i < x->n; i++) {
        struct spelled *s = &x->merge[i];

        s->probe[0].s = text_of(x, s->at, s->a);
        s->probe[1].s = text_of(x, s->at + s->a, s->b);
        for (k = 0; k < 2; k++)
            tf_vocab_hash(vocab, &s->probe[k]);
    }
    for (i = 0; i < x->n; i++)
        for (k = 0; k < 2; k++)
            tf_vocab_aim(vocab, &x->merge[i].probe[k]);
    for (i = 0; i < x->n; i++)
        for (k = 0; k < 2; k++)
            tf_vocab_focus(vocab, &x->merge[i].probe[k]);
}

static int resolve(struct batch *x, struct tf_merges *m,
                   const struct tf_vocab *vocab, struct tf_err *err)
{
    size_t i;

    probe(x, vocab);
    for (i = 0; i < x->n; i++) {
        struct spelled *s = &x->merge[i];
        struct tf_merge *merge = &m->at[m->count];
        struct tf_str joined = text_of(x, s->joined, s->joined_len);

        merge->left = tf_vocab_look(vocab, &s->probe[0]);
        merge->right = tf_vocab_look(vocab, &s->probe[1]);
        merge->result = find_joined(x, vocab, joined);
        if (merge->left < 0)
            return unknown(s->probe[0].s, m->count, err);
        if (merge->right < 0)
            return unknown(s->probe[1].s, m->count, err);
        if (merge->result < 0)
            return unknown(joined, m->count, err);
        if (starts_word(s->probe[1].s) && !ends_in_start(s->probe[0].s) &&
            m->crossings++ < TF_CROSSING_MAX)
            m->crossing[m->crossings - 1] = (uint32_t)m->count;
        m->count++;
    }
    x->n = 0;
    tf_buf_reset(&x->text);
    return 0;
}

static int grow(struct tf_merges *m, struct tf_err *err)
{
    size_t cap = m->cap ? m->cap * 2 : 1024;
    struct tf_merge *at = tf_grow(m->at, cap, sizeof(*at), err);

    if (!at)
        return -1;
    m->at = at;
    m->cap = cap;
    return 0;
}

static bool same_pair(const struct tf_merges *m, uint64_t slot, uint64_t hash,
                      size_t rank)
{
    const struct tf_merge *a = &m->at[(uint32_t)slot - 1], *b = &m->at[rank];

    return slot >> 32 == hash >> 32 && a->left == b->left &&
           a->right == b->right;
}

/* Of two merges of one pair the later counts, as in `tokenizers`. */
static int index_pairs(struct tf_merges *m, struct tf_err *err)
{
    size_t slots = 16, i, k, n;
    uint64_t hash[BATCH];

    if (m->count >= TF_NO_MERGE - 1)
        return tf_fail(err, "merges: %zu are too many", m->count);
    while (slots < m->count + m->count / 2)
        slots *= 2;
    m->slots = tf_alloc(slots, sizeof(*m->slots), err);
    if (!m->slots)
        return -1;
    m->mask = slots - 1;
    for (i = 0; i < m->count; i += n) {
        n = m->count - i < BATCH ? m->count - i : BATCH;
        for (k = 0; k < n; k++) {
            hash[k] = tf_merge_hash(m->at[i + k].left, m->at[i + k].right);
            __builtin_prefetch(&m->slots[hash[k] & m->mask], 1);
        }
        for (k = 0; k < n; k++) {
            size_t s = hash[k] & m->mask;

            while (m->slots[s] && !same_pair(m, m->slots[s], hash[k], i + k))
                s = (s + 1) & m->mask;
            m->slots[s] = (hash[k] & 0xffffffff00000000) | (i + k + 1);
        }
    }
    return 0;
}

int tf_merges_read(struct tf_merges *m, struct tf_json *j,
                   const struct tf_vocab *vocab, struct tf_str prefix,
                   struct tf_err *err)
{
    struct batch x = { .last = -1 };
    int failed = 0;

    j->unchecked = true; /* only tokens of the vocabulary pass */
    tf_json_array(j);
    while (!failed && tf_json_item(j)) {
        failed = read_pair(&x, j, prefix.len, m->count + x.n, err) ||
                 (m->count + x.n >= m->cap && grow(m, err)) ||
                 (x.n == BATCH && resolve(&x, m, vocab, err));
    }
    failed = failed || tf_json_failed(j, err) || resolve(&x, m, vocab, err) ||
             index_pairs(m, err);
    tf_buf_release(&x.text);
    j->unchecked = false;
    return failed ? -1 : 0;
}

void tf_merges_release(struct tf_merges *m)
{
    free(m->at);
    free(m->slots);
    memset(m, 0, sizeof(*m));
}

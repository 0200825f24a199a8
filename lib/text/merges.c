#include "text/merges.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"

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

static bool spells(const struct tf_vocab *vocab, int32_t id, struct tf_str a,
                   struct tf_str b)
{
    struct tf_str s = tf_vocab_token(vocab, id);

    return s.s && s.len == a.len + b.len && tf_bytes_eq(s.s, a.s, a.len) &&
           tf_bytes_eq(s.s + a.len, b.s, b.len);
}

static int32_t find_joined(struct tf_merge_reader *r, struct tf_str a,
                           struct tf_str b)
{
    size_t drop = r->drop < b.len ? r->drop : b.len;

    b.s += drop;
    b.len -= drop;
    if (r->vocab->size == r->vocab->count) { /* no two are spelled alike */
        if (spells(r->vocab, r->last, a, b))
            return r->last;
        if (spells(r->vocab, r->last + 1, a, b))
            return ++r->last;
    }
    tf_buf_reset(&r->joined);
    tf_buf_add(&r->joined, a.s, a.len);
    tf_buf_add(&r->joined, b.s, b.len);
    return r->last = tf_vocab_find(
               r->vocab, (struct tf_str){ r->joined.data, r->joined.len });
}

/*
 * Three look-ups a merge, in a table that no cache holds, are most of the time
 * of opening a tokenizer: so they are made some merges at a time, to wait for
 * memory once and not for each.
 */
static int resolve(struct tf_merge_reader *r, struct tf_err *err)
{
    struct tf_merges *m = r->m;
    size_t i, k;

    for (i = 0; i < r->n; i++)
        for (k = 0; k < 2; k++)
            tf_vocab_aim(r->vocab, &r->pair[i][k]);
    for (i = 0; i < r->n; i++) {
        const struct tf_vocab_probe *a = &r->pair[i][0], *b = &r->pair[i][1];
        struct tf_merge *merge = &m->at[m->count];

        merge->left = tf_vocab_look(r->vocab, a);
        if (merge->left < 0)
            return unknown(a->s, m->count, err);
        merge->right = tf_vocab_look(r->vocab, b);
        if (merge->right < 0)
            return unknown(b->s, m->count, err);
        merge->result = find_joined(r, a->s, b->s);
        if (r->joined.failed)
            return tf_no_memory(err, a->s.len + b->s.len);
        if (merge->result < 0)
            return unknown((struct tf_str){ r->joined.data, r->joined.len },
                           m->count, err);
        if (starts_word(b->s) && !ends_in_start(a->s) &&
            m->crossings++ < TF_CROSSING_MAX)
            m->crossing[m->crossings - 1] = merge->left;
        m->count++;
    }
    r->n = 0;
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
    uint64_t hash[TF_MERGES_BATCH];

    if (m->count >= TF_NO_MERGE - 1)
        return tf_fail(err, "merges: %zu are too many", m->count);
    while (slots < m->count + m->count / 2)
        slots *= 2;
    m->slots = tf_alloc_table(slots, sizeof(*m->slots), err);
    if (!m->slots)
        return -1;
    m->mask = slots - 1;
    for (i = 0; i < m->count; i += n) {
        n = m->count - i < TF_MERGES_BATCH ? m->count - i : TF_MERGES_BATCH;
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

void tf_merges_start(struct tf_merge_reader *r, struct tf_merges *m,
                     const struct tf_vocab *vocab, size_t drop)
{
    r->m = m;
    r->vocab = vocab;
    r->drop = drop;
    r->n = 0;
    r->last = -1;
    r->joined = (struct tf_buf)TF_BUF_INIT;
}

int tf_merges_add(struct tf_merge_reader *r, struct tf_str a, struct tf_str b,
                  struct tf_err *err)
{
    struct tf_vocab_probe *pair = r->pair[r->n++];

    pair[0].s = a;
    pair[1].s = b;
    tf_vocab_hash(r->vocab, &pair[0]);
    tf_vocab_hash(r->vocab, &pair[1]);
    if (r->m->count + r->n > r->m->cap && grow(r->m, err))
        return -1;
    return r->n == TF_MERGES_BATCH ? resolve(r, err) : 0;
}

int tf_merges_end(struct tf_merge_reader *r, int failed, struct tf_err *err)
{
    failed = failed || resolve(r, err) || index_pairs(r->m, err);
    tf_buf_release(&r->joined);
    return failed ? -1 : 0;
}

/* A string as it stands in the file, or a copy if it had escapes; false (an
 * error) when there is none. */
static bool read_token(struct tf_json *j, struct tf_arena *copies,
                       struct tf_str *out)
{
    char *copy;

    if (!tf_json_string(j, out))
        return false;
    if (!j->escapes)
        return true;
    copy = tf_arena_alloc(copies, out->len + 1, 1);
    if (!copy)
        return tf_json_bad(j, "no memory for a string");
    memcpy(copy, out->s, out->len);
    out->s = copy;
    return true;
}

static int cut_at_blank(struct tf_str line, struct tf_str *a, struct tf_str *b,
                        size_t rank, struct tf_err *err)
{
    const char *blank = memchr(line.s, ' ', line.len);

    if (!blank)
        return tf_fail(err,
                       "merges: \"%.*s\" (number %zu) is not two "
                       "tokens with a space between",
                       line.len < 60 ? (int)line.len : 60, line.s, rank + 1);
    a->s = line.s;
    a->len = (size_t)(blank - line.s);
    b->s = blank + 1;
    b->len = line.len - a->len - 1;
    return 0;
}

/* "a b" or ["a", "b"]; a version line is passed over. */
static int read_merge(struct tf_merge_reader *r, struct tf_json *j,
                      struct tf_arena *copies, struct tf_err *err)
{
    struct tf_str a, b;

    if (tf_json_peek(j) == TF_JSON_STRING) {
        if (!read_token(j, copies, &a))
            return 0;
        if (a.len >= 8 && !memcmp(a.s, "#version", 8))
            return 0;
        if (cut_at_blank(a, &a, &b, r->m->count + r->n, err))
            return -1;
    } else if (!tf_json_array(j) || !tf_json_item(j) ||
               !read_token(j, copies, &a) || !tf_json_item(j) ||
               !read_token(j, copies, &b) || tf_json_item(j)) {
        tf_json_bad(j, "merges: expected two tokens");
        return 0;
    }
    return tf_merges_add(r, a, b, err);
}

int tf_merges_read(struct tf_merges *m, struct tf_json *j,
                   const struct tf_vocab *vocab, struct tf_str prefix,
                   struct tf_err *err)
{
    struct tf_merge_reader r;
    struct tf_arena copies;
    int failed = 0;

    tf_arena_init(&copies);
    tf_merges_start(&r, m, vocab, prefix.len);
    j->unchecked = true; /* only tokens of the vocabulary pass */
    tf_json_array(j);
    while (!failed && tf_json_item(j))
        failed = read_merge(&r, j, &copies, err);
    failed = failed || tf_json_failed(j, err);
    j->unchecked = false;
    failed = tf_merges_end(&r, failed, err);
    tf_arena_release(&copies);
    return failed;
}

void tf_merges_release(struct tf_merges *m)
{
    free(m->at);
    free(m->slots);
    free(m->piece_rank);
    free(m->ranked);
    memset(m, 0, sizeof(*m));
}

#include "text/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"

int tf_vocab_add(struct tf_vocab *v, struct tf_str s, int64_t id,
                 struct tf_err *err)
{
    struct tf_vocab_token *t;

    if (id < 0 || id > TF_TOKEN_ID_MAX)
        return tf_fail(err, "token \"%.*s\" has id %" PRId64 ", expected 0..%d",
                       s.len < 60 ? (int)s.len : 60, s.s, id, TF_TOKEN_ID_MAX);
    if (v->count == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 1024;

        t = tf_grow(v->tokens, cap, sizeof(*t), err);
        if (!t)
            return -1;
        v->tokens = t;
        v->cap = cap;
    }
    if (s.len > UINT32_MAX - v->bytes.len || v->count == UINT32_MAX - 1)
        return tf_fail(err, "a vocabulary of 4 GiB or more");
    t = &v->tokens[v->count++];
    t->at = (uint32_t)v->bytes.len;
    t->len = (uint32_t)s.len;
    t->id = (int32_t)id;
    tf_buf_add(&v->bytes, s.s, s.len);
    if (v->bytes.failed)
        return tf_no_memory(err, s.len);
    if (s.len > v->longest)
        v->longest = s.len;
    if ((size_t)id >= v->ids)
        v->ids = (size_t)id + 1;
    return 0;
}

static struct tf_str spelling(const struct tf_vocab *v,
                              const struct tf_vocab_token *t)
{
    return (struct tf_str){ v->bytes.data + t->at, t->len };
}

/* Whether the token in a slot is s. */
static bool matches(const struct tf_vocab *v, uint64_t slot, uint64_t hash,
                    struct tf_str s)
{
    return slot >> 32 == hash >> 32 &&
           tf_str_eq(spelling(v, &v->tokens[(uint32_t)slot - 1]), s);
}

static void insert(struct tf_vocab *v, uint32_t index, uint64_t hash)
{
    const struct tf_vocab_token *t = &v->tokens[index];
    uint64_t *slot;
    size_t i = hash & v->mask;

    for (;; i = (i + 1) & v->mask) {
        slot = &v->slots[i];
        if (!*slot) {
            v->size++;
            break;
        }
        if (matches(v, *slot, hash, spelling(v, t)))
            break;
    }
    *slot = (hash & 0xffffffff00000000) | (index + 1);
}

#define BATCH 64

int tf_vocab_index(struct tf_vocab *v, struct tf_err *err)
{
    size_t slots = 16, i, k, n;
    uint64_t hash[BATCH];

    while (slots < v->count * 2)
        slots *= 2;
    v->slots = tf_alloc(slots, sizeof(*v->slots), err);
    v->by_id = tf_alloc(v->ids, sizeof(*v->by_id), err);
    if (!v->slots || !v->by_id)
        return -1;
    v->mask = slots - 1;
    for (i = 0; i < v->count; i += n) {
        n = v->count - i < BATCH ? v->count - i : BATCH;
        for (k = 0; k < n; k++) {
            struct tf_str s = spelling(v, &v->tokens[i + k]);

            hash[k] = tf_hash(s.s, s.len);
            __builtin_prefetch(&v->slots[hash[k] & v->mask], 1);
        }
        for (k = 0; k < n; k++)
            insert(v, (uint32_t)(i + k), hash[k]);
    }
    for (i = 0; i < v->count; i++)
        v->by_id[v->tokens[i].id] = (uint32_t)i + 1;
    return 0;
}

void tf_vocab_release(struct tf_vocab *v)
{
    tf_buf_release(&v->bytes);
    free(v->tokens);
    free(v->slots);
    free(v->by_id);
    memset(v, 0, sizeof(*v));
}

static int32_t find_hashed(const struct tf_vocab *v, struct tf_str s,
                           uint64_t hash)
{
    uint64_t slot;
    size_t i;

    for (i = hash & v->mask; (slot = v->slots[i]); i = (i + 1) & v->mask)
        if (matches(v, slot, hash, s))
            return v->tokens[(uint32_t)slot - 1].id;
    return -1;
}

int32_t tf_vocab_find(const struct tf_vocab *v, struct tf_str s)
{
    return find_hashed(v, s, tf_hash(s.s, s.len));
}

int32_t tf_vocab_look(const struct tf_vocab *v, const struct tf_vocab_probe *p)
{
    if (!p->index)
        return -1;
    if (tf_str_eq(spelling(v, &v->tokens[p->index - 1]), p->s))
        return v->tokens[p->index - 1].id;
    return find_hashed(v, p->s, p->hash);
}

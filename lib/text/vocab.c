#include "text/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"

#define SHORT 8 /* the head tells all of such a token */

static int grow(struct tf_vocab *v, size_t cap, struct tf_err *err)
{
    uint32_t *starts = tf_grow(v->starts, cap + 1, sizeof(*starts), err);
    int32_t *ids;

    if (!starts)
        return -1;
    v->starts = starts;
    starts[v->count] = (uint32_t)v->bytes.len;
    if (v->id_of) {
        ids = tf_grow(v->id_of, cap, sizeof(*ids), err);
        if (!ids)
            return -1;
        v->id_of = ids;
    }
    v->cap = cap;
    return 0;
}

int tf_vocab_reserve(struct tf_vocab *v, size_t n, size_t bytes,
                     struct tf_err *err)
{
    if (n > TF_TOKEN_ID_MAX || bytes > UINT32_MAX)
        return tf_fail(err, "a vocabulary of %zu tokens, %zu bytes", n, bytes);
    if (n > v->cap && grow(v, n, err))
        return -1;
    return tf_buf_room(&v->bytes, bytes) ? 0 : tf_no_memory(err, bytes);
}

/* From here on ids are not the indices. */
static int list_ids(struct tf_vocab *v, struct tf_err *err)
{
    size_t i;

    v->id_of = tf_alloc(v->cap, sizeof(*v->id_of), err);
    if (!v->id_of)
        return -1;
    for (i = 0; i < v->count; i++)
        v->id_of[i] = (int32_t)i;
    return 0;
}

int tf_vocab_add(struct tf_vocab *v, struct tf_str s, int64_t id,
                 struct tf_err *err)
{
    if (id < 0 || id > TF_TOKEN_ID_MAX)
        return tf_fail(err, "token \"%.*s\" has id %" PRId64 ", expected 0..%d",
                       s.len < 60 ? (int)s.len : 60, s.s, id, TF_TOKEN_ID_MAX);
    if (s.len > UINT32_MAX - v->bytes.len || v->count == UINT32_MAX - 1)
        return tf_fail(err, "a vocabulary of 4 GiB or more");
    if (v->count == v->cap && grow(v, v->cap ? v->cap * 2 : 1024, err))
        return -1;
    if (!v->id_of && (size_t)id != v->count && list_ids(v, err))
        return -1;
    if (v->id_of)
        v->id_of[v->count] = (int32_t)id;
    tf_buf_add(&v->bytes, s.s, s.len);
    if (v->bytes.failed)
        return tf_no_memory(err, s.len);
    v->starts[++v->count] = (uint32_t)v->bytes.len;
    if (s.len > v->longest)
        v->longest = s.len;
    if ((size_t)id >= v->ids)
        v->ids = (size_t)id + 1;
    return 0;
}

/* Up to 8 bytes; different for different strings of one length. */
static inline uint64_t head_of(struct tf_str s)
{
    const unsigned char *p = (const unsigned char *)s.s;
    uint32_t low = 0, high = 0;
    uint64_t head;

    if (s.len == SHORT) {
        memcpy(&head, p, sizeof(head));
        return head;
    }
    if (s.len >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + s.len - 4, 4);
    } else if (s.len) {
        low = p[0] | (uint32_t)p[s.len / 2] << 8 | (uint32_t)p[s.len - 1] << 16;
    }
    return low | (uint64_t)high << 32;
}

static inline void hash(const struct tf_vocab *v, struct tf_vocab_probe *p)
{
    unsigned __int128 m;
    uint64_t h;

    if (p->s.len <= SHORT) {
        p->head = head_of(p->s);
        m = (unsigned __int128)(p->head ^ 0x243f6a8885a308d3) *
            (0xb7e151628aed2a6b ^ p->s.len);
        h = (uint64_t)m ^ (uint64_t)(m >> 64);
    } else {
        h = tf_hash(p->s.s, p->s.len);
        p->head = h << 32; /* the other half leads to the slot */
    }
    p->place = (size_t)((h >> 32) * v->slot_count >> 32);
}

void tf_vocab_hash(const struct tf_vocab *v, struct tf_vocab_probe *p)
{
    hash(v, p);
    __builtin_prefetch(&v->slots[p->place]);
}

/* The slot of a token, or the free one where it belongs. */
static inline struct tf_vocab_slot *find(const struct tf_vocab *v,
                                         const struct tf_vocab_probe *p)
{
    struct tf_vocab_slot *slot = &v->slots[p->place];
    const struct tf_vocab_slot *end = v->slots + v->slot_count;

    while (slot->index) {
        if (slot->len == p->s.len) {
            if (slot->head == p->head && slot->len <= SHORT)
                break;
            if (slot->len > SHORT && slot->head >> 32 == p->head >> 32 &&
                !memcmp(v->bytes.data + (uint32_t)slot->head, p->s.s, p->s.len))
                break;
        }
        if (++slot == end)
            slot = v->slots;
    }
    return slot;
}

int32_t tf_vocab_look(const struct tf_vocab *v, const struct tf_vocab_probe *p)
{
    const struct tf_vocab_slot *slot = find(v, p);

    return slot->index ? tf_vocab_id(v, slot->index - 1) : -1;
}

int32_t tf_vocab_find(const struct tf_vocab *v, struct tf_str s)
{
    struct tf_vocab_probe p = { s };

    hash(v, &p);
    return tf_vocab_look(v, &p);
}

static void insert(struct tf_vocab *v, const struct tf_vocab_probe *p, size_t i)
{
    struct tf_vocab_slot *slot = find(v, p);

    v->size += !slot->index;
    slot->head = p->s.len > SHORT ? p->head | v->starts[i] : p->head;
    slot->len = (uint32_t)p->s.len;
    slot->index = (uint32_t)i + 1;
}

static int index_ids(struct tf_vocab *v, struct tf_err *err)
{
    size_t i;

    v->by_id = tf_alloc(v->ids, sizeof(*v->by_id), err);
    if (!v->by_id)
        return -1;
    for (i = 0; i < v->count; i++)
        v->by_id[v->id_of[i]] = (uint32_t)i + 1;
    return 0;
}

#define BATCH 32

int tf_vocab_index(struct tf_vocab *v, struct tf_err *err)
{
    struct tf_vocab_probe probe[BATCH];
    size_t i, k, n;

    v->slot_count = v->count + v->count / 2 + 1;
    v->slots = tf_alloc_table(v->slot_count, sizeof(*v->slots), err);
    if (!v->slots || (v->id_of && index_ids(v, err)))
        return -1;
    for (i = 0; i < v->count; i += n) {
        n = v->count - i < BATCH ? v->count - i : BATCH;
        for (k = 0; k < n; k++) {
            probe[k].s = tf_vocab_at(v, i + k);
            tf_vocab_hash(v, &probe[k]);
        }
        for (k = 0; k < n; k++)
            insert(v, &probe[k], i + k);
    }
    return 0;
}

void tf_vocab_release(struct tf_vocab *v)
{
    tf_buf_release(&v->bytes);
    free(v->starts);
    free(v->id_of);
    free(v->slots);
    free(v->by_id);
    memset(v, 0, sizeof(*v));
}

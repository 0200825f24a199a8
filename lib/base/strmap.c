#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* Open addressing, linear probing, at most three quarters full. */
struct tf_strmap_slot {
    const char *key;
    uint32_t len;
    uint32_t value; /* only read when key is set */
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t load(const unsigned char *p, size_t n)
{
    uint64_t w = 0;

    memcpy(&w, p, n);
    return w;
}

uint64_t tf_hash(const void *key, size_t len)
{
    /* odd constants from the digits of pi and e */
    const uint64_t k0 = 0x243f6a8885a308d3, k1 = 0xb7e151628aed2a6b;
    const unsigned char *p = key;
    uint64_t h = mix(len ^ k0, k1), a, b;

    for (; len > 16; len -= 16, p += 16)
        h = mix(h ^ load(p, 8) ^ k0, load(p + 8, 8) ^ k1);
    if (len >= 8) {
        a = load(p, 8);
        b = load(p + len - 8, 8);
    } else if (len >= 4) {
        a = load(p, 4);
        b = load(p + len - 4, 4);
    } else if (len) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
        b = 0;
    } else {
        a = b = 0;
    }
    return mix(h ^ a ^ k0, b ^ k1 ^ h);
}

static struct tf_strmap_slot *find(const struct tf_strmap *m, const char *key,
                                   size_t len)
{
    size_t i = tf_hash(key, len) & (m->cap - 1);
    struct tf_strmap_slot *slot;

    for (;; i = (i + 1) & (m->cap - 1)) {
        slot = &m->slots[i];
        if (!slot->key || (slot->len == len && !memcmp(slot->key, key, len)))
            return slot;
    }
}

int tf_strmap_reserve(struct tf_strmap *m, size_t n, struct tf_err *err)
{
    struct tf_strmap bigger = { .count = m->count, .cap = 16 };
    size_t i;

    if (n > SIZE_MAX / 64)
        return tf_no_memory(err, SIZE_MAX);
    while (bigger.cap / 4 * 3 < n)
        bigger.cap *= 2;
    if (bigger.cap <= m->cap)
        return 0;
    bigger.slots = tf_alloc(bigger.cap, sizeof(*m->slots), err);
    if (!bigger.slots)
        return -1;
    for (i = 0; i < m->cap; i++)
        if (m->slots[i].key)
            *find(&bigger, m->slots[i].key, m->slots[i].len) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int tf_strmap_set(struct tf_strmap *m, const char *key, size_t len,
                  uint32_t value, struct tf_err *err)
{
    struct tf_strmap_slot *slot;

    if (len > UINT32_MAX)
        return tf_fail(err, "a key of %zu bytes is too long", len);
    if (tf_strmap_reserve(m, m->count + 1, err))
        return -1;
    if (!len)
        key = ""; /* an empty key is not an empty slot */
    slot = find(m, key, len);
    if (!slot->key) {
        slot->key = key;
        slot->len = (uint32_t)len;
        m->count++;
    }
    slot->value = value;
    return 0;
}

uint32_t tf_strmap_get(const struct tf_strmap *m, const char *key, size_t len)
{
    struct tf_strmap_slot *slot;

    if (!m->count)
        return TF_STRMAP_NONE;
    slot = find(m, len ? key : "", len);
    return slot->key ? slot->value : TF_STRMAP_NONE;
}

void tf_strmap_release(struct tf_strmap *m)
{
    free(m->slots);
    *m = (struct tf_strmap){ 0 };
}

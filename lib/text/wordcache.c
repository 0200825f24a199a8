#include "text/wordcache.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"

#define SLOTS      (1 << 16) /* of a half */
#define POOL       (3 << 17) /* in words of 4 bytes */
#define MAX_BYTES  255       /* of a cached word */
#define MAX_TOKENS 64

/*
 * An entry in words of 4 bytes: length << 16 | count, `count` ids, then in
 * bytes `count` ends of tokens and the word.
 */
static size_t entry_words(size_t length, size_t count)
{
    return 1 + count + (count + length + 3) / 4;
}

int tf_wordcache_init(struct tf_wordcache *c, struct tf_err *err)
{
    struct tf_wordcache_half *h;

    for (h = c->half; h < c->half + 2; h++) {
        h->slots = tf_alloc(SLOTS, sizeof(*h->slots), err);
        h->pool = tf_alloc(POOL, sizeof(*h->pool), err);
        if (!h->slots || !h->pool)
            return -1;
    }
    /* A page that is read before it is written is the system's one of zeros,
     * and to part with that interrupts the other threads: write first. */
    memset(c->half[0].slots, 0, SLOTS * sizeof(*c->half[0].slots));
    return 0;
}

void tf_wordcache_release(struct tf_wordcache *c)
{
    int i;

    for (i = 0; i < 2; i++) {
        free(c->half[i].slots);
        free(c->half[i].pool);
    }
    memset(c, 0, sizeof(*c));
}

static int put_cached(const uint32_t *entry, struct tf_tokens *out,
                      struct tf_err *err)
{
    size_t n = entry[0] & 0xffff, i, start = 0, end;
    const unsigned char *ends = (const unsigned char *)(entry + 1 + n);

    if (tf_tokens_room(out, n, err))
        return -1;
    for (i = 0; i < n; i++) {
        end = ends[i];
        tf_tokens_put(out, (int32_t)entry[1 + i], start, end);
        start = end;
    }
    return 0;
}

/* Do the tokens lie end to end? Those of an unknown part may not. */
static bool contiguous(const struct tf_span *spans, size_t n, size_t length)
{
    size_t i, at = 0;

    for (i = 0; i < n; i++) {
        if (spans[i].start != at)
            return false;
        at = spans[i].end;
    }
    return at <= length;
}

/* Room for an entry in the half that is being filled. */
static uint32_t *add_entry(struct tf_wordcache *c, uint64_t hash, size_t words)
{
    struct tf_wordcache_half *h = &c->half[c->filling];
    uint32_t *entry;
    size_t i;

    if (h->count == SLOTS / 2 || h->used + words > POOL) {
        c->filling = !c->filling;
        h = &c->half[c->filling];
        memset(h->slots, 0, SLOTS * sizeof(*h->slots));
        h->count = h->used = 0;
    }
    for (i = hash & (SLOTS - 1); h->slots[i];)
        i = (i + 1) & (SLOTS - 1);
    h->slots[i] = (hash & 0xffffffff00000000) | (h->used + 1);
    h->count++;
    entry = h->pool + h->used;
    h->used += words;
    return entry;
}

static void remember(struct tf_wordcache *c, uint64_t hash, struct tf_str word,
                     const int32_t *ids, const struct tf_span *spans, size_t n)
{
    unsigned char *bytes;
    uint32_t *entry;
    size_t i;

    if (n > MAX_TOKENS || !contiguous(spans, n, word.len))
        return;
    entry = add_entry(c, hash, entry_words(word.len, n));
    entry[0] = (uint32_t)(word.len << 16 | n);
    memcpy(entry + 1, ids, n * sizeof(*ids));
    bytes = (unsigned char *)(entry + 1 + n);
    for (i = 0; i < n; i++)
        bytes[i] = (unsigned char)spans[i].end;
    memcpy(bytes + n, word.s, word.len);
}

static const uint32_t *find(const struct tf_wordcache_half *h, uint64_t hash,
                            struct tf_str word)
{
    uint64_t slot;
    size_t i;

    if (!h->count)
        return NULL; /* its slots were never written */
    for (i = hash & (SLOTS - 1); (slot = h->slots[i]);
         i = (i + 1) & (SLOTS - 1)) {
        const uint32_t *entry = h->pool + (uint32_t)slot - 1;
        size_t n = entry[0] & 0xffff;

        if (slot >> 32 == hash >> 32 && entry[0] >> 16 == word.len &&
            !memcmp((const char *)(entry + 1 + n) + n, word.s, word.len))
            return entry;
    }
    return NULL;
}

int tf_wordcache_tokenize(struct tf_wordcache *c, const struct tf_model *m,
                          struct tf_scratch *s, struct tf_str piece,
                          struct tf_tokens *out, struct tf_err *err)
{
    size_t from = out->n;
    const uint32_t *entry;
    uint64_t hash;

    if (piece.len > MAX_BYTES)
        return tf_model_tokenize(m, s, piece, out, err);
    hash = tf_hash(piece.s, piece.len);
    entry = find(&c->half[c->filling], hash, piece);
    if (entry)
        return put_cached(entry, out, err);
    entry = find(&c->half[!c->filling], hash, piece);
    if (entry ? put_cached(entry, out, err)
              : tf_model_tokenize(m, s, piece, out, err))
        return -1;
    remember(c, hash, piece, out->ids + from, out->spans + from, out->n - from);
    return 0;
}

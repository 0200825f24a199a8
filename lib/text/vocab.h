/*
 * The tokens of a model: by id, and by how the vocabulary spells them. Filled
 * once by a reader, then only read, by any thread.
 */
#ifndef TF_TEXT_VOCAB_H
#define TF_TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/strmap.h"

/* Ids index arrays, so a file may not name one that no model could have. */
#define TF_TOKEN_ID_MAX ((1 << 24) - 1)

struct tf_vocab_token {
    uint32_t at, len; /* in bytes */
    int32_t id;
};

/* Zeroed memory is empty. */
struct tf_vocab {
    struct tf_buf bytes;
    struct tf_vocab_token *tokens; /* in the order they were added */
    size_t count, cap;
    size_t size;    /* tokens of different spelling */
    size_t longest; /* bytes of the longest one */
    /* After tf_vocab_index. Slots: the upper half of the hash, then the token's
     * index + 1; 0 is free. */
    uint64_t *slots;
    size_t mask;
    uint32_t *by_id; /* index + 1 of the token of an id; 0: none */
    size_t ids;      /* the largest id + 1 */
};

/* Fails when id is not in [0, TF_TOKEN_ID_MAX]. */
int tf_vocab_add(struct tf_vocab *v, struct tf_str s, int64_t id,
                 struct tf_err *err);
/* Call once all are added: of two spelled alike, or with one id, the later
 * one is found. */
int tf_vocab_index(struct tf_vocab *v, struct tf_err *err);
void tf_vocab_release(struct tf_vocab *v);

/* The id of a token, or -1. */
int32_t tf_vocab_find(const struct tf_vocab *v, struct tf_str s);

/*
 * For many at a time, so that each waits for memory beside the others and not
 * behind them: hash all, aim all, focus all, then look each up.
 */
struct tf_vocab_probe {
    struct tf_str s;
    uint64_t hash;
    uint32_t index; /* + 1 of the token that it may be; 0: none */
};
int32_t tf_vocab_look(const struct tf_vocab *v, const struct tf_vocab_probe *p);

static inline void tf_vocab_hash(const struct tf_vocab *v,
                                 struct tf_vocab_probe *p)
{
    p->hash = tf_hash(p->s.s, p->s.len);
    __builtin_prefetch(&v->slots[p->hash & v->mask]);
}

static inline void tf_vocab_aim(const struct tf_vocab *v,
                                struct tf_vocab_probe *p)
{
    uint64_t slot;
    size_t i;

    for (i = p->hash & v->mask; (slot = v->slots[i]); i = (i + 1) & v->mask)
        if (slot >> 32 == p->hash >> 32)
            break;
    p->index = (uint32_t)slot;
    if (p->index)
        __builtin_prefetch(&v->tokens[p->index - 1]);
}

static inline void tf_vocab_focus(const struct tf_vocab *v,
                                  const struct tf_vocab_probe *p)
{
    if (p->index)
        __builtin_prefetch(v->bytes.data + v->tokens[p->index - 1].at);
}

/* The spelling of an id; s NULL when no token has it. */
static inline struct tf_str tf_vocab_token(const struct tf_vocab *v, int32_t id)
{
    const struct tf_vocab_token *t;

    if ((size_t)id >= v->ids || !v->by_id[id])
        return (struct tf_str){ NULL, 0 };
    t = &v->tokens[v->by_id[id] - 1];
    return (struct tf_str){ v->bytes.data + t->at, t->len };
}
#endif

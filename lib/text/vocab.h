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

/*
 * Most tokens are short, so that one look at a slot tells: the head of up to 8
 * bytes tells them all. That of a longer token is half a
 * hash, then where it stands.
 */
struct tf_vocab_slot {
    uint64_t head;
    uint32_t len;
    uint32_t index; /* + 1 of the token; 0: free */
};

/* Zeroed memory is empty. */
struct tf_vocab {
    struct tf_buf bytes; /* of the tokens in the order they were added */
    uint32_t *starts;    /* count + 1 of them */
    int32_t *id_of;      /* by index; NULL: each id is the index */
    size_t count, cap;
    size_t size;    /* tokens of different spelling */
    size_t longest; /* bytes of the longest one */
    size_t ids;     /* the largest id + 1 */
    /* After tf_vocab_index: */
    struct tf_vocab_slot *slots;
    size_t slot_count;
    uint32_t *by_id; /* index + 1, 0: none; NULL: as id_of */
};

/* Make room for n tokens of so many bytes in all, where that is known. */
int tf_vocab_reserve(struct tf_vocab *v, size_t n, size_t bytes,
                     struct tf_err *err);
/* Fails when id is not in [0, TF_TOKEN_ID_MAX]. */
int tf_vocab_add(struct tf_vocab *v, struct tf_str s, int64_t id,
                 struct tf_err *err);
/* Call once all are added: of two spelled alike, or with one id, the later
 * one is found. */
int tf_vocab_index(struct tf_vocab *v, struct tf_err *err);
void tf_vocab_release(struct tf_vocab *v);

/* The id of a token, or -1. */
int32_t tf_vocab_find(const struct tf_vocab *v, struct tf_str s);

/* By index, in the order they were added. */
static inline struct tf_str tf_vocab_at(const struct tf_vocab *v, size_t i)
{
    return (struct tf_str){ v->bytes.data + v->starts[i],
                            v->starts[i + 1] - v->starts[i] };
}

static inline int32_t tf_vocab_id(const struct tf_vocab *v, size_t i)
{
    return v->id_of ? v->id_of[i] : (int32_t)i;
}

/* The spelling of an id; s NULL when no token has it. */
static inline struct tf_str tf_vocab_token(const struct tf_vocab *v, int32_t id)
{
    size_t i = (size_t)id;

    if (i >= v->ids || (v->by_id && !v->by_id[i]))
        return (struct tf_str){ NULL, 0 };
    return tf_vocab_at(v, v->by_id ? v->by_id[i] - 1 : i);
}

/*
 * For many at a time, so that each waits for memory beside the others and not
 * behind them: hash all, aim all, then look each up.
 */
struct tf_vocab_probe {
    struct tf_str s;
    uint64_t hash, head;
    size_t place; /* the slot to begin with */
};

void tf_vocab_hash(const struct tf_vocab *v, struct tf_vocab_probe *p);
int32_t tf_vocab_look(const struct tf_vocab *v, const struct tf_vocab_probe *p);

static inline void tf_vocab_aim(const struct tf_vocab *v,
                                const struct tf_vocab_probe *p)
{
    if (p->s.len > 8)
        __builtin_prefetch(v->bytes.data + (uint32_t)v->slots[p->place].head);
}
#endif

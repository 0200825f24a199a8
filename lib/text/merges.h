/* The merges of a BPE model: which two tokens join, in which order. */
#ifndef TF_TEXT_MERGES_H
#define TF_TEXT_MERGES_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/vocab.h"

struct tf_merge {
    int32_t left, right, result; /* ids */
};

#define TF_CROSSING_MAX 32

/*
 * Zeroed memory is empty. Either a list, `at` with its index; or, with
 * `by_piece`, no list: any two tokens join that spell a piece of SentencePiece,
 * the best piece first, of one piece the shortest left side first.
 */
struct tf_merges {
    struct tf_merge *at; /* by rank: the lower goes first */
    size_t count, cap;
    uint64_t *slots; /* half a hash of (left, right), then rank + 1; 0: free */
    size_t mask;
    bool by_piece;
    uint32_t *piece_rank; /* by id; TF_NO_MERGE: nothing joins to this token */
    int32_t *ranked;      /* ids by piece rank */
    /* Left sides of merges that join anything but a word start to what begins
     * with one: the first of them. */
    int32_t crossing[TF_CROSSING_MAX];
    size_t crossings;
};

#define TF_WORD_START "\xE2\x96\x81" /* U+2581, for a space; 3 bytes */

/*
 * Read the array "merges" at the cursor, of ["a", "b"] or of "a b", where
 * `prefix` is dropped from b when the two join. Fails when one of the three
 * tokens is not in the vocabulary, naming it.
 */
int tf_merges_read(struct tf_merges *m, struct tf_json *j,
                   const struct tf_vocab *vocab, struct tf_str prefix,
                   struct tf_err *err);

/*
 * The same one by one: start, add each by its rank, end, which fails when told
 * that something `failed` before. Strings live until the end.
 */
#define TF_MERGES_BATCH 64

struct tf_merge_reader {
    struct tf_merges *m;
    const struct tf_vocab *vocab;
    size_t drop; /* bytes of the prefix */
    size_t n;
    struct tf_vocab_probe pair[TF_MERGES_BATCH][2];
    int32_t last; /* the last result: the next is often the same, or one more */
    struct tf_buf joined;
};

void tf_merges_start(struct tf_merge_reader *r, struct tf_merges *m,
                     const struct tf_vocab *vocab, size_t drop);
int tf_merges_add(struct tf_merge_reader *r, struct tf_str a, struct tf_str b,
                  struct tf_err *err);
int tf_merges_end(struct tf_merge_reader *r, int failed, struct tf_err *err);

void tf_merges_release(struct tf_merges *m);

#define TF_NO_MERGE UINT32_MAX

static inline uint64_t tf_merge_hash(int32_t left, int32_t right)
{
    uint64_t h =
        ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15;

    return h ^ h >> 29;
}

/* The rank of a pair in the list, or TF_NO_MERGE. */
static inline uint32_t tf_merges_find(const struct tf_merges *m, int32_t left,
                                      int32_t right)
{
    uint64_t hash = tf_merge_hash(left, right), slot;
    size_t i;

    for (i = hash & m->mask; (slot = m->slots[i]); i = (i + 1) & m->mask) {
        const struct tf_merge *found = &m->at[(uint32_t)slot - 1];

        if (slot >> 32 == hash >> 32 && found->left == left &&
            found->right == right)
            return (uint32_t)slot - 1;
    }
    return TF_NO_MERGE;
}
#endif

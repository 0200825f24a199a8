/* A trie over byte strings, laid out for walking. */
#ifndef TF_TEXT_TRIE_H
#define TF_TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_trie_node {
    uint32_t child; /* index of the first child; the others follow it */
    uint32_t value; /* TF_TRIE_NONE: no string ends here */
    uint16_t count; /* children, in the order of their bytes */
    uint8_t byte;   /* that leads here */
};

#define TF_TRIE_NONE UINT32_MAX

/* Zeroed memory is empty. */
struct tf_trie {
    struct tf_trie_node *nodes; /* nodes[0] is the root */
    size_t count;
    uint32_t root[256]; /* the root's children by byte; 0: none */
};

struct tf_trie_entry {
    struct tf_str s; /* not empty */
    uint32_t value;  /* of strings that are equal the last one counts */
};

/* Build from n strings, which are not kept. */
int tf_trie_build(struct tf_trie *t, const struct tf_trie_entry *entries,
                  size_t n, struct tf_err *err);
void tf_trie_release(struct tf_trie *t);

/* The node that `byte` leads to from `node` (0: the root), or 0. */
static inline uint32_t tf_trie_step(const struct tf_trie *t, uint32_t node,
                                    unsigned char byte)
{
    const struct tf_trie_node *n, *child;
    uint32_t low = 0, high, mid;

    if (!node)
        return t->root[byte];
    n = &t->nodes[node];
    child = t->nodes + n->child;
    for (high = n->count; low < high;) {
        mid = (low + high) / 2;
        if (child[mid].byte < byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n->count && child[low].byte == byte ? n->child + low : 0;
}
#endif

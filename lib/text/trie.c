#include "text/trie.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int by_bytes(const void *a, const void *b)
{
    const struct tf_trie_entry *x = a, *y = b;
    size_t n = x->s.len < y->s.len ? x->s.len : y->s.len;
    int order = memcmp(x->s.s, y->s.s, n);

    if (order)
        return order;
    if (x->s.len != y->s.len)
        return x->s.len < y->s.len ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* The entries below a node share `depth` bytes: one span of the sorted ones. */
struct below {
    size_t first, end, depth;
};

/* Append the children of node `i` and what is below each. */
static void add_children(struct tf_trie *t, struct below *below, size_t i,
                         const struct tf_trie_entry *e)
{
    struct tf_trie_node *node = &t->nodes[i], *child;
    size_t at = below[i].first, end = below[i].end, depth = below[i].depth;

    for (; at < end && e[at].s.len == depth; at++)
        node->value = e[at].value;
    node->child = (uint32_t)t->count;
    while (at < end) {
        unsigned char byte = (unsigned char)e[at].s.s[depth];

        child = &t->nodes[t->count];
        *child = (struct tf_trie_node){ .value = TF_TRIE_NONE, .byte = byte };
        below[t->count].first = at;
        while (at < end && (unsigned char)e[at].s.s[depth] == byte)
            at++;
        below[t->count].end = at;
        below[t->count].depth = depth + 1;
        t->count++;
        node->count++;
    }
}

/* One node for each byte that an entry has not in common with the one before
 * it, and the root. */
static size_t count_nodes(const struct tf_trie_entry *e, size_t n)
{
    size_t i, k, nodes = 1;

    for (i = 0; i < n; i++) {
        k = 0;
        if (i)
            while (k < e[i].s.len && k < e[i - 1].s.len &&
                   e[i].s.s[k] == e[i - 1].s.s[k])
                k++;
        nodes += e[i].s.len - k;
    }
    return nodes;
}

int tf_trie_build(struct tf_trie *t, struct tf_trie_entry *entries, size_t n,
                  struct tf_err *err)
{
    struct below *below;
    size_t nodes, i;

    if (n)
        qsort(entries, n, sizeof(*entries), by_bytes);
    nodes = count_nodes(entries, n);
    if (nodes >= UINT32_MAX)
        return tf_fail(err, "tokens of 4 GiB or more");
    t->nodes = tf_alloc(nodes, sizeof(*t->nodes), err);
    below = tf_alloc(nodes, sizeof(*below), err);
    if (!t->nodes || !below) {
        free(below);
        return -1;
    }
    t->nodes[0].value = TF_TRIE_NONE;
    below[0].end = n;
    t->count = 1;
    for (i = 0; i < t->count; i++)
        add_children(t, below, i, entries);
    for (i = 0; i < t->nodes[0].count; i++)
        t->root[t->nodes[t->nodes[0].child + i].byte] =
            t->nodes[0].child + (uint32_t)i;
    free(below);
    return 0;
}

void tf_trie_release(struct tf_trie *t)
{
    free(t->nodes);
    memset(t, 0, sizeof(*t));
}

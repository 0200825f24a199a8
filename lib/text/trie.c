#include "text/trie.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* A node whose children are still to be made: those of the entries
 * order[first, end), which share `depth` bytes. */
struct pending {
    uint32_t node, first, end, depth;
};

struct builder {
    struct tf_trie *trie;
    size_t cap; /* of trie->nodes */
    const struct tf_trie_entry *entries;
    uint32_t *order, *sorted; /* of the entries; scratch */
    struct pending *stack;
    size_t pending, stack_cap;
};

static int push(struct builder *b, struct pending p, struct tf_err *err)
{
    struct pending *stack;

    if (b->pending == b->stack_cap) {
        size_t cap = b->stack_cap ? b->stack_cap * 2 : 256;

        stack = tf_grow(b->stack, cap, sizeof(*stack), err);
        if (!stack)
            return -1;
        b->stack = stack;
        b->stack_cap = cap;
    }
    b->stack[b->pending++] = p;
    return 0;
}

static int add_node(struct builder *b, unsigned char byte, struct tf_err *err)
{
    struct tf_trie *t = b->trie;
    struct tf_trie_node *nodes;

    if (t->count == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;

        if (t->count == UINT32_MAX)
            return tf_fail(err, "tokens of 4 GiB or more");
        nodes = tf_grow(t->nodes, cap, sizeof(*nodes), err);
        if (!nodes)
            return -1;
        t->nodes = nodes;
        b->cap = cap;
    }
    t->nodes[t->count++] =
        (struct tf_trie_node){ .value = TF_TRIE_NONE, .byte = byte };
    return 0;
}

/* The entry's byte at a depth + 1, or 0 at its end. */
static unsigned key(const struct builder *b, uint32_t entry, size_t depth)
{
    struct tf_str s = b->entries[entry].s;

    return depth < s.len ? (unsigned char)s.s[depth] + 1u : 0;
}

/* Sort a node's entries by their next byte, equal ones left in order. */
static void sort_few(struct builder *b, const struct pending *p)
{
    uint32_t *order = b->order, i, k, x;

    for (i = p->first + 1; i < p->end; i++) {
        x = order[i];
        for (k = i; k > p->first &&
                    key(b, order[k - 1], p->depth) > key(b, x, p->depth);
             k--)
            order[k] = order[k - 1];
        order[k] = x;
    }
}

static void sort_many(struct builder *b, const struct pending *p)
{
    uint32_t at[258] = { 0 }, *order = b->order, i;

    for (i = p->first; i < p->end; i++)
        at[key(b, order[i], p->depth) + 1]++;
    for (i = 1; i < 258; i++)
        at[i] += at[i - 1];
    for (i = p->first; i < p->end; i++)
        b->sorted[at[key(b, order[i], p->depth)]++] = order[i];
    memcpy(order + p->first, b->sorted, (p->end - p->first) * sizeof(*order));
}

/* Give a node its value and its children, which become pending. */
static int expand(struct builder *b, struct pending p, struct tf_err *err)
{
    uint32_t at = p.first, first;
    unsigned byte;

    if (p.end - p.first < 16)
        sort_few(b, &p);
    else
        sort_many(b, &p);
    for (; at < p.end && !key(b, b->order[at], p.depth); at++)
        b->trie->nodes[p.node].value = b->entries[b->order[at]].value;
    b->trie->nodes[p.node].child = (uint32_t)b->trie->count;
    while (at < p.end) {
        byte = key(b, b->order[at], p.depth);
        for (first = at; at < p.end && key(b, b->order[at], p.depth) == byte;)
            at++;
        if (push(b,
                 (struct pending){ (uint32_t)b->trie->count, first, at,
                                   p.depth + 1 },
                 err) ||
            add_node(b, (unsigned char)(byte - 1), err))
            return -1;
        b->trie->nodes[p.node].count++;
    }
    return 0;
}

static int build(struct builder *b, size_t n, struct tf_err *err)
{
    size_t i;

    if (n >= UINT32_MAX)
        return tf_fail(err, "%zu tokens are too many", n);
    b->order = tf_alloc(n, sizeof(*b->order), err);
    b->sorted = tf_alloc(n, sizeof(*b->sorted), err);
    if (!b->order || !b->sorted || add_node(b, 0, err) ||
        push(b, (struct pending){ 0, 0, (uint32_t)n, 0 }, err))
        return -1;
    for (i = 0; i < n; i++)
        b->order[i] = (uint32_t)i;
    while (b->pending)
        if (expand(b, b->stack[--b->pending], err))
            return -1;
    return 0;
}

int tf_trie_build(struct tf_trie *t, const struct tf_trie_entry *entries,
                  size_t n, struct tf_err *err)
{
    struct builder b = { .trie = t, .entries = entries };
    const struct tf_trie_node *root;
    int failed = build(&b, n, err);
    uint32_t i;

    root = t->nodes;
    for (i = 0; !failed && i < root->count; i++)
        t->root[t->nodes[root->child + i].byte] = root->child + i;
    free(b.order);
    free(b.sorted);
    free(b.stack);
    return failed;
}

void tf_trie_release(struct tf_trie *t)
{
    free(t->nodes);
    memset(t, 0, sizeof(*t));
}

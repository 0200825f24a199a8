#include "format/parquet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "format/parquet_parts.h"

struct tf_parquet {
    struct tf_map map; /* data NULL: the bytes are the caller's */
    struct pq_meta meta;
    struct pq_column *columns; /* [leaves]: of the row group at hand */
    size_t group;              /* the next one */
    uint64_t left;             /* rows of the one at hand */
    bool failed;
};

struct tf_parquet *tf_parquet_read(const void *data, size_t size,
                                   struct tf_err *err)
{
    struct tf_parquet *p = tf_alloc(1, sizeof(*p), err);

    if (!p)
        return NULL;
    if (!pq_meta_read(&p->meta, data, size, err))
        p->columns = tf_alloc(p->meta.leaf_count, sizeof(*p->columns), err);
    if (!p->columns) {
        tf_parquet_close(p);
        return NULL;
    }
    return p;
}

struct tf_parquet *tf_parquet_open(const char *path, struct tf_err *err)
{
    struct tf_parquet *p;
    struct tf_map map;

    if (tf_map_open(&map, path, err))
        return NULL;
    p = tf_parquet_read(map.data, map.size, err);
    if (!p) {
        tf_err_at(err, path);
        tf_map_close(&map);
        return NULL;
    }
    p->map = map;
    return p;
}

static void release_columns(struct tf_parquet *p)
{
    for (size_t i = 0; p->columns && i < p->meta.leaf_count; i++)
        pq_column_release(&p->columns[i]);
}

void tf_parquet_close(struct tf_parquet *p)
{
    if (!p)
        return;
    release_columns(p);
    free(p->columns);
    pq_meta_release(&p->meta);
    if (p->map.data)
        tf_map_close(&p->map);
    free(p);
}

uint64_t tf_parquet_rows(const struct tf_parquet *p)
{
    return p->meta.rows;
}

struct tf_str tf_parquet_metadata(const struct tf_parquet *p, const char *key)
{
    for (size_t i = 0; i < p->meta.pair_count; i++)
        if (tf_str_is(p->meta.pairs[i].key, key))
            return p->meta.pairs[i].value;
    return (struct tf_str){ NULL, 0 };
}

static void name_column(const struct pq_node *node, struct tf_err *err)
{
    char where[120];

    snprintf(where, sizeof(where), "column \"%.*s\"",
             (int)(node->name.len < 99 ? node->name.len : 99), node->name.s);
    tf_err_at(err, where);
}

/* Decode the next row group. */
static int next_group(struct tf_parquet *p, struct tf_err *err)
{
    const struct pq_group *g = &p->meta.groups[p->group++];

    release_columns(p);
    for (size_t i = 0; i < p->meta.leaf_count; i++) {
        const struct pq_node *node = &p->meta.nodes[p->meta.leaves[i]];

        if (pq_column_read(&p->columns[i], node, &g->places[i], err)) {
            name_column(node, err);
            return -1;
        }
    }
    p->left = g->rows;
    return 0;
}

/*
 * Assembling a record from columns (Melnik et al. 2010, "Dremel"): an entry's
 * definition level says how far down its path something is there, its
 * repetition level which list it goes on with. Whatever is there or not, a
 * column has at least one entry for it.
 */
struct row {
    struct tf_parquet *p;
    struct tf_buf *out;
    bool bad; /* the columns do not agree */
};

static bool at_end(const struct pq_column *c)
{
    return c->at == c->count;
}

static unsigned def_level(struct row *r, size_t leaf)
{
    const struct pq_column *c = &r->p->columns[leaf];

    if (at_end(c)) {
        r->bad = true;
        return 0;
    }
    return c->def ? c->def[c->at] : 0;
}

/* The level at which the column's next entry repeats; 0: a new row. */
static unsigned rep_level(const struct row *r, size_t leaf)
{
    const struct pq_column *c = &r->p->columns[leaf];

    return at_end(c) || !c->rep ? 0 : c->rep[c->at];
}

/* Pass the entry that every column at or below a node has. */
static void pass(struct row *r, const struct pq_node *n)
{
    for (size_t i = n->leaf; i < n->leaf_end; i++) {
        struct pq_column *c = &r->p->columns[i];

        if (at_end(c) || (c->def && c->def[c->at] == c->node->def))
            r->bad = true;
        else
            c->at++;
    }
}

static void put_node(struct row *r, size_t node);

static void put_leaf(struct row *r, const struct pq_node *n)
{
    struct pq_column *c = &r->p->columns[n->leaf];

    if (at_end(c) || (c->def && c->def[c->at] != n->def)) {
        r->bad = true;
        return;
    }
    pq_put_value(r->out, n, &c->values, c->value++);
    c->at++;
}

/* The node that stands for a list's items: the repeated one itself where files
 * of older writers have only that. */
static size_t item_of(const struct row *r, size_t list, size_t repeated)
{
    const struct pq_node *nodes = r->p->meta.nodes, *n = &nodes[repeated];
    char tuple[80];

    if (n->type != PQ_GROUP || nodes[repeated + 1].end < n->end ||
        tf_str_is(n->name, "array"))
        return repeated;
    snprintf(tuple, sizeof(tuple), "%.*s_tuple",
             (int)(nodes[list].name.len < 70 ? nodes[list].name.len : 70),
             nodes[list].name.s);
    return tf_str_is(n->name, tuple) ? repeated : repeated + 1;
}

static void put_struct(struct row *r, size_t node)
{
    const struct pq_node *nodes = r->p->meta.nodes;
    const char *comma = "{";

    for (size_t i = node + 1; i < nodes[node].end && !r->bad;
         i = nodes[i].end) {
        tf_buf_adds(r->out, comma);
        tf_put_string(r->out, nodes[i].name.s, nodes[i].name.len);
        tf_buf_adds(r->out, ": ");
        put_node(r, i);
        comma = ", ";
    }
    tf_buf_addc(r->out, '}');
}

static void put_there(struct row *r, size_t node);

/* All items of a repeated node. */
static void put_items(struct row *r, size_t repeated, size_t item)
{
    const struct pq_node *n = &r->p->meta.nodes[repeated];
    const char *comma = "[";

    if (def_level(r, n->leaf) < n->def) {
        tf_buf_adds(r->out, "[]");
        pass(r, n);
        return;
    }
    do {
        tf_buf_adds(r->out, comma);
        if (item == repeated)
            put_there(r, item);
        else
            put_node(r, item);
        comma = ", ";
    } while (!r->bad && rep_level(r, n->leaf) == n->rep);
    tf_buf_addc(r->out, ']');
}

/* A node that is known to be there. */
static void put_there(struct row *r, size_t node)
{
    const struct pq_node *nodes = r->p->meta.nodes, *n = &nodes[node];

    if (n->type != PQ_GROUP)
        put_leaf(r, n);
    else if (n->meaning == PQ_LIST && nodes[node + 1].end == n->end &&
             nodes[node + 1].repetition == PQ_REPEATED)
        put_items(r, node + 1, item_of(r, node, node + 1));
    else
        put_struct(r, node);
}

static void put_node(struct row *r, size_t node)
{
    const struct pq_node *n = &r->p->meta.nodes[node];

    if (n->repetition == PQ_REPEATED) {
        put_items(r, node, node);
    } else if (n->repetition == PQ_OPTIONAL && def_level(r, n->leaf) < n->def) {
        tf_buf_adds(r->out, "null");
        pass(r, n);
    } else {
        put_there(r, node);
    }
}

int tf_parquet_next(struct tf_parquet *p, struct tf_buf *out,
                    struct tf_err *err)
{
    struct row r = { .p = p, .out = out };

    if (p->failed)
        return tf_fail(err, "the file is damaged");
    while (!p->left) {
        if (p->group == p->meta.group_count)
            return 0;
        if (next_group(p, err)) {
            p->failed = true;
            return -1;
        }
    }
    put_struct(&r, 0);
    p->left--;
    for (size_t i = 0; i < p->meta.leaf_count; i++)
        if (rep_level(&r, i) || (!p->left && !at_end(&p->columns[i])))
            r.bad = true;
    p->failed = r.bad;
    if (r.bad)
        return tf_fail(err, "the columns of a row do not agree");
    return out->failed ? tf_no_memory(err, out->len) : 1;
}

#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "format/parquet_parts.h"
#include "format/thrift.h"

#define DEPTH     32
#define FIXED_MAX 65536 /* bytes of a fixed-length value */

/* An element of the footer's list. */
struct element {
    int64_t type, width, repetition, children, converted, scale;
    int logical; /* the member of the union that is set; 0: none */
    bool is_signed;
    struct tf_str name;
};

/* The members of LogicalType. */
enum { STRING = 1, LIST = 3, ENUM, DECIMAL, INTEGER = 10, JSON = 12, F16 = 15 };
/* Some of ConvertedType, its older form. */
enum {
    OLD_UTF8,
    OLD_LIST = 3,
    OLD_ENUM,
    OLD_DECIMAL,
    OLD_UINT_8 = 11,
    OLD_UINT_64 = 14,
    OLD_JSON = 19
};

static void read_logical(struct element *e, struct tf_thrift *t, int type)
{
    struct tf_thrift_field f = { 0 };

    if (!tf_thrift_struct(t, type))
        return;
    while (tf_thrift_next(t, &f)) {
        struct tf_thrift_field g = { 0 };

        e->logical = f.id;
        if (!tf_thrift_struct(t, f.type))
            return;
        while (tf_thrift_next(t, &g))
            if (f.id == DECIMAL && g.id == 1)
                e->scale = tf_thrift_int(t, g.type);
            else if (f.id == INTEGER && g.id == 2)
                e->is_signed = tf_thrift_bool(t, g.type);
            else
                tf_thrift_skip(t, g.type);
    }
}

static void read_element(struct element *e, struct tf_thrift *t, int type)
{
    struct tf_thrift_field f = { 0 };

    *e = (struct element){
        .type = -1, .repetition = -1, .converted = -1, .name = { "", 0 }
    };
    if (!tf_thrift_struct(t, type))
        return;
    while (tf_thrift_next(t, &f)) {
        int64_t *const numbers[] = {
            [1] = &e->type,     [2] = &e->width, [3] = &e->repetition,
            [5] = &e->children, [7] = &e->scale, [6] = &e->converted,
        };

        if (f.id == 4)
            e->name = tf_thrift_string(t, f.type);
        else if (f.id == 10)
            read_logical(e, t, f.type);
        else if (f.id >= 1 && f.id <= 7 && numbers[f.id])
            *numbers[f.id] = tf_thrift_int(t, f.type);
        else
            tf_thrift_skip(t, f.type);
    }
}

static enum pq_meaning meaning_of(const struct element *e)
{
    int64_t old = e->converted;

    switch (e->logical) {
    case STRING:
    case ENUM:
    case JSON:
        return PQ_TEXT;
    case LIST:
        return PQ_LIST;
    case DECIMAL:
        return PQ_DECIMAL;
    case INTEGER:
        return e->is_signed ? PQ_PLAIN : PQ_UNSIGNED;
    case F16:
        return PQ_FLOAT16;
    }
    if (e->logical)
        return PQ_PLAIN;
    if (old == OLD_UTF8 || old == OLD_ENUM || old == OLD_JSON)
        return PQ_TEXT;
    if (old == OLD_LIST)
        return PQ_LIST;
    if (old == OLD_DECIMAL)
        return PQ_DECIMAL;
    return old >= OLD_UINT_8 && old <= OLD_UINT_64 ? PQ_UNSIGNED : PQ_PLAIN;
}

/* Does the meaning go with the type? Else it is as if nothing were said. */
static bool fits(const struct pq_node *n)
{
    switch (n->meaning) {
    case PQ_TEXT:
        return n->type == PQ_BYTE_ARRAY || n->type == PQ_FIXED;
    case PQ_UNSIGNED:
        return n->type == PQ_INT32 || n->type == PQ_INT64;
    case PQ_FLOAT16:
        return n->type == PQ_FIXED && n->width == 2;
    case PQ_DECIMAL:
        return (n->type == PQ_INT32 || n->type == PQ_INT64 ||
                n->type == PQ_FIXED || n->type == PQ_BYTE_ARRAY) &&
               n->scale >= 0 && n->scale <= 76;
    case PQ_LIST:
        return n->type == PQ_GROUP;
    default:
        return true;
    }
}

static int set_type(struct pq_node *n, const struct element *e,
                    struct tf_err *err)
{
    static const size_t widths[] = { 1, 4, 8, 12, 4, 8, 0, 0 };

    n->name = e->name;
    n->repetition = (enum pq_repetition)e->repetition;
    n->scale = e->scale >= 0 && e->scale <= 76 ? (int)e->scale : -1;
    n->meaning = meaning_of(e);
    n->type = PQ_GROUP;
    if (e->children <= 0) {
        if (e->type < PQ_BOOLEAN || e->type > PQ_FIXED)
            return tf_fail(err, "column \"%.*s\" has no type that is known",
                           (int)(e->name.len < 99 ? e->name.len : 99),
                           e->name.s);
        n->type = (enum pq_type)e->type;
        n->width = widths[e->type];
    }
    if (n->type == PQ_FIXED) {
        if (e->width < 1 || e->width > FIXED_MAX)
            return tf_fail(err, "a fixed length of %lld bytes",
                           (long long)e->width);
        n->width = (size_t)e->width;
    }
    if (!fits(n))
        n->meaning = PQ_PLAIN;
    return 0;
}

struct reading {
    struct pq_meta *m;
    struct tf_thrift *t;
    int item;
    size_t made, room;
    struct tf_err *err;
};

/* The next element and all below it. */
static int read_node(struct reading *r, const struct pq_node *parent, int depth)
{
    struct pq_node *n = &r->m->nodes[r->made];
    struct element e;

    if (r->made == r->room || depth > DEPTH)
        return tf_fail(r->err, "the schema is not a tree of columns");
    read_element(&e, r->t, r->item);
    r->made++;
    if (r->t->bad || tf_utf8_valid(e.name.s, e.name.len) != e.name.len)
        return tf_fail(r->err, "the schema is damaged");
    if (!parent)
        e.repetition = PQ_REQUIRED;
    if (e.repetition < PQ_REQUIRED || e.repetition > PQ_REPEATED ||
        (!parent && e.children < 1))
        return tf_fail(r->err, "the schema is damaged");
    if (set_type(n, &e, r->err))
        return -1;
    if (parent) {
        n->def = (uint8_t)(parent->def + (n->repetition != PQ_REQUIRED));
        n->rep = (uint8_t)(parent->rep + (n->repetition == PQ_REPEATED));
    }
    n->leaf = r->m->leaf_count;
    if (n->type != PQ_GROUP)
        r->m->leaves[r->m->leaf_count++] = r->made - 1;
    for (int64_t i = 0; n->type == PQ_GROUP && i < e.children; i++)
        if (read_node(r, n, depth + 1))
            return -1;
    n->leaf_end = r->m->leaf_count;
    n->end = r->made;
    return 0;
}

int pq_schema_read(struct pq_meta *m, struct tf_thrift *t, int type,
                   struct tf_err *err)
{
    struct reading r = { .m = m, .t = t, .err = err };

    r.room = tf_thrift_list(t, type, &r.item);
    if (m->nodes || !r.room)
        return tf_fail(err, "no schema, or more than one");
    m->nodes = tf_alloc(r.room, sizeof(m->nodes[0]), err);
    m->leaves = tf_alloc(r.room, sizeof(m->leaves[0]), err);
    if (!m->nodes || !m->leaves || read_node(&r, NULL, 0))
        return -1;
    m->node_count = r.made;
    return r.made == r.room
               ? 0
               : tf_fail(err, "the schema is not a tree of columns");
}

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/parquet_parts.h"
#include "format/thrift.h"

#define MAGIC "PAR1"

static int damaged(struct tf_err *err)
{
    return tf_fail(err, "the footer is damaged");
}

static int codec_of(int64_t number, enum tf_codec *codec, struct tf_err *err)
{
    static const enum tf_codec codecs[] = {
        TF_CODEC_NONE,   TF_CODEC_SNAPPY, TF_CODEC_GZIP, TF_CODEC_NONE,
        TF_CODEC_BROTLI, TF_CODEC_NONE,   TF_CODEC_ZSTD, TF_CODEC_LZ4,
    };

    if (number == 3 || number == 5)
        return tf_fail(err, "%s compression is not supported",
                       number == 3 ? "LZO" : "Hadoop's LZ4");
    if (number < 0 || number > 7)
        return tf_fail(err, "an unknown compression, %lld", (long long)number);
    *codec = codecs[number];
    return 0;
}

/* What ColumnMetaData says, as far as it is used. */
struct chunk {
    int64_t type, codec, values, size, data, dictionary;
    bool there;
};

static void read_chunk_meta(struct chunk *c, struct tf_thrift *t, int type)
{
    struct tf_thrift_field f = { 0 };

    c->there = tf_thrift_struct(t, type);
    while (c->there && tf_thrift_next(t, &f)) {
        int64_t *const numbers[] = {
            [1] = &c->type, [4] = &c->codec, [5] = &c->values,
            [7] = &c->size, [9] = &c->data,  [11] = &c->dictionary,
        };

        if (f.id >= 1 && f.id <= 11 && numbers[f.id])
            *numbers[f.id] = tf_thrift_int(t, f.type);
        else
            tf_thrift_skip(t, f.type);
    }
}

struct file {
    struct pq_meta *m;
    const unsigned char *data;
    size_t size; /* of what comes before the footer */
    struct tf_thrift t;
    struct tf_err *err;
};

static int read_place(struct file *f, struct pq_place *place,
                      const struct pq_node *node, int type)
{
    struct tf_thrift_field field = { 0 };
    struct chunk c = { .type = -1, .dictionary = -1 };
    int64_t begin;

    if (!tf_thrift_struct(&f->t, type))
        return damaged(f->err);
    while (tf_thrift_next(&f->t, &field))
        if (field.id == 1)
            return tf_fail(f->err, "columns in other files are not supported");
        else if (field.id == 3)
            read_chunk_meta(&c, &f->t, field.type);
        else if (field.id == 8)
            return tf_fail(f->err, "encrypted columns are not supported");
        else
            tf_thrift_skip(&f->t, field.type);
    if (f->t.bad || !c.there || c.type != (int64_t)node->type || c.values < 0)
        return damaged(f->err);
    if (!c.values) /* nor need there be pages */
        c = (struct chunk){ .data = 4, .codec = c.codec };
    begin = c.dictionary > 0 && c.dictionary < c.data ? c.dictionary : c.data;
    if (begin < 4 || c.size < 0 || (uint64_t)begin > f->size ||
        (uint64_t)c.size > f->size - (uint64_t)begin)
        return tf_fail(f->err, "a column lies outside the file");
    place->values = (uint64_t)c.values;
    place->p = f->data + begin;
    place->end = place->p + c.size;
    return codec_of(c.codec, &place->codec, f->err);
}

static int read_group(struct file *f, struct pq_group *g, int type)
{
    struct tf_thrift_field field = { 0 };
    size_t n = 0;
    int item;

    if (!tf_thrift_struct(&f->t, type))
        return damaged(f->err);
    while (tf_thrift_next(&f->t, &field)) {
        if (field.id == 3) {
            g->rows = (uint64_t)tf_thrift_int(&f->t, field.type);
            continue;
        }
        if (field.id != 1) {
            tf_thrift_skip(&f->t, field.type);
            continue;
        }
        n = tf_thrift_list(&f->t, field.type, &item);
        if (n != f->m->leaf_count || g->places)
            return damaged(f->err);
        g->places = tf_alloc(n, sizeof(g->places[0]), f->err);
        if (!g->places)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (read_place(f, &g->places[i], &f->m->nodes[f->m->leaves[i]],
                           item))
                return -1;
    }
    return f->t.bad || !g->places ? damaged(f->err) : 0;
}

static int read_groups(struct file *f, int type)
{
    struct pq_meta *m = f->m;
    int item;
    size_t n = tf_thrift_list(&f->t, type, &item);
    uint64_t rows = 0;

    if (m->groups || !m->nodes)
        return damaged(f->err);
    m->groups = tf_alloc(n, sizeof(m->groups[0]), f->err);
    if (!m->groups)
        return -1;
    for (m->group_count = 0; m->group_count < n;) {
        struct pq_group *g = &m->groups[m->group_count++];

        if (read_group(f, g, item))
            return -1;
        if (__builtin_add_overflow(rows, g->rows, &rows))
            return damaged(f->err);
    }
    m->rows = rows;
    return 0;
}

static int read_pairs(struct file *f, int type)
{
    struct pq_meta *m = f->m;
    int item;
    size_t n = tf_thrift_list(&f->t, type, &item);

    if (m->pairs)
        return damaged(f->err);
    m->pairs = tf_alloc(n, sizeof(m->pairs[0]), f->err);
    if (!m->pairs)
        return -1;
    for (; m->pair_count < n && tf_thrift_struct(&f->t, item);
         m->pair_count++) {
        struct pq_pair *pair = &m->pairs[m->pair_count];
        struct tf_thrift_field field = { 0 };

        while (tf_thrift_next(&f->t, &field))
            if (field.id == 1)
                pair->key = tf_thrift_string(&f->t, field.type);
            else if (field.id == 2)
                pair->value = tf_thrift_string(&f->t, field.type);
            else
                tf_thrift_skip(&f->t, field.type);
    }
    return 0;
}

static int read_footer(struct file *f)
{
    struct tf_thrift_field field = { 0 };

    while (tf_thrift_next(&f->t, &field)) {
        int failed = 0;

        switch (field.id) {
        case 2:
            failed = pq_schema_read(f->m, &f->t, field.type, f->err);
            break;
        case 4:
            failed = read_groups(f, field.type);
            break;
        case 5:
            failed = read_pairs(f, field.type);
            break;
        default:
            tf_thrift_skip(&f->t, field.type);
        }
        if (failed)
            return -1;
    }
    return f->t.bad || !f->m->groups ? damaged(f->err) : 0;
}

int pq_meta_read(struct pq_meta *m, const unsigned char *data, size_t size,
                 struct tf_err *err)
{
    struct file f = { .m = m, .data = data, .err = err };
    size_t n;

    memset(m, 0, sizeof(*m));
    if (size >= 12 && !memcmp(data + size - 4, "PARE", 4))
        return tf_fail(err, "an encrypted Parquet file, which is not "
                            "supported");
    if (size < 12 || memcmp(data, MAGIC, 4) ||
        memcmp(data + size - 4, MAGIC, 4))
        return tf_fail(err, "not a Parquet file, or cut short");
    n = tf_load_le32(data + size - 8);
    if (n > size - 12)
        return damaged(err);
    f.size = size - 8 - n;
    f.t = (struct tf_thrift){ data + f.size, data + size - 8, false };
    return read_footer(&f);
}

void pq_meta_release(struct pq_meta *m)
{
    for (size_t i = 0; i < m->group_count; i++)
        free(m->groups[i].places);
    free(m->groups);
    free(m->nodes);
    free(m->leaves);
    free(m->pairs);
    memset(m, 0, sizeof(*m));
}

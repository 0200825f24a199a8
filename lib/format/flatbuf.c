#include "format/flatbuf.h"

#include "base/io.h"

/* n bytes at a place, or NULL. */
static const unsigned char *inside(struct tf_flatbuf *in, size_t at, size_t n)
{
    if (at <= in->size && n <= in->size - at)
        return in->data + at;
    in->bad = true;
    return NULL;
}

/* The place that an offset at a place leads to; 0: none. */
static size_t follow(struct tf_flatbuf *in, size_t at)
{
    const unsigned char *p = inside(in, at, 4);
    uint32_t offset = p ? tf_load_le32(p) : 0;

    if (p && offset && offset < in->size - at)
        return at + offset;
    in->bad = true;
    return 0;
}

struct tf_flat_table tf_flat_root(struct tf_flatbuf *in)
{
    return (struct tf_flat_table){ in, follow(in, 0) };
}

/* Where a field stands, or 0. */
static size_t place(struct tf_flat_table t, int field)
{
    const unsigned char *p = t.at ? inside(t.in, t.at, 4) : NULL;
    int64_t table;
    size_t entry = 4 + 2 * (size_t)field;

    if (!p)
        return 0;
    table = (int64_t)t.at - (int32_t)tf_load_le32(p);
    if (table < 0 || !(p = inside(t.in, (size_t)table, 4))) {
        t.in->bad = true;
        return 0;
    }
    if (entry + 2 > tf_load_le16(p))
        return 0;
    p = inside(t.in, (size_t)table + entry, 2);
    return p && tf_load_le16(p) ? t.at + tf_load_le16(p) : 0;
}

int64_t tf_flat_int(struct tf_flat_table t, int field, size_t width,
                    int64_t otherwise)
{
    size_t at = place(t, field);
    const unsigned char *p = at ? inside(t.in, at, width) : NULL;

    if (!p)
        return otherwise;
    switch (width) {
    case 1:
        return *p;
    case 2:
        return (int16_t)tf_load_le16(p);
    case 4:
        return (int32_t)tf_load_le32(p);
    default:
        return (int64_t)tf_load_le64(p);
    }
}

struct tf_flat_table tf_flat_table(struct tf_flat_table t, int field)
{
    size_t at = place(t, field);

    return (struct tf_flat_table){ t.in, at ? follow(t.in, at) : 0 };
}

struct tf_flat_vector tf_flat_vector(struct tf_flat_table t, int field,
                                     size_t width)
{
    struct tf_flat_vector v = { t.in, 0, 0 };
    size_t at = place(t, field);
    const unsigned char *p;

    if (!at || !(at = follow(t.in, at)) || !(p = inside(t.in, at, 4)))
        return v;
    v.at = at + 4;
    v.count = tf_load_le32(p);
    if (v.count > (t.in->size - v.at) / width) {
        t.in->bad = true;
        v.count = 0;
    }
    return v;
}

struct tf_str tf_flat_string(struct tf_flat_table t, int field)
{
    struct tf_flat_vector v = tf_flat_vector(t, field, 1);

    return (struct tf_str){ v.at ? (const char *)t.in->data + v.at : NULL,
                            v.count };
}

struct tf_flat_table tf_flat_table_at(struct tf_flat_vector v, size_t i)
{
    return (struct tf_flat_table){ v.in, follow(v.in, v.at + 4 * i) };
}

const unsigned char *tf_flat_struct_at(struct tf_flat_vector v, size_t width,
                                       size_t i)
{
    return v.in->data + v.at + width * i;
}

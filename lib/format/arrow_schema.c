#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/arrow_parts.h"

#define DEPTH_MAX 32
#define WIDTH_MAX                                                              \
    ((int64_t)1 << 24) /* of a fixed value, or items of a list                 \
                        */

/* Fields of Schema.fbs' tables. */
enum {
    SCHEMA_ENDIANNESS = 0,
    SCHEMA_FIELDS = 1,
    SCHEMA_METADATA = 2,
    FIELD_NAME = 0,
    FIELD_TYPE_TYPE = 2,
    FIELD_TYPE = 3,
    FIELD_DICTIONARY = 4,
    FIELD_CHILDREN = 5,
    DICTIONARY_ID = 0,
    DICTIONARY_INDEX = 1,
    INT_WIDTH = 0,
    INT_SIGNED = 1,
    FLOAT_PRECISION = 0,
    DECIMAL_SCALE = 1,
    DECIMAL_WIDTH = 2,
    DATE_UNIT = 0,
    TIME_WIDTH = 1,
    FIXED_WIDTH = 0
};

static bool is_width(int64_t bits)
{
    return bits == 8 || bits == 16 || bits == 32 || bits == 64;
}

static int bad_type(const struct ar_field *f, struct tf_err *err)
{
    return tf_fail(err, "column \"%.*s\": its type is damaged",
                   f->name.len < 100 ? (int)f->name.len : 100, f->name.s);
}

static int unsupported(const struct ar_field *f, struct tf_err *err)
{
    return tf_fail(err,
                   "column \"%.*s\": values of its type (unions, intervals, "
                   "views, run ends) are not supported; give Parquet",
                   f->name.len < 100 ? (int)f->name.len : 100, f->name.s);
}

/* Bytes of a value, and how long texts and lists are told. -1: it can't be. */
static int64_t width_of(struct ar_field *f, struct tf_flat_table type)
{
    int64_t n;

    switch (f->type) {
    case AR_INT:
        n = tf_flat_int(type, INT_WIDTH, 4, 0);
        f->is_signed = tf_flat_int(type, INT_SIGNED, 1, 0);
        return is_width(n) ? n / 8 : -1;
    case AR_FLOAT:
        n = tf_flat_int(type, FLOAT_PRECISION, 2, 0);
        return n >= 0 && n <= 2 ? 2 << n : -1;
    case AR_DECIMAL:
        f->scale = (int)tf_flat_int(type, DECIMAL_SCALE, 4, 0);
        n = tf_flat_int(type, DECIMAL_WIDTH, 4, 128);
        return (n == 128 || n == 256 || is_width(n)) && f->scale >= 0 ? n / 8
                                                                      : -1;
    case AR_DATE:
        return tf_flat_int(type, DATE_UNIT, 2, 1) ? 8 : 4;
    case AR_TIME:
        n = tf_flat_int(type, TIME_WIDTH, 4, 32);
        return n == 32 || n == 64 ? n / 8 : -1;
    case AR_TIMESTAMP:
    case AR_DURATION:
        return 8;
    case AR_FIXED:
    case AR_FIXED_LIST:
        n = tf_flat_int(type, FIXED_WIDTH, 4, 0);
        return n <= WIDTH_MAX ? n : -1;
    case AR_BINARY:
    case AR_UTF8:
    case AR_LIST:
    case AR_MAP:
        f->offsets = 4;
        return 0;
    case AR_LARGE_BINARY:
    case AR_LARGE_UTF8:
    case AR_LARGE_LIST:
        f->offsets = 8;
        return 0;
    default:
        return 0;
    }
}

static int read_type(struct ar_field *f, struct tf_flat_table table,
                     struct tf_err *err)
{
    int64_t type = tf_flat_int(table, FIELD_TYPE_TYPE, 1, 0), width;
    struct tf_flat_table coded = tf_flat_table(table, FIELD_DICTIONARY), index;

    f->type = (enum ar_type)type;
    if (type < AR_NULL || type > AR_LARGE_LIST || type == 11 || type == 14)
        return unsupported(f, err);
    width = width_of(f, tf_flat_table(table, FIELD_TYPE));
    if (width < 0)
        return bad_type(f, err);
    f->width = (size_t)width;
    if (f->type == AR_DATE || f->type == AR_TIME || f->type == AR_TIMESTAMP ||
        f->type == AR_DURATION)
        f->is_signed = true;
    if (!coded.at)
        return 0;
    f->coded = true;
    f->dictionary = tf_flat_int(coded, DICTIONARY_ID, 8, 0);
    index = tf_flat_table(coded, DICTIONARY_INDEX);
    width = index.at ? tf_flat_int(index, INT_WIDTH, 4, 0) : 32;
    if (!is_width(width))
        return bad_type(f, err);
    f->code_width = (size_t)width / 8;
    return 0;
}

static struct ar_field *add_field(struct ar_schema *s, struct tf_err *err)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 32;
        struct ar_field *fields = tf_grow(s->fields, cap, sizeof(*fields), err);

        if (!fields)
            return NULL;
        s->fields = fields;
        s->cap = cap;
    }
    memset(&s->fields[s->count], 0, sizeof(s->fields[0]));
    return &s->fields[s->count++];
}

static bool has_children(const struct ar_field *f, size_t n)
{
    switch (f->type) {
    case AR_LIST:
    case AR_LARGE_LIST:
    case AR_FIXED_LIST:
    case AR_MAP:
        return n == 1;
    case AR_STRUCT:
        return true;
    default:
        return n == 0;
    }
}

/* A field and those below it. Tables may stand for several fields, so what they
 * come to is bounded by the size of the message. */
static int read_field(struct ar_schema *s, struct tf_flat_table table,
                      int depth, struct tf_err *err)
{
    struct tf_flat_vector below = tf_flat_vector(table, FIELD_CHILDREN, 4);
    size_t at = s->count;
    struct ar_field *f = add_field(s, err);

    if (!f)
        return -1;
    f->name = tf_flat_string(table, FIELD_NAME);
    if (!f->name.s)
        f->name.s = "";
    if (read_type(f, table, err))
        return -1;
    if (!has_children(f, below.count))
        return bad_type(f, err);
    if (depth > DEPTH_MAX || s->count > table.in->size / 8)
        return tf_fail(err, "the schema has too many fields, or too deep ones");
    for (size_t i = 0; i < below.count; i++)
        if (read_field(s, tf_flat_table_at(below, i), depth + 1, err))
            return -1;
    s->fields[at].end = s->count;
    return 0;
}

int ar_schema_read(struct ar_schema *s, struct tf_flat_table table,
                   struct tf_err *err)
{
    struct tf_flat_vector fields = tf_flat_vector(table, SCHEMA_FIELDS, 4);

    if (tf_flat_int(table, SCHEMA_ENDIANNESS, 2, 0))
        return tf_fail(err, "its numbers are big-endian, which is not "
                            "supported");
    s->pairs = tf_flat_vector(table, SCHEMA_METADATA, 4);
    for (size_t i = 0; i < fields.count; i++)
        if (read_field(s, tf_flat_table_at(fields, i), 0, err))
            return -1;
    return table.in->bad ? tf_fail(err, "the schema is damaged") : 0;
}

void ar_schema_release(struct ar_schema *s)
{
    free(s->fields);
    memset(s, 0, sizeof(*s));
}

#include "format/thrift.h"

#define DEPTH 32 /* of what is passed over */

enum {
    STOP,
    TRUE,
    FALSE,
    BYTE,
    I16,
    I32,
    I64,
    DOUBLE,
    BINARY,
    LIST,
    SET,
    MAP,
    STRUCT
};

static void fail(struct tf_thrift *t)
{
    t->bad = true;
    t->p = t->end;
}

static unsigned next_byte(struct tf_thrift *t)
{
    if (t->p == t->end) {
        fail(t);
        return 0;
    }
    return *t->p++;
}

uint64_t tf_thrift_varint(struct tf_thrift *t)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        unsigned b = next_byte(t);

        v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return t->bad ? 0 : v;
    }
    fail(t);
    return 0;
}

bool tf_thrift_next(struct tf_thrift *t, struct tf_thrift_field *f)
{
    unsigned b = next_byte(t);

    f->type = b & 15;
    if (t->bad || f->type == STOP)
        return false;
    if (b >> 4)
        f->id += (int)(b >> 4);
    else
        f->id = (int)tf_zigzag(tf_thrift_varint(t) & 0xffff);
    if (f->id > 0xffff)
        fail(t);
    return !t->bad;
}

int64_t tf_thrift_int(struct tf_thrift *t, int type)
{
    if (type == BYTE)
        return (int8_t)next_byte(t);
    if (type != I16 && type != I32 && type != I64) {
        fail(t);
        return 0;
    }
    return tf_zigzag(tf_thrift_varint(t));
}

bool tf_thrift_bool(struct tf_thrift *t, int type)
{
    if (type != TRUE && type != FALSE)
        fail(t);
    return type == TRUE;
}

struct tf_str tf_thrift_string(struct tf_thrift *t, int type)
{
    struct tf_str s = { "", 0 };
    uint64_t n = type == BINARY ? tf_thrift_varint(t) : UINT64_MAX;

    if (n > (uint64_t)(t->end - t->p)) {
        fail(t);
        return s;
    }
    s = (struct tf_str){ (const char *)t->p, (size_t)n };
    t->p += n;
    return s;
}

bool tf_thrift_struct(struct tf_thrift *t, int type)
{
    if (type != STRUCT)
        fail(t);
    return type == STRUCT;
}

size_t tf_thrift_list(struct tf_thrift *t, int type, int *item)
{
    unsigned b = type == LIST || type == SET ? next_byte(t) : 0;
    uint64_t n = b >> 4;

    if (n == 15)
        n = tf_thrift_varint(t);
    *item = b & 15;
    if (!*item || n > (uint64_t)(t->end - t->p)) {
        fail(t);
        return 0;
    }
    return (size_t)n;
}

static void skip(struct tf_thrift *t, int type, int depth);

static void skip_map(struct tf_thrift *t, int depth)
{
    uint64_t n = tf_thrift_varint(t);
    unsigned types = n ? next_byte(t) : 0;

    for (; n && !t->bad; n--) {
        skip(t, types >> 4 & 15, depth);
        skip(t, types & 15, depth);
    }
}

static void skip(struct tf_thrift *t, int type, int depth)
{
    struct tf_thrift_field f = { 0 };
    size_t n;
    int item;

    if (depth > DEPTH) {
        fail(t);
        return;
    }
    switch (type) {
    case TRUE:
    case FALSE:
        /* in a field its type is its value; in a list it takes a byte */
        if (depth)
            next_byte(t);
        break;
    case DOUBLE:
        if (t->end - t->p < 8)
            fail(t);
        else
            t->p += 8;
        break;
    case BINARY:
        tf_thrift_string(t, type);
        break;
    case LIST:
    case SET:
        for (n = tf_thrift_list(t, type, &item); n && !t->bad; n--)
            skip(t, item, depth + 1);
        break;
    case MAP:
        skip_map(t, depth + 1);
        break;
    case STRUCT:
        while (tf_thrift_next(t, &f))
            if (f.type != TRUE && f.type != FALSE)
                skip(t, f.type, depth + 1);
        break;
    default:
        tf_thrift_int(t, type);
    }
}

void tf_thrift_skip(struct tf_thrift *t, int type)
{
    skip(t, type, 0);
}

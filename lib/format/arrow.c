#include "format/arrow.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "format/arrow_parts.h"

#define MAGIC        "ARROW1"
#define CONTINUATION 0xffffffffu /* before the size of each message */

/* Fields of Message.fbs' tables, and what a message holds. */
enum {
    MESSAGE_TYPE = 1,
    MESSAGE_HEADER = 2,
    MESSAGE_BODY = 3,
    SCHEMA = 1,
    DICTIONARY_BATCH = 2,
    RECORD_BATCH = 3,
    BATCH_ID = 0,
    BATCH_DATA = 1,
    BATCH_IS_DELTA = 2,
    PAIR_KEY = 0,
    PAIR_VALUE = 1
};

struct tf_arrow {
    const unsigned char *data;
    size_t size, at;
    struct tf_flatbuf head; /* of the schema, which names point into */
    struct ar_schema schema;
    struct ar_arrays arrays;
    struct ar_owned batch, dictionaries;
    size_t rows, row; /* of the batch that is read */
};

struct message {
    struct tf_flatbuf buf;
    int64_t type;
    struct tf_flat_table header;
    const unsigned char *body;
    size_t size;
};

int tf_arrow_is(const void *data, size_t size)
{
    return (size >= 8 && !memcmp(data, MAGIC "\0\0", 8)) ||
           (size >= 8 && tf_load_le32(data) == CONTINUATION);
}

/* The next message: 1, 0 at the end, -1. */
static int next_message(struct tf_arrow *a, struct message *m,
                        struct tf_err *err)
{
    const unsigned char *p = a->data + a->at;
    size_t left = a->size - a->at, n;
    int64_t body;

    if (left < 8)
        return left ? tf_fail(err, "cut short") : 0;
    if (tf_load_le32(p) != CONTINUATION)
        return tf_fail(err, "no message of Arrow where one should be");
    n = tf_load_le32(p + 4);
    if (!n)
        return 0;
    if (n > left - 8)
        return tf_fail(err, "cut short");
    m->buf = (struct tf_flatbuf){ .data = p + 8, .size = n };
    m->header = tf_flat_root(&m->buf);
    m->type = tf_flat_int(m->header, MESSAGE_TYPE, 1, 0);
    body = tf_flat_int(m->header, MESSAGE_BODY, 8, 0);
    m->header = tf_flat_table(m->header, MESSAGE_HEADER);
    if (m->buf.bad || body < 0)
        return tf_fail(err, "a message is damaged");
    if ((uint64_t)body > left - 8 - n)
        return tf_fail(err, "cut short");
    m->body = p + 8 + n;
    m->size = (size_t)body;
    a->at += 8 + n + m->size;
    return 1;
}

/* A file is a stream behind a magic word, and before a footer. */
static int enter_file(struct tf_arrow *a, struct tf_err *err)
{
    size_t footer;

    if (a->size < 24 || memcmp(a->data + a->size - 6, MAGIC, 6))
        return tf_fail(err, "not an Arrow file, or cut short");
    footer = tf_load_le32(a->data + a->size - 10);
    if (footer > a->size - 24)
        return tf_fail(err, "not an Arrow file, or cut short");
    a->at = 8;
    a->size -= 10 + footer;
    return 0;
}

static int open_stream(struct tf_arrow *a, struct tf_err *err)
{
    struct message m;
    int more;

    if (!memcmp(a->data, MAGIC, 6) && enter_file(a, err))
        return -1;
    more = next_message(a, &m, err);
    if (more < 0)
        return -1;
    if (!more || m.type != SCHEMA)
        return tf_fail(err, "the data does not begin with a schema");
    a->head = m.buf;
    m.header.in = &a->head;
    if (ar_schema_read(&a->schema, m.header, err))
        return -1;
    a->arrays.codes = tf_alloc(a->schema.count, sizeof(struct ar_array), err);
    if (a->arrays.codes)
        a->arrays.plain =
            tf_alloc(a->schema.count, sizeof(struct ar_array), err);
    return a->arrays.plain ? 0 : -1;
}

struct tf_arrow *tf_arrow_read(const void *data, size_t size,
                               struct tf_err *err)
{
    struct tf_arrow *a;

    if (!tf_arrow_is(data, size)) {
        (void)tf_fail(err, "neither a stream nor a file of Arrow, as they are "
                           "since its release 0.15");
        return NULL;
    }
    a = tf_alloc(1, sizeof(*a), err);
    if (!a)
        return NULL;
    a->data = data;
    a->size = size;
    if (open_stream(a, err)) {
        tf_arrow_close(a);
        return NULL;
    }
    return a;
}

void tf_arrow_close(struct tf_arrow *a)
{
    if (!a)
        return;
    ar_owned_release(&a->batch);
    ar_owned_release(&a->dictionaries);
    ar_schema_release(&a->schema);
    free(a->arrays.codes);
    free(a->arrays.plain);
    free(a);
}

struct tf_str tf_arrow_metadata(const struct tf_arrow *a, const char *key)
{
    for (size_t i = 0; i < a->schema.pairs.count; i++) {
        struct tf_flat_table pair = tf_flat_table_at(a->schema.pairs, i);

        if (tf_str_is(tf_flat_string(pair, PAIR_KEY), key))
            return tf_flat_string(pair, PAIR_VALUE);
    }
    return (struct tf_str){ NULL, 0 };
}

/* The values that every field with the dictionary's id numbers. */
static int read_dictionary(struct tf_arrow *a, const struct message *m,
                           struct tf_err *err)
{
    int64_t id = tf_flat_int(m->header, BATCH_ID, 8, 0);
    struct tf_flat_table data = tf_flat_table(m->header, BATCH_DATA);
    size_t n;

    if (tf_flat_int(m->header, BATCH_IS_DELTA, 1, 0))
        return tf_fail(err, "a dictionary that grows is not supported; give "
                            "Parquet");
    for (size_t i = 0; i < a->schema.count; i++)
        if (a->schema.fields[i].coded && a->schema.fields[i].dictionary == id &&
            ar_batch_read(&a->schema, &a->arrays, &a->dictionaries, data,
                          m->body, m->size, i, &n, err))
            return -1;
    return 0;
}

/* Go on to the next batch that has rows: 1, 0, -1. */
static int next_batch(struct tf_arrow *a, struct tf_err *err)
{
    struct message m;
    int more;

    while ((more = next_message(a, &m, err)) > 0) {
        if (m.type == DICTIONARY_BATCH && read_dictionary(a, &m, err))
            return -1;
        if (m.type != RECORD_BATCH)
            continue;
        ar_owned_release(&a->batch);
        a->row = a->rows = 0;
        if (ar_batch_read(&a->schema, &a->arrays, &a->batch, m.header, m.body,
                          m.size, SIZE_MAX, &a->rows, err))
            return -1;
        if (a->rows)
            return 1;
    }
    return more;
}

int tf_arrow_next(struct tf_arrow *a, struct tf_buf *out, struct tf_err *err)
{
    if (a->row == a->rows) {
        int more = next_batch(a, err);

        if (more <= 0) {
            a->row = a->rows = 0;
            return more;
        }
    }
    if (ar_put_row(out, &a->schema, &a->arrays, a->row, err))
        return -1;
    a->row++;
    return out->failed ? tf_no_memory(err, out->len) : 1;
}

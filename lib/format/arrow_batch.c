#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "format/arrow_parts.h"

#define BUFFER_MAX ((int64_t)1 << 31) /* bytes, decompressed */

/* Fields of Message.fbs' tables. */
enum {
    BATCH_LENGTH = 0,
    BATCH_NODES = 1,
    BATCH_BUFFERS = 2,
    BATCH_COMPRESSION = 3,
    COMPRESSION_CODEC = 0
};

/* A RecordBatch, whose nodes and buffers are taken one after the other. */
struct batch {
    const struct ar_schema *s;
    struct ar_arrays *arrays;
    struct ar_owned *owned;
    struct tf_flat_vector nodes, buffers;
    size_t node, buffer;
    enum tf_codec codec;
    const unsigned char *body;
    size_t size;
    struct tf_err *err;
};

struct bytes {
    const unsigned char *p;
    size_t n;
};

void ar_owned_release(struct ar_owned *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->v[i]);
    free(o->v);
    memset(o, 0, sizeof(*o));
}

/* n bytes that live as long as what owns them. */
static void *own(struct ar_owned *o, size_t n, struct tf_err *err)
{
    void *p;

    if (o->count == o->cap) {
        size_t cap = o->cap ? 2 * o->cap : 16;
        void **v = tf_grow(o->v, cap, sizeof(*v), err);

        if (!v)
            return NULL;
        o->v = v;
        o->cap = cap;
    }
    p = malloc(n + 1);
    if (p)
        o->v[o->count++] = p;
    else
        (void)tf_no_memory(err, n);
    return p;
}

static int damaged(struct batch *b, const char *what)
{
    return tf_fail(b->err, "%s of a batch are damaged", what);
}

/* The next buffer, decompressed: how long it then is stands before it. */
static int take_buffer(struct batch *b, struct bytes *out)
{
    const unsigned char *at;
    int64_t offset, n, full;
    void *made;

    if (b->buffer >= b->buffers.count)
        return damaged(b, "buffers");
    at = tf_flat_struct_at(b->buffers, 16, b->buffer++);
    offset = (int64_t)tf_load_le64(at);
    n = (int64_t)tf_load_le64(at + 8);
    if (offset < 0 || n < 0 || (uint64_t)offset > b->size ||
        (uint64_t)n > b->size - (uint64_t)offset)
        return damaged(b, "buffers");
    *out = (struct bytes){ b->body + offset, (size_t)n };
    if (b->codec == TF_CODEC_NONE || !n)
        return 0;
    if (n < 8)
        return damaged(b, "buffers");
    full = (int64_t)tf_load_le64(out->p);
    out->p += 8;
    out->n -= 8;
    if (full == -1)
        return 0;
    if (full < 0 || full > BUFFER_MAX)
        return damaged(b, "buffers");
    made = own(b->owned, (size_t)full, b->err);
    if (!made ||
        tf_decompress(b->codec, out->p, out->n, made, (size_t)full, b->err))
        return -1;
    *out = (struct bytes){ made, (size_t)full };
    return 0;
}

/* Are there n values of so many bytes? */
static bool holds(struct bytes have, size_t n, size_t width)
{
    return !width || n <= have.n / width;
}

static bool holds_bits(struct bytes have, size_t n)
{
    return n / 8 + (n % 8 != 0) <= have.n;
}

/* The next node's count, and which of its values are there. */
static int take_node(struct batch *b, struct ar_array *a, bool bits)
{
    const unsigned char *at;
    struct bytes valid;
    int64_t count, nulls;

    memset(a, 0, sizeof(*a));
    if (b->node >= b->nodes.count)
        return damaged(b, "columns");
    at = tf_flat_struct_at(b->nodes, 16, b->node++);
    count = (int64_t)tf_load_le64(at);
    nulls = (int64_t)tf_load_le64(at + 8);
    if (count < 0 || nulls < 0 || nulls > count)
        return damaged(b, "columns");
    a->count = (size_t)count;
    if (!bits)
        return 0;
    if (take_buffer(b, &valid))
        return -1;
    if (nulls && !holds_bits(valid, a->count))
        return damaged(b, "columns");
    a->valid = nulls ? valid.p : NULL;
    return 0;
}

static int take_values(struct batch *b, struct ar_array *a, size_t width,
                       bool bits)
{
    struct bytes data;

    if (take_buffer(b, &data))
        return -1;
    if (bits ? !holds_bits(data, a->count) : !holds(data, a->count, width))
        return damaged(b, "columns");
    a->data = data.p;
    a->data_size = data.n;
    return 0;
}

/* Offsets, one more than values; of none they may be left out. */
static int take_offsets(struct batch *b, struct ar_array *a, size_t width)
{
    struct bytes offsets;

    if (take_buffer(b, &offsets))
        return -1;
    if (a->count && !holds(offsets, a->count + 1, width))
        return damaged(b, "columns");
    a->offsets = offsets.p;
    return 0;
}

static int load(struct batch *b, size_t field, bool values);

/* The fields below one: `n` values of it need so many of each. */
static int load_below(struct batch *b, size_t field, size_t n)
{
    const struct ar_field *f = b->s->fields;

    for (size_t i = field + 1; i < f[field].end; i = f[i].end) {
        if (load(b, i, false))
            return -1;
        if ((f[i].coded ? b->arrays->codes : b->arrays->plain)[i].count < n)
            return damaged(b, "columns");
    }
    return 0;
}

/* A field's arrays: its numbers where it is coded, unless the values of its
 * dictionary are wanted. */
static int load(struct batch *b, size_t field, bool values)
{
    const struct ar_field *f = &b->s->fields[field];
    bool codes = f->coded && !values;
    struct ar_array *a = &(codes ? b->arrays->codes : b->arrays->plain)[field];
    size_t n;

    if (take_node(b, a, codes || f->type != AR_NULL))
        return -1;
    if (codes)
        return take_values(b, a, f->code_width, false);
    switch (f->type) {
    case AR_NULL:
        return 0;
    case AR_STRUCT:
        return load_below(b, field, a->count);
    case AR_FIXED_LIST:
        if (__builtin_mul_overflow(a->count, f->width, &n))
            return damaged(b, "columns");
        return load_below(b, field, n);
    case AR_LIST:
    case AR_LARGE_LIST:
    case AR_MAP:
        return take_offsets(b, a, f->offsets) || load_below(b, field, 0);
    case AR_UTF8:
    case AR_BINARY:
    case AR_LARGE_UTF8:
    case AR_LARGE_BINARY:
        return take_offsets(b, a, f->offsets) || take_values(b, a, 0, false);
    default:
        return take_values(b, a, f->width, f->type == AR_BOOL);
    }
}

static int find_codec(struct batch *b, struct tf_flat_table batch)
{
    struct tf_flat_table t = tf_flat_table(batch, BATCH_COMPRESSION);
    int64_t codec = t.at ? tf_flat_int(t, COMPRESSION_CODEC, 1, 0) : -1;

    if (codec > 1)
        return tf_fail(b->err, "an unknown compression");
    b->codec = codec < 0 ? TF_CODEC_NONE
               : codec   ? TF_CODEC_ZSTD
                         : TF_CODEC_LZ4_FRAME;
    return 0;
}

int ar_batch_read(const struct ar_schema *s, struct ar_arrays *arrays,
                  struct ar_owned *owned, struct tf_flat_table batch,
                  const unsigned char *body, size_t size, size_t only,
                  size_t *rows, struct tf_err *err)
{
    struct batch b = { .s = s,
                       .arrays = arrays,
                       .owned = owned,
                       .nodes = tf_flat_vector(batch, BATCH_NODES, 16),
                       .buffers = tf_flat_vector(batch, BATCH_BUFFERS, 16),
                       .body = body,
                       .size = size,
                       .err = err };
    int64_t n = tf_flat_int(batch, BATCH_LENGTH, 8, 0);

    if (n < 0 || batch.in->bad)
        return damaged(&b, "sizes");
    *rows = (size_t)n;
    if (find_codec(&b, batch))
        return -1;
    if (only != SIZE_MAX)
        return load(&b, only, true);
    for (size_t i = 0; i < s->count; i = s->fields[i].end) {
        if (load(&b, i, false))
            return -1;
        if ((s->fields[i].coded ? arrays->codes : arrays->plain)[i].count !=
            *rows)
            return damaged(&b, "columns");
    }
    return 0;
}

/*
 * FlatBuffers, as Arrow's messages are written, read in place from bytes that
 * are not trusted: every offset is checked when it is followed. What is not
 * there, or not inside, reads as the default, and `bad` says that something was
 * not inside.
 */
#ifndef TF_FORMAT_FLATBUF_H
#define TF_FORMAT_FLATBUF_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

struct tf_flatbuf {
    const unsigned char *data;
    size_t size;
    bool bad;
};

/* A table, or none (at 0). */
struct tf_flat_table {
    struct tf_flatbuf *in;
    size_t at;
};

/* Elements of a vector: structs of `width` bytes, or offsets of tables. */
struct tf_flat_vector {
    struct tf_flatbuf *in;
    size_t at, count;
};

struct tf_flat_table tf_flat_root(struct tf_flatbuf *in);

/* Fields by their number in the schema. */
int64_t tf_flat_int(struct tf_flat_table t, int field, size_t width,
                    int64_t otherwise);
struct tf_flat_table tf_flat_table(struct tf_flat_table t, int field);
struct tf_str tf_flat_string(struct tf_flat_table t, int field);
struct tf_flat_vector tf_flat_vector(struct tf_flat_table t, int field,
                                     size_t width);

struct tf_flat_table tf_flat_table_at(struct tf_flat_vector v, size_t i);
/* Bytes of a struct, in [0, count). */
const unsigned char *tf_flat_struct_at(struct tf_flat_vector v, size_t width,
                                       size_t i);
#endif

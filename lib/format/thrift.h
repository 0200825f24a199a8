/*
 * Read Thrift's compact protocol, in which Parquet keeps what it says of
 * itself. Bytes are not trusted: after the first that make no sense every call
 * gives zeros and empty strings, and `bad` stays set.
 *
 *     struct tf_thrift_field f = { 0 };
 *     while (tf_thrift_next(&t, &f))
 *         switch (f.id) {
 *         case 1: rows = tf_thrift_int(&t, f.type); break;
 *         default: tf_thrift_skip(&t, f.type);
 *         }
 */
#ifndef TF_FORMAT_THRIFT_H
#define TF_FORMAT_THRIFT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

struct tf_thrift {
    const unsigned char *p, *end;
    bool bad;
};

/* Zeroed where a struct begins. */
struct tf_thrift_field {
    int id, type;
};

/* Go to the struct's next field; false at its end, which is passed. */
bool tf_thrift_next(struct tf_thrift *t, struct tf_thrift_field *f);

/* The value of a field, or of a list's item, of this type; another type than
 * the one asked for is bad. */
int64_t tf_thrift_int(struct tf_thrift *t, int type);
bool tf_thrift_bool(struct tf_thrift *t, int type);
struct tf_str tf_thrift_string(struct tf_thrift *t, int type);
/* Is it a struct, whose fields come next? */
bool tf_thrift_struct(struct tf_thrift *t, int type);
/* The count of a list's items, which come next, and their type. There are at
 * least as many bytes left. */
size_t tf_thrift_list(struct tf_thrift *t, int type, int *item);
void tf_thrift_skip(struct tf_thrift *t, int type);

/* An unsigned number in groups of seven bits (LEB128). */
uint64_t tf_thrift_varint(struct tf_thrift *t);
/* The signed number that Thrift's zigzag made an unsigned one of. */
static inline int64_t tf_zigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}
#endif

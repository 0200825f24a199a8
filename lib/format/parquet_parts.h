/* Private to lib/format: what a Parquet file holds, by the names of the format
 * (apache/parquet-format, parquet.thrift and Encodings.md). */
#ifndef TF_FORMAT_PARQUET_PARTS_H
#define TF_FORMAT_PARQUET_PARTS_H

#include <stdbool.h>
#include "base/io.h"
#include "format/decompress.h"
#include "format/parquet.h"

enum pq_type {
    PQ_BOOLEAN,
    PQ_INT32,
    PQ_INT64,
    PQ_INT96,
    PQ_FLOAT,
    PQ_DOUBLE,
    PQ_BYTE_ARRAY,
    PQ_FIXED,
    PQ_GROUP /* not a column */
};

enum pq_repetition { PQ_REQUIRED, PQ_OPTIONAL, PQ_REPEATED };

/* What a column's values mean beyond their type. */
enum pq_meaning {
    PQ_PLAIN,
    PQ_TEXT,
    PQ_UNSIGNED,
    PQ_DECIMAL,
    PQ_FLOAT16,
    PQ_LIST /* a group */
};

enum pq_encoding {
    PQ_ENC_PLAIN = 0,
    PQ_ENC_PLAIN_DICTIONARY = 2,
    PQ_ENC_RLE = 3,
    PQ_ENC_DELTA_BINARY_PACKED = 5,
    PQ_ENC_DELTA_LENGTH_BYTE_ARRAY = 6,
    PQ_ENC_DELTA_BYTE_ARRAY = 7,
    PQ_ENC_RLE_DICTIONARY = 8,
    PQ_ENC_BYTE_STREAM_SPLIT = 9
};

/* A node of the schema; the nodes below node i are [i + 1, end). */
struct pq_node {
    struct tf_str name;
    enum pq_type type;
    enum pq_repetition repetition;
    enum pq_meaning meaning;
    size_t width; /* bytes of a value, 0: any number of them */
    int scale;    /* of a decimal */
    size_t end;
    size_t leaf, leaf_end; /* columns at or below it */
    uint8_t def, rep;      /* levels at which it is there, and repeats */
};

/* A column in one row group, as it lies in the file. */
struct pq_place {
    enum tf_codec codec;
    uint64_t values;
    const unsigned char *p, *end;
};

struct pq_group {
    uint64_t rows;
    struct pq_place *places; /* [leaves] */
};

struct pq_pair {
    struct tf_str key, value;
};

struct pq_meta {
    struct pq_node *nodes; /* [0] is the root */
    size_t node_count;
    size_t *leaves; /* nodes that are columns */
    size_t leaf_count;
    struct pq_group *groups;
    size_t group_count;
    struct pq_pair *pairs;
    size_t pair_count;
    uint64_t rows;
};

/* Read the footer of a file whose bytes are [data, data + size). Released by
 * the caller also on failure. */
int pq_meta_read(struct pq_meta *m, const unsigned char *data, size_t size,
                 struct tf_err *err);
void pq_meta_release(struct pq_meta *m);

/* parquet_schema.c: the tree of nodes from the list of the footer. */
struct tf_thrift;
int pq_schema_read(struct pq_meta *m, struct tf_thrift *t, int type,
                   struct tf_err *err);

/* Values of one type: bytes of a width, or strings. Zeroed memory is empty. */
struct pq_values {
    unsigned char *bytes;   /* [count][width] */
    struct tf_str *strings; /* [count] where width is 0 */
    size_t count, cap, width;
};

/* Room for n more. */
int pq_values_room(struct pq_values *v, size_t n, struct tf_err *err);
void pq_values_release(struct pq_values *v);

/* A decoded column of a row group. */
struct pq_column {
    const struct pq_node *node;
    uint8_t *def, *rep; /* [count]; NULL where all would be 0 */
    size_t count, cap;
    struct pq_values values, dictionary;
    char **pages; /* bytes that strings point into */
    size_t page_count;
    size_t at, value; /* read so far */
};

/* Decode all pages of a place. The column is released by the caller also on
 * failure. */
int pq_column_read(struct pq_column *c, const struct pq_node *node,
                   const struct pq_place *place, struct tf_err *err);
void pq_column_release(struct pq_column *c);
/* Keep memory from malloc() as long as the column; on failure it is freed. */
int pq_column_keep(struct pq_column *c, char *bytes, struct tf_err *err);

struct pq_bytes {
    const unsigned char *p, *end;
};

/* parquet_encodings.c. Each reads n values from `in`, which it moves on, and
 * fails when they are not there. */

/* Runs and packed bits: numbers of so many bits (at most 32). */
int pq_decode_hybrid(struct pq_bytes *in, unsigned bits, size_t n,
                     uint32_t *out, struct tf_err *err);
/* DELTA_BINARY_PACKED. */
int pq_decode_delta(struct pq_bytes *in, size_t n, int64_t *out,
                    struct tf_err *err);

/* parquet_values.c: append n values in an encoding to the column's. */
int pq_decode_values(struct pq_column *c, int encoding, struct pq_bytes in,
                     size_t n, struct tf_err *err);
/* Append n values in the plain encoding. */
int pq_decode_plain(struct pq_values *v, enum pq_type type, struct pq_bytes in,
                    size_t n, struct tf_err *err);

/* parquet_json.c */
void pq_put_value(struct tf_buf *out, const struct pq_node *node,
                  const struct pq_values *v, size_t i);
#endif

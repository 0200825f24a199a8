/* Private to lib/format: what Arrow data holds, by the names of the format
 * (apache/arrow, format/Schema.fbs and Message.fbs). */
#ifndef TF_FORMAT_ARROW_PARTS_H
#define TF_FORMAT_ARROW_PARTS_H

#include <stdbool.h>
#include "base/err.h"
#include "format/arrow.h"
#include "format/decompress.h"
#include "format/flatbuf.h"

enum ar_type {
    AR_NULL = 1,
    AR_INT,
    AR_FLOAT,
    AR_BINARY,
    AR_UTF8,
    AR_BOOL,
    AR_DECIMAL,
    AR_DATE,
    AR_TIME,
    AR_TIMESTAMP,
    AR_LIST = 12,
    AR_STRUCT,
    AR_FIXED = 15,
    AR_FIXED_LIST,
    AR_MAP,
    AR_DURATION,
    AR_LARGE_BINARY,
    AR_LARGE_UTF8,
    AR_LARGE_LIST
};

/* A field of the schema; those below field i are [i + 1, end). */
struct ar_field {
    struct tf_str name;
    enum ar_type type;
    size_t width;   /* bytes of a value; items of AR_FIXED_LIST */
    size_t offsets; /* bytes of an offset of strings and lists; 0 */
    bool is_signed;
    int scale; /* of a decimal */
    size_t end;
    bool coded; /* values are numbers of those of a dictionary */
    int64_t dictionary;
    size_t code_width;
};

struct ar_schema {
    struct ar_field *fields;
    size_t count, cap;
    struct tf_flat_vector pairs; /* KeyValue */
};

/* arrow_schema.c. Released by the caller also on failure; names point into the
 * message. */
int ar_schema_read(struct ar_schema *s, struct tf_flat_table table,
                   struct tf_err *err);
void ar_schema_release(struct ar_schema *s);

/* The values of a field in a batch, in place or decompressed. */
struct ar_array {
    size_t count;
    const unsigned char *valid; /* bits; NULL: all are */
    const unsigned char *offsets, *data;
    size_t data_size;
};

/* Arrays of all fields: of coded ones the numbers in `codes`, and what these
 * number, or the values of the others, in `plain`. */
struct ar_arrays {
    struct ar_array *codes, *plain; /* [fields] */
};

/* Memory that arrays point into. */
struct ar_owned {
    void **v;
    size_t count, cap;
};

void ar_owned_release(struct ar_owned *o);

/* arrow_batch.c: fill arrays from a RecordBatch and its body: of all fields, or
 * of the values of field `only`'s dictionary (SIZE_MAX: all). Gives the rows.
 */
int ar_batch_read(const struct ar_schema *s, struct ar_arrays *arrays,
                  struct ar_owned *owned, struct tf_flat_table batch,
                  const unsigned char *body, size_t size, size_t only,
                  size_t *rows, struct tf_err *err);

/* arrow_json.c: append a row of all fields. */
int ar_put_row(struct tf_buf *out, const struct ar_schema *s,
               const struct ar_arrays *arrays, size_t row, struct tf_err *err);
#endif

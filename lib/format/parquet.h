/*
 * Read Apache Parquet files, as the hub's data sets come, row by row, each as a
 * JSON object. Columns may be nested to any sensible depth (lists, structs);
 * the physical types, encodings and compressions are those that pyarrow writes.
 * A file is not trusted: it is refused with a message, or gives rows that are
 * well-formed JSON.
 */
#ifndef TF_FORMAT_PARQUET_H
#define TF_FORMAT_PARQUET_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_parquet;

/* Map a file and check what it says of itself. NULL and `err` on failure. */
struct tf_parquet *tf_parquet_open(const char *path, struct tf_err *err);
/* The same for bytes, which outlive it. */
struct tf_parquet *tf_parquet_read(const void *data, size_t size,
                                   struct tf_err *err);
void tf_parquet_close(struct tf_parquet *p); /* NULL is allowed */

uint64_t tf_parquet_rows(const struct tf_parquet *p);

/* The value of a key of the file's metadata, borrowed; s is NULL when there is
 * none. "huggingface" holds a data set's features. */
struct tf_str tf_parquet_metadata(const struct tf_parquet *p, const char *key);

/*
 * Append the next row, columns in the file's order. Numbers print as they are,
 * unsigned ones and decimals too; dates and times as the numbers they are
 * stored as; bytes that are not said to be text as a string when they are valid
 * UTF-8, else as null. Returns 1, 0 after the last row, -1 on failure.
 */
int tf_parquet_next(struct tf_parquet *p, struct tf_buf *out,
                    struct tf_err *err);
#endif

/*
 * Read Apache Arrow IPC data, as the library datasets caches and saves it
 * (streams, and files), row by row, each as a JSON object in the form that
 * format/parquet.h says. Dictionaries, nesting and compressed buffers are read;
 * unions, views and run-end encodings are refused. Bytes are not trusted: they
 * are refused with a message, or give rows that are well-formed JSON.
 */
#ifndef TF_FORMAT_ARROW_H
#define TF_FORMAT_ARROW_H

#include "base/buf.h"
#include "base/err.h"

struct tf_arrow;

/* Do bytes begin as a stream or a file does? */
int tf_arrow_is(const void *data, size_t size);

/* Check the schema of bytes, which outlive it. NULL and `err` on failure. */
struct tf_arrow *tf_arrow_read(const void *data, size_t size,
                               struct tf_err *err);
void tf_arrow_close(struct tf_arrow *a); /* NULL is allowed */

/* The value of a key of the schema's metadata, borrowed; s is NULL when there
 * is none. "huggingface" holds a data set's features. */
struct tf_str tf_arrow_metadata(const struct tf_arrow *a, const char *key);

/* Append the next row. Returns 1, 0 after the last row, -1 on failure. */
int tf_arrow_next(struct tf_arrow *a, struct tf_buf *out, struct tf_err *err);
#endif

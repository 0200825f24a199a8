/*
 * Labelled records from files: JSON lines as they are; CSV (RFC 4180) and TSV,
 * by their names' ends, with a header line, each row as a JSON object.
 */
#ifndef TF_TRAIN_TABLE_H
#define TF_TRAIN_TABLE_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

/* Zeroed memory is an empty table. */
struct tf_table {
    struct tf_buf text; /* the rows, JSON objects, one after the other */
    struct tf_table_row {
        size_t at, len;    /* in text */
        size_t line, file; /* where it came from: line from 1 */
    } * rows;
    size_t count, cap;
    char **files;
    size_t file_count;
};

/*
 * Append a file's rows. In CSV and TSV a cell of the column `numeric` (or NULL)
 * that reads as a JSON number is one; all others are strings. -1 with the file
 * and line in `err` when the file can't be read or is not what its name says.
 */
int tf_table_read(struct tf_table *t, const char *path, const char *numeric,
                  struct tf_err *err);
void tf_table_release(struct tf_table *t);

struct tf_str tf_table_row(const struct tf_table *t, size_t i);
/* Put "FILE:LINE: " of row i before the message. */
void tf_table_err_at(const struct tf_table *t, size_t i, struct tf_err *err);
#endif

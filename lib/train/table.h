/*
 * Labelled records from files, as the library `datasets` reads them: each row a
 * JSON object. What a file is, is told by its first bytes and its name:
 *
 *   Parquet              by its first bytes
 *   Arrow                by its first bytes, or its name
 *   .csv .tsv            with a header line (RFC 4180)
 *   {...                 JSON lines; or one value over many lines: SQuAD's
 *                        {"data": [...]}, with its articles taken apart
 *   [...                 a JSON array of objects, or of texts
 *   else                 a text a line; blank lines are no rows
 *
 * Any of the text forms may be compressed by gzip or zstd. A folder is a data
 * set (train/splits.h), or has texts in folders that are their labels.
 */
#ifndef TF_TRAIN_TABLE_H
#define TF_TRAIN_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

/* Zeroed memory is an empty table. */
struct tf_table {
    struct tf_buf text; /* the rows, JSON objects, one after the other */
    struct tf_table_row {
        size_t at, len;    /* in text */
        size_t line, file; /* where it came from: line (or row) from 1 */
    } * rows;
    size_t count, cap;
    char **files;
    size_t file_count;
    json_t *classes; /* names of class ids: {column: [name, ...]}; or NULL */
};

struct tf_table_opts {
    /* In CSV and TSV this column (or NULL) has numbers when all of its cells
     * read as such; all others are strings. */
    const char *numeric;
    /* Of a data set that has several: "train", "validation" (which may be
     * called "test"). */
    const char *split;
};

/*
 * Append the rows of a file, of a folder, of all files that a pattern of the
 * shell matches, in the order of their names, or of a part of a data set's
 * folder, "FOLDER:SPLIT", "FOLDER:CONFIG/SPLIT". -1 with the file and line in
 * `err` when one can't be read or is not what it says.
 */
int tf_table_read(struct tf_table *t, const char *path,
                  const struct tf_table_opts *opts, struct tf_err *err);
void tf_table_release(struct tf_table *t);

struct tf_str tf_table_row(const struct tf_table *t, size_t i);
/* Put "FILE:LINE: " of row i before the message. */
void tf_table_err_at(const struct tf_table *t, size_t i, struct tf_err *err);

/* The names of a column's class ids (Hugging Face's ClassLabel), in their
 * order: an array of strings, borrowed; NULL when the data has none. */
json_t *tf_table_classes(const struct tf_table *t, const char *column);
#endif

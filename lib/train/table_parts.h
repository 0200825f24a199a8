/* Private to lib/train: how a table reads each form of file. */
#ifndef TF_TRAIN_TABLE_PARTS_H
#define TF_TRAIN_TABLE_PARTS_H

#include <stdbool.h>
#include "train/splits.h"
#include "train/table.h"

/* The rest of t->text from `at` on is a row of the last file. */
int tf_table_add_row(struct tf_table *t, size_t at, size_t line,
                     struct tf_err *err);
/* Read one file, whatever it is. */
int tf_table_read_file(struct tf_table *t, const char *path,
                       const char *numeric, struct tf_err *err);
/* A file's text, decompressed if need be, appended to `out`. */
int tf_table_file_text(const char *path, struct tf_buf *out,
                       struct tf_err *err);
/* Rows of this file follow. */
int tf_table_add_file(struct tf_table *t, const char *path, struct tf_err *err);
/* Note {column: [names]}, unless a column has names already. */
int tf_table_take_classes(struct tf_table *t, json_t *classes,
                          struct tf_err *err);

int tf_table_read_cells(struct tf_table *t, struct tf_str text, bool csv,
                        const char *numeric, struct tf_err *err);
int tf_table_read_json(struct tf_table *t, struct tf_str text,
                       struct tf_err *err);
int tf_table_read_folder(struct tf_table *t, const char *dir,
                         const struct tf_split *split,
                         const struct tf_table_opts *opts, struct tf_err *err);
#endif

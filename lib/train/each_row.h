/* Rows of a table turned into a model's input by all threads of a pool. */
#ifndef TF_TRAIN_EACH_ROW_H
#define TF_TRAIN_EACH_ROW_H

#include "base/jsonl.h"
#include "base/pool.h"
#include "text/tokenizer.h"
#include "train/table.h"

/* What one thread works with; a row's function may use all of it. */
struct tf_row_work {
    struct tf_tok_state *state;
    struct tf_tok_state *other; /* of a second tokenizer: NULL until a row's
                                   function makes it */
    struct tf_encoding encoding;
    struct tf_record record; /* the row, parsed */
    struct tf_buf text, pair;
};

/* Do row i; -1 when it is not what it must be. A row that failed is done again
 * for its message. */
typedef int tf_row_fn(void *arg, struct tf_row_work *w, size_t i,
                      struct tf_err *err);

/* Call fn for every row, in any order. On failure `err` names the file and line
 * of the first row that failed. */
int tf_each_row(const struct tf_table *t, const struct tf_tokenizer *tok,
                struct tf_pool *pool, tf_row_fn *fn, void *arg,
                struct tf_err *err);
#endif

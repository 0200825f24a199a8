/*
 * Read the rows of a file of rows, and JSON from what comes of them: a row that
 * isn't JSON ends the process.
 */
#ifndef TF_TESTS_FUZZ_ROWS_H
#define TF_TESTS_FUZZ_ROWS_H

#include <stdlib.h>
#include "base/jsonl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As tf_parquet_next(): 1 with a row in `row`, 0 at the end, -1 with `err`. */
typedef int next_row(void *reader, struct tf_buf *row, struct tf_err *err);

static void read_rows(next_row *next, void *reader)
{
    enum { ROWS_MAX = 1000, BYTES_MAX = 1 << 22 };
    struct tf_buf row = TF_BUF_INIT;
    struct tf_record record = { 0 };
    struct tf_err err;

    for (int i = 0; reader && i < ROWS_MAX && row.len < BYTES_MAX; i++) {
        tf_buf_reset(&row);
        if (next(reader, &row, &err) <= 0)
            break;
        if (tf_record_parse(&record, row.data, row.len, &err))
            abort();
    }
    tf_record_release(&record);
    tf_buf_release(&row);
}
#endif

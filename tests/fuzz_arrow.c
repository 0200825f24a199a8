/*
 * Reads the rows of Arrow data, and JSON from what comes of them.
 *     build-fuzz/tests/fuzz_arrow -rss_limit_mb=4096 CORPUS
 */
#include <stdlib.h>
#include "base/jsonl.h"
#include "format/arrow.h"

#define ROWS_MAX  1000
#define BYTES_MAX ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tf_buf row = TF_BUF_INIT;
    struct tf_record record = { 0 };
    struct tf_err err;
    struct tf_arrow *a = tf_arrow_read(data, size, &err);

    for (int i = 0; a && i < ROWS_MAX && row.len < BYTES_MAX; i++) {
        tf_buf_reset(&row);
        if (tf_arrow_next(a, &row, &err) <= 0)
            break;
        if (tf_record_parse(&record, row.data, row.len, &err))
            abort();
    }
    tf_arrow_close(a);
    tf_record_release(&record);
    tf_buf_release(&row);
    return 0;
}

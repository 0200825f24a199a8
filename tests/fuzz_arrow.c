/*
 * Reads Arrow data (fuzz_rows.h).
 *     build-fuzz/tests/fuzz_arrow -rss_limit_mb=4096 CORPUS
 */
#include "fuzz_rows.h"
#include "format/arrow.h"

static int next(void *reader, struct tf_buf *row, struct tf_err *err)
{
    return tf_arrow_next(reader, row, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tf_err err;
    struct tf_arrow *reader = tf_arrow_read(data, size, &err);

    read_rows(next, reader);
    tf_arrow_close(reader);
    return 0;
}

/*
 * Reads Parquet files (fuzz_rows.h).
 *     build-fuzz/tests/fuzz_parquet -rss_limit_mb=4096 CORPUS
 */
#include "fuzz_rows.h"
#include "format/parquet.h"

static int next(void *reader, struct tf_buf *row, struct tf_err *err)
{
    return tf_parquet_next(reader, row, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tf_err err;
    struct tf_parquet *reader = tf_parquet_read(data, size, &err);

    read_rows(next, reader);
    tf_parquet_close(reader);
    return 0;
}

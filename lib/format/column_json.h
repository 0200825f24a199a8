/* Values of a column of Parquet or Arrow as JSON. */
#ifndef TF_FORMAT_COLUMN_JSON_H
#define TF_FORMAT_COLUMN_JSON_H

#include "base/buf.h"

/* A two's complement number of n bytes from the highest on, as a decimal
 * fraction; null when it has more than 38 digits. */
void tf_put_decimal(struct tf_buf *out, const unsigned char *p, size_t n,
                    int scale);
/* IEEE 754's number of 2, 4 or 8 bytes; NaN and infinities are null. */
void tf_put_binary_float(struct tf_buf *out, const unsigned char *p,
                         size_t width);
/* A string when they are valid UTF-8, else null. */
void tf_put_bytes_text(struct tf_buf *out, struct tf_str s);
#endif

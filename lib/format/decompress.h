/* Compressed bytes, by Debian's libraries, from sources that are not trusted.
 */
#ifndef TF_FORMAT_DECOMPRESS_H
#define TF_FORMAT_DECOMPRESS_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

enum tf_codec {
    TF_CODEC_NONE,
    TF_CODEC_SNAPPY, /* the raw format, without frames */
    TF_CODEC_GZIP,
    TF_CODEC_BROTLI,
    TF_CODEC_ZSTD,
    TF_CODEC_LZ4, /* a raw block, without frames */
    TF_CODEC_LZ4_FRAME,
};

/* Fill exactly `size` bytes of `out`; more or fewer are an error. */
int tf_decompress(enum tf_codec codec, const void *in, size_t n, void *out,
                  size_t size, struct tf_err *err);

/* Append a whole file: gzip members, or zstd frames, one after the other. More
 * than `limit` bytes are an error. */
int tf_gunzip(const void *in, size_t n, size_t limit, struct tf_buf *out,
              struct tf_err *err);
int tf_unzstd(const void *in, size_t n, size_t limit, struct tf_buf *out,
              struct tf_err *err);
#endif

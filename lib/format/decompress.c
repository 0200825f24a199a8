#include "format/decompress.h"

#include <limits.h>
#include <brotli/decode.h>
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE ((size_t)1 << 18) /* bytes of output made room for at a time */

static int broken(struct tf_err *err, const char *codec)
{
    return tf_fail(err, "the %s data is damaged", codec);
}

static uInt at_most_uint(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static int unsnappy(const void *in, size_t n, void *out, size_t size,
                    struct tf_err *err)
{
    size_t made = size, says;

    if (snappy_uncompressed_length(in, n, &says) != SNAPPY_OK || says != size ||
        snappy_uncompress(in, n, out, &made) != SNAPPY_OK || made != size)
        return broken(err, "snappy");
    return 0;
}

static int unlz4(const void *in, size_t n, void *out, size_t size,
                 struct tf_err *err)
{
    if (n > INT_MAX || size > INT_MAX ||
        LZ4_decompress_safe(in, out, (int)n, (int)size) != (int)size)
        return broken(err, "LZ4");
    return 0;
}

static int unlz4_frame(const void *in, size_t n, void *out, size_t size,
                       struct tf_err *err)
{
    LZ4F_dctx *z;
    size_t made = 0, used = 0, left = 1;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
        return tf_no_memory(err, PIECE);
    while (left && !LZ4F_isError(left)) {
        size_t room = size - made, more = n - used;

        left = LZ4F_decompress(z, (char *)out + made, &room,
                               (const char *)in + used, &more, NULL);
        made += room;
        used += more;
        if (!room && !more)
            break;
    }
    LZ4F_freeDecompressionContext(z);
    return left || made != size ? broken(err, "LZ4") : 0;
}

static int unbrotli(const void *in, size_t n, void *out, size_t size,
                    struct tf_err *err)
{
    size_t made = size;

    if (BrotliDecoderDecompress(n, in, &made, out) !=
            BROTLI_DECODER_RESULT_SUCCESS ||
        made != size)
        return broken(err, "brotli");
    return 0;
}

/* Members are read into `out` until it is full or the input is at its end. */
static int inflate_all(z_stream *z, const void *in, size_t n, void *out,
                       size_t *size, size_t *used)
{
    int status = Z_OK;
    size_t left = n, room = *size;

    z->next_in = (Bytef *)(uintptr_t)in;
    z->next_out = out;
    while (status == Z_OK && room) {
        uInt give = at_most_uint(left), take = at_most_uint(room);

        z->avail_in = give;
        z->avail_out = take;
        status = inflate(z, Z_NO_FLUSH);
        left -= give - z->avail_in;
        room -= take - z->avail_out;
        if (status == Z_STREAM_END && left)
            status = inflateReset(z);
        else if (status == Z_BUF_ERROR && z->avail_out == 0)
            status = Z_OK;
    }
    *size -= room;
    *used = n - left;
    return status;
}

static int ungzip(const void *in, size_t n, void *out, size_t size,
                  struct tf_err *err)
{
    z_stream z = { 0 };
    size_t made = size, used;

    if (inflateInit2(&z, 15 + 32) != Z_OK) /* gzip or zlib, as it says */
        return tf_no_memory(err, sizeof(z));
    inflate_all(&z, in, n, out, &made, &used);
    inflateEnd(&z);
    return made == size ? 0 : broken(err, "gzip");
}

int tf_decompress(enum tf_codec codec, const void *in, size_t n, void *out,
                  size_t size, struct tf_err *err)
{
    switch (codec) {
    case TF_CODEC_NONE:
        if (n != size)
            return tf_fail(err, "%zu bytes where %zu should be", n, size);
        memcpy(out, in, n);
        return 0;
    case TF_CODEC_SNAPPY:
        return unsnappy(in, n, out, size, err);
    case TF_CODEC_GZIP:
        return ungzip(in, n, out, size, err);
    case TF_CODEC_BROTLI:
        return unbrotli(in, n, out, size, err);
    case TF_CODEC_ZSTD:
        if (ZSTD_decompress(out, size, in, n) != size)
            return broken(err, "zstd");
        return 0;
    case TF_CODEC_LZ4:
        return unlz4(in, n, out, size, err);
    case TF_CODEC_LZ4_FRAME:
        return unlz4_frame(in, n, out, size, err);
    }
    return tf_fail(err, "an unknown compression");
}

static int too_much(struct tf_err *err, size_t limit)
{
    return tf_fail(err, "more than %zu bytes when decompressed", limit);
}

/* Where the next piece goes, or NULL. */
static char *next_room(struct tf_buf *out, size_t start, size_t limit,
                       struct tf_err *err)
{
    char *room;

    if (out->len - start > limit) {
        (void)too_much(err, limit);
        return NULL;
    }
    room = tf_buf_room(out, PIECE);
    if (!room)
        (void)tf_no_memory(err, out->len + PIECE);
    return room;
}

int tf_gunzip(const void *in, size_t n, size_t limit, struct tf_buf *out,
              struct tf_err *err)
{
    const unsigned char *p = in;
    z_stream z = { 0 };
    size_t start = out->len;
    int status = Z_OK;

    if (inflateInit2(&z, 15 + 32) != Z_OK)
        return tf_no_memory(err, sizeof(z));
    while (status == Z_OK) {
        size_t made = PIECE, used;
        char *room = next_room(out, start, limit, err);

        if (!room) {
            inflateEnd(&z);
            return -1;
        }
        status = inflate_all(&z, p, n, room, &made, &used);
        out->len += made;
        p += used;
        n -= used;
    }
    inflateEnd(&z);
    if (status == Z_BUF_ERROR && !n)
        return tf_fail(err, "the gzip data is cut short");
    if (status != Z_STREAM_END)
        return broken(err, "gzip");
    return out->len - start > limit ? too_much(err, limit) : 0;
}

int tf_unzstd(const void *in, size_t n, size_t limit, struct tf_buf *out,
              struct tf_err *err)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    ZSTD_inBuffer from = { in, n, 0 };
    size_t start = out->len, left = 1, failed = 0;

    if (!z)
        return tf_no_memory(err, PIECE);
    while (!failed && (from.pos < n || left)) {
        ZSTD_outBuffer to = { next_room(out, start, limit, err), PIECE, 0 };

        if (!to.dst) {
            ZSTD_freeDCtx(z);
            return -1;
        }
        left = ZSTD_decompressStream(z, &to, &from);
        failed = ZSTD_isError(left);
        out->len += to.pos;
        if (!failed && left && from.pos == n && to.pos < PIECE)
            break;
    }
    ZSTD_freeDCtx(z);
    if (failed)
        return broken(err, "zstd");
    if (left)
        return tf_fail(err, "the zstd data is cut short");
    return out->len - start > limit ? too_much(err, limit) : 0;
}

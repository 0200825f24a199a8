/*
 * Text while its tokens come: each token gives the bytes that are certain by
 * then. A character that needs more tokens waits for them.
 */
#ifndef TF_TASK_STREAM_H
#define TF_TASK_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "text/tokenizer.h"

/* Zeroed memory with the tokenizer set is the start of a text. */
struct tf_stream {
    const struct tf_tokenizer *tokenizer;
    int32_t *ids;
    size_t n, cap;
    size_t shown;   /* tokens whose text was given */
    size_t context; /* where decoding begins, so that spacing comes out right */
    struct tf_buf before, now;
};

/* Append to `out` what token `id` makes certain; special tokens are left out.
 */
int tf_stream_add(struct tf_stream *s, int32_t id, struct tf_buf *out,
                  struct tf_err *err);
/* Append what is still held back, and start a new text. */
int tf_stream_end(struct tf_stream *s, struct tf_buf *out, struct tf_err *err);
void tf_stream_release(struct tf_stream *s);
#endif

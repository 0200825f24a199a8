#include "task/stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Does the text end in the middle of a character? Decoders show its bytes as
 * U+FFFD until they are whole. */
static bool is_partial(const struct tf_buf *b)
{
    size_t n = sizeof(REPLACEMENT) - 1;

    return b->len >= n && !memcmp(b->data + b->len - n, REPLACEMENT, n);
}

/* The text of ids[context, end). */
static int decode(const struct tf_stream *s, size_t end, struct tf_buf *out,
                  struct tf_err *err)
{
    tf_buf_reset(out);
    return tf_tokenizer_decode(s->tokenizer, s->ids + s->context,
                               end - s->context, true, out, err);
}

/* Give what the tokens after the shown ones add to the text. */
static int show(struct tf_stream *s, bool partial, struct tf_buf *out,
                struct tf_err *err)
{
    if (decode(s, s->shown, &s->before, err) || decode(s, s->n, &s->now, err))
        return -1;
    if (s->now.len <= s->before.len || (!partial && is_partial(&s->now)))
        return 0;
    tf_buf_add(out, s->now.data + s->before.len, s->now.len - s->before.len);
    s->context = s->shown;
    s->shown = s->n;
    return out->failed ? tf_no_memory(err, out->len) : 0;
}

int tf_stream_add(struct tf_stream *s, int32_t id, struct tf_buf *out,
                  struct tf_err *err)
{
    int32_t *grown;
    size_t cap;

    if (s->n == s->cap) {
        cap = s->cap ? 2 * s->cap : 64;
        if (!(grown = tf_grow(s->ids, cap, sizeof(*grown), err)))
            return -1;
        s->ids = grown;
        s->cap = cap;
    }
    s->ids[s->n++] = id;
    return show(s, false, out, err);
}

int tf_stream_end(struct tf_stream *s, struct tf_buf *out, struct tf_err *err)
{
    int failed = show(s, true, out, err);

    s->n = s->shown = s->context = 0;
    return failed;
}

void tf_stream_release(struct tf_stream *s)
{
    free(s->ids);
    tf_buf_release(&s->before);
    tf_buf_release(&s->now);
}

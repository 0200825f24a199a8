#include "text/lower.h"

#include "text/unicode.h"
#include "text/utf8.h"

void tf_put_lower(struct tf_buf *out, struct tf_str text)
{
    for (size_t at = 0, len; at < text.len; at += len) {
        uint32_t c = tf_utf8_get(text.s + at, &len), lower[2];
        size_t n = tf_unicode_lower(c, lower);

        for (size_t i = 0; i < n; i++) {
            char bytes[4];

            tf_buf_add(out, bytes, tf_utf8_put(bytes, lower[i]));
        }
    }
}

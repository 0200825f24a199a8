#include "task/stop.h"

#include <string.h>
#include "base/buf.h"

/* Does one of the strings end in text[from, len)? */
static bool ends_after(const struct tf_stop *stop, const char *text, size_t len,
                       size_t from)
{
    size_t i, k, n;

    for (i = 0; i < stop->count; i++) {
        n = strlen(stop->strings[i]);
        for (k = from + 1 > n ? from + 1 - n : 0; k + n <= len; k++)
            if (!memcmp(text + k, stop->strings[i], n))
                return true;
    }
    return false;
}

int tf_stop_hit(const struct tf_stop *stop, const int32_t *ids, size_t n,
                struct tf_err *err)
{
    struct tf_buf with = TF_BUF_INIT, without = TF_BUF_INIT;
    size_t longest = 0, i, first;
    int hit = -1;

    for (i = 0; i < stop->count; i++)
        if (strlen(stop->strings[i]) > longest)
            longest = strlen(stop->strings[i]);
    /* a token stands for a byte or more, but for special ones, which are text
     * here too; a few before them settle how the first is spelled */
    first = n > longest + 8 ? n - longest - 8 : 0;
    if (!tf_tokenizer_decode(stop->tokenizer, ids + first, n - first, false,
                             &with, err) &&
        !tf_tokenizer_decode(stop->tokenizer, ids + first, n - first - 1, false,
                             &without, err))
        hit = ends_after(stop, with.data, with.len,
                         without.len < with.len ? without.len : with.len);
    tf_buf_release(&with);
    tf_buf_release(&without);
    return hit;
}

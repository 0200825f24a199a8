#include "text/pretext.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/regex.h"
#include "text/utf8.h"

void tf_pretext_set(struct tf_pretext *pre, struct tf_str original)
{
    pre->original = pre->text = original;
    pre->origin = NULL;
    pre->pieces.count = pre->next.count = 0;
    pre->failed = original.len > UINT32_MAX;
    pre->why = pre->failed ? "a text of 4 GiB or more" : NULL;
    if (pre->failed)
        return;
    tf_pretext_push(pre, 0, original.len, -1);
    tf_pretext_turn(pre);
}

void tf_pretext_release(struct tf_pretext *pre)
{
    int i;

    tf_regex_done(pre->match_data);
    free(pre->pieces.at);
    free(pre->next.at);
    for (i = 0; i < 2; i++) {
        tf_buf_release(&pre->side[i]);
        free(pre->side_origin[i]);
    }
    memset(pre, 0, sizeof(*pre));
}

/* The character of the original that byte i belongs to. */
static struct tf_origin own_origin(const struct tf_pretext *pre, size_t i)
{
    struct tf_origin o;
    size_t start = tf_utf8_before(pre->original.s, i + 1);

    o.start = (uint32_t)start;
    o.end =
        (uint32_t)(start + tf_utf8_len((unsigned char)pre->original.s[start]));
    return o;
}

struct tf_origin tf_pretext_origin(const struct tf_pretext *pre, uint32_t start,
                                   uint32_t end)
{
    struct tf_origin o;

    if (pre->origin) {
        o.start = pre->origin[start].start;
        o.end = pre->origin[end - 1].end;
    } else {
        o.start = own_origin(pre, start).start;
        o.end = own_origin(pre, end - 1).end;
    }
    return o;
}

bool tf_pretext_grow(struct tf_pretext *pre)
{
    size_t cap = pre->next.cap ? pre->next.cap * 2 : 64;
    struct tf_piece *p;
    struct tf_err err;

    if (pre->failed)
        return false;
    p = tf_grow(pre->next.at, cap, sizeof(*p), &err);
    if (!p) {
        pre->failed = true;
        return false;
    }
    pre->next.at = p;
    pre->next.cap = cap;
    return true;
}

void tf_pretext_turn(struct tf_pretext *pre)
{
    struct tf_pieces done = pre->pieces;

    pre->pieces = pre->next;
    done.count = 0;
    pre->next = done;
}

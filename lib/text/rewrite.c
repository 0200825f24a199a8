#include "text/rewrite.h"

#include <stdlib.h>
#include "base/mem.h"

struct tf_origin tf_rewrite_origin(const struct tf_rewrite *w, size_t i)
{
    struct tf_origin o;
    size_t start;

    if (w->src_origin)
        return w->src_origin[i];
    start = tf_utf8_before(w->src, i + 1);
    o.start = (uint32_t)start;
    o.end = (uint32_t)(start + tf_utf8_len((unsigned char)w->src[start]));
    return o;
}

struct tf_origin tf_rewrite_before(const struct tf_rewrite *w)
{
    struct tf_origin o;

    if (w->pos > w->start)
        return tf_rewrite_origin(w, w->pos - 1);
    o = tf_rewrite_origin(w, w->start);
    o.end = o.start;
    return o;
}

bool tf_rewrite_grow(struct tf_rewrite *w, size_t n)
{
    struct tf_pretext *pre = w->pre;
    struct tf_buf *side = &pre->side[pre->writing];
    struct tf_origin **origin = &pre->side_origin[pre->writing], *grown;
    size_t *origin_cap = &pre->side_origin_cap[pre->writing];
    struct tf_err err;

    if (pre->failed)
        return false;
    if (n > UINT32_MAX - w->len) {
        pre->failed = true;
        pre->why = "the text becomes longer than 4 GiB";
        return false;
    }
    side->len = w->len;
    if (!tf_buf_room(side, n)) {
        pre->failed = true;
        return false;
    }
    if (w->origins && *origin_cap < side->cap) {
        grown = tf_grow(*origin, side->cap, sizeof(*grown), &err);
        if (!grown) {
            pre->failed = true;
            return false;
        }
        *origin = grown;
        *origin_cap = side->cap;
    }
    w->out = side->data;
    w->origin = *origin;
    w->cap = side->cap;
    return true;
}

void tf_rewrite_keep(struct tf_rewrite *w, size_t n)
{
    size_t i;

    if (!tf_rewrite_room(w, n))
        return;
    memcpy(w->out + w->len, w->src + w->pos, n);
    if (w->origins && w->src_origin)
        memcpy(w->origin + w->len, w->src_origin + w->pos,
               n * sizeof(*w->origin));
    else if (w->origins)
        for (i = 0; i < n; i++)
            w->origin[w->len + i] = tf_rewrite_origin(w, w->pos + i);
    w->len += n;
    w->pos += n;
}

void tf_rewrite_rest(struct tf_rewrite *w, char c, const char *s, size_t n)
{
    size_t i, k, count = 0;
    char *out;

    for (i = w->pos; i < w->end; i++)
        count += w->src[i] == c;
    if (n && count > SIZE_MAX / 2 / n)
        count = SIZE_MAX / 2 / n; /* which there is no room for */
    if (!tf_rewrite_room(w, w->end - w->pos + count * n))
        return;
    out = w->out + w->len;
    for (i = w->pos; i < w->end; i++) {
        if (w->src[i] != c) {
            *out++ = w->src[i];
            continue;
        }
        for (k = 0; k < n; k++)
            *out++ = s[k];
    }
    if (w->origins)
        for (i = w->pos, k = w->len; i < w->end; i++) {
            struct tf_origin o = tf_rewrite_origin(w, i);
            size_t stop = k + (w->src[i] == c ? n : 1);

            while (k < stop)
                w->origin[k++] = o;
        }
    w->len = (size_t)(out - w->out);
    w->pos = w->end;
}

void tf_rewrite(struct tf_pretext *pre, bool origins,
                void (*fn)(struct tf_rewrite *w, const void *arg),
                const void *arg)
{
    struct tf_rewrite w = { .src = pre->text.s, .src_origin = pre->origin };
    size_t i, begun;

    w.pre = pre;
    w.origins = origins;
    tf_buf_reset(&pre->side[pre->writing]);
    if (!tf_rewrite_grow(&w, pre->text.len + pre->text.len / 4 + 16))
        goto end;
    for (i = 0; i < pre->pieces.count; i++) {
        struct tf_piece p = pre->pieces.at[i];

        begun = w.len;
        w.start = w.pos = p.start;
        w.end = p.end;
        if (p.id >= 0)
            tf_rewrite_keep(&w, w.end - w.start);
        else
            fn(&w, arg);
        tf_pretext_push(pre, begun, w.len, p.id);
    }
    pre->text.s = w.out;
    pre->text.len = w.len;
    pre->origin = origins ? w.origin : NULL;
    pre->writing ^= 1;
end:
    if (pre->failed)
        pre->next.count = 0;
    tf_pretext_turn(pre);
}

#include "text/points.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/utf8.h"

#define STEP 64

size_t tf_points_count(struct tf_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.s[i] & 0xC0) != 0x80;
    return n;
}

static int put_mark(struct tf_points *p, size_t at, struct tf_err *err)
{
    size_t *grown, cap;

    if (p->marks == p->cap) {
        cap = p->cap ? 2 * p->cap : 16;
        if (!(grown = tf_grow(p->mark, cap, sizeof(*grown), err)))
            return -1;
        p->mark = grown;
        p->cap = cap;
    }
    p->mark[p->marks++] = at;
    return 0;
}

int tf_points_read(struct tf_points *p, struct tf_str text, struct tf_err *err)
{
    size_t at = 0;

    p->text = text;
    p->count = p->marks = 0;
    while (at < text.len) {
        if (p->count % STEP == 0 && put_mark(p, at, err))
            return -1;
        at += tf_utf8_len((unsigned char)text.s[at]);
        p->count++;
    }
    return 0;
}

void tf_points_release(struct tf_points *p)
{
    free(p->mark);
    memset(p, 0, sizeof(*p));
}

size_t tf_points_byte(const struct tf_points *p, size_t i)
{
    size_t at;

    if (i >= p->count)
        return p->text.len;
    if (p->count == p->text.len)
        return i;
    at = p->mark[i / STEP];
    for (i %= STEP; i; i--)
        at += tf_utf8_len((unsigned char)p->text.s[at]);
    return at;
}

struct tf_str tf_points_slice(const struct tf_points *p, size_t start,
                              size_t end)
{
    size_t first = tf_points_byte(p, start), last = tf_points_byte(p, end);

    if (last < first)
        last = first;
    return (struct tf_str){ p->text.s + first, last - first };
}

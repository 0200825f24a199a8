/*
 * Precompiled: each grapheme cluster of less than six bytes, else each of its
 * characters, is replaced by what the charsmap has for its start. Origins
 * follow the `tokenizers` library to the letter: of what takes the place of a
 * cluster, each character takes that of one of its characters; the rest is
 * added, or the last one swallows what is left. Where nothing comes in the
 * place of a cluster, the character before swallows it, and at the very start
 * of a piece all that follows keeps the distance.
 */
#include <utf8proc.h>
#include "text/normalizers.h"

struct mapping {
    struct tf_rewrite *w;
    const struct tf_charsmap *map;
    size_t at;     /* what is read next; w->pos: whose origin comes next */
    bool begun;    /* a character has come */
    uint32_t last; /* an added character that is not yet written, or 0 */
    int change;    /* its change */
};

static void consume(struct tf_rewrite *w, int count)
{
    while (count-- > 0 && w->pos < w->end)
        w->pos += tf_utf8_len((unsigned char)w->src[w->pos]);
}

static void flush(struct mapping *m)
{
    char s[4];

    if (!m->last)
        return;
    if (m->change > 0) {
        tf_rewrite_add(m->w, s, tf_utf8_put(s, m->last));
    } else {
        tf_rewrite_put(m->w, m->last);
        consume(m->w, 1 - m->change);
    }
    m->last = 0;
}

/* Copy the n bytes that come next as they are. */
static void keep(struct mapping *m, size_t n)
{
    struct tf_rewrite *w = m->w;
    size_t end = m->at + n, len;

    if (!n)
        return;
    flush(m);
    m->begun = true;
    if (w->pos == m->at) {
        tf_rewrite_keep(w, n);
        m->at = end;
    }
    for (; m->at < end; m->at += len) {
        tf_rewrite_put(w, tf_utf8_get(w->src + m->at, &len));
        consume(w, 1);
    }
}

static int count_chars(const char *s, size_t n)
{
    int count = 0;

    while (n--)
        count += ((unsigned char)*s++ & 0xC0) != 0x80;
    return count;
}

/* Put `to` in the place of the n bytes that come next. */
static void replace(struct mapping *m, size_t n, struct tf_str to)
{
    struct tf_rewrite *w = m->w;
    int old = count_chars(w->src + m->at, n), i = 0;
    size_t p, len;

    m->at += n;
    for (p = 0; p < to.len; p += len) {
        flush(m);
        m->last = tf_utf8_get(to.s + p, &len);
        m->change = i++ < old ? 0 : 1;
        m->begun = true;
    }
    if (i >= old)
        return;
    if (m->last)
        m->change -= old - i;
    else if (m->begun)
        consume(w, old - i);
}

/* Does a mark that utf8proc may be too old for follow something it can join? */
static bool joins(uint32_t c, uint32_t next)
{
    utf8proc_category_t before;

    if (!(tf_unicode_flags(next) & TF_U_MARK) ||
        utf8proc_category((utf8proc_int32_t)next) != UTF8PROC_CATEGORY_CN)
        return false;
    before = utf8proc_category((utf8proc_int32_t)c);
    return before != UTF8PROC_CATEGORY_CC && before != UTF8PROC_CATEGORY_CF &&
           before != UTF8PROC_CATEGORY_ZL && before != UTF8PROC_CATEGORY_ZP;
}

/* The end of the grapheme cluster at `at`. */
static size_t cluster_end(const char *s, size_t at, size_t end)
{
    utf8proc_int32_t state = 0;
    size_t len;
    uint32_t c = tf_utf8_get(s + at, &len), next;

    for (at += len; at < end; at += len) {
        if (c < 0x80 && c != '\r' && (unsigned char)s[at] < 0x80)
            break;
        next = tf_utf8_get(s + at, &len);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)c,
                                             (utf8proc_int32_t)next, &state) &&
            !joins(c, next))
            break;
        c = next;
    }
    return at;
}

/* Replace the n bytes at `at` if the charsmap has their start. */
static bool map_part(struct mapping *m, size_t at, size_t n)
{
    struct tf_str s = { m->w->src + at, n }, to;

    if (!tf_charsmap_get(m->map, s, &to))
        return false;
    keep(m, at - m->at);
    replace(m, n, to);
    return true;
}

static void map_piece(struct tf_rewrite *w, const void *arg)
{
    struct mapping m = { .w = w, .map = arg, .at = w->start };
    size_t at = w->start, end, len;

    while (at < w->end) {
        end = cluster_end(w->src, at, w->end);
        if (end - at < 6 && map_part(&m, at, end - at))
            at = end;
        for (; at < end; at += len) {
            len = tf_utf8_len((unsigned char)w->src[at]);
            map_part(&m, at, len);
        }
    }
    keep(&m, w->end - m.at);
    flush(&m);
}

void tf_normalize_precompiled(const struct tf_normalizer *n,
                              struct tf_pretext *pre, bool origins)
{
    tf_rewrite(pre, origins, map_piece, n->map);
}

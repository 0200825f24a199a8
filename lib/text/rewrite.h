/*
 * Writing the text of a tf_pretext anew, piece by piece, with the origins that
 * `tokenizers` would give: what replaces a character has its origin, what is
 * added has that of the byte before. For normalizers and splitters.
 */
#ifndef TF_TEXT_REWRITE_H
#define TF_TEXT_REWRITE_H

#include <string.h>
#include "text/pretext.h"
#include "text/utf8.h"

struct tf_rewrite {
    const char *src;
    const struct tf_origin *src_origin; /* NULL: src is the original */
    size_t start, end;                  /* the piece in src */
    size_t pos;                         /* what of it is consumed */
    char *out;                /* what is written, `len` bytes of `cap` */
    struct tf_origin *origin; /* of each byte written, if wanted */
    size_t len, cap;
    bool origins; /* are wanted */
    struct tf_pretext *pre;
};

/*
 * Call fn for each piece that is no added token: it consumes src[start, end)
 * and writes what comes in its place. Pieces stay as they are otherwise; those
 * that become empty vanish.
 */
void tf_rewrite(struct tf_pretext *pre, bool origins,
                void (*fn)(struct tf_rewrite *w, const void *arg),
                const void *arg);

/* Room for n more bytes (false: no memory, `pre` is marked). */
bool tf_rewrite_grow(struct tf_rewrite *w, size_t n);
/* The origin of byte i of src. */
struct tf_origin tf_rewrite_origin(const struct tf_rewrite *w, size_t i);
/* The origin of what is added here. */
struct tf_origin tf_rewrite_before(const struct tf_rewrite *w);

static inline bool tf_rewrite_room(struct tf_rewrite *w, size_t n)
{
    return w->cap - w->len >= n || tf_rewrite_grow(w, n);
}

/* Write n bytes, all of them with origin o. */
static inline void tf_rewrite_write(struct tf_rewrite *w, const char *s,
                                    size_t n, struct tf_origin o)
{
    size_t i;

    if (!tf_rewrite_room(w, n))
        return;
    memcpy(w->out + w->len, s, n);
    if (w->origins)
        for (i = 0; i < n; i++)
            w->origin[w->len + i] = o;
    w->len += n;
}

/* Copy the next n bytes as they are. */
void tf_rewrite_keep(struct tf_rewrite *w, size_t n);

/* Copy the rest of the piece with each ASCII character c replaced by s, which
 * is added in its place. */
void tf_rewrite_rest(struct tf_rewrite *w, char c, const char *s, size_t n);

/* Leave out the next n bytes. */
static inline void tf_rewrite_drop(struct tf_rewrite *w, size_t n)
{
    w->pos += n;
}

/* Write c in the place of the next character, which stays the next one. */
static inline void tf_rewrite_put(struct tf_rewrite *w, uint32_t c)
{
    struct tf_origin o = { 0, 0 };
    char s[4];

    if (w->origins)
        o = tf_rewrite_origin(w, w->pos);
    tf_rewrite_write(w, s, tf_utf8_put(s, c), o);
}

/* Add n bytes after what was consumed last. */
static inline void tf_rewrite_add(struct tf_rewrite *w, const char *s, size_t n)
{
    struct tf_origin o = { 0, 0 };

    if (w->origins)
        o = tf_rewrite_before(w);
    tf_rewrite_write(w, s, n, o);
}
#endif

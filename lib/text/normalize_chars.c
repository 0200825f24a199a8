/* The normalizers that go character by character, and Replace and Prepend. */
#include "text/bytelevel.h"
#include "text/normalizers.h"

static void filter_piece(struct tf_rewrite *w, const void *arg)
{
    const uint32_t gone = *(const uint32_t *)arg;
    size_t at = w->pos, len;

    while (at < w->end) {
        at += tf_ascii_span(w->src + at, w->end - at);
        if (at == w->end)
            break;
        if (tf_unicode_flags(tf_utf8_get(w->src + at, &len)) & gone) {
            tf_rewrite_keep(w, at - w->pos);
            tf_rewrite_drop(w, len);
        }
        at += len;
    }
    tf_rewrite_keep(w, w->end - w->pos);
}

/* ASCII is kept: the flags asked for are of marks. */
void tf_normalize_filter(struct tf_pretext *pre, bool origins, uint32_t gone)
{
    if (tf_ascii_span(pre->text.s, pre->text.len) < pre->text.len)
        tf_rewrite(pre, origins, filter_piece, &gone);
}

void tf_normalize_accents(const struct tf_normalizer *n, struct tf_pretext *pre,
                          bool origins)
{
    (void)n;
    tf_normalize_filter(pre, origins, TF_U_ACCENT);
}

static bool is_space(const char *s, size_t *len)
{
    return tf_unicode_flags(tf_utf8_get(s, len)) & TF_U_SPACE;
}

static void strip_piece(struct tf_rewrite *w, const void *arg)
{
    const struct tf_normalizer *n = arg;
    size_t end = w->end, len, before;

    while (n->strip_left && w->pos < end && is_space(w->src + w->pos, &len))
        tf_rewrite_drop(w, len);
    while (n->strip_right && w->pos < end) {
        before = tf_utf8_before(w->src, end);
        if (!is_space(w->src + before, &len))
            break;
        end = before;
    }
    tf_rewrite_keep(w, end - w->pos);
}

void tf_normalize_strip(const struct tf_normalizer *n, struct tf_pretext *pre,
                        bool origins)
{
    struct tf_str s = pre->text;
    size_t len;

    /* as a rule there is one piece and nothing to strip */
    if (pre->pieces.count == 1 && s.len && !is_space(s.s, &len) &&
        !is_space(s.s + tf_utf8_before(s.s, s.len), &len))
        return;
    tf_rewrite(pre, origins, strip_piece, n);
}

static void lower_piece(struct tf_rewrite *w, const void *unused)
{
    size_t at = w->pos, len, count;
    uint32_t c, lower[2];
    char s[4];

    (void)unused;
    for (; at < w->end; at += len) {
        c = tf_utf8_get(w->src + at, &len);
        if (c < 0x80 ? c < 'A' || c > 'Z'
                     : !(tf_unicode_flags(c) & TF_U_LOWERS))
            continue;
        tf_rewrite_keep(w, at - w->pos);
        count = tf_unicode_lower(c, lower);
        tf_rewrite_put(w, lower[0]);
        tf_rewrite_drop(w, len);
        if (count > 1)
            tf_rewrite_add(w, s, tf_utf8_put(s, lower[1]));
    }
    tf_rewrite_keep(w, w->end - w->pos);
}

void tf_normalize_lowercase(const struct tf_normalizer *n,
                            struct tf_pretext *pre, bool origins)
{
    (void)n;
    tf_rewrite(pre, origins, lower_piece, NULL);
}

/* What Nmt makes of c: itself, a space, or 0 for nothing. */
static uint32_t nmt(uint32_t c)
{
    if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
        c == 0x7F || c == 0x8F || c == 0x9F)
        return 0;
    if (c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
        (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 ||
        c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
        return ' ';
    return c;
}

static void nmt_piece(struct tf_rewrite *w, const void *unused)
{
    size_t at = w->pos, len;
    uint32_t c, to;

    (void)unused;
    for (; at < w->end; at += len) {
        c = tf_utf8_get(w->src + at, &len);
        to = nmt(c);
        if (to == c)
            continue; /* NUL too */
        tf_rewrite_keep(w, at - w->pos);
        if (to)
            tf_rewrite_put(w, to);
        tf_rewrite_drop(w, len);
    }
    tf_rewrite_keep(w, w->end - w->pos);
}

void tf_normalize_nmt(const struct tf_normalizer *n, struct tf_pretext *pre,
                      bool origins)
{
    (void)n;
    tf_rewrite(pre, origins, nmt_piece, NULL);
}

static void replace_piece(struct tf_rewrite *w, const void *arg)
{
    const struct tf_normalizer *n = arg;
    struct tf_matches m = { .pattern = &n->pattern, .pre = w->pre };
    size_t start, end;

    if (!n->pattern.regex && n->pattern.string.len == 1) {
        tf_rewrite_rest(w, n->pattern.string.s[0], n->text.s, n->text.len);
        return;
    }
    m.s.s = w->src + w->start;
    m.s.len = w->end - w->start;
    m.last = SIZE_MAX;
    while (tf_matches_next(&m, &start, &end)) {
        tf_rewrite_keep(w, w->start + start - w->pos);
        tf_rewrite_drop(w, end - start);
        tf_rewrite_add(w, n->text.s, n->text.len);
    }
    tf_rewrite_keep(w, w->end - w->pos);
}

void tf_normalize_replace(const struct tf_normalizer *n, struct tf_pretext *pre,
                          bool origins)
{
    struct tf_matches m = { .pattern = &n->pattern, .pre = pre };
    size_t start, end;

    m.s = pre->text;
    m.last = SIZE_MAX;
    if (n->pattern.regex || tf_matches_next(&m, &start, &end))
        tf_rewrite(pre, origins, replace_piece, n);
}

/* All of it takes the place of the first character, which then is added. */
static void prepend_piece(struct tf_rewrite *w, const void *arg)
{
    const struct tf_normalizer *n = arg;
    size_t first = tf_utf8_len((unsigned char)w->src[w->start]);
    struct tf_origin o = { 0, 0 };

    if (w->origins && n->text.len)
        o = tf_rewrite_origin(w, w->start);
    else if (w->origins)
        o = tf_rewrite_before(w);
    tf_rewrite_write(w, n->text.s, n->text.len, o);
    tf_rewrite_write(w, w->src + w->start, first, o);
    tf_rewrite_drop(w, first);
    tf_rewrite_keep(w, w->end - w->pos);
}

void tf_normalize_prepend(const struct tf_normalizer *n, struct tf_pretext *pre,
                          bool origins)
{
    tf_rewrite(pre, origins, prepend_piece, n);
}

void tf_normalize_byte_level(const struct tf_normalizer *n,
                             struct tf_pretext *pre, bool origins)
{
    tf_rewrite(pre, origins, tf_byte_level, n);
}

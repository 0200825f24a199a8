/* BertNormalizer: clean, set Han characters apart, strip accents, lowercase. */
#include "text/normalizers.h"

#define GONE 0xFF

void tf_normalize_bert_prepare(struct tf_normalizer *n)
{
    unsigned char c;
    uint32_t f;

    for (c = 0; c < 128; c++) {
        f = tf_unicode_flags(c);
        n->ascii[c] = c;
        if (n->clean_text && (f & TF_U_BERT_GONE))
            n->ascii[c] = GONE;
        else if (n->clean_text && (f & TF_U_SPACE))
            n->ascii[c] = ' ';
        else if (n->lowercase && c >= 'A' && c <= 'Z')
            n->ascii[c] = (unsigned char)(c - 'A' + 'a');
    }
}

/* Write c, which is lowered if that is wanted. */
static void write_lower(const struct tf_normalizer *n, struct tf_rewrite *w,
                        uint32_t c, struct tf_origin o)
{
    uint32_t lower[2] = { c, 0 };
    size_t count = 1, i;
    char s[4];

    if (n->lowercase)
        count = tf_unicode_lower(c, lower);
    for (i = 0; i < count; i++)
        tf_rewrite_write(w, s, tf_utf8_put(s, lower[i]), o);
}

/* One character that is not ASCII, `len` bytes. */
static void wide(const struct tf_normalizer *n, struct tf_rewrite *w,
                 uint32_t c, size_t len)
{
    uint32_t f = tf_unicode_flags(c), d[TF_DECOMPOSED_MAX];
    struct tf_origin o = { 0, 0 };
    size_t count, i;
    bool han = n->handle_chinese_chars && (f & TF_U_BERT_HAN);

    if (w->origins)
        o = tf_rewrite_origin(w, w->pos);
    w->pos += len;
    if (n->clean_text && (f & TF_U_BERT_GONE))
        return;
    if (n->clean_text && (f & TF_U_SPACE)) {
        tf_rewrite_write(w, " ", 1, o);
        return;
    }
    if (han)
        tf_rewrite_write(w, " ", 1, o);
    if (n->strip_accents && (f & (TF_U_NFD | TF_U_BERT_MARK))) {
        count = tf_unicode_decompose(c, false, d);
        for (i = 0; i < count; i++)
            if (!(tf_unicode_flags(d[i]) & TF_U_BERT_MARK))
                write_lower(n, w, d[i], o);
    } else if (n->lowercase && (f & TF_U_LOWERS)) {
        write_lower(n, w, c, o);
    } else {
        tf_rewrite_write(w, w->src + w->pos - len, len, o);
    }
    if (han)
        tf_rewrite_write(w, " ", 1, o);
}

/* n bytes of ASCII; there is room. */
static void ascii(const struct tf_normalizer *n, struct tf_rewrite *w,
                  size_t count)
{
    const unsigned char *src = (const unsigned char *)w->src;
    char *out = w->out + w->len;
    size_t i, end = w->pos + count;
    struct tf_origin o;

    if (!w->origins) {
        for (i = w->pos; i < end; i++) {
            *out = (char)n->ascii[src[i]];
            out += n->ascii[src[i]] != GONE;
        }
        w->len = (size_t)(out - w->out);
    } else {
        for (i = w->pos; i < end; i++) {
            w->out[w->len] = (char)n->ascii[src[i]];
            if (w->src_origin)
                o = w->src_origin[i];
            else
                o.end = (o.start = (uint32_t)i) + 1;
            w->origin[w->len] = o;
            w->len += n->ascii[src[i]] != GONE;
        }
    }
    w->pos = end;
}

static void fused(struct tf_rewrite *w, const void *arg)
{
    const struct tf_normalizer *n = arg;
    size_t span, len;
    uint32_t c;

    while (w->pos < w->end) {
        span = tf_ascii_span(w->src + w->pos, w->end - w->pos);
        if (span) {
            if (!tf_rewrite_room(w, span))
                return;
            ascii(n, w, span);
        }
        while (w->pos < w->end && (unsigned char)w->src[w->pos] >= 0x80) {
            c = tf_utf8_get(w->src + w->pos, &len);
            wide(n, w, c, len);
        }
    }
}

/*
 * Does every mark that could change places vanish? Then each character can be
 * done alone. What NFD leaves in another order is rare: spacing marks with a
 * combining class, and marks that came after Unicode 8.
 */
static bool can_fuse(const struct tf_pretext *pre)
{
    const char *s = pre->text.s;
    size_t i = 0, len;

    while ((i += tf_ascii_span(s + i, pre->text.len - i)) < pre->text.len) {
        if (tf_unicode_flags(tf_utf8_get(s + i, &len)) & TF_U_BERT_HARD)
            return false;
        i += len;
    }
    return true;
}

void tf_normalize_bert(const struct tf_normalizer *n, struct tf_pretext *pre,
                       bool origins)
{
    struct tf_normalizer part = *n;

    if (!n->strip_accents || can_fuse(pre)) {
        tf_rewrite(pre, origins, fused, n);
        return;
    }
    part.strip_accents = part.lowercase = false;
    tf_normalize_bert_prepare(&part);
    tf_rewrite(pre, origins, fused, &part);
    tf_normalize_nfd(n, pre, origins);
    tf_normalize_filter(pre, origins, TF_U_BERT_MARK);
    if (n->lowercase)
        tf_normalize_lowercase(n, pre, origins);
}

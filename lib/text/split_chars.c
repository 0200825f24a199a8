/* The splitters that ask of each character what it is. */
#include "text/scripts.h"
#include "text/splitters.h"

static uint32_t flags_at(const char *s, size_t at, size_t *len)
{
    return tf_unicode_flags(tf_utf8_get(s + at, len));
}

/* The end of the characters from `at` on that have none of the flags. */
static size_t span_without(const char *s, size_t at, size_t end, uint32_t flags)
{
    const uint32_t *ascii = tf_unicode_ascii();
    size_t len;

    while (at < end) {
        if ((unsigned char)s[at] < 0x80) {
            if (ascii[(unsigned char)s[at]] & flags)
                break;
            at++;
        } else {
            if (flags_at(s, at, &len) & flags)
                break;
            at += len;
        }
    }
    return at;
}

/* White space is removed, punctuation stands alone. */
static void bert_piece(struct tf_pretext *pre, struct tf_piece p,
                       const void *unused)
{
    const char *s = pre->text.s;
    size_t at = p.start, from, len;

    (void)unused;
    for (;;) {
        from = at;
        at = span_without(s, at, p.end, TF_U_SPACE | TF_U_BERT_PUNCT);
        tf_pretext_push(pre, from, at, -1);
        if (at == p.end)
            break;
        if (!(flags_at(s, at, &len) & TF_U_SPACE))
            tf_pretext_push(pre, at, at + len, -1);
        at += len;
    }
}

void tf_split_bert(const struct tf_splitter *s, struct tf_pretext *pre,
                   bool origins)
{
    (void)origins;
    tf_split_pieces(pre, bert_piece, s);
}

static void whitespace_piece(struct tf_pretext *pre, struct tf_piece p,
                             const void *unused)
{
    size_t at = p.start, from = at, len;

    (void)unused;
    for (; at < p.end; at += len)
        if (flags_at(pre->text.s, at, &len) & TF_U_SPACE) {
            tf_pretext_push(pre, from, at, -1);
            from = at + len;
        }
    tf_pretext_push(pre, from, at, -1);
}

void tf_split_whitespace(const struct tf_splitter *s, struct tf_pretext *pre,
                         bool origins)
{
    (void)origins;
    tf_split_pieces(pre, whitespace_piece, s);
}

/* \w+|[^\w\s]+ */
static void words_piece(struct tf_pretext *pre, struct tf_piece p,
                        const void *unused)
{
    size_t at = p.start, from = at, len;
    uint32_t kind, before = TF_U_SPACE;

    (void)unused;
    for (; at < p.end; at += len, before = kind) {
        kind = flags_at(pre->text.s, at, &len) & (TF_U_SPACE | TF_U_WORD);
        if (kind == before)
            continue;
        if (before != TF_U_SPACE)
            tf_pretext_push(pre, from, at, -1);
        from = at;
    }
    if (before != TF_U_SPACE)
        tf_pretext_push(pre, from, at, -1);
}

void tf_split_whitespace_words(const struct tf_splitter *s,
                               struct tf_pretext *pre, bool origins)
{
    (void)origins;
    tf_split_pieces(pre, words_piece, s);
}

/* Each character with one of the flags is a match. */
static void cut_flags(struct tf_pretext *pre, struct tf_piece p, uint32_t flags,
                      enum tf_behavior behavior)
{
    struct tf_cut cut = { .pre = pre, .behavior = behavior };
    size_t at = p.start, from = at, len;

    for (; at < p.end; at += len) {
        if (!(flags_at(pre->text.s, at, &len) & flags))
            continue;
        if (from < at)
            tf_cut_add(&cut, from, at, false);
        from = at + len;
        tf_cut_add(&cut, at, from, true);
    }
    if (from < at)
        tf_cut_add(&cut, from, at, false);
    tf_cut_end(&cut);
}

static void punctuation_piece(struct tf_pretext *pre, struct tf_piece p,
                              const void *arg)
{
    const struct tf_splitter *s = arg;

    cut_flags(pre, p, TF_U_BERT_PUNCT, s->behavior);
}

void tf_split_punctuation(const struct tf_splitter *s, struct tf_pretext *pre,
                          bool origins)
{
    (void)origins;
    tf_split_pieces(pre, punctuation_piece, s);
}

static void digits_piece(struct tf_pretext *pre, struct tf_piece p,
                         const void *arg)
{
    const struct tf_splitter *s = arg;

    cut_flags(pre, p, TF_U_NUMERIC,
              s->individual_digits ? TF_ISOLATED : TF_CONTIGUOUS);
}

void tf_split_digits(const struct tf_splitter *s, struct tf_pretext *pre,
                     bool origins)
{
    (void)origins;
    tf_split_pieces(pre, digits_piece, s);
}

/* Where the next mark begins, or `end`. */
static size_t find_mark(const struct tf_splitter *s, const char *text,
                        size_t at, size_t end)
{
    const char *found;

    while (end - at >= s->mark_len) {
        found = memchr(text + at, s->mark[0], end - at - s->mark_len + 1);
        if (!found)
            break;
        at = (size_t)(found - text);
        if (!memcmp(found, s->mark, s->mark_len))
            return at;
        at++;
    }
    return end;
}

static void delimiter_piece(struct tf_pretext *pre, struct tf_piece p,
                            const void *arg)
{
    const struct tf_splitter *s = arg;
    size_t at = p.start, next;

    for (; at < p.end; at = next + s->mark_len) {
        next = find_mark(s, pre->text.s, at, p.end);
        tf_pretext_push(pre, at, next, -1);
    }
}

void tf_split_delimiter(const struct tf_splitter *s, struct tf_pretext *pre,
                        bool origins)
{
    (void)origins;
    tf_split_pieces(pre, delimiter_piece, s);
}

/* Every mark begins a piece. */
static void marks_piece(struct tf_pretext *pre, struct tf_piece p,
                        const void *arg)
{
    const struct tf_splitter *s = arg;
    size_t at = p.start, next;

    for (; at < p.end; at = next) {
        next = at + tf_utf8_len((unsigned char)pre->text.s[at]);
        next = find_mark(s, pre->text.s, next, p.end);
        tf_pretext_push(pre, at, next, -1);
    }
}

/* Is the piece the start of the original text? */
static bool is_first(const struct tf_rewrite *w)
{
    return tf_rewrite_origin(w, w->start).start == 0;
}

static void metaspace_piece(struct tf_rewrite *w, const void *arg)
{
    const struct tf_splitter *s = arg;
    struct tf_origin o = { 0, 0 };
    bool marked = w->src[w->start] == ' ' ||
                  (w->end - w->start >= s->mark_len &&
                   !memcmp(w->src + w->start, s->mark, s->mark_len));

    if (w->origins)
        o = tf_rewrite_origin(w, w->start);
    if (!marked && (s->prepend == TF_PREPEND_ALWAYS ||
                    (s->prepend == TF_PREPEND_FIRST && is_first(w))))
        tf_rewrite_write(w, s->mark, s->mark_len, o);
    tf_rewrite_rest(w, ' ', s->mark, s->mark_len);
}

void tf_split_metaspace(const struct tf_splitter *s, struct tf_pretext *pre,
                        bool origins)
{
    tf_rewrite(pre, origins, metaspace_piece, s);
    if (s->split)
        tf_split_pieces(pre, marks_piece, s);
}

static void scripts_piece(struct tf_pretext *pre, struct tf_piece p,
                          const void *unused)
{
    size_t at = p.start, from = at, len;
    int script, last = 0;

    (void)unused;
    for (; at < p.end; at += len) {
        script = tf_script(tf_utf8_get(pre->text.s + at, &len));
        if (!script || script == last)
            continue;
        if (last) /* what stands before the first script is left out */
            tf_pretext_push(pre, from, at, -1);
        from = at;
        last = script;
    }
    if (last)
        tf_pretext_push(pre, from, at, -1);
}

void tf_split_scripts(const struct tf_splitter *s, struct tf_pretext *pre,
                      bool origins)
{
    (void)origins;
    tf_split_pieces(pre, scripts_piece, s);
}

static void length_piece(struct tf_pretext *pre, struct tf_piece p,
                         const void *arg)
{
    const struct tf_splitter *s = arg;
    size_t at = p.start, from, n;

    while (at < p.end) {
        from = at;
        for (n = 0; n < s->length && at < p.end; n++)
            at += tf_utf8_len((unsigned char)pre->text.s[at]);
        tf_pretext_push(pre, from, at, -1);
    }
}

void tf_split_length(const struct tf_splitter *s, struct tf_pretext *pre,
                     bool origins)
{
    (void)origins;
    tf_split_pieces(pre, length_piece, s);
}

/* Split: a pattern, by its own splitter, PCRE2 or as a string. */
#include "text/splitters.h"

static void flush(struct tf_cut *cut)
{
    if (cut->held)
        tf_pretext_push(cut->pre, cut->start, cut->end, -1);
    cut->held = false;
}

/* Does the next part join the piece that is held? */
static bool joins(const struct tf_cut *cut, bool match)
{
    if (!cut->held)
        return false;
    if (cut->behavior == TF_MERGED_WITH_PREVIOUS)
        return match && !cut->match;
    if (cut->behavior == TF_MERGED_WITH_NEXT)
        return !match && cut->match;
    return match == cut->match; /* contiguous */
}

void tf_cut_add(struct tf_cut *cut, size_t start, size_t end, bool match)
{
    if (cut->behavior == TF_ISOLATED || cut->behavior == TF_REMOVED) {
        if (!match || cut->behavior == TF_ISOLATED)
            tf_pretext_push(cut->pre, start, end, -1);
        return;
    }
    if (!joins(cut, match)) {
        flush(cut);
        cut->held = true;
        cut->start = start;
    }
    cut->end = end;
    cut->match = match;
}

void tf_cut_end(struct tf_cut *cut)
{
    flush(cut);
}

void tf_split_pieces(struct tf_pretext *pre,
                     void (*fn)(struct tf_pretext *pre, struct tf_piece p,
                                const void *arg),
                     const void *arg)
{
    size_t i;

    for (i = 0; i < pre->pieces.count; i++) {
        struct tf_piece p = pre->pieces.at[i];

        if (p.id >= 0)
            tf_pretext_push(pre, p.start, p.end, p.id);
        else
            fn(pre, p, arg);
    }
    if (pre->failed)
        pre->next.count = 0;
    tf_pretext_turn(pre);
}

static void by_words(const struct tf_splitter *s, struct tf_cut *cut,
                     struct tf_piece p)
{
    const char *text = cut->pre->text.s;
    size_t at = p.start, from = at, end;

    while (at < p.end) {
        end = tf_words_match(s->words, text, at, p.end);
        if (end == at) {
            at += tf_utf8_len((unsigned char)text[at]);
            continue;
        }
        if (from < at)
            tf_cut_add(cut, from, at, s->invert);
        tf_cut_add(cut, at, end, !s->invert);
        from = at = end;
    }
    if (from < at)
        tf_cut_add(cut, from, at, s->invert);
}

static void by_pattern(const struct tf_splitter *s, struct tf_cut *cut,
                       struct tf_piece p)
{
    struct tf_matches m = { .pattern = &s->pattern, .pre = cut->pre };
    size_t start, end, from = 0;

    m.s.s = cut->pre->text.s + p.start;
    m.s.len = p.end - p.start;
    m.last = SIZE_MAX;
    while (tf_matches_next(&m, &start, &end)) {
        if (from != start)
            tf_cut_add(cut, p.start + from, p.start + start, s->invert);
        tf_cut_add(cut, p.start + start, p.start + end, !s->invert);
        from = end;
    }
    if (from != m.s.len)
        tf_cut_add(cut, p.start + from, p.end, s->invert);
}

static void pattern_piece(struct tf_pretext *pre, struct tf_piece p,
                          const void *arg)
{
    const struct tf_splitter *s = arg;
    struct tf_cut cut = { .pre = pre, .behavior = s->behavior };

    if (s->words)
        by_words(s, &cut, p);
    else
        by_pattern(s, &cut, p);
    tf_cut_end(&cut);
}

void tf_split_pattern(const struct tf_splitter *s, struct tf_pretext *pre,
                      bool origins)
{
    (void)origins;
    tf_split_pieces(pre, pattern_piece, s);
}

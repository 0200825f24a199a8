/*
 * NFC, NFD, NFKC and NFKD (Unicode Standard Annex 15), with the origins of the
 * `tokenizers` library: every result carries a change, 0 in the place of a
 * character, 1 added, -n in the place of one with n more swallowed.
 */
#include <stdlib.h>
#include "base/mem.h"
#include "text/normalizers.h"

struct form {
    uint32_t changed; /* the flag of characters that it changes */
    bool compatible, compose;
};

struct part {
    uint32_t c;
    int32_t change;
    int combining;
};

/* A starter and what may join or reorder with it. */
struct cluster {
    struct part *at, *spare; /* of cap */
    size_t count, cap;
    struct part own[2 * 64];
};

static bool make_room(struct cluster *k, size_t n)
{
    struct part *p;
    struct tf_err err;

    if (n <= k->cap)
        return true;
    n += n / 2;
    p = tf_alloc(2 * n, sizeof(*p), &err);
    if (!p)
        return false;
    memcpy(p, k->at, k->count * sizeof(*p));
    if (k->at != k->own)
        free(k->at);
    k->at = p;
    k->spare = p + n;
    k->cap = n;
    return true;
}

/* Sort a run of parts that reorder by combining class; equal ones keep their
 * order. Counting, as a hostile text may have a million of them. */
static void reorder(struct part *at, struct part *spare, size_t n)
{
    size_t place[256] = { 0 }, i, sum = 0, held;

    for (i = 1; i < n && at[i - 1].combining <= at[i].combining; i++)
        ;
    if (i >= n)
        return;
    for (i = 0; i < n; i++)
        place[at[i].combining & 0xFF]++;
    for (i = 0; i < 256; i++) {
        held = place[i];
        place[i] = sum;
        sum += held;
    }
    for (i = 0; i < n; i++)
        spare[place[at[i].combining & 0xFF]++] = at[i];
    memcpy(at, spare, n * sizeof(*at));
}

static bool decompose(const struct form *form, struct cluster *k, const char *s,
                      size_t n)
{
    uint32_t d[TF_DECOMPOSED_MAX];
    size_t i = 0, j, count, len, begun = 0;

    for (k->count = 0; i < n; i += len) {
        count =
            tf_unicode_decompose(tf_utf8_get(s + i, &len), form->compatible, d);
        if (!make_room(k, k->count + count))
            return false;
        for (j = 0; j < count; j++) {
            struct part *p = &k->at[k->count++];

            p->c = d[j];
            p->change = j > 0;
            p->combining = tf_unicode_combining(d[j]);
            if (!p->combining) {
                reorder(k->at + begun, k->spare, k->count - 1 - begun);
                begun = k->count;
            }
        }
    }
    reorder(k->at + begun, k->spare, k->count - begun);
    return true;
}

/* Join what composes with the last starter and is not blocked from it. */
static void compose(struct cluster *k)
{
    struct part *starter = NULL;
    size_t i, n = 0;
    int last = -1; /* combining class since the starter */
    uint32_t whole;

    for (i = 0; i < k->count; i++) {
        struct part p = k->at[i];

        whole = starter && last < p.combining
                    ? tf_unicode_compose(starter->c, p.c)
                    : 0;
        if (whole) {
            starter->c = whole;
            starter->change += p.change - 1;
            continue;
        }
        k->at[n] = p;
        if (!p.combining) {
            starter = &k->at[n];
            last = -1;
        } else if (starter) {
            last = p.combining;
        }
        n++;
    }
    k->count = n;
}

static void emit(struct tf_rewrite *w, const struct cluster *k)
{
    size_t i;
    int32_t gone;
    char s[4];

    for (i = 0; i < k->count; i++) {
        const struct part *p = &k->at[i];

        if (p->change > 0) {
            tf_rewrite_add(w, s, tf_utf8_put(s, p->c));
            continue;
        }
        tf_rewrite_put(w, p->c);
        for (gone = p->change; gone <= 0 && w->pos < w->end; gone++)
            w->pos += tf_utf8_len((unsigned char)w->src[w->pos]);
    }
}

/* The end of the cluster that begins with the character of `len` bytes. */
static size_t cluster_end(const struct tf_rewrite *w, size_t at, size_t len)
{
    for (at += len; at < w->end; at += len)
        if (!(tf_unicode_flags(tf_utf8_get(w->src + at, &len)) & TF_U_BACKWARD))
            break;
    return at;
}

static void form_piece(struct tf_rewrite *w, const void *arg)
{
    const struct form *form = arg;
    struct cluster k;
    size_t at = w->pos, end, len, span;
    uint32_t flags;

    k.cap = 64;
    k.at = k.own;
    k.spare = k.own + k.cap;
    while (at < w->end) {
        span = tf_ascii_span(w->src + at, w->end - at);
        if (span > 1)
            at += span - 1; /* the last may have a mark after it */
        flags = tf_unicode_flags(tf_utf8_get(w->src + at, &len));
        end = cluster_end(w, at, len);
        if (end == at + len && !(flags & form->changed)) {
            at = end;
            continue;
        }
        tf_rewrite_keep(w, at - w->pos);
        if (!decompose(form, &k, w->src + at, end - at)) {
            w->pre->failed = true;
            break;
        }
        if (form->compose)
            compose(&k);
        emit(w, &k);
        at = w->pos = end;
    }
    if (k.at != k.own)
        free(k.at);
    tf_rewrite_keep(w, w->end - w->pos);
}

/* Is there a character that the form may change? */
static bool may_change(const struct tf_pretext *pre, uint32_t changed)
{
    size_t i = 0, len;

    while ((i += tf_ascii_span(pre->text.s + i, pre->text.len - i)) <
           pre->text.len) {
        if (tf_unicode_flags(tf_utf8_get(pre->text.s + i, &len)) & changed)
            return true;
        i += len;
    }
    return false;
}

static void run(const struct form *form, struct tf_pretext *pre, bool origins)
{
    if (may_change(pre, form->changed | TF_U_BACKWARD))
        tf_rewrite(pre, origins, form_piece, form);
}

void tf_normalize_nfc(const struct tf_normalizer *n, struct tf_pretext *pre,
                      bool origins)
{
    static const struct form nfc = { TF_U_NFC, false, true };

    (void)n;
    run(&nfc, pre, origins);
}

void tf_normalize_nfd(const struct tf_normalizer *n, struct tf_pretext *pre,
                      bool origins)
{
    static const struct form nfd = { TF_U_NFD, false, false };

    (void)n;
    run(&nfd, pre, origins);
}

void tf_normalize_nfkc(const struct tf_normalizer *n, struct tf_pretext *pre,
                       bool origins)
{
    static const struct form nfkc = { TF_U_NFKC, true, true };

    (void)n;
    run(&nfkc, pre, origins);
}

void tf_normalize_nfkd(const struct tf_normalizer *n, struct tf_pretext *pre,
                       bool origins)
{
    static const struct form nfkd = { TF_U_NFKD, true, false };

    (void)n;
    run(&nfkd, pre, origins);
}

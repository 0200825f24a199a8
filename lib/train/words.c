#include "train/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "text/unicode.h"
#include "text/utf8.h"

static void start(struct tf_words *w)
{
    tf_buf_reset(&w->text);
    w->count = 0;
}

/* Python's str.lower() of s, appended. */
static void add_lower(struct tf_buf *b, struct tf_str s)
{
    uint32_t low[2];
    size_t i, k, n, len;
    char *p;

    for (i = 0; i < s.len; i += len) {
        n = tf_unicode_lower(tf_utf8_get(s.s + i, &len), low);
        for (k = 0; k < n && (p = tf_buf_room(b, 4)); k++)
            b->len += tf_utf8_put(p, low[k]);
    }
}

/* Python's str.isspace() */
static bool is_space(uint32_t c)
{
    return (c >= 0x1c && c <= 0x1f) || tf_unicode_flags(c) & TF_U_SPACE;
}

/* Note the blank-separated words of w->text from `from` on, as str.split(). The
 * text is then laid anew with single blanks, so that a run of words is one
 * stretch of bytes. */
static int split(struct tf_words *w, struct tf_err *err)
{
    char *text = w->text.data;
    size_t i, len, begin = 0, to = 0, cap;
    bool inside = false;
    struct tf_str *v;

    if (w->text.failed)
        return tf_no_memory(err, w->text.len);
    for (i = 0; i <= w->text.len; i += len) {
        bool gap = i == w->text.len;

        len = 1;
        if (!gap)
            gap = is_space(tf_utf8_get(text + i, &len));
        if (!gap) {
            if (!inside)
                begin = to;
            inside = true;
            memmove(text + to, text + i, len);
            to += len;
        } else if (inside) {
            inside = false;
            if (w->count == w->cap) {
                cap = w->cap ? 2 * w->cap : 64;
                if (!(v = tf_grow(w->v, cap, sizeof(*v), err)))
                    return -1;
                w->v = v;
                w->cap = cap;
            }
            w->v[w->count++] = (struct tf_str){ text + begin, to - begin };
            if (i < w->text.len)
                text[to++] = ' ';
        }
    }
    return 0;
}

/* Python's \w, as far as \b asks */
static bool is_word(uint32_t c)
{
    return c == '_' || tf_unicode_flags(c) & (TF_U_LETTER | TF_U_NUMBER);
}

/* Length of an article at s[i], or 0: \b(a|an|the)\b. */
static size_t article(const char *s, size_t n, size_t i)
{
    static const char *const articles[] = { "a", "an", "the" };
    size_t k, len, unused;

    if (i && is_word(tf_utf8_get(s + tf_utf8_before(s, i), &unused)))
        return 0;
    for (k = 0; k < 3; k++) {
        len = strlen(articles[k]);
        if (n - i >= len && !memcmp(s + i, articles[k], len) &&
            (n - i == len || !is_word(tf_utf8_get(s + i + len, &unused))))
            return len;
    }
    return 0;
}

static bool is_ascii_punct(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

int tf_words_squad(struct tf_words *w, struct tf_str s, struct tf_err *err)
{
    struct tf_buf low = TF_BUF_INIT;
    size_t i, n = 0, len;

    start(w);
    add_lower(&low, s);
    for (i = 0; i < low.len; i++)
        if (!is_ascii_punct(low.data[i]))
            low.data[n++] = low.data[i];
    for (i = 0; i < n;) {
        if ((len = article(low.data, n, i))) {
            tf_buf_addc(&w->text, ' ');
        } else {
            len = 1;
            tf_buf_addc(&w->text, low.data[i]);
        }
        i += len;
    }
    w->text.failed = w->text.failed || low.failed;
    tf_buf_release(&low);
    return split(w, err);
}

int tf_words_rouge(struct tf_words *w, struct tf_str s, struct tf_err *err)
{
    size_t i;

    start(w);
    add_lower(&w->text, s);
    for (i = 0; i < w->text.len; i++) {
        char c = w->text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            w->text.data[i] = ' ';
    }
    return split(w, err);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_stop(char c)
{
    return c == '.' || c == ',';
}

/* Symbols that always stand alone: all of ASCII's but - ' . , and _ aside. */
static bool is_symbol(char c)
{
    return is_ascii_punct(c) && c != '-' && c != '\'' && c != '.' && c != ',';
}

static void replace(struct tf_buf *to, struct tf_str s, const char *const *map)
{
    size_t i, k, len;

    for (i = 0; i < s.len; i += len) {
        len = 0;
        for (k = 0; map[k] && !len; k += 2)
            if (s.len - i >= strlen(map[k]) &&
                !memcmp(s.s + i, map[k], strlen(map[k]))) {
                len = strlen(map[k]);
                tf_buf_adds(to, map[k + 1]);
            }
        if (!len) {
            len = 1;
            tf_buf_addc(to, s.s[i]);
        }
    }
}

/*
 * One of the scans of the 13a rules: where two neighbours match, a blank goes
 * before the first, between, or behind the second as the rule has it; matches
 * do not overlap. A character's last byte stands for it.
 */
enum rule { BEFORE_STOP, AFTER_STOP, DIGIT_DASH };

static bool matches(enum rule rule, char a, char b)
{
    return rule == BEFORE_STOP  ? !is_digit(a) && is_stop(b)
           : rule == AFTER_STOP ? is_stop(a) && !is_digit(b)
                                : is_digit(a) && b == '-';
}

static void scan(struct tf_buf *b, struct tf_buf *to, enum rule rule)
{
    size_t i;

    tf_buf_reset(to);
    for (i = 0; i < b->len; i++) {
        if (i + 1 < b->len && matches(rule, b->data[i], b->data[i + 1])) {
            if (rule == AFTER_STOP)
                tf_buf_addc(to, ' ');
            tf_buf_addc(to, b->data[i]);
            tf_buf_addc(to, ' ');
            tf_buf_addc(to, b->data[++i]);
            if (rule != AFTER_STOP)
                tf_buf_addc(to, ' ');
        } else {
            tf_buf_addc(to, b->data[i]);
        }
    }
}

int tf_words_13a(struct tf_words *w, struct tf_str s, struct tf_err *err)
{
    static const char *const skipped[] = { "<skipped>", "", NULL };
    static const char *const hyphen[] = { "-\n", "", NULL };
    static const char *const newline[] = { "\n", " ", NULL };
    static const char *const quot[] = { "&quot;", "\"", NULL };
    static const char *const amp[] = { "&amp;", "&", NULL };
    static const char *const lt[] = { "&lt;", "<", NULL };
    static const char *const gt[] = { "&gt;", ">", NULL };
    static const char *const *const maps[] = { skipped, hyphen, newline, quot,
                                               amp,     lt,     gt };
    struct tf_buf a = TF_BUF_INIT, b = TF_BUF_INIT, *from = &a, *to = &b, *t;
    size_t i;

    start(w);
    tf_buf_add(from, s.s, s.len);
    for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        tf_buf_reset(to);
        replace(to, (struct tf_str){ from->data, from->len }, maps[i]);
        t = from;
        from = to;
        to = t;
    }
    tf_buf_reset(to);
    tf_buf_addc(to, ' ');
    for (i = 0; i < from->len; i++) {
        if (is_symbol(from->data[i])) {
            tf_buf_addc(to, ' ');
            tf_buf_addc(to, from->data[i]);
            tf_buf_addc(to, ' ');
        } else {
            tf_buf_addc(to, from->data[i]);
        }
    }
    tf_buf_addc(to, ' ');
    scan(to, from, BEFORE_STOP);
    scan(from, to, AFTER_STOP);
    scan(to, from, DIGIT_DASH);
    tf_buf_add(&w->text, from->data, from->len);
    w->text.failed = w->text.failed || a.failed || b.failed;
    tf_buf_release(&a);
    tf_buf_release(&b);
    return split(w, err);
}

void tf_words_release(struct tf_words *w)
{
    tf_buf_release(&w->text);
    free(w->v);
    *w = (struct tf_words){ 0 };
}

struct tf_str tf_words_run(const struct tf_words *w, size_t i, size_t n)
{
    const char *end = w->v[i + n - 1].s + w->v[i + n - 1].len;

    return (struct tf_str){ w->v[i].s, (size_t)(end - w->v[i].s) };
}

int tf_words_ngrams(const struct tf_words *w, size_t n, struct tf_strmap *out,
                    struct tf_err *err)
{
    struct tf_str run;
    uint32_t old;
    size_t i;

    for (i = 0; i + n <= w->count; i++) {
        run = tf_words_run(w, i, n);
        old = tf_strmap_get(out, run.s, run.len);
        if (tf_strmap_set(out, run.s, run.len,
                          old == TF_STRMAP_NONE ? 1 : old + 1, err))
            return -1;
    }
    return 0;
}

/* What each decoder makes of a list of strings. */
#include <stdlib.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "text/bytelevel.h"
#include "text/decoders.h"

static bool starts_with(struct tf_str s, struct tf_str with)
{
    return s.len >= with.len && (!with.len || !memcmp(s.s, with.s, with.len));
}

static struct tf_str get(const struct tf_strings *s, size_t i)
{
    size_t start = i ? s->end[i - 1] : 0;

    return (struct tf_str){ s->text.data + start, s->end[i] - start };
}

/* End the string that was added to the text. */
static void end_string(struct tf_decoding *x)
{
    struct tf_strings *s = &x->next;
    struct tf_err err;
    size_t cap, *grown;

    if (s->count == s->cap) {
        cap = s->cap ? s->cap * 2 : 64;
        grown = tf_grow(s->end, cap, sizeof(*grown), &err);
        if (!grown) {
            x->failed = true;
            return;
        }
        s->end = grown;
        s->cap = cap;
    }
    s->end[s->count++] = s->text.len;
}

static void add(struct tf_decoding *x, struct tf_str s)
{
    tf_buf_add(&x->next.text, s.s, s.len);
}

void tf_decode_step(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_strings held;
    size_t i;

    for (i = 0; i < d->items.count; i++)
        tf_decode_step(d->items.at[i], x);
    if (!d->run || x->failed)
        return;
    d->run(d, x);
    if (x->next.text.failed)
        x->failed = true;
    held = x->now;
    x->now = x->next;
    x->next = held;
    tf_buf_reset(&x->next.text);
    x->next.count = 0;
}

int tf_decode(const struct tf_decoder *d, const struct tf_str *tokens, size_t n,
              struct tf_buf *out, struct tf_err *err)
{
    struct tf_decoding x = { 0 };
    size_t i;
    int failed = 0;

    if (!d) {
        for (i = 0; i < n; i++) {
            tf_buf_add(out, " ", i > 0);
            tf_buf_add(out, tokens[i].s, tokens[i].len);
        }
        return out->failed ? tf_no_memory(err, out->len) : 0;
    }
    for (i = 0; i < n; i++) {
        add(&x, tokens[i]);
        end_string(&x);
    }
    x.failed = x.failed || x.next.text.failed;
    x.now = x.next;
    memset(&x.next, 0, sizeof(x.next));
    tf_decode_step(d, &x);
    tf_buf_add(out, x.now.text.data, x.now.text.len);
    if (x.pre.failed && x.pre.why)
        failed = tf_fail(err, "%s", x.pre.why);
    else if (x.failed || x.pre.failed || out->failed)
        failed = tf_no_memory(err, x.now.text.len);
    tf_buf_release(&x.now.text);
    tf_buf_release(&x.next.text);
    free(x.now.end);
    free(x.next.end);
    tf_pretext_release(&x.pre);
    return failed;
}

/* Append s with `what` replaced, as Rust's str::replace: an empty string stands
 * before and after every character. */
static void add_replaced(struct tf_buf *out, struct tf_str s,
                         struct tf_str what, struct tf_str with)
{
    size_t i = 0, len;

    while (i < s.len) {
        if (what.len && s.len - i >= what.len &&
            !memcmp(s.s + i, what.s, what.len)) {
            tf_buf_add(out, with.s, with.len);
            i += what.len;
            continue;
        }
        if (!what.len)
            tf_buf_add(out, with.s, with.len);
        len = tf_utf8_len((unsigned char)s.s[i]);
        tf_buf_add(out, s.s + i, len);
        i += len;
    }
    if (!what.len)
        tf_buf_add(out, with.s, with.len);
}

static struct tf_str string(const char *s)
{
    return (struct tf_str){ s, strlen(s) };
}

/* Rewrite text from `start` on: no spaces before punctuation and such. */
static void clean_up(struct tf_buf *text, size_t start)
{
    static const char *const pairs[][2] = {
        { " .", "." },     { " ?", "?" },           { " !", "!" },
        { " ,", "," },     { " ' ", "'" },          { " n't", "n't" },
        { " 'm", "'m" },   { " do not", " don't" }, { " 's", "'s" },
        { " 've", "'ve" }, { " 're", "'re" },
    };
    struct tf_buf copy = TF_BUF_INIT;
    size_t i;

    if (text->failed || !memchr(text->data + start, ' ', text->len - start))
        return;
    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct tf_str all;

        tf_buf_reset(&copy);
        tf_buf_add(&copy, text->data + start, text->len - start);
        all.s = copy.data;
        all.len = copy.len;
        text->len = start;
        add_replaced(text, all, string(pairs[i][0]), string(pairs[i][1]));
    }
    if (copy.failed)
        text->failed = true;
    tf_buf_release(&copy);
}

void tf_decode_wordpiece(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_buf *text = &x->next.text;
    size_t i, start;

    for (i = 0; i < x->now.count; i++) {
        struct tf_str s = get(&x->now, i);

        start = text->len;
        if (i && starts_with(s, d->text)) {
            s.s += d->text.len;
            s.len -= d->text.len;
        } else if (i) {
            tf_buf_addc(text, ' ');
        }
        add(x, s);
        if (d->cleanup)
            clean_up(text, start);
        end_string(x);
    }
}

void tf_decode_ctc(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_buf *text = &x->next.text, copy = TF_BUF_INIT;
    size_t i, start;

    for (i = 0; i < x->now.count; i++) {
        struct tf_str s = get(&x->now, i);

        if (i && tf_str_eq(s, get(&x->now, i - 1)))
            continue;
        start = text->len;
        add_replaced(text, s, d->text, string(""));
        if (d->cleanup) {
            clean_up(text, start);
            tf_buf_reset(&copy);
            tf_buf_add(&copy, text->data + start, text->len - start);
            s.s = copy.data;
            s.len = copy.len;
            text->len = start;
            add_replaced(text, s, d->delimiter, string(" "));
        }
        if (text->len > start)
            end_string(x);
    }
    if (copy.failed)
        x->failed = true;
    tf_buf_release(&copy);
}

void tf_decode_bpe(const struct tf_decoder *d, struct tf_decoding *x)
{
    size_t i;

    for (i = 0; i < x->now.count; i++) {
        add_replaced(&x->next.text, get(&x->now, i), d->text,
                     string(i + 1 < x->now.count ? " " : ""));
        end_string(x);
    }
}

void tf_decode_metaspace(const struct tf_decoder *d, struct tf_decoding *x)
{
    size_t i;

    for (i = 0; i < x->now.count; i++) {
        add_replaced(&x->next.text, get(&x->now, i), d->text,
                     string(i || !d->prefixed ? " " : ""));
        end_string(x);
    }
}

void tf_decode_fuse(const struct tf_decoder *d, struct tf_decoding *x)
{
    (void)d;
    tf_buf_add(&x->next.text, x->now.text.data, x->now.text.len);
    end_string(x);
}

/* A token that has another character than those of bytes is text itself. */
static void add_bytes(struct tf_buf *out, struct tf_str s)
{
    size_t i, len, begun = out->len;
    int byte;

    for (i = 0; i < s.len; i += len) {
        byte = tf_char_byte(tf_utf8_get(s.s + i, &len));
        if (byte < 0)
            break;
        tf_buf_addc(out, (char)byte);
    }
    if (i < s.len) {
        out->len = begun;
        tf_buf_add(out, s.s, s.len);
    }
}

void tf_decode_byte_level(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_buf bytes = TF_BUF_INIT;
    size_t i;

    (void)d;
    for (i = 0; i < x->now.count; i++)
        add_bytes(&bytes, get(&x->now, i));
    tf_utf8_repair(&x->next.text, bytes.data, bytes.len);
    end_string(x);
    if (bytes.failed)
        x->failed = true;
    tf_buf_release(&bytes);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "<0xHH>", or -1. */
static int fallback_byte(struct tf_str s)
{
    int high, low;

    if (s.len != 6 || memcmp(s.s, "<0x", 3) || s.s[5] != '>')
        return -1;
    high = hex(s.s[3]);
    low = hex(s.s[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Bytes that came one after the other: a text, or one U+FFFD for each. */
static void end_bytes(struct tf_decoding *x, struct tf_buf *bytes)
{
    size_t i;

    if (!bytes->len)
        return;
    if (tf_utf8_valid(bytes->data, bytes->len) == bytes->len) {
        tf_buf_add(&x->next.text, bytes->data, bytes->len);
        end_string(x);
    } else {
        for (i = 0; i < bytes->len; i++) {
            tf_buf_adds(&x->next.text, "\xEF\xBF\xBD");
            end_string(x);
        }
    }
    bytes->len = 0;
}

void tf_decode_byte_fallback(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_buf bytes = TF_BUF_INIT;
    size_t i;
    int byte;

    (void)d;
    for (i = 0; i < x->now.count; i++) {
        struct tf_str s = get(&x->now, i);

        byte = fallback_byte(s);
        if (byte >= 0) {
            tf_buf_addc(&bytes, (char)byte);
            continue;
        }
        end_bytes(x, &bytes);
        add(x, s);
        end_string(x);
    }
    end_bytes(x, &bytes);
    if (bytes.failed)
        x->failed = true;
    tf_buf_release(&bytes);
}

void tf_decode_strip(const struct tf_decoder *d, struct tf_decoding *x)
{
    struct tf_str c = d->text;
    size_t i, n;

    for (i = 0; i < x->now.count; i++) {
        struct tf_str s = get(&x->now, i);

        for (n = 0; n < d->start && s.len >= c.len && !memcmp(s.s, c.s, c.len);
             n++) {
            s.s += c.len;
            s.len -= c.len;
        }
        for (n = 0; n < d->stop && s.len >= c.len &&
                    !memcmp(s.s + s.len - c.len, c.s, c.len);
             n++)
            s.len -= c.len;
        add(x, s);
        end_string(x);
    }
}

void tf_decode_replace(const struct tf_decoder *d, struct tf_decoding *x)
{
    size_t i, start, end, from;

    for (i = 0; i < x->now.count; i++) {
        struct tf_str s = get(&x->now, i);
        struct tf_matches m = { &d->pattern, &x->pre, s, 0, SIZE_MAX };

        for (from = 0; s.len && tf_matches_next(&m, &start, &end); from = end) {
            tf_buf_add(&x->next.text, s.s + from, start - from);
            add(x, d->text);
        }
        tf_buf_add(&x->next.text, s.s + from, s.len - from);
        end_string(x);
    }
}

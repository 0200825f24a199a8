/*
 * Brackets and escapes. A class is written as such where PCRE2 can read it,
 * else as an alternation with lookaheads: it knows no class within a class, no
 * intersection, and not the negation of a set that is spelt out.
 */
#include <string.h>
#include "text/regex_class.h"
#include "text/utf8.h"

#define DEPTH_MAX 50

int tf_regex_bad(const struct tf_regex_text *t, const char *why)
{
    int shown = (int)(t->all.len < 200 ? t->all.len : 200);

    return tf_fail(t->err, "regular expression \"%.*s\": %s (at byte %zu)",
                   shown, t->all.s, why, t->at);
}

void tf_regex_literal(struct tf_buf *out, uint32_t c)
{
    char s[4];

    if (c < 0x80 && strchr("\\^$.[]|()?*+{}-#/&~!:<>=,\"'@%`;", (int)c) && c)
        tf_buf_addc(out, '\\');
    if (c <= ' ' || c == 0x7F)
        tf_buf_addf(out, "\\x{%X}", (unsigned)c);
    else
        tf_buf_add(out, s, tf_utf8_put(s, c));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Up to `max` digits of a base; how many there were. */
static size_t number(struct tf_regex_text *t, size_t max, int base, uint32_t *c)
{
    size_t n;
    int digit;

    for (*c = 0, n = 0; n < max && t->at < t->all.len; n++, t->at++) {
        digit = hex_digit(t->all.s[t->at]);
        if (digit < 0 || digit >= base)
            break;
        *c = *c * (uint32_t)base + (uint32_t)digit;
    }
    return n;
}

/* \xHH from 80 on is a byte of a character; the others follow it. */
static int byte_escape(struct tf_regex_text *t, uint32_t *c)
{
    char s[4];
    size_t n, want = tf_utf8_len((unsigned char)*c);
    uint32_t b = *c;

    s[0] = (char)b;
    for (n = 1; n < want; n++) {
        if (t->all.len - t->at < 4 || memcmp(t->all.s + t->at, "\\x", 2))
            return tf_regex_bad(t, "bytes that are no character");
        t->at += 2;
        if (number(t, 2, 16, &b) != 2 || (b & 0xC0) != 0x80)
            return tf_regex_bad(t, "bytes that are no character");
        s[n] = (char)b;
    }
    if (want == 1)
        return tf_regex_bad(t, "bytes that are no character");
    *c = tf_utf8_get(s, &n);
    return 0;
}

static int hex_escape(struct tf_regex_text *t, uint32_t *c)
{
    t->at++;
    if (t->at < t->all.len && t->all.s[t->at] == '{') {
        t->at++;
        if (!number(t, 8, 16, c) || t->at == t->all.len ||
            t->all.s[t->at] != '}')
            return tf_regex_bad(t, "\\x{...} wants hexadecimal digits");
        t->at++;
    } else {
        number(t, 2, 16, c);
        if (*c >= 0x80)
            return byte_escape(t, c);
    }
    return 0;
}

int tf_regex_escape(struct tf_regex_text *t, uint32_t *c)
{
    static const char from[] = "abefnrtv", to[] = "\a\b\033\f\n\r\t\v";
    const char *s = t->all.s + t->at, *p;
    size_t len;
    int bad = 0;

    if (t->at == t->all.len)
        return tf_regex_bad(t, "it ends with a backslash");
    p = strchr(from, *s);
    if (*s && p) {
        *c = (unsigned char)to[p - from];
        t->at++;
    } else if (*s == 'x') {
        bad = hex_escape(t, c);
    } else if (*s == 'u') {
        t->at++;
        if (number(t, 4, 16, c) != 4)
            return tf_regex_bad(t, "\\u wants four hexadecimal digits");
    } else if (*s == '0') {
        number(t, 3, 8, c);
    } else if (*s == 'c' && t->all.len - t->at >= 2) {
        *c = (unsigned char)s[1] & 0x1F;
        t->at += 2;
    } else if (*s && strchr("sSwWdDhHpPRXbBAZzGKkgNOyYCM123456789", *s)) {
        return 1;
    } else {
        *c = tf_utf8_get(s, &len);
        t->at += len;
    }
    if (!bad && (*c > 0x10FFFF || (*c >= 0xD800 && *c < 0xE000)))
        return tf_regex_bad(t, "an escape of what is no character");
    return bad;
}

int tf_regex_set_escape(struct tf_regex_text *t, bool bracketed,
                        struct tf_buf *out, bool *negated)
{
    const char *s = t->all.s + t->at, *close;
    char spelt[2] = { '\\', 0 };
    struct tf_str name = { spelt, 2 };

    if (t->at == t->all.len || !*s || !strchr("sSwWdDhHpP", *s))
        return 1;
    *negated = *s < 'a';
    spelt[1] = (char)(*s | 0x20);
    t->at++;
    if (spelt[1] != 'p')
        return tf_regex_set(t, name, bracketed, out);
    if (t->at == t->all.len || *++s != '{') {
        /* no property: the letter itself */
        tf_buf_addc(out, spelt[1] == t->all.s[t->at - 1] ? 'p' : 'P');
        *negated = false;
        return 0;
    }
    close = memchr(s, '}', t->all.len - t->at);
    if (!close)
        return tf_regex_bad(t, "\\p{ without }");
    name.s = s + 1;
    name.len = (size_t)(close - name.s);
    if (name.len && name.s[0] == '^') {
        *negated = !*negated;
        name.s++;
        name.len--;
    }
    t->at += (size_t)(close + 1 - s);
    return tf_regex_set(t, name, bracketed, out);
}

/* One operand of &&: what stands in brackets, and alternatives to it. */
struct operand {
    struct tf_buf contents, others;
};

static void release(struct operand *o)
{
    tf_buf_release(&o->contents);
    tf_buf_release(&o->others);
}

static void add_other(struct operand *o, const char *before, struct tf_buf *b,
                      const char *after)
{
    tf_buf_adds(&o->others, "|");
    tf_buf_adds(&o->others, before);
    tf_buf_add(&o->others, b->data, b->len);
    tf_buf_adds(&o->others, after);
}

static void write_operand(struct operand *o, struct tf_buf *out)
{
    tf_buf_adds(out, "(?:");
    if (o->contents.len) {
        tf_buf_addc(out, '[');
        tf_buf_add(out, o->contents.data, o->contents.len);
        tf_buf_addc(out, ']');
        tf_buf_add(out, o->others.data, o->others.len);
    } else {
        tf_buf_add(out, o->others.data + 1, o->others.len - 1);
    }
    tf_buf_addc(out, ')');
}

/* A set at the cursor (an escape after its backslash, or [:name:]) that goes
 * into the operand; 1 if there is none. */
static int class_set(struct tf_regex_text *t, struct operand *o)
{
    const char *s = t->all.s + t->at, *close;
    size_t left = t->all.len - t->at, at = t->at;
    struct tf_buf set = TF_BUF_INIT;
    struct tf_str name;
    bool negated = false;
    int status = 1;

    if (left >= 2 && s[0] == '\\') {
        t->at++;
        status = tf_regex_set_escape(t, true, &set, &negated);
    } else if (left >= 4 && s[0] == '[' && s[1] == ':') {
        negated = s[2] == '^';
        name.s = s + 2 + negated;
        close = memchr(name.s, ':', left - 2 - negated);
        if (close && close + 1 < s + left && close[1] == ']') {
            name.len = (size_t)(close - name.s);
            t->at += (size_t)(close + 2 - s);
            /* unlike \p{punct} */
            if (tf_str_is(name, "punct"))
                status = tf_regex_set(t, (struct tf_str){ "S", 1 }, true, &set);
            if (status >= 0)
                status = tf_regex_set(t, name, true, &set);
        }
    }
    if (status == 1)
        t->at = at;
    else if (negated)
        add_other(o, "[^", &set, "]");
    else
        tf_buf_add(&o->contents, set.data, set.len);
    tf_buf_release(&set);
    return status;
}

static int class_char(struct tf_regex_text *t, uint32_t *c)
{
    size_t len;
    int status;

    if (t->all.s[t->at] == '\\') {
        t->at++;
        status = tf_regex_escape(t, c);
        return status == 1 ? tf_regex_bad(t, "this escape in a class") : status;
    }
    *c = tf_utf8_get(t->all.s + t->at, &len);
    t->at += len;
    return 0;
}

/* A character, or the range that it begins. */
static int class_range(struct tf_regex_text *t, struct operand *o)
{
    uint32_t first, last;
    size_t at;

    if (class_char(t, &first))
        return -1;
    tf_regex_literal(&o->contents, first);
    at = t->at;
    if (t->all.len - at < 2 || t->all.s[at] != '-' || t->all.s[at + 1] == ']')
        return 0;
    t->at++;
    if (t->all.s[t->at] == '[')
        return t->at = at, 0;
    if (class_char(t, &last))
        return -1;
    if (last < first)
        return tf_regex_bad(t, "a range in a class runs backwards");
    tf_buf_addc(&o->contents, '-');
    tf_regex_literal(&o->contents, last);
    return 0;
}

static int bracket(struct tf_regex_text *t, struct tf_buf *out, int depth);

/* A class within the class: another alternative. */
static int class_inside(struct tf_regex_text *t, struct operand *o, int depth)
{
    struct tf_buf inner = TF_BUF_INIT;
    int status;

    t->at++;
    status = bracket(t, &inner, depth + 1);
    if (!status)
        add_other(o, "", &inner, "");
    tf_buf_release(&inner);
    return status;
}

/* Everything up to && or the closing bracket. */
static int class_operand(struct tf_regex_text *t, struct operand *o, int depth)
{
    const size_t begun = t->at;
    int status;

    while (t->at < t->all.len) {
        const char *s = t->all.s + t->at;

        if ((*s == ']' && t->at > begun) ||
            (t->all.len - t->at >= 2 && s[0] == '&' && s[1] == '&'))
            break;
        status = class_set(t, o);
        if (status == 1)
            status = *s == '[' ? class_inside(t, o, depth) : class_range(t, o);
        if (status)
            return -1;
    }
    if (t->at == t->all.len)
        return tf_regex_bad(t, "a class without its closing bracket");
    if (!o->contents.len && !o->others.len)
        return tf_regex_bad(t, "an empty class");
    return 0;
}

/* The intersection of operands is each as a lookahead, the last one matched. */
static int operands(struct tf_regex_text *t, struct operand *o,
                    struct tf_buf *out, bool *one, int depth)
{
    for (*one = true;; *one = false) {
        tf_buf_reset(&o->contents);
        tf_buf_reset(&o->others);
        if (class_operand(t, o, depth))
            return -1;
        if (t->all.s[t->at] == ']')
            break;
        t->at += 2;
        tf_buf_adds(out, "(?=");
        write_operand(o, out);
        tf_buf_adds(out, ")");
    }
    t->at++;
    return 0;
}

static int bracket(struct tf_regex_text *t, struct tf_buf *out, int depth)
{
    struct operand last = { TF_BUF_INIT, TF_BUF_INIT };
    struct tf_buf all = TF_BUF_INIT;
    bool negated, one;
    int status;

    if (depth > DEPTH_MAX)
        return tf_regex_bad(t, "classes nested too deeply");
    negated = t->at < t->all.len && t->all.s[t->at] == '^';
    t->at += negated;
    status = operands(t, &last, &all, &one, depth);
    if (!status && one && !last.others.len) {
        tf_buf_adds(out, negated ? "[^" : "[");
        tf_buf_add(out, last.contents.data, last.contents.len);
        tf_buf_addc(out, ']');
    } else if (!status) {
        write_operand(&last, &all);
        tf_buf_adds(out, negated ? "(?:(?!" : "(?:");
        tf_buf_add(out, all.data, all.len);
        tf_buf_adds(out, negated ? ")(?s:.))" : ")");
    }
    release(&last);
    tf_buf_release(&all);
    return status;
}

int tf_regex_bracket(struct tf_regex_text *t, struct tf_buf *out)
{
    return bracket(t, out, 0);
}

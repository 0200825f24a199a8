/* Tokens, and the blanks around tags. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat/jinja_ast.h"
#include "text/utf8.h"

void *tf_jinja_bad(struct tf_jinja_parse *p, const char *fmt, ...)
{
    va_list ap;
    char why[300];

    if (!p->failed) {
        va_start(ap, fmt);
        vsnprintf(why, sizeof(why), fmt, ap);
        va_end(ap);
        tf_fail(p->err, "chat template, line %d: %s", p->line, why);
        p->failed = true;
    }
    p->token.kind = TF_JT_END;
    p->at = p->source.len;
    return NULL;
}

void *tf_jinja_alloc(struct tf_jinja_parse *p, size_t n)
{
    void *out = tf_arena_alloc(p->arena, n ? n : 1, 1);

    if (!out)
        return tf_jinja_bad(p, "no memory");
    memset(out, 0, n);
    return out;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char peek(const struct tf_jinja_parse *p, size_t ahead)
{
    return p->at + ahead < p->source.len ? p->source.s[p->at + ahead] : 0;
}

static bool looking_at(const struct tf_jinja_parse *p, const char *s)
{
    size_t n = strlen(s);

    return p->source.len - p->at >= n && !memcmp(p->source.s + p->at, s, n);
}

/* Pass over n bytes, lines counted. */
static void advance(struct tf_jinja_parse *p, size_t n)
{
    for (; n && p->at < p->source.len; n--)
        p->line += p->source.s[p->at++] == '\n';
}

static void skip_blanks(struct tf_jinja_parse *p)
{
    while (p->at < p->source.len && is_blank(p->source.s[p->at]))
        advance(p, 1);
}

/* The end of a tag, n bytes: its sign, and the blanks that go with it. */
static void end_tag(struct tf_jinja_parse *p, size_t n, bool strip, bool trim)
{
    advance(p, n);
    p->line_start = false;
    if (strip) {
        size_t begun = p->at;

        skip_blanks(p);
        p->line_start = p->at > begun && p->source.s[p->at - 1] == '\n';
    } else if (trim && peek(p, 0) == '\n') {
        advance(p, 1);
        p->line_start = true;
    }
    p->mode = TF_JT_TEXT_MODE;
}

/* Where the next tag begins, or the end of the source. */
static size_t find_tag(const struct tf_jinja_parse *p)
{
    size_t i = p->at;

    for (; i + 1 < p->source.len; i++)
        if (p->source.s[i] == '{' &&
            (p->source.s[i + 1] == '{' || p->source.s[i + 1] == '%' ||
             p->source.s[i + 1] == '#'))
            return i;
    return p->source.len;
}

/* What of the text before a tag at `end` stays. */
static size_t text_end(const struct tf_jinja_parse *p, size_t end)
{
    const char *s = p->source.s;
    size_t i = end;
    char sign;

    if (end == p->source.len)
        return end;
    sign = end + 2 < p->source.len ? s[end + 2] : 0;
    if (sign == '-') {
        while (i > p->at && is_blank(s[i - 1]))
            i--;
        return i;
    }
    if (sign == '+' || s[end + 1] == '{')
        return end;
    while (i > p->at && s[i - 1] != '\n' && is_blank(s[i - 1]))
        i--;
    if (i > p->at ? s[i - 1] == '\n' : p->line_start)
        return i;
    return end;
}

/* A comment at the cursor. */
static void skip_comment(struct tf_jinja_parse *p)
{
    size_t i = p->at + 2;

    for (; i + 1 < p->source.len; i++)
        if (p->source.s[i] == '#' && p->source.s[i + 1] == '}') {
            char sign = p->source.s[i - 1];

            end_tag(p, i + 2 - p->at, sign == '-', sign != '+');
            return;
        }
    tf_jinja_bad(p, "a comment without its end");
}

/* Is "{% name %}" at the cursor? Then its length, and its signs. */
static size_t plain_tag(const struct tf_jinja_parse *p, size_t at,
                        const char *name, char *before, char *after)
{
    const char *s = p->source.s;
    size_t i = at + 2, n = strlen(name), len = p->source.len;

    *before = *after = 0;
    if (len - at < n + 4 || s[at] != '{' || s[at + 1] != '%')
        return 0;
    if (s[i] == '-' || s[i] == '+')
        *before = s[i++];
    while (i < len && is_blank(s[i]))
        i++;
    if (len - i < n || memcmp(s + i, name, n))
        return 0;
    i += n;
    while (i < len && is_blank(s[i]))
        i++;
    if (i < len && (s[i] == '-' || s[i] == '+'))
        *after = s[i++];
    if (len - i < 2 || s[i] != '%' || s[i + 1] != '}')
        return 0;
    return i + 2 - at;
}

static void set_text(struct tf_jinja_parse *p, size_t from, size_t to)
{
    p->token.kind = TF_JT_TEXT;
    p->token.s = (struct tf_str){ p->source.s + from, to - from };
}

/* {% raw %} at the cursor, `n` bytes: a text up to {% endraw %}. */
static void raw(struct tf_jinja_parse *p, size_t n, char after)
{
    size_t from, end, to;
    char sign;

    end_tag(p, n, after == '-', false);
    for (from = end = p->at; end < p->source.len; end++) {
        n = plain_tag(p, end, "endraw", &sign, &after);
        if (!n)
            continue;
        to = text_end(p, end);
        set_text(p, from, to);
        advance(p, end - from);
        end_tag(p, n, after == '-', after != '+');
        return;
    }
    tf_jinja_bad(p, "raw without endraw");
}

static void text_token(struct tf_jinja_parse *p)
{
    size_t tag, end, n;
    char before, after;

    for (;;) {
        tag = find_tag(p);
        end = text_end(p, tag);
        if (end > p->at) {
            set_text(p, p->at, end);
            p->token.line = p->line;
            advance(p, tag - p->at);
            p->line_start = false;
            return;
        }
        advance(p, tag - p->at);
        if (p->at == p->source.len) {
            p->token.kind = TF_JT_END;
            return;
        }
        if (looking_at(p, "{#")) {
            skip_comment(p);
            continue;
        }
        n = plain_tag(p, p->at, "raw", &before, &after);
        if (n) {
            raw(p, n, after);
            return;
        }
        break;
    }
    p->mode = peek(p, 1) == '{' ? TF_JT_VARIABLE : TF_JT_BLOCK;
    p->token.kind =
        peek(p, 1) == '{' ? TF_JT_VARIABLE_BEGIN : TF_JT_BLOCK_BEGIN;
    advance(p, 2);
    if (peek(p, 0) == '-' || peek(p, 0) == '+')
        advance(p, 1);
}

static uint32_t hex_escape(const char *s, size_t n, bool *ok)
{
    uint32_t c = 0;
    char text[9];
    char *end;

    memcpy(text, s, n);
    text[n] = 0;
    c = (uint32_t)strtoul(text, &end, 16);
    *ok = *end == 0 && text[0] != '-' && text[0] != '+' && text[0] != ' ' &&
          c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    return c;
}

/* An escape after its backslash: its character at `out`; how much is read. */
static size_t escape(struct tf_jinja_parse *p, const char *s, size_t left,
                     char **out)
{
    static const char letters[] = "abfnrtv\\'\"",
                      chars[] = "\a\b\f\n\r\t\v\\'\"";
    const char *at = *s ? strchr(letters, *s) : NULL;
    size_t n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    uint32_t c = 0;
    bool ok;

    if (at) {
        *(*out)++ = chars[at - letters];
        return 1;
    }
    if (*s == '\n')
        return 1;
    if (n) {
        if (left <= n) {
            tf_jinja_bad(p, "a string with a broken escape");
            return 1;
        }
        c = hex_escape(s + 1, n, &ok);
        if (!ok)
            tf_jinja_bad(p, "a string with a broken escape");
        else
            *out += tf_utf8_put(*out, c);
        return n + 1;
    }
    if (*s >= '0' && *s <= '7') {
        for (; n < 3 && n < left && s[n] >= '0' && s[n] <= '7'; n++)
            c = c * 8 + (uint32_t)(s[n] - '0');
        *out += tf_utf8_put(*out, c);
        return n;
    }
    *(*out)++ = '\\'; /* as Python: it stays */
    return 0;
}

static void string_token(struct tf_jinja_parse *p)
{
    const char *s = p->source.s + p->at;
    char quote = *s, *out, *text;
    size_t left = p->source.len - p->at, n = 1, i;

    while (n < left && s[n] != quote)
        n += s[n] == '\\' ? 2 : 1;
    if (n >= left) {
        tf_jinja_bad(p, "a string without its end");
        return;
    }
    text = out = tf_jinja_alloc(p, n + 4);
    for (i = 1; text && i < n && !p->failed;) {
        if (s[i] == '\\')
            i += 1 + escape(p, s + i + 1, n - i - 1, &out);
        else
            *out++ = s[i++];
    }
    if (p->failed)
        return;
    advance(p, n + 1);
    p->token.kind = TF_JT_STRING;
    p->token.s = (struct tf_str){ text, (size_t)(out - text) };
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The text of a number without its underscores. */
static size_t number_text(const struct tf_jinja_parse *p, char text[64],
                          bool *real)
{
    bool after_dot = p->at && p->source.s[p->at - 1] == '.'; /* a.0.1 */
    size_t i = 0, n = 0;
    char c;

    *real = false;
    for (;; i++) {
        c = peek(p, i);
        if (c == '.' && !*real && !after_dot && is_digit(peek(p, i + 1)))
            *real = true;
        else if ((c == 'e' || c == 'E') && i &&
                 (is_digit(peek(p, i + 1)) ||
                  ((peek(p, i + 1) == '-' || peek(p, i + 1) == '+') &&
                   is_digit(peek(p, i + 2))))) {
            *real = true;
            if (n + 2 < 64)
                text[n++] = c;
            c = peek(p, ++i);
        } else if (!is_digit(c) && !(c == '_' && is_digit(peek(p, i + 1))))
            break;
        if (c != '_' && n + 2 < 64)
            text[n++] = c;
    }
    text[n] = 0;
    return i;
}

static void number_token(struct tf_jinja_parse *p)
{
    char text[64], *end;
    bool real;
    size_t n;
    char c = peek(p, 1) | 0x20;

    if (peek(p, 0) == '0' && (c == 'x' || c == 'o' || c == 'b')) {
        for (n = 2; n < 60 && strchr("0123456789abcdefABCDEF", peek(p, n)) &&
                    peek(p, n);
             n++)
            text[n - 2] = peek(p, n);
        text[n - 2] = 0;
        real = false;
        p->token.value = tf_jv_int(strtoll(text, &end,
                                           c == 'x'   ? 16
                                           : c == 'o' ? 8
                                                      : 2));
    } else {
        n = number_text(p, text, &real);
        p->token.value = real ? tf_jv_float(strtod(text, &end))
                              : tf_jv_int(strtoll(text, &end, 10));
    }
    if (*end)
        tf_jinja_bad(p, "a number that is none");
    p->token.kind = real ? TF_JT_FLOAT : TF_JT_INT;
    advance(p, n);
}

static bool is_name(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || c == '_' || is_digit(c) ||
           (unsigned char)c >= 0x80;
}

static void operator_token(struct tf_jinja_parse *p)
{
    static const struct {
        const char *s;
        int op;
    } operators[] = {
        { "//", 'F' }, { "**", 'P' }, { "==", '=' }, { "!=", '!' },
        { "<=", 'L' }, { ">=", 'G' }, { "<", '<' },  { ">", '>' },
        { "=", 'A' },  { "+", '+' },  { "-", '-' },  { "*", '*' },
        { "/", '/' },  { "%", '%' },  { "~", '~' },  { ".", '.' },
        { ",", ',' },  { ":", ':' },  { "|", '|' },  { "(", '(' },
        { ")", ')' },  { "[", '[' },  { "]", ']' },  { "{", '{' },
        { "}", '}' },
    };
    size_t i;

    for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (looking_at(p, operators[i].s)) {
            p->token.kind = TF_JT_OPERATOR;
            p->token.op = operators[i].op;
            advance(p, strlen(operators[i].s));
            return;
        }
    tf_jinja_bad(p, "unexpected '%c'", peek(p, 0));
}

/* The end of the tag we are in, if it is here. */
static bool tag_end(struct tf_jinja_parse *p)
{
    bool block = p->mode == TF_JT_BLOCK;
    const char *end = block ? "%}" : "}}";
    char sign = peek(p, 0);
    bool signed_end = (sign == '-' || (sign == '+' && block)) &&
                      peek(p, 1) == end[0] && peek(p, 2) == end[1];

    if (!signed_end && !looking_at(p, end))
        return false;
    p->token.kind = block ? TF_JT_BLOCK_END : TF_JT_VARIABLE_END;
    end_tag(p, signed_end ? 3 : 2, signed_end && sign == '-',
            block && !signed_end);
    return true;
}

void tf_jinja_next(struct tf_jinja_parse *p)
{
    size_t n = 0;

    if (p->failed)
        return;
    p->token.op = 0;
    if (p->mode == TF_JT_TEXT_MODE) {
        p->token.line = p->line;
        text_token(p);
        return;
    }
    skip_blanks(p);
    p->token.line = p->line;
    if (p->at == p->source.len) {
        tf_jinja_bad(p, "the template ends within a tag");
    } else if (p->brackets == 0 && tag_end(p)) {
        ;
    } else if (peek(p, 0) == '\'' || peek(p, 0) == '"') {
        string_token(p);
    } else if (is_digit(peek(p, 0))) {
        number_token(p);
    } else if (is_name(peek(p, 0))) {
        while (is_name(peek(p, n)))
            n++;
        p->token.kind = TF_JT_NAME;
        p->token.s = (struct tf_str){ p->source.s + p->at, n };
        advance(p, n);
    } else {
        operator_token(p);
        if (p->token.op && strchr("([{", p->token.op))
            p->brackets++;
        if (p->token.op && strchr(")]}", p->token.op) && p->brackets)
            p->brackets--;
    }
}

bool tf_jinja_at_op(const struct tf_jinja_parse *p, int op)
{
    return p->token.kind == TF_JT_OPERATOR && p->token.op == op;
}

bool tf_jinja_at_name(const struct tf_jinja_parse *p, const char *name)
{
    return p->token.kind == TF_JT_NAME && tf_str_is(p->token.s, name);
}

bool tf_jinja_skip_op(struct tf_jinja_parse *p, int op)
{
    if (!tf_jinja_at_op(p, op))
        return false;
    tf_jinja_next(p);
    return true;
}

bool tf_jinja_skip_name(struct tf_jinja_parse *p, const char *name)
{
    if (!tf_jinja_at_name(p, name))
        return false;
    tf_jinja_next(p);
    return true;
}

void tf_jinja_expect_op(struct tf_jinja_parse *p, int op)
{
    if (!tf_jinja_skip_op(p, op))
        tf_jinja_bad(p, "expected '%c'", op == 'A' ? '=' : op);
}

/* Filters of strings and numbers. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat/jinja_names.h"
#include "chat/jinja_string.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define FILTER(name)                                                           \
    static struct tf_jv name(struct tf_jinja_run *r, struct tf_jv v,           \
                             const struct tf_jcall *c)

FILTER(filter_abs)
{
    (void)c;
    if (v.type == TF_JV_FLOAT)
        return tf_jv_float(fabs(v.u.f));
    return tf_jv_true(tf_jv_operate(r, '<', v, tf_jv_int(0)))
               ? tf_jv_operate(r, '-', tf_jv_int(0), v)
               : v;
}

/* An attribute, not an item. */
FILTER(filter_attr)
{
    struct tf_str name = tf_jcall_str(r, c, 0, "name", "");

    if (v.type == TF_JV_DICT && !tf_jinja_method(v, name))
        return tf_jv_undefined(name);
    return tf_jv_attribute(r, v, name);
}

FILTER(filter_capitalize)
{
    (void)c;
    return tf_js_case(r, tf_jv_to_str(r, v), TF_JS_CAPITALIZE);
}

FILTER(filter_center)
{
    return tf_jmethod_center(r, tf_jv_str(tf_jv_to_str(r, v)), c);
}

FILTER(filter_default)
{
    (void)r;
    if (v.type == TF_JV_UNDEFINED ||
        (tf_jcall_bool(c, 1, "boolean", false) && !tf_jv_true(v)))
        return tf_jcall_arg(c, 0, "default_value", tf_jv_text(""));
    return v;
}

FILTER(filter_escape)
{
    static const char signs[] = "&<>'\"";
    static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&#39;",
                                         "&#34;" };
    struct tf_str s = tf_jv_to_str(r, v);
    struct tf_buf b = TF_BUF_INIT;
    const char *p;
    size_t i;

    (void)c;
    for (i = 0; i < s.len && tf_jv_step(r, 1); i++) {
        p = s.s[i] ? strchr(signs, s.s[i]) : NULL;
        if (p)
            tf_buf_adds(&b, names[p - signs]);
        else
            tf_buf_addc(&b, s.s[i]);
    }
    return tf_jv_take(r, &b);
}

/* A number's text, without blanks around and underscores between digits;
 * empty if it is too long to be one. */
static void digits(struct tf_jinja_run *r, struct tf_jv v, char text[80])
{
    struct tf_str s =
        tf_js_strip(r, tf_jv_to_str(r, v), tf_jv_none(), true, true);
    size_t i, n = 0;

    for (i = 0; i < s.len && n < 79; i++)
        if (s.s[i] != '_' || !i || i + 1 == s.len || s.s[i - 1] == '_')
            text[n++] = s.s[i];
    text[i == s.len ? n : 0] = 0;
}

static bool read_double(const char *text, double *x)
{
    char *end;

    /* strtod also reads hexadecimal numbers, and NaN with a payload */
    if (!*text || strpbrk(text, "xX()"))
        return false;
    *x = strtod(text, &end);
    return !*end;
}

FILTER(filter_float)
{
    char text[80];
    double x;

    if (tf_jv_number(v, &x))
        return tf_jv_float(x);
    if (v.type == TF_JV_STRING) {
        digits(r, v, text);
        if (read_double(text, &x))
            return tf_jv_float(x);
    }
    return tf_jcall_arg(c, 0, "default", tf_jv_float(0));
}

static bool read_integer(char *text, int64_t base, int64_t *i)
{
    char letter = base == 16 ? 'x' : base == 8 ? 'o' : base == 2 ? 'b' : 0;
    char *p = text + (*text == '-' || *text == '+'), *end;

    if (letter && p[0] == '0' && (p[1] | 0x20) == letter) {
        memmove(p + 1, p + 2, strlen(p + 2) + 1);
    }
    if (strpbrk(text, "xX") || base < 2 || base > 36)
        return false;
    errno = 0;
    *i = strtoll(text, &end, (int)base);
    return *text && !*end && !errno;
}

FILTER(filter_int)
{
    struct tf_jv otherwise = tf_jcall_arg(c, 0, "default", tf_jv_int(0));
    char text[80];
    double x = NAN;
    int64_t i;

    if (tf_jv_integer(v, &i))
        return tf_jv_int(i);
    if (v.type == TF_JV_STRING) {
        digits(r, v, text);
        if (read_integer(text, tf_jcall_int(r, c, 1, "base", 10), &i))
            return tf_jv_int(i);
        if (!read_double(text, &x))
            return otherwise;
    } else if (!tf_jv_number(v, &x)) {
        return otherwise;
    }
    return fabs(x) < 9.2e18 ? tf_jv_int((int64_t)x) : otherwise;
}

FILTER(filter_format)
{
    struct tf_jv args = c->named;
    size_t i;

    if (!args.u.dict->count) {
        args = tf_jv_list(r, true);
        for (i = 0; i < c->count; i++)
            tf_jv_append(r, args, c->at[i]);
    }
    return tf_jv_percent(r, tf_jv_to_str(r, v), args);
}

static void add(struct tf_buf *b, struct tf_str s)
{
    tf_buf_add(b, s.s, s.len);
}

FILTER(filter_indent)
{
    static const char spaces[] = "                                ";
    struct tf_jv width = tf_jcall_arg(c, 0, "width", tf_jv_int(4));
    bool first = tf_jcall_bool(c, 1, "first", false);
    bool blank = tf_jcall_bool(c, 2, "blank", false);
    struct tf_buf b = TF_BUF_INIT;
    struct tf_jv lines, text;
    struct tf_str by = { spaces, 0 };
    size_t i;

    if (width.type == TF_JV_STRING)
        by = width.u.s;
    else
        by = tf_jv_operate(r, '*', tf_jv_text(" "), width).u.s;
    text = tf_jv_operate(r, '~', v, tf_jv_text("\n"));
    if (r->failed)
        return text;
    lines = tf_js_lines(r, text.u.s, false);
    for (i = 0; i < lines.u.list->count && tf_jv_step(r, 1 + by.len / 16);
         i++) {
        struct tf_str line = lines.u.list->items[i].u.s;

        tf_buf_adds(&b, i ? "\n" : "");
        if (i ? blank || line.len : first)
            add(&b, by);
        add(&b, line);
    }
    return tf_jv_take(r, &b);
}

FILTER(filter_lower)
{
    (void)c;
    return tf_js_case(r, tf_jv_to_str(r, v), TF_JS_LOWER);
}

FILTER(filter_replace)
{
    return tf_js_replace(
        r, tf_jv_to_str(r, v),
        tf_jv_to_str(r, tf_jcall_arg(c, 0, "old", tf_jv_text(""))),
        tf_jv_to_str(r, tf_jcall_arg(c, 1, "new", tf_jv_text(""))),
        tf_jcall_int(r, c, 2, "count", -1));
}

/* As Python's round(x, places), to the even one of two as near. */
static double rounded(double x, int64_t places)
{
    char text[400];
    double unit;

    if (!isfinite(x) || places > 30)
        return x;
    if (places >= 0) {
        snprintf(text, sizeof(text), "%.*f", (int)places, x);
        return strtod(text, NULL);
    }
    unit = pow(10, (double)-places);
    return isfinite(unit) ? nearbyint(x / unit) * unit : copysign(0, x);
}

/* The same of an integer, to places before the point. */
static struct tf_jv rounded_integer(struct tf_jinja_run *r, int64_t i,
                                    int64_t places)
{
    int64_t unit = 1, rest;

    for (; places < 0 && unit <= INT64_MAX / 20; places++)
        unit *= 10;
    if (places < 0) /* half a unit is more than any */
        return tf_jv_int(0);
    rest = i % unit;
    if (rest < 0)
        rest += unit;
    if (__builtin_sub_overflow(i, rest, &i) ||
        ((rest > unit / 2 || (rest == unit / 2 && i / unit % 2 != 0)) &&
         unit > 1 && __builtin_add_overflow(i, unit, &i)))
        return tf_jv_fail(r, "a number beyond 64 bits");
    return tf_jv_int(i);
}

FILTER(filter_round)
{
    int64_t places = tf_jcall_int(r, c, 0, "precision", 0);
    struct tf_str how = tf_jcall_str(r, c, 1, "method", "common");
    double x, unit = pow(10, (double)places);
    int64_t i;

    if (!tf_jv_number(v, &x))
        return tf_jv_fail(r, "type %s can't be rounded", tf_jv_type_name(v));
    if (tf_str_is(how, "ceil"))
        return tf_jv_float(ceil(x * unit) / unit);
    if (tf_str_is(how, "floor"))
        return tf_jv_float(floor(x * unit) / unit);
    if (!tf_str_is(how, "common"))
        return tf_jv_fail(r, "method must be common, ceil or floor");
    if (v.type == TF_JV_FLOAT)
        return tf_jv_float(rounded(x, places));
    tf_jv_integer(v, &i);
    return rounded_integer(r, i, places);
}

FILTER(filter_safe)
{
    (void)r;
    (void)c;
    return v;
}

FILTER(filter_string)
{
    (void)c;
    return tf_jv_str(tf_jv_to_str(r, v));
}

static bool begins_word(char c)
{
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' ||
           c == ' ' || (c >= '\t' && c <= '\r');
}

/* Every word: where one begins is Jinja's own rule. */
FILTER(filter_title)
{
    struct tf_str s = tf_jv_to_str(r, v), word;
    struct tf_buf b = TF_BUF_INIT;
    size_t i = 0, first;

    (void)c;
    while (i < s.len && tf_jv_step(r, 1)) {
        if (begins_word(s.s[i])) {
            tf_buf_addc(&b, s.s[i++]);
            continue;
        }
        first = tf_utf8_len((unsigned char)s.s[i]);
        word = (struct tf_str){ s.s + i, first };
        add(&b, tf_js_case(r, word, TF_JS_UPPER).u.s);
        for (i += first; i < s.len && !begins_word(s.s[i]); i++)
            ;
        word.s += first;
        word.len = (size_t)(s.s + i - word.s);
        add(&b, tf_js_case(r, word, TF_JS_LOWER).u.s);
    }
    return tf_jv_take(r, &b);
}

FILTER(filter_tojson)
{
    struct tf_json_style style = { -1, { ", ", 2 }, { ": ", 2 }, false, false };
    struct tf_jv none = tf_jv_none(), separators, item, key;
    struct tf_buf b = TF_BUF_INIT;

    style.ascii = tf_jcall_bool(c, 0, "ensure_ascii", false);
    style.indent = tf_jcall_int(r, c, 1, "indent", -1);
    style.sort = tf_jcall_bool(c, 3, "sort_keys", false);
    if (style.indent > 64)
        return tf_jv_fail(r, "an indent of %lld", (long long)style.indent);
    if (style.indent >= 0)
        style.item.len = 1;
    separators = tf_jcall_arg(c, 2, "separators", none);
    if (separators.type != TF_JV_NONE) {
        item = tf_jv_item(r, separators, tf_jv_int(0));
        key = tf_jv_item(r, separators, tf_jv_int(1));
        if (item.type != TF_JV_STRING || key.type != TF_JV_STRING)
            return tf_jv_fail(r, "separators must be two strings");
        style.item = item.u.s;
        style.key = key.u.s;
    }
    tf_jv_json(r, v, &style, 0, &b);
    return tf_jv_take(r, &b);
}

FILTER(filter_trim)
{
    return tf_jv_str(tf_js_strip(r, tf_jv_to_str(r, v),
                                 tf_jcall_arg(c, 0, "chars", tf_jv_none()),
                                 true, true));
}

/* To `length` characters with the end's; between words, unless they may be
 * cut. */
FILTER(filter_truncate)
{
    struct tf_jv text = tf_jv_str(tf_jv_to_str(r, v)), none = tf_jv_none();
    int64_t length = tf_jcall_int(r, c, 0, "length", 255);
    struct tf_str end = tf_jcall_str(r, c, 2, "end", "...");
    int64_t leeway = tf_jcall_int(r, c, 3, "leeway", 5);
    int64_t rest = length - tf_jv_length(r, tf_jv_str(end));
    size_t at;

    if (rest < 0 || leeway < 0)
        return tf_jv_fail(r, "expected length >= %zu, got %lld", end.len,
                          (long long)length);
    if (tf_jv_length(r, text) <= length + leeway)
        return text;
    text = tf_jv_slice(r, text, none, tf_jv_int(rest), none);
    if (!tf_jcall_bool(c, 1, "killwords", false) && !r->failed) {
        at = tf_js_find_last(r, text.u.s, (struct tf_str){ " ", 1 });
        if (at != TF_JS_NOWHERE)
            text.u.s.len = at;
    }
    return tf_jv_operate(r, '~', text, tf_jv_str(end));
}

FILTER(filter_upper)
{
    (void)c;
    return tf_js_case(r, tf_jv_to_str(r, v), TF_JS_UPPER);
}

static void quote(struct tf_str s, bool query, struct tf_buf *b)
{
    static const char safe[] = "_.-~";
    size_t i;

    for (i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.s[i];

        if ((unsigned char)((ch | 0x20) - 'a') < 26 ||
            (unsigned char)(ch - '0') < 10 || (ch && strchr(safe, ch)) ||
            (ch == '/' && !query))
            tf_buf_addc(b, (char)ch);
        else if (ch == ' ' && query)
            tf_buf_addc(b, '+');
        else
            tf_buf_addf(b, "%%%02X", ch);
    }
}

FILTER(filter_urlencode)
{
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    (void)c;
    if (v.type != TF_JV_DICT)
        quote(tf_jv_to_str(r, v), false, &b);
    else
        for (i = 0; i < v.u.dict->count && tf_jv_step(r, 1); i++) {
            tf_buf_adds(&b, i ? "&" : "");
            quote(tf_jv_to_str(r, v.u.dict->keys[i]), true, &b);
            tf_buf_addc(&b, '=');
            quote(tf_jv_to_str(r, v.u.dict->values[i]), true, &b);
        }
    return tf_jv_take(r, &b);
}

FILTER(filter_wordcount)
{
    struct tf_str s = tf_jv_to_str(r, v);
    bool within = false, word;
    int64_t n = 0;
    size_t i, len;

    (void)c;
    for (i = 0; i < s.len && tf_jv_step(r, 1); i += len, within = word) {
        word = tf_unicode_flags(tf_utf8_get(s.s + i, &len)) & TF_U_WORD;
        n += word && !within;
    }
    return tf_jv_int(n);
}

const struct tf_jfilter *tf_jinja_filter(struct tf_str name)
{
    static const struct tf_jfilter filters[] = {
        { "abs", filter_abs },
        { "attr", filter_attr },
        { "capitalize", filter_capitalize },
        { "center", filter_center },
        { "d", filter_default },
        { "default", filter_default },
        { "e", filter_escape },
        { "escape", filter_escape },
        { "float", filter_float },
        { "format", filter_format },
        { "indent", filter_indent },
        { "int", filter_int },
        { "lower", filter_lower },
        { "replace", filter_replace },
        { "round", filter_round },
        { "safe", filter_safe },
        { "string", filter_string },
        { "title", filter_title },
        { "tojson", filter_tojson },
        { "trim", filter_trim },
        { "truncate", filter_truncate },
        { "upper", filter_upper },
        { "urlencode", filter_urlencode },
        { "wordcount", filter_wordcount },
    };
    size_t i;

    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        if (tf_str_is(name, filters[i].name))
            return &filters[i];
    return tf_jinja_list_filter(name);
}

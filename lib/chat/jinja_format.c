/* Python's two ways to format: "%5.1f" % x and "{:5.1f}".format(x). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "chat/jinja_names.h"
#include "text/utf8.h"

#define PRECISION_MAX 500
#define WIDTH_MAX     1000000

struct format {
    struct tf_str fill;
    char align; /* < > ^ =, or 0 for the type's own */
    char sign;  /* + or blank, or 0 */
    bool alternate;
    int64_t width;
    int64_t precision; /* -1 for none */
    char group;        /* , or _, or 0 */
    char type;         /* or 0 */
};

static const struct format plain = { .fill = { " ", 1 }, .precision = -1 };

/* A format string that is read. */
struct reader {
    struct tf_jinja_run *r;
    struct tf_str s;
    size_t at;
};

static char peek(const struct reader *in)
{
    return in->at < in->s.len ? in->s.s[in->at] : 0;
}

static int64_t number(struct reader *in, int64_t otherwise)
{
    int64_t n = 0;
    size_t begun = in->at;

    for (; peek(in) >= '0' && peek(in) <= '9'; in->at++) {
        n = n * 10 + (peek(in) - '0');
        if (n > WIDTH_MAX) {
            tf_jv_fail(in->r, "Too many decimal digits in format string");
            return otherwise;
        }
    }
    return in->at > begun ? n : otherwise;
}

/* A number's text with a separator between groups of three digits. */
static void put_grouped(struct tf_buf *out, const char *s, char group)
{
    size_t i, n = strspn(s, "0123456789");

    for (i = 0; i < n; i++) {
        if (group && i && (n - i) % 3 == 0)
            tf_buf_addc(out, group);
        tf_buf_addc(out, s[i]);
    }
    tf_buf_adds(out, s + n);
}

static void put_binary(struct tf_buf *out, uint64_t u)
{
    int bit = 63;

    while (bit && !(u >> bit))
        bit--;
    for (; bit >= 0; bit--)
        tf_buf_addc(out, u >> bit & 1 ? '1' : '0');
}

static void put_integer(struct tf_jinja_run *r, const struct format *f,
                        uint64_t u, struct tf_buf *out)
{
    static const char types[] = "xXob", *const prefix[] = { "0x", "0X", "0o",
                                                            "0b" };
    const char *p = f->type ? strchr(types, f->type) : NULL;
    char text[32];
    unsigned long long n = u;

    if (p && f->alternate)
        tf_buf_adds(out, prefix[p - types]);
    if (f->type == 'b') {
        put_binary(out, u);
        return;
    }
    if (f->type == 'x')
        snprintf(text, sizeof(text), "%llx", n);
    else if (f->type == 'X')
        snprintf(text, sizeof(text), "%llX", n);
    else if (f->type == 'o')
        snprintf(text, sizeof(text), "%llo", n);
    else if (!f->type || strchr("dinu", f->type))
        snprintf(text, sizeof(text), "%llu", n);
    else {
        tf_jv_fail(r, "Unknown format code '%c' for object of type 'int'",
                   f->type);
        return;
    }
    put_grouped(out, text, f->group);
}

static void put_real(struct tf_jinja_run *r, const struct format *f, double x,
                     struct tf_buf *out)
{
    char text[PRECISION_MAX + 400], spec[] = "%.*f";
    bool percent = f->type == '%';
    int precision = f->precision < 0 ? 6 : (int)f->precision;

    if (precision > PRECISION_MAX) {
        tf_jv_fail(r, "a precision of %d digits", precision);
        return;
    }
    if (!f->type && f->precision < 0 && isfinite(x)) {
        struct tf_buf b = TF_BUF_INIT;

        tf_put_double(&b, x);
        put_grouped(out, tf_buf_cstr(&b), f->group);
        tf_buf_release(&b);
        return;
    }
    if (f->type && !strchr("eEfFgGn%", f->type)) {
        tf_jv_fail(r, "Unknown format code '%c' for object of type 'float'",
                   f->type);
        return;
    }
    spec[3] = percent ? 'f' : !f->type || f->type == 'n' ? 'g' : f->type;
    snprintf(text, sizeof(text), spec, precision, percent ? x * 100 : x);
    put_grouped(out, text, f->group);
    if (!f->type && isfinite(x) && !strpbrk(text, ".e"))
        tf_buf_adds(out, ".0");
    if (percent)
        tf_buf_addc(out, '%');
}

static void put_fill(struct tf_jinja_run *r, const struct format *f, int64_t n,
                     struct tf_buf *out)
{
    for (; n > 0 && tf_jv_step(r, 1); n--)
        tf_buf_add(out, f->fill.s, f->fill.len);
}

/* A sign (or nothing) and a body, in their width. */
static void put_padded(struct tf_jinja_run *r, const struct format *f,
                       const char *sign, struct tf_str body, char align,
                       struct tf_buf *out)
{
    int64_t n =
        f->width - (int64_t)strlen(sign) - tf_jv_length(r, tf_jv_str(body));

    if (f->align)
        align = f->align;
    if (n < 0)
        n = 0;
    put_fill(r, f, align == '>' ? n : align == '^' ? n / 2 : 0, out);
    tf_buf_adds(out, sign);
    put_fill(r, f, align == '=' ? n : 0, out);
    tf_buf_add(out, body.s, body.len);
    put_fill(r, f, align == '<' ? n : align == '^' ? n - n / 2 : 0, out);
}

static void put_number(struct tf_jinja_run *r, const struct format *f,
                       struct tf_jv v, struct tf_buf *out)
{
    struct tf_buf b = TF_BUF_INIT;
    bool real =
        v.type == TF_JV_FLOAT || (f->type && strchr("eEfFgG%", f->type));
    int64_t i = 0;
    double x = 0;
    bool negative;
    char sign[2] = { f->sign, 0 };

    tf_jv_number(v, &x);
    tf_jv_integer(v, &i);
    negative = real ? signbit(x) != 0 : i < 0;
    if (negative)
        sign[0] = '-';
    if (real)
        put_real(r, f, negative ? -x : x, &b);
    else
        put_integer(r, f, negative ? -(uint64_t)i : (uint64_t)i, &b);
    put_padded(r, f, sign, (struct tf_str){ b.data, b.len }, '>', out);
    tf_buf_release(&b);
}

/* str(v), cut to the precision in characters. */
static void put_string(struct tf_jinja_run *r, const struct format *f,
                       struct tf_str s, char align, struct tf_buf *out)
{
    int64_t n = 0;
    size_t i;

    for (i = 0; f->precision >= 0 && i < s.len; n++) {
        if (n == f->precision) {
            s.len = i;
            break;
        }
        i += tf_utf8_len((unsigned char)s.s[i]);
    }
    put_padded(r, f, "", s, align, out);
}

static void put_character(struct tf_jinja_run *r, const struct format *f,
                          struct tf_jv v, struct tf_buf *out)
{
    char text[4];
    int64_t i;

    if (v.type == TF_JV_STRING && tf_jv_length(r, v) == 1) {
        put_string(r, f, v.u.s, '>', out);
    } else if (tf_jv_integer(v, &i) && i >= 0 && i <= 0x10FFFF &&
               (i < 0xD800 || i > 0xDFFF)) {
        put_string(r, f,
                   (struct tf_str){ text, tf_utf8_put(text, (uint32_t)i) }, '>',
                   out);
    } else {
        tf_jv_fail(r, "%%c requires a character");
    }
}

static struct tf_str repr(struct tf_jinja_run *r, struct tf_jv v)
{
    struct tf_buf b = TF_BUF_INIT;

    tf_jv_repr(r, v, &b);
    return tf_jv_take(r, &b).u.s;
}

/* The flags, width and precision after a percent sign. */
static struct format read_percent(struct reader *in)
{
    struct format f = plain;

    for (; peek(in) && strchr("-+ #0", peek(in)); in->at++) {
        if (peek(in) == '-') {
            f.align = '<';
        } else if (peek(in) == '#') {
            f.alternate = true;
        } else if (peek(in) == '0' && f.align != '<') {
            f.align = '=';
            f.fill = (struct tf_str){ "0", 1 };
        } else if (peek(in) == '+' || (peek(in) == ' ' && !f.sign)) {
            f.sign = peek(in);
        }
    }
    if (f.align == '<')
        f.fill = plain.fill;
    f.width = number(in, 0);
    if (peek(in) == '.') {
        in->at++;
        f.precision = number(in, 0);
    }
    while (peek(in) && strchr("hlL", peek(in)))
        in->at++;
    f.type = peek(in);
    if (in->at < in->s.len)
        in->at++;
    return f;
}

static void put_percent(struct tf_jinja_run *r, struct format f, struct tf_jv v,
                        struct tf_buf *out)
{
    double x;

    if (f.type == 's' || f.type == 'r' || f.type == 'a') {
        if (f.align == '=') {
            f.align = '>';
            f.fill = plain.fill;
        }
        put_string(r, &f, f.type == 's' ? tf_jv_to_str(r, v) : repr(r, v), '>',
                   out);
    } else if (f.type == 'c') {
        put_character(r, &f, v, out);
    } else if (!f.type || !strchr("diueEfFgGxXo", f.type)) {
        tf_jv_fail(r, "unsupported format character '%c'", f.type);
    } else if (!tf_jv_number(v, &x)) {
        tf_jv_fail(r, "%%%c format: a real number is required, not %s", f.type,
                   tf_jv_type_name(v));
    } else {
        if (strchr("diu", f.type)) {
            if (v.type == TF_JV_FLOAT && fabs(x) >= 9e18)
                tf_jv_fail(r, "a number beyond 64 bits");
            else if (v.type == TF_JV_FLOAT)
                v = tf_jv_int((int64_t)x);
            f.precision = -1;
        }
        put_number(r, &f, v, out);
    }
}

/* The value that a conversion is of: of a name in parentheses, or the next. */
static struct tf_jv percent_value(struct reader *in, struct tf_jv values,
                                  size_t *used)
{
    struct tf_jinja_run *r = in->r;
    struct tf_jv key, *found;
    size_t begin = ++in->at;

    if (peek(in) != '(') {
        if (values.type == TF_JV_TUPLE && *used < values.u.list->count)
            return values.u.list->items[(*used)++];
        if (values.type == TF_JV_TUPLE || *used)
            return tf_jv_fail(r, "not enough arguments for format string");
        ++*used;
        return values;
    }
    begin++;
    while (peek(in) && peek(in) != ')')
        in->at++;
    if (!peek(in) || values.type != TF_JV_DICT)
        return tf_jv_fail(r, "format requires a mapping");
    key = tf_jv_str((struct tf_str){ in->s.s + begin, in->at++ - begin });
    found = tf_jv_find(r, values, key);
    if (!found)
        return tf_jv_fail(r, "no value of the name '%.*s' to format",
                          key.u.s.len < 60 ? (int)key.u.s.len : 60, key.u.s.s);
    return *found;
}

struct tf_jv tf_jv_percent(struct tf_jinja_run *r, struct tf_str format,
                           struct tf_jv values)
{
    struct reader in = { r, format, 0 };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_jv v;
    size_t used = 0;

    for (; in.at < format.len && tf_jv_step(r, 1);) {
        if (peek(&in) != '%') {
            tf_buf_addc(&out, format.s[in.at++]);
        } else if (in.at + 1 < format.len && format.s[in.at + 1] == '%') {
            tf_buf_addc(&out, '%');
            in.at += 2;
        } else {
            v = percent_value(&in, values, &used);
            put_percent(r, read_percent(&in), v, &out);
        }
    }
    if (values.type == TF_JV_TUPLE  ? used < values.u.list->count
        : values.type == TF_JV_DICT ? false
                                    : !used)
        tf_jv_fail(r, "not all arguments converted during string formatting");
    return tf_jv_take(r, &out);
}

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static struct format read_spec(struct reader *in)
{
    struct format f = plain;
    size_t n = in->s.len ? tf_utf8_len((unsigned char)peek(in)) : 0;

    if (n < in->s.len && strchr("<>^=", in->s.s[n])) {
        f.fill = (struct tf_str){ in->s.s, n };
        f.align = in->s.s[n];
        in->at = n + 1;
    } else if (peek(in) && strchr("<>^=", peek(in))) {
        f.align = in->s.s[in->at++];
    }
    if (peek(in) && strchr("+- ", peek(in))) {
        f.sign = peek(in) == '-' ? 0 : peek(in);
        in->at++;
    }
    if (peek(in) == '#') {
        f.alternate = true;
        in->at++;
    }
    if (peek(in) == '0') {
        if (!f.align) {
            f.align = '=';
            f.fill = (struct tf_str){ "0", 1 };
        }
        in->at++;
    }
    f.width = number(in, 0);
    if (peek(in) == ',' || peek(in) == '_')
        f.group = in->s.s[in->at++];
    if (peek(in) == '.') {
        in->at++;
        f.precision = number(in, 0);
    }
    f.type = peek(in);
    if (in->at + (f.type != 0) != in->s.len)
        tf_jv_fail(in->r, "Invalid format specifier '%.*s'",
                   in->s.len < 60 ? (int)in->s.len : 60, in->s.s);
    return f;
}

static void put_formatted(struct tf_jinja_run *r, struct tf_jv v,
                          struct tf_str spec, struct tf_buf *out)
{
    struct reader in = { r, spec, 0 };
    struct format f = read_spec(&in);
    double x;

    if (!spec.len) {
        tf_jv_print(r, v, out);
    } else if (v.type == TF_JV_STRING && (!f.type || f.type == 's')) {
        if (f.align == '=')
            f.align = '<';
        put_string(r, &f, v.u.s, '<', out);
    } else if (f.type == 'c') {
        put_character(r, &f, v, out);
    } else if (tf_jv_number(v, &x)) {
        put_number(r, &f, v, out);
    } else {
        tf_jv_fail(r, "unsupported format string passed to %s.__format__",
                   tf_jv_type_name(v));
    }
}

/* The end of a name or a number in a field. */
static struct tf_str word(struct reader *in, const char *ends)
{
    size_t begin = in->at;

    while (in->at < in->s.len && !strchr(ends, in->s.s[in->at]))
        in->at++;
    return (struct tf_str){ in->s.s + begin, in->at - begin };
}

static bool is_number(struct tf_str s, int64_t *out)
{
    size_t i;

    for (*out = 0, i = 0; i < s.len && i < 9; i++) {
        if (s.s[i] < '0' || s.s[i] > '9')
            return false;
        *out = *out * 10 + (s.s[i] - '0');
    }
    return i && i == s.len;
}

/* The value of a field: its name or place, then attributes and items. */
static struct tf_jv field(struct reader *in, const struct tf_jcall *c,
                          size_t *next)
{
    struct tf_str name = word(in, ".[!:}");
    struct tf_jv v, *found = tf_jv_find(in->r, c->named, tf_jv_str(name));
    int64_t i = (int64_t)*next;

    if (!name.len)
        ++*next;
    if (!name.len || is_number(name, &i)) {
        if ((size_t)i >= c->count)
            return tf_jv_fail(in->r, "no argument %lld for the format string",
                              (long long)i);
        v = c->at[i];
    } else if (found) {
        v = *found;
    } else {
        return tf_jv_fail(in->r, "no argument '%.*s' for the format string",
                          name.len < 60 ? (int)name.len : 60, name.s);
    }
    while (peek(in) == '.' || peek(in) == '[') {
        if (in->s.s[in->at++] == '.') {
            v = tf_jv_attribute(in->r, v, word(in, ".[!:}"));
            continue;
        }
        name = word(in, "]");
        in->at += peek(in) == ']';
        v = tf_jv_item(in->r, v,
                       is_number(name, &i) ? tf_jv_int(i) : tf_jv_str(name));
    }
    return v;
}

static void format(struct tf_jinja_run *r, struct tf_str s,
                   const struct tf_jcall *c, size_t *next, int level,
                   struct tf_buf *out);

/* After a brace: {name!r:specification} */
static void put_field(struct reader *in, const struct tf_jcall *c, size_t *next,
                      int level, struct tf_buf *out)
{
    struct tf_jinja_run *r = in->r;
    struct tf_buf spec = TF_BUF_INIT;
    struct tf_jv v = field(in, c, next);
    size_t begin, open = 0;

    if (peek(in) == '!') {
        if (in->at + 1 < in->s.len && in->s.s[in->at + 1] == 'r')
            v = tf_jv_str(repr(r, v));
        else
            v = tf_jv_str(tf_jv_to_str(r, v));
        in->at += in->at + 1 < in->s.len ? 2 : 1;
    }
    if (peek(in) == ':') {
        begin = ++in->at;
        for (; in->at < in->s.len && (open || peek(in) != '}'); in->at++)
            open += (peek(in) == '{') - (size_t)(peek(in) == '}');
        format(r, (struct tf_str){ in->s.s + begin, in->at - begin }, c, next,
               level + 1, &spec);
    }
    if (peek(in) != '}')
        tf_jv_fail(r, "expected '}' before end of string");
    in->at++;
    if (!r->failed)
        put_formatted(r, v, tf_jv_take(r, &spec).u.s, out);
    tf_buf_release(&spec);
}

static void format(struct tf_jinja_run *r, struct tf_str s,
                   const struct tf_jcall *c, size_t *next, int level,
                   struct tf_buf *out)
{
    struct reader in = { r, s, 0 };

    if (level > 2)
        tf_jv_fail(r, "Max string recursion exceeded");
    while (in.at < s.len && tf_jv_step(r, 1)) {
        char at = s.s[in.at++];

        if ((at == '{' || at == '}') && peek(&in) == at) {
            tf_buf_addc(out, at);
            in.at++;
        } else if (at == '{') {
            put_field(&in, c, next, level, out);
        } else if (at == '}') {
            tf_jv_fail(r, "Single '}' encountered in format string");
        } else {
            tf_buf_addc(out, at);
        }
    }
}

struct tf_jv tf_jv_format(struct tf_jinja_run *r, struct tf_jv text,
                          const struct tf_jcall *c)
{
    struct tf_buf out = TF_BUF_INIT;
    size_t next = 0;

    format(r, text.u.s, c, &next, 0, &out);
    return tf_jv_take(r, &out);
}

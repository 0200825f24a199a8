/* Values as text: str(), repr() and json.dumps(); and read from JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "chat/jinja_value.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define DEPTH_MAX 100

static void print_float(struct tf_buf *out, double f, bool json)
{
    if (isfinite(f))
        tf_put_double(out, f);
    else if (isnan(f))
        tf_buf_adds(out, json ? "NaN" : "nan");
    else if (json)
        tf_buf_adds(out, f > 0 ? "Infinity" : "-Infinity");
    else
        tf_buf_adds(out, f > 0 ? "inf" : "-inf");
}

/* Characters that Python's repr writes as themselves. */
static bool printable(uint32_t c)
{
    uint32_t f = tf_unicode_flags(c);

    if (c < 0x80)
        return c >= 0x20 && c != 0x7F;
    return f & (TF_U_LETTER | TF_U_MARK | TF_U_NUMBER | TF_U_PUNCTUATION |
                TF_U_SYMBOL);
}

static void repr_string(struct tf_str s, struct tf_buf *out)
{
    bool has_single = s.len && memchr(s.s, '\'', s.len);
    char quote = has_single && !memchr(s.s, '"', s.len) ? '"' : '\'';
    size_t i, len;
    uint32_t c;

    tf_buf_addc(out, quote);
    for (i = 0; i < s.len; i += len) {
        c = tf_utf8_get(s.s + i, &len);
        if (c == (uint32_t)quote || c == '\\')
            tf_buf_addf(out, "\\%c", (int)c);
        else if (c == '\n' || c == '\r' || c == '\t')
            tf_buf_addf(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (printable(c))
            tf_buf_add(out, s.s + i, len);
        else if (c < 0x100)
            tf_buf_addf(out, "\\x%02x", (unsigned)c);
        else
            tf_buf_addf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
    }
    tf_buf_addc(out, quote);
}

static void repr_list(struct tf_jinja_run *r, struct tf_jv v,
                      struct tf_buf *out)
{
    bool tuple = v.type == TF_JV_TUPLE;
    size_t i;

    tf_buf_addc(out, tuple ? '(' : '[');
    for (i = 0; i < v.u.list->count && !r->failed; i++) {
        tf_buf_adds(out, i ? ", " : "");
        tf_jv_repr(r, v.u.list->items[i], out);
    }
    if (tuple && v.u.list->count == 1)
        tf_buf_addc(out, ',');
    tf_buf_addc(out, tuple ? ')' : ']');
}

static void repr_dict(struct tf_jinja_run *r, struct tf_jv v,
                      struct tf_buf *out)
{
    size_t i;

    tf_buf_addc(out, '{');
    for (i = 0; i < v.u.dict->count && !r->failed; i++) {
        tf_buf_adds(out, i ? ", " : "");
        tf_jv_repr(r, v.u.dict->keys[i], out);
        tf_buf_adds(out, ": ");
        tf_jv_repr(r, v.u.dict->values[i], out);
    }
    tf_buf_addc(out, '}');
}

void tf_jv_repr(struct tf_jinja_run *r, struct tf_jv v, struct tf_buf *out)
{
    if (++r->nesting > DEPTH_MAX)
        tf_jv_fail(r, "a value is nested too deeply");
    if (tf_jv_step(r, 1 + (v.type == TF_JV_STRING ? v.u.s.len / 16 : 0)))
        switch (v.type) {
        case TF_JV_STRING:
            repr_string(v.u.s, out);
            break;
        case TF_JV_LIST:
        case TF_JV_TUPLE:
            repr_list(r, v, out);
            break;
        case TF_JV_DICT:
            repr_dict(r, v, out);
            break;
        case TF_JV_UNDEFINED:
            tf_buf_adds(out, "Undefined");
            break;
        default:
            tf_jv_print(r, v, out);
        }
    r->nesting--;
}

void tf_jv_print(struct tf_jinja_run *r, struct tf_jv v, struct tf_buf *out)
{
    switch (v.type) {
    case TF_JV_UNDEFINED:
        break;
    case TF_JV_NONE:
        tf_buf_adds(out, "None");
        break;
    case TF_JV_BOOL:
        tf_buf_adds(out, v.u.b ? "True" : "False");
        break;
    case TF_JV_INT:
        tf_put_int(out, v.u.i);
        break;
    case TF_JV_FLOAT:
        print_float(out, v.u.f, false);
        break;
    case TF_JV_STRING:
        if (tf_jv_step(r, v.u.s.len / 16))
            tf_buf_add(out, v.u.s.s, v.u.s.len);
        break;
    case TF_JV_LIST:
    case TF_JV_TUPLE:
    case TF_JV_DICT:
        tf_jv_repr(r, v, out);
        break;
    default:
        tf_buf_addf(out, "<%s>", tf_jv_type_name(v));
    }
}

struct tf_str tf_jv_to_str(struct tf_jinja_run *r, struct tf_jv v)
{
    struct tf_buf b = TF_BUF_INIT;

    if (v.type == TF_JV_STRING)
        return v.u.s;
    tf_jv_print(r, v, &b);
    return tf_jv_take(r, &b).u.s;
}

static void json_string(struct tf_str s, bool ascii, struct tf_buf *out)
{
    size_t i, len;
    uint32_t c;

    tf_buf_addc(out, '"');
    for (i = 0; i < s.len; i += len) {
        static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *p;

        c = tf_utf8_get(s.s + i, &len);
        p = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
        if (p)
            tf_buf_addf(out, "\\%c", letter[p - plain]);
        else if (c < 0x20 || (ascii && c >= 0x7F && c < 0x10000))
            tf_buf_addf(out, "\\u%04x", (unsigned)c);
        else if (ascii && c >= 0x10000)
            tf_buf_addf(out, "\\u%04x\\u%04x",
                        (unsigned)(0xD800 + ((c - 0x10000) >> 10)),
                        (unsigned)(0xDC00 + ((c - 0x10000) & 0x3FF)));
        else
            tf_buf_add(out, s.s + i, len);
    }
    tf_buf_addc(out, '"');
}

/* The line break before an item, or the end, of a container. */
static void json_break(const struct tf_json_style *style, int level,
                       struct tf_buf *out)
{
    int64_t n;

    if (style->indent < 0)
        return;
    tf_buf_addc(out, '\n');
    for (n = style->indent * level; n > 0; n--)
        tf_buf_addc(out, ' ');
}

static void json_key(struct tf_jinja_run *r, struct tf_jv key, bool ascii,
                     struct tf_buf *out)
{
    struct tf_buf b = TF_BUF_INIT;

    if (key.type == TF_JV_STRING) {
        json_string(key.u.s, ascii, out);
        return;
    }
    if (key.type == TF_JV_BOOL)
        tf_buf_adds(&b, key.u.b ? "true" : "false");
    else if (key.type == TF_JV_NONE)
        tf_buf_adds(&b, "null");
    else if (key.type == TF_JV_INT || key.type == TF_JV_FLOAT)
        tf_jv_print(r, key, &b);
    else
        tf_jv_fail(r, "keys of JSON must be strings, not %s",
                   tf_jv_type_name(key));
    json_string((struct tf_str){ b.data, b.len }, ascii, out);
    tf_buf_release(&b);
}

static void json_items(struct tf_jinja_run *r, struct tf_jv v,
                       const struct tf_json_style *style, int level,
                       struct tf_buf *out)
{
    bool list = tf_jv_is_sequence(v);
    size_t i, n = list ? v.u.list->count : v.u.dict->count;

    tf_buf_addc(out, list ? '[' : '{');
    for (i = 0; i < n && !r->failed; i++) {
        if (i)
            tf_buf_add(out, style->item.s, style->item.len);
        json_break(style, level + 1, out);
        if (!list) {
            json_key(r, v.u.dict->keys[i], style->ascii, out);
            tf_buf_add(out, style->key.s, style->key.len);
        }
        tf_jv_json(r, list ? v.u.list->items[i] : v.u.dict->values[i], style,
                   level + 1, out);
    }
    if (n)
        json_break(style, level, out);
    tf_buf_addc(out, list ? ']' : '}');
}

/* A dictionary with its keys in order. */
static struct tf_jv sorted(struct tf_jinja_run *r, struct tf_jv dict)
{
    struct tf_jv keys = tf_jv_items(r, dict), copy = tf_jv_dict(r, TF_JV_DICT);
    struct tf_jv *value;
    size_t i;

    keys = tf_jv_sorted(r, keys, keys, false);
    for (i = 0; i < keys.u.list->count && !r->failed; i++) {
        value = tf_jv_find(r, dict, keys.u.list->items[i]);
        if (value)
            tf_jv_set(r, copy, keys.u.list->items[i], *value);
    }
    return copy;
}

void tf_jv_json(struct tf_jinja_run *r, struct tf_jv v,
                const struct tf_json_style *style, int level,
                struct tf_buf *out)
{
    if (level > DEPTH_MAX)
        tf_jv_fail(r, "a value is nested too deeply");
    if (!tf_jv_step(r, 1 + (v.type == TF_JV_STRING ? v.u.s.len / 16 : 0)))
        return;
    switch (v.type) {
    case TF_JV_NONE:
        tf_buf_adds(out, "null");
        break;
    case TF_JV_BOOL:
        tf_buf_adds(out, v.u.b ? "true" : "false");
        break;
    case TF_JV_INT:
        tf_put_int(out, v.u.i);
        break;
    case TF_JV_FLOAT:
        print_float(out, v.u.f, true);
        break;
    case TF_JV_STRING:
        json_string(v.u.s, style->ascii, out);
        break;
    case TF_JV_DICT:
        json_items(r, style->sort ? sorted(r, v) : v, style, level, out);
        break;
    case TF_JV_LIST:
    case TF_JV_TUPLE:
        json_items(r, v, style, level, out);
        break;
    default:
        tf_jv_fail(r, "Object of type %s is not JSON serializable",
                   tf_jv_type_name(v));
    }
}

static struct tf_jv read_number(struct tf_jinja_run *r, struct tf_json *j)
{
    struct tf_str raw;
    double f;
    int64_t i;
    struct tf_json part;
    struct tf_jv v = tf_jv_none();

    (void)r;
    if (!tf_json_skip(j, &raw))
        return v;
    tf_json_init(&part, raw.s, raw.len);
    if (!memchr(raw.s, '.', raw.len) && !memchr(raw.s, 'e', raw.len) &&
        !memchr(raw.s, 'E', raw.len) && tf_json_int(&part, &i)) {
        v = tf_jv_int(i);
    } else {
        tf_json_release(&part);
        tf_json_init(&part, raw.s, raw.len);
        if (tf_json_double(&part, &f))
            v = tf_jv_float(f);
    }
    tf_json_release(&part);
    return v;
}

static struct tf_jv read_dict(struct tf_jinja_run *r, struct tf_json *j)
{
    struct tf_jv v = tf_jv_dict(r, TF_JV_DICT), key;
    struct tf_str s;

    if (tf_json_object(j))
        while (!r->failed && tf_json_key(j, &s)) {
            key = tf_jv_str(tf_jv_copy(r, s.s, s.len));
            tf_jv_set(r, v, key, tf_jv_read(r, j));
        }
    return v;
}

struct tf_jv tf_jv_read(struct tf_jinja_run *r, struct tf_json *j)
{
    struct tf_jv v = tf_jv_none();
    struct tf_str s;
    bool b;

    switch (tf_json_peek(j)) {
    case TF_JSON_BOOL:
        return tf_json_bool(j, &b) ? tf_jv_bool(b) : v;
    case TF_JSON_NUMBER:
        return read_number(r, j);
    case TF_JSON_STRING:
        if (tf_json_string(j, &s))
            v = tf_jv_str(tf_jv_copy(r, s.s, s.len));
        return v;
    case TF_JSON_ARRAY:
        v = tf_jv_list(r, false);
        if (tf_json_array(j))
            while (!r->failed && tf_json_item(j))
                tf_jv_append(r, v, tf_jv_read(r, j));
        return v;
    case TF_JSON_OBJECT:
        return read_dict(r, j);
    default:
        tf_json_skip(j, NULL);
        return v;
    }
}

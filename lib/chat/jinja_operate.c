/* Operators, attributes, items and slices. */
#include <math.h>
#include <string.h>
#include "chat/jinja_names.h"
#include "chat/jinja_scope.h"
#include "chat/jinja_string.h"
#include "text/utf8.h"

static struct tf_jv bad_operands(struct tf_jinja_run *r, int op, struct tf_jv a,
                                 struct tf_jv b)
{
    static const struct {
        int op;
        const char *text;
    } names[] = { { 'F', "//" }, { 'P', "**" }, { 'L', "<=" }, { 'G', ">=" } };
    char one[2] = { (char)op, 0 };
    const char *text = one;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].op == op)
            text = names[i].text;
    if (a.type == TF_JV_UNDEFINED || b.type == TF_JV_UNDEFINED) {
        struct tf_str s = a.type == TF_JV_UNDEFINED ? a.u.s : b.u.s;

        return tf_jv_fail(r, "'%.*s' is undefined", (int)s.len, s.s);
    }
    return tf_jv_fail(r, "unsupported operand type(s) for %s: '%s' and '%s'",
                      text, tf_jv_type_name(a), tf_jv_type_name(b));
}

static struct tf_jv joined(struct tf_jinja_run *r, struct tf_str a,
                           struct tf_str b)
{
    char *p;

    if (!tf_jv_step(r, (a.len + b.len) / 16))
        return tf_jv_none();
    p = tf_jv_alloc(r, a.len + b.len + 1);
    if (!p || r->failed)
        return tf_jv_none();
    if (a.len)
        memcpy(p, a.s, a.len);
    if (b.len)
        memcpy(p + a.len, b.s, b.len);
    return tf_jv_str((struct tf_str){ p, a.len + b.len });
}

static struct tf_jv chained(struct tf_jinja_run *r, struct tf_jv a,
                            struct tf_jv b)
{
    struct tf_jv v = tf_jv_list(r, a.type == TF_JV_TUPLE);
    size_t i;

    for (i = 0; i < a.u.list->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, v, a.u.list->items[i]);
    for (i = 0; i < b.u.list->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, v, b.u.list->items[i]);
    return v;
}

static struct tf_jv repeated(struct tf_jinja_run *r, struct tf_jv v, int64_t n)
{
    struct tf_buf b = TF_BUF_INIT;
    struct tf_jv list;
    size_t i;

    if (v.type == TF_JV_STRING) {
        for (; n > 0 && v.u.s.len && tf_jv_step(r, 1 + v.u.s.len / 16); n--)
            tf_buf_add(&b, v.u.s.s, v.u.s.len);
        return tf_jv_take(r, &b);
    }
    list = tf_jv_list(r, v.type == TF_JV_TUPLE);
    for (; n > 0 && tf_jv_step(r, 1); n--)
        for (i = 0; i < v.u.list->count && tf_jv_step(r, 1); i++)
            tf_jv_append(r, list, v.u.list->items[i]);
    return list;
}

static struct tf_jv overflow(struct tf_jinja_run *r)
{
    return tf_jv_fail(r, "a number beyond 64 bits");
}

static struct tf_jv power(struct tf_jinja_run *r, int64_t a, int64_t b)
{
    int64_t v = 1;

    if (b < 0)
        return tf_jv_float(pow((double)a, (double)b));
    while (b) {
        if (b & 1 && __builtin_mul_overflow(v, a, &v))
            return overflow(r);
        b >>= 1;
        if (b && __builtin_mul_overflow(a, a, &a))
            return overflow(r);
    }
    return tf_jv_int(v);
}

/* Floored, as Python divides. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static struct tf_jv integers(struct tf_jinja_run *r, int op, int64_t a,
                             int64_t b)
{
    int64_t v;

    if (strchr("/F%", op) && !b)
        return tf_jv_fail(r, "division by zero");
    switch (op) {
    case '+':
        return __builtin_add_overflow(a, b, &v) ? overflow(r) : tf_jv_int(v);
    case '-':
        return __builtin_sub_overflow(a, b, &v) ? overflow(r) : tf_jv_int(v);
    case '*':
        return __builtin_mul_overflow(a, b, &v) ? overflow(r) : tf_jv_int(v);
    case '/':
        return tf_jv_float((double)a / (double)b);
    case 'P':
        return power(r, a, b);
    default:
        if (b == -1)
            return op == '%' ? tf_jv_int(0) : integers(r, '-', 0, a);
        v = floor_div(a, b);
        return tf_jv_int(op == 'F' ? v : a - v * b);
    }
}

static struct tf_jv floats(struct tf_jinja_run *r, int op, double a, double b)
{
    double v;

    if (strchr("/F%", op) && b == 0)
        return tf_jv_fail(r, "division by zero");
    switch (op) {
    case '+':
        return tf_jv_float(a + b);
    case '-':
        return tf_jv_float(a - b);
    case '*':
        return tf_jv_float(a * b);
    case '/':
        return tf_jv_float(a / b);
    case 'P':
        return tf_jv_float(pow(a, b));
    case 'F':
        return tf_jv_float(floor(a / b));
    default:
        v = fmod(a, b);
        return tf_jv_float(v != 0 && (v < 0) != (b < 0) ? v + b : v);
    }
}

static struct tf_jv arithmetic(struct tf_jinja_run *r, int op, struct tf_jv a,
                               struct tf_jv b)
{
    int64_t i, k;
    double x, y;

    if (tf_jv_integer(a, &i) && tf_jv_integer(b, &k))
        return integers(r, op, i, k);
    if (tf_jv_number(a, &x) && tf_jv_number(b, &y))
        return floats(r, op, x, y);
    if (op == '+' && a.type == TF_JV_STRING && b.type == TF_JV_STRING)
        return joined(r, a.u.s, b.u.s);
    if (op == '+' && a.type == b.type && tf_jv_is_sequence(a))
        return chained(r, a, b);
    if (op == '*' && (a.type == TF_JV_STRING || tf_jv_is_sequence(a)) &&
        tf_jv_integer(b, &k))
        return repeated(r, a, k);
    if (op == '*' && (b.type == TF_JV_STRING || tf_jv_is_sequence(b)) &&
        tf_jv_integer(a, &k))
        return repeated(r, b, k);
    if (op == '%' && a.type == TF_JV_STRING)
        return tf_jv_percent(r, a.u.s, b);
    return bad_operands(r, op, a, b);
}

bool tf_jv_contains(struct tf_jinja_run *r, struct tf_jv in, struct tf_jv v)
{
    size_t i;

    if (in.type == TF_JV_STRING) {
        if (v.type != TF_JV_STRING) {
            bad_operands(r, 'I', v, in);
            return false;
        }
        return tf_js_find(r, in.u.s, 0, v.u.s) != TF_JS_NOWHERE;
    }
    if (in.type == TF_JV_DICT)
        return tf_jv_find(r, in, v) != NULL;
    if (in.type == TF_JV_UNDEFINED)
        return false;
    if (in.type == TF_JV_ITERATOR)
        in = tf_jv_items(r, in);
    if (!tf_jv_is_sequence(in)) {
        tf_jv_fail(r, "argument of type '%s' is not iterable",
                   tf_jv_type_name(in));
        return false;
    }
    for (i = 0; i < in.u.list->count && !r->failed; i++)
        if (tf_jv_equal(r, in.u.list->items[i], v))
            return true;
    return false;
}

struct tf_jv tf_jv_operate(struct tf_jinja_run *r, int op, struct tf_jv a,
                           struct tf_jv b)
{
    int c;

    switch (op) {
    case '=':
        return tf_jv_bool(tf_jv_equal(r, a, b));
    case '!':
        return tf_jv_bool(!tf_jv_equal(r, a, b));
    case 'I':
        return tf_jv_bool(tf_jv_contains(r, b, a));
    case 'N':
        return tf_jv_bool(!tf_jv_contains(r, b, a));
    case '~':
        return joined(r, tf_jv_to_str(r, a), tf_jv_to_str(r, b));
    case '<':
    case '>':
    case 'L':
    case 'G':
        if (a.type == TF_JV_UNDEFINED || b.type == TF_JV_UNDEFINED)
            return bad_operands(r, op, a, b);
        c = tf_jv_compare(r, a, b);
        return tf_jv_bool(op == '<'   ? c < 0
                          : op == '>' ? c > 0
                          : op == 'L' ? c <= 0
                                      : c >= 0);
    default:
        return arithmetic(r, op, a, b);
    }
}

static struct tf_jv loop_method(struct tf_jinja_run *r, struct tf_jv loop,
                                struct tf_str name)
{
    return tf_jv_function(r, loop, tf_jinja_method(loop, name));
}

static struct tf_jv loop_attribute(struct tf_jinja_run *r, struct tf_jv v,
                                   struct tf_str name)
{
    const struct tf_jv_loop *l = v.u.dict->loop;
    int64_t i = (int64_t)l->index, n = (int64_t)l->items.u.list->count;

    if (tf_str_is(name, "index"))
        return tf_jv_int(i + 1);
    if (tf_str_is(name, "index0"))
        return tf_jv_int(i);
    if (tf_str_is(name, "revindex"))
        return tf_jv_int(n - i);
    if (tf_str_is(name, "revindex0"))
        return tf_jv_int(n - i - 1);
    if (tf_str_is(name, "first"))
        return tf_jv_bool(i == 0);
    if (tf_str_is(name, "last"))
        return tf_jv_bool(i == n - 1);
    if (tf_str_is(name, "length"))
        return tf_jv_int(n);
    if (tf_str_is(name, "depth"))
        return tf_jv_int(l->depth);
    if (tf_str_is(name, "depth0"))
        return tf_jv_int(l->depth - 1);
    if (tf_str_is(name, "previtem"))
        return i ? l->items.u.list->items[i - 1] : tf_jv_undefined(name);
    if (tf_str_is(name, "nextitem"))
        return i + 1 < n ? l->items.u.list->items[i + 1]
                         : tf_jv_undefined(name);
    if (tf_str_is(name, "cycle") || tf_str_is(name, "changed"))
        return loop_method(r, v, name);
    return tf_jv_undefined(name);
}

struct tf_jv tf_jv_attribute(struct tf_jinja_run *r, struct tf_jv v,
                             struct tf_str name)
{
    const struct tf_jfilter *method;
    struct tf_jv *item;

    if (v.type == TF_JV_UNDEFINED)
        return tf_jv_fail(r, "'%.*s' is undefined", (int)v.u.s.len, v.u.s.s);
    if (v.type == TF_JV_LOOP)
        return loop_attribute(r, v, name);
    if (v.type == TF_JV_TUPLE && v.u.list->group &&
        (tf_str_is(name, "grouper") || tf_str_is(name, "list")))
        return v.u.list->items[tf_str_is(name, "list")];
    method = tf_jinja_method(v, name);
    if (method)
        return tf_jv_function(r, v, method);
    if (v.type == TF_JV_DICT || v.type == TF_JV_NAMESPACE) {
        item = tf_jv_find(r, v, tf_jv_str(name));
        if (item)
            return *item;
    }
    return tf_jv_undefined(name);
}

/* The i-th character of a string. */
static struct tf_jv character(struct tf_jinja_run *r, struct tf_str s,
                              int64_t i)
{
    size_t at = 0;

    if (!tf_jv_step(r, s.len / 16))
        return tf_jv_none();
    while (i-- > 0)
        at += tf_utf8_len((unsigned char)s.s[at]);
    return tf_jv_str(
        (struct tf_str){ s.s + at, tf_utf8_len((unsigned char)s.s[at]) });
}

struct tf_jv tf_jv_item(struct tf_jinja_run *r, struct tf_jv v,
                        struct tf_jv key)
{
    static const struct tf_str nothing = { "the item", 8 };
    struct tf_jv *item;
    int64_t i, n;

    if (v.type == TF_JV_UNDEFINED)
        return tf_jv_fail(r, "'%.*s' is undefined", (int)v.u.s.len, v.u.s.s);
    if (v.type == TF_JV_DICT) {
        item = tf_jv_find(r, v, key);
        if (item)
            return *item;
    }
    if ((tf_jv_is_sequence(v) || v.type == TF_JV_STRING) &&
        tf_jv_integer(key, &i)) {
        n = tf_jv_length(r, v);
        if (i < 0)
            i += n;
        if (i < 0 || i >= n)
            return tf_jv_undefined(nothing);
        return v.type == TF_JV_STRING ? character(r, v.u.s, i)
                                      : v.u.list->items[i];
    }
    if (key.type == TF_JV_STRING)
        return tf_jv_attribute(r, v, key.u.s);
    return tf_jv_undefined(nothing);
}

struct tf_jv tf_jv_path(struct tf_jinja_run *r, struct tf_jv v,
                        struct tf_jv path, struct tf_jv otherwise)
{
    struct tf_str s, part;
    const char *dot;
    int64_t number;
    size_t i;

    if (path.type != TF_JV_STRING)
        return tf_jv_item(r, v, path);
    for (s = path.u.s; s.len && !r->failed;
         s.s += part.len, s.len -= part.len) {
        if (*s.s == '.') {
            s.s++;
            s.len--;
        }
        dot = s.len ? memchr(s.s, '.', s.len) : NULL;
        part = (struct tf_str){ s.s, dot ? (size_t)(dot - s.s) : s.len };
        for (number = 0, i = 0;
             i < part.len && part.s[i] >= '0' && part.s[i] <= '9' && i < 9; i++)
            number = number * 10 + part.s[i] - '0';
        v = tf_jv_item(
            r, v, i && i == part.len ? tf_jv_int(number) : tf_jv_str(part));
        if (v.type == TF_JV_UNDEFINED)
            return otherwise.type == TF_JV_UNDEFINED ? v : otherwise;
    }
    return v;
}

/* A bound of a slice within [low, high]. */
static int64_t bound(struct tf_jinja_run *r, struct tf_jv v, int64_t n,
                     int64_t low, int64_t high, int64_t otherwise)
{
    int64_t i;

    if (v.type == TF_JV_NONE)
        return otherwise;
    if (!tf_jv_integer(v, &i)) {
        tf_jv_fail(r, "slice indices must be integers or None");
        return otherwise;
    }
    if (i < 0)
        i = i < -n ? low : i + n;
    return i < low ? low : i > high ? high : i;
}

struct tf_jv tf_jv_slice(struct tf_jinja_run *r, struct tf_jv v,
                         struct tf_jv from, struct tf_jv to, struct tf_jv by)
{
    bool text = v.type == TF_JV_STRING;
    struct tf_jv items, list;
    struct tf_buf b = TF_BUF_INIT;
    int64_t n, i, end, step = 1;

    if (!text && !tf_jv_is_sequence(v))
        return v.type == TF_JV_UNDEFINED
                   ? tf_jv_fail(r, "'%.*s' is undefined", (int)v.u.s.len,
                                v.u.s.s)
                   : tf_jv_undefined((struct tf_str){ "the slice", 9 });
    if (by.type != TF_JV_NONE && (!tf_jv_integer(by, &step) || !step))
        return tf_jv_fail(r, "slice step cannot be zero");
    items = tf_jv_items(r, v);
    n = (int64_t)items.u.list->count;
    i = bound(r, from, n, step < 0 ? -1 : 0, step < 0 ? n - 1 : n,
              step < 0 ? n - 1 : 0);
    end = bound(r, to, n, step < 0 ? -1 : 0, step < 0 ? n - 1 : n,
                step < 0 ? -1 : n);
    list = tf_jv_list(r, v.type == TF_JV_TUPLE);
    while ((step > 0 ? i < end : i > end) && tf_jv_step(r, 1)) {
        struct tf_jv item = items.u.list->items[i];

        if (text)
            tf_buf_add(&b, item.u.s.s, item.u.s.len);
        else
            tf_jv_append(r, list, item);
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return text ? tf_jv_take(r, &b) : list;
}

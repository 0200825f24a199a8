#include "chat/jinja_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/jsonl.h"
#include "text/utf8.h"

#define CHUNK       ((size_t)64 << 10)
#define MEMORY_MAX  ((size_t)128 << 20)
#define NESTING_MAX 100
#define STEPS_MAX   ((size_t)20 << 20)

struct tf_jv tf_jv_fail(struct tf_jinja_run *r, const char *fmt, ...)
{
    va_list ap;
    char why[400];

    if (!r->failed) {
        va_start(ap, fmt);
        vsnprintf(why, sizeof(why), fmt, ap);
        va_end(ap);
        tf_fail(r->err, "chat template, line %d: %s", r->line, why);
        r->failed = true;
    }
    return tf_jv_undefined((struct tf_str){ "", 0 });
}

bool tf_jv_step(struct tf_jinja_run *r, size_t work)
{
    r->steps += work;
    if (r->steps > STEPS_MAX || r->out->len > MEMORY_MAX)
        tf_jv_fail(r, "the template takes too long");
    return !r->failed;
}

void *tf_jv_alloc(struct tf_jinja_run *r, size_t n)
{
    void *p;

    n = (n + 15) & ~(size_t)15;
    if (n > r->chunk_left) {
        size_t size = n > CHUNK ? n : CHUNK;

        p = r->memory > MEMORY_MAX - size || size > MEMORY_MAX
                ? NULL
                : tf_arena_alloc(&r->arena, size, 1);
        if (!p) {
            tf_jv_fail(r, "the template needs too much memory");
            return NULL;
        }
        r->memory += size;
        if (n > CHUNK)
            return p;
        r->chunk = p;
        r->chunk_left = size;
    }
    p = r->chunk;
    r->chunk += n;
    r->chunk_left -= n;
    return p;
}

struct tf_str tf_jv_copy(struct tf_jinja_run *r, const char *s, size_t n)
{
    char *p = n ? tf_jv_alloc(r, n) : NULL;

    if (!p || r->failed)
        return (struct tf_str){ "", 0 };
    memcpy(p, s, n);
    return (struct tf_str){ p, n };
}

struct tf_jv tf_jv_text(const char *s)
{
    return tf_jv_str((struct tf_str){ s, strlen(s) });
}

struct tf_jv tf_jv_take(struct tf_jinja_run *r, struct tf_buf *b)
{
    struct tf_str s = tf_jv_copy(r, b->data, b->len);

    if (b->failed)
        tf_jv_fail(r, "no memory");
    tf_buf_release(b);
    return tf_jv_str(s);
}

struct tf_jv tf_jv_list(struct tf_jinja_run *r, bool tuple)
{
    struct tf_jv v = { tuple ? TF_JV_TUPLE : TF_JV_LIST, { .i = 0 } };

    v.u.list = tf_jv_alloc(r, sizeof(*v.u.list));
    if (v.u.list)
        memset(v.u.list, 0, sizeof(*v.u.list));
    else
        v.u.list = &r->no_items;
    return v;
}

/* A larger array with the old one's contents, or NULL. */
static void *grown(struct tf_jinja_run *r, const void *old, size_t count,
                   size_t cap, size_t size)
{
    void *p = tf_jv_alloc(r, cap * size);

    if (!p || r->failed)
        return NULL;
    if (count)
        memcpy(p, old, count * size);
    return p;
}

void tf_jv_append(struct tf_jinja_run *r, struct tf_jv list, struct tf_jv item)
{
    struct tf_jv_list *l = list.u.list;
    struct tf_jv *p;

    if (r->failed)
        return;
    if (l->count == l->cap) {
        p = grown(r, l->items, l->count, l->cap * 2 + 4, sizeof(*p));
        if (!p)
            return;
        l->items = p;
        l->cap = l->cap * 2 + 4;
    }
    l->items[l->count++] = item;
}

struct tf_jv tf_jv_iterator(struct tf_jv list)
{
    list.type = TF_JV_ITERATOR;
    return list;
}

struct tf_jv tf_jv_pair(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    struct tf_jv v = tf_jv_list(r, true);

    tf_jv_append(r, v, a);
    tf_jv_append(r, v, b);
    return v;
}

struct tf_jv tf_jv_dict(struct tf_jinja_run *r, enum tf_jv_type type)
{
    struct tf_jv v = { type, { .i = 0 } };

    v.u.dict = tf_jv_alloc(r, sizeof(*v.u.dict));
    if (v.u.dict)
        memset(v.u.dict, 0, sizeof(*v.u.dict));
    else
        v.u.dict = &r->no_members;
    return v;
}

/* Keys are strings, numbers, or None. */
static bool same_key(struct tf_jv a, struct tf_jv b)
{
    double x, y;

    if (a.type == TF_JV_STRING || b.type == TF_JV_STRING)
        return a.type == b.type && tf_str_eq(a.u.s, b.u.s);
    if (tf_jv_number(a, &x) && tf_jv_number(b, &y))
        return x == y;
    return a.type == TF_JV_NONE && b.type == TF_JV_NONE;
}

struct tf_jv *tf_jv_find(struct tf_jinja_run *r, struct tf_jv dict,
                         struct tf_jv key)
{
    struct tf_jv_dict *d = dict.u.dict;
    size_t i;

    tf_jv_step(r, d->count / 8);
    for (i = 0; i < d->count; i++)
        if (same_key(d->keys[i], key))
            return &d->values[i];
    return NULL;
}

void tf_jv_set(struct tf_jinja_run *r, struct tf_jv dict, struct tf_jv key,
               struct tf_jv value)
{
    struct tf_jv *at = tf_jv_find(r, dict, key), *keys, *values;
    struct tf_jv_dict *d = dict.u.dict;
    size_t cap = d->cap * 2 + 4;

    if (key.type > TF_JV_STRING || key.type == TF_JV_UNDEFINED) {
        tf_jv_fail(r, "a key of type '%s'", tf_jv_type_name(key));
        return;
    }
    if (at || !tf_jv_step(r, 1)) {
        if (at)
            *at = value;
        return;
    }
    if (d->count == d->cap) {
        keys = grown(r, d->keys, d->count, cap, sizeof(*keys));
        values = grown(r, d->values, d->count, cap, sizeof(*values));
        if (!keys || !values)
            return;
        d->keys = keys;
        d->values = values;
        d->cap = cap;
    }
    d->keys[d->count] = key;
    d->values[d->count++] = value;
}

bool tf_jv_true(struct tf_jv v)
{
    switch (v.type) {
    case TF_JV_UNDEFINED:
    case TF_JV_NONE:
        return false;
    case TF_JV_BOOL:
        return v.u.b;
    case TF_JV_INT:
        return v.u.i != 0;
    case TF_JV_FLOAT:
        return v.u.f != 0;
    case TF_JV_STRING:
        return v.u.s.len > 0;
    case TF_JV_LIST:
    case TF_JV_TUPLE:
        return v.u.list->count > 0;
    case TF_JV_DICT:
        return v.u.dict->count > 0;
    default:
        return true;
    }
}

bool tf_jv_is(struct tf_jv v, const char *s)
{
    return v.type == TF_JV_STRING && tf_str_is(v.u.s, s);
}

bool tf_jv_is_sequence(struct tf_jv v)
{
    return v.type == TF_JV_LIST || v.type == TF_JV_TUPLE;
}

bool tf_jv_is_mapping(struct tf_jv v)
{
    return v.type == TF_JV_DICT;
}

bool tf_jv_integer(struct tf_jv v, int64_t *out)
{
    *out = v.type == TF_JV_BOOL ? v.u.b : v.u.i;
    return v.type == TF_JV_BOOL || v.type == TF_JV_INT;
}

bool tf_jv_number(struct tf_jv v, double *out)
{
    int64_t i;

    if (v.type == TF_JV_FLOAT) {
        *out = v.u.f;
        return true;
    }
    if (!tf_jv_integer(v, &i))
        return false;
    *out = (double)i;
    return true;
}

static bool equal_lists(struct tf_jinja_run *r, const struct tf_jv_list *a,
                        const struct tf_jv_list *b)
{
    size_t i;

    if (a == b)
        return true;
    if (a->count != b->count)
        return false;
    for (i = 0; i < a->count; i++)
        if (!tf_jv_equal(r, a->items[i], b->items[i]))
            return false;
    return true;
}

static bool equal_dicts(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    size_t i;

    if (a.u.dict == b.u.dict)
        return true;
    if (a.u.dict->count != b.u.dict->count)
        return false;
    for (i = 0; i < a.u.dict->count; i++) {
        struct tf_jv *other = tf_jv_find(r, b, a.u.dict->keys[i]);

        if (!other || !tf_jv_equal(r, a.u.dict->values[i], *other))
            return false;
    }
    return true;
}

static bool equal(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    double x, y;
    int64_t i, k;

    if (tf_jv_integer(a, &i) && tf_jv_integer(b, &k))
        return i == k;
    if (tf_jv_number(a, &x) && tf_jv_number(b, &y))
        return x == y;
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case TF_JV_UNDEFINED:
    case TF_JV_NONE:
        return true;
    case TF_JV_STRING:
        return tf_str_eq(a.u.s, b.u.s);
    case TF_JV_LIST:
    case TF_JV_TUPLE:
        return equal_lists(r, a.u.list, b.u.list);
    case TF_JV_DICT:
        return equal_dicts(r, a, b);
    case TF_JV_CALLABLE:
        return a.u.callable == b.u.callable;
    default:
        return a.u.dict == b.u.dict;
    }
}

bool tf_jv_equal(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    bool same;

    if (++r->nesting > NESTING_MAX)
        tf_jv_fail(r, "a value is nested too deeply");
    same = tf_jv_step(r, 1) && equal(r, a, b);
    r->nesting--;
    return same;
}

static int compare_strings(struct tf_str a, struct tf_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.s, b.s, n) : 0;

    return c ? (c > 0) - (c < 0) : (a.len > b.len) - (a.len < b.len);
}

static int compare(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    double x, y;
    int64_t m, n;
    size_t i;
    int c;

    if (tf_jv_integer(a, &m) && tf_jv_integer(b, &n))
        return (m > n) - (m < n);
    if (tf_jv_number(a, &x) && tf_jv_number(b, &y))
        return (x > y) - (x < y);
    if (a.type == TF_JV_STRING && b.type == TF_JV_STRING)
        return compare_strings(a.u.s, b.u.s);
    if (tf_jv_is_sequence(a) && a.type == b.type) {
        for (i = 0; i < a.u.list->count && i < b.u.list->count; i++) {
            c = tf_jv_compare(r, a.u.list->items[i], b.u.list->items[i]);
            if (c || r->failed)
                return c;
        }
        return (a.u.list->count > b.u.list->count) -
               (a.u.list->count < b.u.list->count);
    }
    tf_jv_fail(r, "'%s' and '%s' can't be compared", tf_jv_type_name(a),
               tf_jv_type_name(b));
    return 0;
}

int tf_jv_compare(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b)
{
    int c;

    if (++r->nesting > NESTING_MAX)
        tf_jv_fail(r, "a value is nested too deeply");
    c = tf_jv_step(r, 1) ? compare(r, a, b) : 0;
    r->nesting--;
    return c;
}

const char *tf_jv_type_name(struct tf_jv v)
{
    static const char *const names[] = {
        "Undefined", "NoneType", "bool",     "int",  "float",
        "str",       "list",     "tuple",    "dict", "Namespace",
        "generator", "loop",     "function",
    };

    return names[v.type];
}

/* Merge the sorted halves [from, mid) and [mid, to) of an order. */
static void merge(struct tf_jinja_run *r, const struct tf_jv *keys, int sign,
                  const size_t *in, size_t *out, size_t from, size_t mid,
                  size_t to)
{
    size_t a = from, b = mid, i;

    for (i = from; i < to; i++)
        if (b == to ||
            (a < mid && sign * tf_jv_compare(r, keys[in[a]], keys[in[b]]) <= 0))
            out[i] = in[a++];
        else
            out[i] = in[b++];
}

struct tf_jv tf_jv_sorted(struct tf_jinja_run *r, struct tf_jv items,
                          struct tf_jv keys, bool reverse)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t n = items.u.list->count, i, width;
    size_t *in = tf_jv_alloc(r, (n + 1) * sizeof(*in));
    size_t *out = tf_jv_alloc(r, (n + 1) * sizeof(*out)), *swap;

    if (!in || !out || keys.u.list->count != n)
        return list;
    for (i = 0; i < n; i++)
        in[i] = i;
    for (width = 1; width < n && !r->failed; width *= 2) {
        for (i = 0; i < n; i += 2 * width)
            merge(r, keys.u.list->items, reverse ? -1 : 1, in, out, i,
                  i + width < n ? i + width : n,
                  i + 2 * width < n ? i + 2 * width : n);
        swap = in;
        in = out;
        out = swap;
    }
    for (i = 0; i < n && tf_jv_step(r, 1); i++)
        tf_jv_append(r, list, items.u.list->items[in[i]]);
    return list;
}

struct tf_jv tf_jv_items(struct tf_jinja_run *r, struct tf_jv v)
{
    struct tf_jv list;
    size_t i, len;

    if (tf_jv_is_sequence(v))
        return v;
    list = tf_jv_list(r, false);
    if (v.type == TF_JV_ITERATOR && v.u.list->count && !r->failed) {
        list.u.list->items = v.u.list->items + v.u.list->taken;
        list.u.list->count = v.u.list->count - v.u.list->taken;
        list.u.list->cap = list.u.list->count;
        v.u.list->taken = v.u.list->count;
    } else if (v.type == TF_JV_STRING) {
        for (i = 0; i < v.u.s.len && tf_jv_step(r, 1); i += len) {
            len = tf_utf8_len((unsigned char)v.u.s.s[i]);
            tf_jv_append(r, list,
                         tf_jv_str((struct tf_str){ v.u.s.s + i, len }));
        }
    } else if (v.type == TF_JV_DICT) {
        for (i = 0; i < v.u.dict->count; i++)
            tf_jv_append(r, list, v.u.dict->keys[i]);
    } else if (v.type != TF_JV_UNDEFINED && v.type != TF_JV_ITERATOR) {
        tf_jv_fail(r, "'%s' object is not iterable", tf_jv_type_name(v));
    }
    return list;
}

int64_t tf_jv_length(struct tf_jinja_run *r, struct tf_jv v)
{
    int64_t n = 0;
    size_t i;

    switch (v.type) {
    case TF_JV_UNDEFINED:
        return 0;
    case TF_JV_STRING:
        for (i = 0; i < v.u.s.len; i++)
            n += ((unsigned char)v.u.s.s[i] & 0xC0) != 0x80;
        return tf_jv_step(r, v.u.s.len / 16) ? n : 0;
    case TF_JV_LIST:
    case TF_JV_TUPLE:
        return (int64_t)v.u.list->count;
    case TF_JV_DICT:
        return (int64_t)v.u.dict->count;
    default:
        tf_jv_fail(r, "object of type '%s' has no len()", tf_jv_type_name(v));
        return 0;
    }
}

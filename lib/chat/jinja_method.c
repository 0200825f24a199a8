/* Methods of strings, lists, tuples, dictionaries and loops: those of Python
 * that change nothing. */
#include <string.h>
#include "chat/jinja_names.h"
#include "chat/jinja_string.h"
#include "text/unicode.h"

#define METHOD(name)                                                           \
    static struct tf_jv name(struct tf_jinja_run *r, struct tf_jv v,           \
                             const struct tf_jcall *c)

static struct tf_jv arg(const struct tf_jcall *c, size_t place,
                        const char *name)
{
    return tf_jcall_arg(c, place, name, tf_jv_none());
}

/* The part of a string that the arguments from `place` on, start and end,
 * leave; `skipped`, if not NULL, gets the characters before it. */
static struct tf_str part(struct tf_jinja_run *r, struct tf_jv v,
                          const struct tf_jcall *c, size_t place,
                          int64_t *skipped)
{
    struct tf_jv from = arg(c, place, "start"), none = tf_jv_none(), s;

    if (skipped)
        *skipped = 0;
    if (c->count <= place)
        return v.u.s;
    if (skipped)
        *skipped = tf_jv_length(r, v) -
                   tf_jv_length(r, tf_jv_slice(r, v, from, none, none));
    s = tf_jv_slice(r, v, from, arg(c, place + 1, "end"), none);
    return s.type == TF_JV_STRING ? s.u.s : v.u.s;
}

METHOD(str_strip)
{
    return tf_jv_str(tf_js_strip(r, v.u.s, arg(c, 0, "chars"), true, true));
}

METHOD(str_lstrip)
{
    return tf_jv_str(tf_js_strip(r, v.u.s, arg(c, 0, "chars"), true, false));
}

METHOD(str_rstrip)
{
    return tf_jv_str(tf_js_strip(r, v.u.s, arg(c, 0, "chars"), false, true));
}

METHOD(str_split)
{
    int64_t limit = tf_jcall_int(r, c, 1, "maxsplit", -1);

    if (arg(c, 0, "sep").type == TF_JV_NONE)
        return tf_js_split_blanks(r, v.u.s, limit);
    return tf_js_split(r, v.u.s, tf_jcall_str(r, c, 0, "sep", ""), limit);
}

METHOD(str_rsplit)
{
    int64_t limit = tf_jcall_int(r, c, 1, "maxsplit", -1);

    if (arg(c, 0, "sep").type == TF_JV_NONE)
        return tf_js_split_blanks_last(r, v.u.s, limit);
    return tf_js_split_last(r, v.u.s, tf_jcall_str(r, c, 0, "sep", ""), limit);
}

METHOD(str_splitlines)
{
    return tf_js_lines(r, v.u.s, tf_jcall_bool(c, 0, "keepends", false));
}

static bool begins(struct tf_str s, struct tf_str with)
{
    return s.len >= with.len && (!with.len || !memcmp(s.s, with.s, with.len));
}

static bool ends(struct tf_str s, struct tf_str with)
{
    return s.len >= with.len &&
           (!with.len || !memcmp(s.s + s.len - with.len, with.s, with.len));
}

/* Does `test` hold of the string's part and the first argument, or one of
 * its items? */
static struct tf_jv any_affix(struct tf_jinja_run *r, struct tf_jv v,
                              const struct tf_jcall *c,
                              bool (*test)(struct tf_str, struct tf_str))
{
    struct tf_jv affix = arg(c, 0, "prefix");
    struct tf_str s = part(r, v, c, 1, NULL);
    size_t i;

    if (affix.type != TF_JV_TUPLE)
        return tf_jv_bool(test(s, tf_jcall_str(r, c, 0, "prefix", "")));
    for (i = 0; i < affix.u.list->count; i++)
        if (affix.u.list->items[i].type == TF_JV_STRING &&
            test(s, affix.u.list->items[i].u.s))
            return tf_jv_bool(true);
    return tf_jv_bool(false);
}

METHOD(str_startswith)
{
    return any_affix(r, v, c, begins);
}

METHOD(str_endswith)
{
    return any_affix(r, v, c, ends);
}

METHOD(str_removeprefix)
{
    struct tf_str affix = tf_jcall_str(r, c, 0, "prefix", "");

    if (begins(v.u.s, affix)) {
        v.u.s.s += affix.len;
        v.u.s.len -= affix.len;
    }
    return v;
}

METHOD(str_removesuffix)
{
    struct tf_str affix = tf_jcall_str(r, c, 0, "suffix", "");

    if (ends(v.u.s, affix))
        v.u.s.len -= affix.len;
    return v;
}

METHOD(str_replace)
{
    return tf_js_replace(r, v.u.s, tf_jcall_str(r, c, 0, "old", ""),
                         tf_jcall_str(r, c, 1, "new", ""),
                         tf_jcall_int(r, c, 2, "count", -1));
}

METHOD(str_upper)
{
    (void)c;
    return tf_js_case(r, v.u.s, TF_JS_UPPER);
}

METHOD(str_lower)
{
    (void)c;
    return tf_js_case(r, v.u.s, TF_JS_LOWER);
}

METHOD(str_title)
{
    (void)c;
    return tf_js_case(r, v.u.s, TF_JS_TITLE);
}

METHOD(str_capitalize)
{
    (void)c;
    return tf_js_case(r, v.u.s, TF_JS_CAPITALIZE);
}

/* Where the first argument begins, in characters; -1 for nowhere. */
static int64_t place_of(struct tf_jinja_run *r, struct tf_jv v,
                        const struct tf_jcall *c, bool last)
{
    struct tf_str what = tf_jcall_str(r, c, 0, "sub", "");
    int64_t skipped;
    struct tf_str s = part(r, v, c, 1, &skipped);
    size_t at = last ? tf_js_find_last(r, s, what) : tf_js_find(r, s, 0, what);

    if (at == TF_JS_NOWHERE)
        return -1;
    s.len = at;
    return skipped + tf_jv_length(r, tf_jv_str(s));
}

METHOD(str_find)
{
    return tf_jv_int(place_of(r, v, c, false));
}

METHOD(str_rfind)
{
    return tf_jv_int(place_of(r, v, c, true));
}

METHOD(str_index)
{
    int64_t i = place_of(r, v, c, false);

    return i < 0 ? tf_jv_fail(r, "substring not found") : tf_jv_int(i);
}

METHOD(str_rindex)
{
    int64_t i = place_of(r, v, c, true);

    return i < 0 ? tf_jv_fail(r, "substring not found") : tf_jv_int(i);
}

METHOD(str_count)
{
    struct tf_str what = tf_jcall_str(r, c, 0, "sub", "");
    struct tf_str s = part(r, v, c, 1, NULL);
    int64_t n = 0;
    size_t at = 0;

    if (!what.len)
        return tf_jv_int(tf_jv_length(r, tf_jv_str(s)) + 1);
    while ((at = tf_js_find(r, s, at, what)) != TF_JS_NOWHERE) {
        at += what.len;
        n++;
    }
    return tf_jv_int(n);
}

METHOD(str_join)
{
    struct tf_jv items = tf_jv_items(r, arg(c, 0, "iterable"));
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    for (i = 0; i < items.u.list->count && !r->failed; i++) {
        struct tf_jv item = items.u.list->items[i];

        if (item.type != TF_JV_STRING)
            tf_jv_fail(r, "sequence item %zu: expected str instance, %s found",
                       i, tf_jv_type_name(item));
        else if (tf_jv_step(r, 1 + (v.u.s.len + item.u.s.len) / 16)) {
            tf_buf_add(&b, v.u.s.s, i ? v.u.s.len : 0);
            tf_buf_add(&b, item.u.s.s, item.u.s.len);
        }
    }
    return tf_jv_take(r, &b);
}

/* (before, separator, after) */
static struct tf_jv parts_at(struct tf_jinja_run *r, struct tf_str s, size_t at,
                             struct tf_str by)
{
    struct tf_jv v = tf_jv_list(r, true);

    tf_jv_append(r, v, tf_jv_str((struct tf_str){ s.s, at }));
    tf_jv_append(r, v, tf_jv_str(by));
    tf_jv_append(
        r, v,
        tf_jv_str((struct tf_str){ s.s + at + by.len, s.len - at - by.len }));
    return v;
}

METHOD(str_partition)
{
    static const struct tf_str nothing = { "", 0 };
    struct tf_str by = tf_jcall_str(r, c, 0, "sep", "");
    size_t at = tf_js_find(r, v.u.s, 0, by);

    if (!by.len)
        return tf_jv_fail(r, "empty separator");
    if (at != TF_JS_NOWHERE)
        return parts_at(r, v.u.s, at, by);
    v = parts_at(r, v.u.s, v.u.s.len, nothing);
    return v;
}

METHOD(str_rpartition)
{
    static const struct tf_str nothing = { "", 0 };
    struct tf_str by = tf_jcall_str(r, c, 0, "sep", "");
    size_t at = tf_js_find_last(r, v.u.s, by);

    if (!by.len)
        return tf_jv_fail(r, "empty separator");
    if (at != TF_JS_NOWHERE)
        return parts_at(r, v.u.s, at, by);
    return parts_at(r, v.u.s, 0, nothing);
}

/* With `left` and `right` fill characters around it. */
static struct tf_jv filled(struct tf_jinja_run *r, struct tf_str s,
                           struct tf_str fill, int64_t left, int64_t right)
{
    struct tf_buf b = TF_BUF_INIT;

    for (; left > 0 && tf_jv_step(r, 1); left--)
        tf_buf_add(&b, fill.s, fill.len);
    tf_buf_add(&b, s.s, s.len);
    for (; right > 0 && tf_jv_step(r, 1); right--)
        tf_buf_add(&b, fill.s, fill.len);
    return tf_jv_take(r, &b);
}

/* How many fill characters make it as wide as the first argument says. */
static int64_t missing(struct tf_jinja_run *r, struct tf_jv v, int64_t width)
{
    int64_t n = tf_jv_length(r, v);

    return width > n ? width - n : 0;
}

METHOD(str_ljust)
{
    return filled(r, v.u.s, tf_jcall_str(r, c, 1, "fillchar", " "), 0,
                  missing(r, v, tf_jcall_int(r, c, 0, "width", 0)));
}

METHOD(str_rjust)
{
    return filled(r, v.u.s, tf_jcall_str(r, c, 1, "fillchar", " "),
                  missing(r, v, tf_jcall_int(r, c, 0, "width", 0)), 0);
}

struct tf_jv tf_jmethod_center(struct tf_jinja_run *r, struct tf_jv v,
                               const struct tf_jcall *c)
{
    int64_t width = tf_jcall_int(r, c, 0, "width", 80);
    int64_t n = missing(r, v, width), left = n / 2 + (n & width & 1);

    return filled(r, v.u.s, tf_jcall_str(r, c, 1, "fillchar", " "), left,
                  n - left);
}

METHOD(str_zfill)
{
    static const struct tf_str zero = { "0", 1 };
    int64_t n = missing(r, v, tf_jcall_int(r, c, 0, "width", 0));
    struct tf_str s = v.u.s, sign = { s.s, 0 };

    if (s.len && (*s.s == '-' || *s.s == '+')) {
        sign.len = 1;
        s.s++;
        s.len--;
    }
    v = filled(r, s, zero, n, 0);
    return tf_jv_operate(r, '+', tf_jv_str(sign), v);
}

METHOD(str_isdigit)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_all(v.u.s, TF_U_NUMBER));
}

METHOD(str_isalpha)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_all(v.u.s, TF_U_LETTER));
}

METHOD(str_isalnum)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_all(v.u.s, TF_U_LETTER | TF_U_NUMBER));
}

METHOD(str_isspace)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_all(v.u.s, TF_U_SPACE));
}

METHOD(str_isupper)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_cased(v, TF_U_LOWER));
}

METHOD(str_islower)
{
    (void)r;
    (void)c;
    return tf_jv_bool(tf_js_cased(v, TF_U_UPPER));
}

METHOD(dict_items)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t i;

    (void)c;
    for (i = 0; i < v.u.dict->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, list,
                     tf_jv_pair(r, v.u.dict->keys[i], v.u.dict->values[i]));
    return list;
}

METHOD(dict_keys)
{
    (void)c;
    return tf_jv_items(r, v);
}

METHOD(dict_values)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t i;

    (void)c;
    for (i = 0; i < v.u.dict->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, list, v.u.dict->values[i]);
    return list;
}

METHOD(dict_get)
{
    struct tf_jv *item = tf_jv_find(r, v, arg(c, 0, "key"));

    (void)r;
    return item ? *item : arg(c, 1, "default");
}

/* Values never change, so a copy is the value itself. */
METHOD(copy)
{
    (void)r;
    (void)c;
    return v;
}

METHOD(list_index)
{
    struct tf_jv what = arg(c, 0, "value");
    size_t i;

    for (i = 0; i < v.u.list->count && !r->failed; i++)
        if (tf_jv_equal(r, v.u.list->items[i], what))
            return tf_jv_int((int64_t)i);
    return tf_jv_fail(r, "the value is not in the list");
}

METHOD(list_count)
{
    struct tf_jv what = arg(c, 0, "value");
    int64_t n = 0;
    size_t i;

    for (i = 0; i < v.u.list->count && !r->failed; i++)
        n += tf_jv_equal(r, v.u.list->items[i], what);
    return tf_jv_int(n);
}

static const struct tf_jfilter of_strings[] = {
    { "capitalize", str_capitalize },
    { "center", tf_jmethod_center },
    { "count", str_count },
    { "endswith", str_endswith },
    { "find", str_find },
    { "format", tf_jv_format },
    { "index", str_index },
    { "isalnum", str_isalnum },
    { "isalpha", str_isalpha },
    { "isdecimal", str_isdigit },
    { "isdigit", str_isdigit },
    { "islower", str_islower },
    { "isnumeric", str_isdigit },
    { "isspace", str_isspace },
    { "isupper", str_isupper },
    { "join", str_join },
    { "ljust", str_ljust },
    { "lower", str_lower },
    { "lstrip", str_lstrip },
    { "partition", str_partition },
    { "removeprefix", str_removeprefix },
    { "removesuffix", str_removesuffix },
    { "replace", str_replace },
    { "rfind", str_rfind },
    { "rindex", str_rindex },
    { "rjust", str_rjust },
    { "rpartition", str_rpartition },
    { "rsplit", str_rsplit },
    { "rstrip", str_rstrip },
    { "split", str_split },
    { "splitlines", str_splitlines },
    { "startswith", str_startswith },
    { "strip", str_strip },
    { "title", str_title },
    { "upper", str_upper },
    { "zfill", str_zfill },
    { NULL, NULL },
};

static const struct tf_jfilter of_lists[] = {
    { "copy", copy },
    { "count", list_count },
    { "index", list_index },
    { NULL, NULL },
};

static const struct tf_jfilter of_dicts[] = {
    { "copy", copy },      { "get", dict_get },       { "items", dict_items },
    { "keys", dict_keys }, { "values", dict_values }, { NULL, NULL },
};

static const struct tf_jfilter of_loops[] = {
    { "changed", tf_jmethod_changed },
    { "cycle", tf_jmethod_cycle },
    { NULL, NULL },
};

const struct tf_jfilter *tf_jinja_method(struct tf_jv v, struct tf_str name)
{
    const struct tf_jfilter *m = v.type == TF_JV_STRING ? of_strings
                                 : tf_jv_is_sequence(v) ? of_lists
                                 : v.type == TF_JV_DICT ? of_dicts
                                 : v.type == TF_JV_LOOP ? of_loops
                                                        : NULL;

    for (; m && m->name; m++)
        if (tf_str_is(name, m->name))
            return m;
    return NULL;
}

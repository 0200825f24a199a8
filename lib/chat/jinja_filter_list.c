/* Filters of sequences and mappings. */
#include <string.h>
#include "chat/jinja_names.h"
#include "chat/jinja_string.h"

#define FILTER(name)                                                           \
    static struct tf_jv name(struct tf_jinja_run *r, struct tf_jv v,           \
                             const struct tf_jcall *c)

static const struct tf_str no_item = { "the item of an empty sequence", 29 };

static struct tf_jv arg(const struct tf_jcall *c, size_t place,
                        const char *name)
{
    return tf_jcall_arg(c, place, name, tf_jv_none());
}

/* What an item is sorted or told from others by: an attribute of it, or
 * itself; without its case if it is a string. */
struct key {
    struct tf_jv attribute, otherwise;
    bool cased;
};

static struct tf_jv attribute_of(struct tf_jinja_run *r, const struct key *k,
                                 struct tf_jv v)
{
    if (k->attribute.type == TF_JV_NONE)
        return v;
    return tf_jv_path(r, v, k->attribute, k->otherwise);
}

static struct tf_jv key_of(struct tf_jinja_run *r, const struct key *k,
                           struct tf_jv v)
{
    v = attribute_of(r, k, v);
    return v.type == TF_JV_STRING && !k->cased
               ? tf_js_case(r, v.u.s, TF_JS_LOWER)
               : v;
}

static struct key read_key(const struct tf_jcall *c, size_t attribute,
                           size_t cased)
{
    struct key k;

    k.attribute = arg(c, attribute, "attribute");
    k.otherwise = tf_jv_undefined(no_item);
    k.cased = tf_jcall_bool(c, cased, "case_sensitive", false);
    return k;
}

FILTER(filter_batch)
{
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false), row;
    int64_t width = tf_jcall_int(r, c, 0, "linecount", 0);
    struct tf_jv fill = arg(c, 1, "fill_with");
    size_t i;

    if (width < 1)
        return tf_jv_fail(r, "batch needs a linecount of at least 1");
    row = tf_jv_list(r, false);
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        if (row.u.list->count == (size_t)width) {
            tf_jv_append(r, out, row);
            row = tf_jv_list(r, false);
        }
        tf_jv_append(r, row, items.u.list->items[i]);
    }
    if (!row.u.list->count)
        return tf_jv_iterator(out);
    while (fill.type != TF_JV_NONE && row.u.list->count < (size_t)width &&
           tf_jv_step(r, 1))
        tf_jv_append(r, row, fill);
    tf_jv_append(r, out, row);
    return tf_jv_iterator(out);
}

FILTER(filter_dictsort)
{
    bool by_value = tf_str_is(tf_jcall_str(r, c, 1, "by", "key"), "value");
    bool reverse = tf_jcall_bool(c, 2, "reverse", false);
    struct key k = { tf_jv_int(by_value), tf_jv_undefined(no_item),
                     tf_jcall_bool(c, 0, "case_sensitive", false) };
    struct tf_jv pairs = tf_jv_list(r, false), keys = tf_jv_list(r, false);
    size_t i;

    if (v.type != TF_JV_DICT)
        return tf_jv_fail(r, "dictsort is of a mapping, not of %s",
                          tf_jv_type_name(v));
    for (i = 0; i < v.u.dict->count && tf_jv_step(r, 1); i++) {
        struct tf_jv pair =
            tf_jv_pair(r, v.u.dict->keys[i], v.u.dict->values[i]);

        tf_jv_append(r, pairs, pair);
        tf_jv_append(r, keys, key_of(r, &k, pair));
    }
    return tf_jv_sorted(r, pairs, keys, reverse);
}

FILTER(filter_first)
{
    struct tf_jv_list *l = v.u.list;

    (void)c;
    if (v.type == TF_JV_ITERATOR)
        return l->taken < l->count ? l->items[l->taken++]
                                   : tf_jv_undefined(no_item);
    v = tf_jv_items(r, v);
    return v.u.list->count ? v.u.list->items[0] : tf_jv_undefined(no_item);
}

FILTER(filter_last)
{
    (void)c;
    v = tf_jv_items(r, v);
    return v.u.list->count ? v.u.list->items[v.u.list->count - 1]
                           : tf_jv_undefined(no_item);
}

static struct tf_jv keys_of(struct tf_jinja_run *r, const struct key *k,
                            struct tf_jv items)
{
    struct tf_jv keys = tf_jv_list(r, false);
    size_t i;

    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, keys, key_of(r, k, items.u.list->items[i]));
    return keys;
}

/* Groups of items whose attribute is the same, in its order. */
FILTER(filter_groupby)
{
    struct key k = read_key(c, 0, 2);
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false);
    struct tf_jv group = out, key, before = tf_jv_none(), pair;
    size_t i;

    k.otherwise = tf_jcall_arg(c, 1, "default", k.otherwise);
    items = tf_jv_sorted(r, items, keys_of(r, &k, items), false);
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        struct tf_jv item = items.u.list->items[i];

        key = key_of(r, &k, item);
        if (!i || !tf_jv_equal(r, key, before)) {
            group = tf_jv_list(r, false);
            pair = tf_jv_pair(r, attribute_of(r, &k, item), group);
            if (r->failed)
                break;
            pair.u.list->group = true;
            tf_jv_append(r, out, pair);
        }
        tf_jv_append(r, group, item);
        before = key;
    }
    return out;
}

FILTER(filter_items)
{
    struct tf_jv list = tf_jv_list(r, false);
    size_t i;

    (void)c;
    if (v.type == TF_JV_UNDEFINED)
        return tf_jv_iterator(list);
    if (v.type != TF_JV_DICT)
        return tf_jv_fail(r, "Can only get item pairs from a mapping.");
    for (i = 0; i < v.u.dict->count && tf_jv_step(r, 1); i++)
        tf_jv_append(r, list,
                     tf_jv_pair(r, v.u.dict->keys[i], v.u.dict->values[i]));
    return tf_jv_iterator(list);
}

FILTER(filter_join)
{
    struct tf_str by = tf_jv_to_str(r, tf_jcall_arg(c, 0, "d", tf_jv_text("")));
    struct key k = read_key(c, 1, SIZE_MAX);
    struct tf_jv items = tf_jv_items(r, v);
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1 + by.len / 16);
         i++) {
        tf_buf_add(&b, by.s, i ? by.len : 0);
        tf_jv_print(r, attribute_of(r, &k, items.u.list->items[i]), &b);
    }
    return tf_jv_take(r, &b);
}

FILTER(filter_length)
{
    (void)c;
    return tf_jv_int(tf_jv_length(r, v));
}

FILTER(filter_list)
{
    struct tf_jv items = tf_jv_items(r, v);

    (void)c;
    items.type = TF_JV_LIST;
    return items;
}

/* The arguments from the n-th on. */
static struct tf_jcall rest(const struct tf_jcall *c, size_t n)
{
    struct tf_jcall part = *c;

    part.count = c->count > n ? c->count - n : 0;
    part.at = part.count ? c->at + n : NULL;
    return part;
}

/* Run a filter by its name, or look up an attribute, of every item. */
FILTER(filter_map)
{
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false), item;
    struct tf_jcall args = rest(c, 1);
    const struct tf_jfilter *f = NULL;
    struct tf_str name;
    struct key k = {
        arg(c, SIZE_MAX, "attribute"),
        tf_jcall_arg(c, SIZE_MAX, "default", tf_jv_undefined(no_item)), true
    };
    size_t i;

    if (c->count) {
        name = tf_jcall_str(r, c, 0, "name", "");
        f = tf_jinja_filter(name);
        if (!f)
            return tf_jv_fail(r, "No filter named '%.*s'.",
                              name.len < 60 ? (int)name.len : 60, name.s);
    } else if (k.attribute.type == TF_JV_NONE) {
        return tf_jv_fail(r, "map requires a filter argument");
    }
    if (++r->depth > 200)
        tf_jv_fail(r, "filters nested too deeply");
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        item = items.u.list->items[i];
        tf_jv_append(r, out,
                     f ? f->run(r, item, &args) : attribute_of(r, &k, item));
    }
    r->depth--;
    return tf_jv_iterator(out);
}

static struct tf_jv extreme(struct tf_jinja_run *r, struct tf_jv v,
                            const struct tf_jcall *c, int sign)
{
    struct key k = read_key(c, 1, 0);
    struct tf_jv items = tf_jv_items(r, v), keys = keys_of(r, &k, items);
    size_t i, best = 0;

    if (!keys.u.list->count)
        return tf_jv_undefined(no_item);
    for (i = 1; i < keys.u.list->count && !r->failed; i++)
        if (sign * tf_jv_compare(r, keys.u.list->items[i],
                                 keys.u.list->items[best]) >
            0)
            best = i;
    return items.u.list->items[best];
}

FILTER(filter_max)
{
    return extreme(r, v, c, 1);
}

FILTER(filter_min)
{
    return extreme(r, v, c, -1);
}

/* The items of which a test by its name is `wanted`; `by` attribute: of their
 * attribute that comes first in the arguments. */
static struct tf_jv chosen(struct tf_jinja_run *r, struct tf_jv v,
                           const struct tf_jcall *c, bool by, bool wanted)
{
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false), item;
    struct tf_jcall args = rest(c, by ? 2 : 1);
    const struct tf_jtest *test = NULL;
    struct key k = { tf_jv_none(), tf_jv_undefined(no_item), true };
    struct tf_str name;
    size_t i;

    if (by && !c->count)
        return tf_jv_fail(r, "Missing parameter for attribute name");
    if (by)
        k.attribute = c->at[0];
    if (c->count > by) {
        name = tf_jcall_str(r, c, by, "name", "");
        test = tf_jinja_test(name);
        if (!test)
            return tf_jv_fail(r, "No test named '%.*s'.",
                              name.len < 60 ? (int)name.len : 60, name.s);
    }
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        item = attribute_of(r, &k, items.u.list->items[i]);
        if ((test ? test->run(r, item, &args) : tf_jv_true(item)) == wanted)
            tf_jv_append(r, out, items.u.list->items[i]);
    }
    return tf_jv_iterator(out);
}

FILTER(filter_select)
{
    return chosen(r, v, c, false, true);
}

FILTER(filter_reject)
{
    return chosen(r, v, c, false, false);
}

FILTER(filter_selectattr)
{
    return chosen(r, v, c, true, true);
}

FILTER(filter_rejectattr)
{
    return chosen(r, v, c, true, false);
}

FILTER(filter_reverse)
{
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false);
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    (void)c;
    for (i = items.u.list->count; i && tf_jv_step(r, 1); i--) {
        struct tf_jv item = items.u.list->items[i - 1];

        if (v.type == TF_JV_STRING)
            tf_buf_add(&b, item.u.s.s, item.u.s.len);
        else
            tf_jv_append(r, out, item);
    }
    return v.type == TF_JV_STRING ? tf_jv_take(r, &b) : tf_jv_iterator(out);
}

/* Columns of about the same length. */
FILTER(filter_slice)
{
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false);
    int64_t n = tf_jcall_int(r, c, 0, "slices", 0), i, at = 0;
    struct tf_jv fill = arg(c, 1, "fill_with");
    int64_t length = (int64_t)items.u.list->count, end;

    if (n < 1)
        return tf_jv_fail(r, "slice needs at least 1 slice");
    for (i = 0; i < n && tf_jv_step(r, 1); i++) {
        struct tf_jv column = tf_jv_list(r, false);

        end = at + length / n + (i < length % n);
        for (; at < end && tf_jv_step(r, 1); at++)
            tf_jv_append(r, column, items.u.list->items[at]);
        if (fill.type != TF_JV_NONE && i >= length % n)
            tf_jv_append(r, column, fill);
        tf_jv_append(r, out, column);
    }
    return tf_jv_iterator(out);
}

/* By an attribute, or by several with commas between. */
FILTER(filter_sort)
{
    struct key k = read_key(c, 2, 1);
    struct tf_jv items = tf_jv_items(r, v), keys = tf_jv_list(r, false);
    struct tf_jv names = tf_jv_list(r, false), key;
    static const struct tf_str comma = { ",", 1 };
    size_t i, part;

    if (k.attribute.type == TF_JV_STRING)
        names = tf_js_split(r, k.attribute.u.s, comma, -1);
    else
        tf_jv_append(r, names, k.attribute);
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        key = tf_jv_list(r, false);
        for (part = 0; part < names.u.list->count; part++) {
            k.attribute = names.u.list->items[part];
            tf_jv_append(r, key, key_of(r, &k, items.u.list->items[i]));
        }
        tf_jv_append(r, keys, key);
    }
    return tf_jv_sorted(r, items, keys, tf_jcall_bool(c, 0, "reverse", false));
}

FILTER(filter_sum)
{
    struct key k = read_key(c, 0, SIZE_MAX);
    struct tf_jv items = tf_jv_items(r, v);
    struct tf_jv sum = tf_jcall_arg(c, 1, "start", tf_jv_int(0));
    size_t i;

    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++)
        sum = tf_jv_operate(r, '+', sum,
                            attribute_of(r, &k, items.u.list->items[i]));
    return sum;
}

FILTER(filter_unique)
{
    struct key k = read_key(c, 1, 0);
    struct tf_jv items = tf_jv_items(r, v), out = tf_jv_list(r, false);
    struct tf_jv seen = tf_jv_list(r, false), key;
    size_t i;

    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        key = key_of(r, &k, items.u.list->items[i]);
        if (tf_jv_contains(r, seen, key))
            continue;
        tf_jv_append(r, seen, key);
        tf_jv_append(r, out, items.u.list->items[i]);
    }
    return tf_jv_iterator(out);
}

const struct tf_jfilter *tf_jinja_list_filter(struct tf_str name)
{
    static const struct tf_jfilter filters[] = {
        { "batch", filter_batch },
        { "count", filter_length },
        { "dictsort", filter_dictsort },
        { "first", filter_first },
        { "groupby", filter_groupby },
        { "items", filter_items },
        { "join", filter_join },
        { "last", filter_last },
        { "length", filter_length },
        { "list", filter_list },
        { "map", filter_map },
        { "max", filter_max },
        { "min", filter_min },
        { "reject", filter_reject },
        { "rejectattr", filter_rejectattr },
        { "reverse", filter_reverse },
        { "select", filter_select },
        { "selectattr", filter_selectattr },
        { "slice", filter_slice },
        { "sort", filter_sort },
        { "sum", filter_sum },
        { "unique", filter_unique },
    };
    size_t i;

    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        if (tf_str_is(name, filters[i].name))
            return &filters[i];
    return NULL;
}

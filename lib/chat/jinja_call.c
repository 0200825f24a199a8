/* Arguments, and what templates can call by name. */
#include <string.h>
#include <time.h>
#include "chat/jinja_scope.h"

#define RANGE_MAX 100000 /* as Jinja's sandbox */

struct tf_jv tf_jcall_arg(const struct tf_jcall *c, size_t place,
                          const char *name, struct tf_jv otherwise)
{
    struct tf_jv *v;

    if (place < c->count)
        return c->at[place];
    v = tf_jv_find(c->run, c->named, tf_jv_text(name));
    return v ? *v : otherwise;
}

int64_t tf_jcall_int(struct tf_jinja_run *r, const struct tf_jcall *c,
                     size_t place, const char *name, int64_t otherwise)
{
    struct tf_jv v = tf_jcall_arg(c, place, name, tf_jv_int(otherwise));
    int64_t i;

    if (tf_jv_integer(v, &i))
        return i;
    if (v.type != TF_JV_NONE)
        tf_jv_fail(r, "%s must be an integer, not %s", name,
                   tf_jv_type_name(v));
    return otherwise;
}

bool tf_jcall_bool(const struct tf_jcall *c, size_t place, const char *name,
                   bool otherwise)
{
    return tf_jv_true(tf_jcall_arg(c, place, name, tf_jv_bool(otherwise)));
}

struct tf_str tf_jcall_str(struct tf_jinja_run *r, const struct tf_jcall *c,
                           size_t place, const char *name,
                           const char *otherwise)
{
    struct tf_jv v = tf_jcall_arg(c, place, name, tf_jv_text(otherwise));

    if (v.type == TF_JV_STRING)
        return v.u.s;
    tf_jv_fail(r, "%s must be a string, not %s", name, tf_jv_type_name(v));
    return (struct tf_str){ "", 0 };
}

struct tf_jv tf_jv_callable(struct tf_jinja_run *r, struct tf_jv_callable c)
{
    struct tf_jv v = { TF_JV_CALLABLE, { .i = 0 } };

    v.u.callable = tf_jv_alloc(r, sizeof(c));
    if (!v.u.callable)
        return tf_jv_none();
    *v.u.callable = c;
    return v;
}

struct tf_jv tf_jv_function(struct tf_jinja_run *r, struct tf_jv self,
                            const struct tf_jfilter *run)
{
    return tf_jv_callable(r, (struct tf_jv_callable){ .kind = TF_JC_METHOD,
                                                      .self = self,
                                                      .run = run });
}

static struct tf_jv call_range(struct tf_jinja_run *r, struct tf_jv unused,
                               const struct tf_jcall *c)
{
    struct tf_jv list = tf_jv_list(r, false);
    bool one = c->count == 1;
    int64_t i = one ? 0 : tf_jcall_int(r, c, 0, "start", 0);
    int64_t end = tf_jcall_int(r, c, one ? 0 : 1, "stop", 0);
    int64_t step = tf_jcall_int(r, c, 2, "step", 1);

    (void)unused;
    if (!step)
        return tf_jv_fail(r, "range() arg 3 must not be zero");
    while ((step > 0 ? i < end : i > end) && !r->failed) {
        if (list.u.list->count == RANGE_MAX)
            return tf_jv_fail(r, "Range too big. The sandbox blocks ranges "
                                 "larger than 100000.");
        tf_jv_append(r, list, tf_jv_int(i));
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return list;
}

/* From a mapping or pairs, then from the named arguments. */
static struct tf_jv fill(struct tf_jinja_run *r, struct tf_jv dict,
                         const struct tf_jcall *c)
{
    struct tf_jv from = tf_jcall_arg(c, 0, "", tf_jv_none()), items;
    size_t i;

    if (from.type == TF_JV_DICT || from.type == TF_JV_NAMESPACE) {
        for (i = 0; i < from.u.dict->count; i++)
            tf_jv_set(r, dict, from.u.dict->keys[i], from.u.dict->values[i]);
    } else if (from.type != TF_JV_NONE) {
        items = tf_jv_items(r, from);
        for (i = 0; i < items.u.list->count && !r->failed; i++) {
            struct tf_jv pair = tf_jv_items(r, items.u.list->items[i]);

            if (pair.u.list->count != 2)
                return tf_jv_fail(r, "a dictionary is made of pairs");
            tf_jv_set(r, dict, pair.u.list->items[0], pair.u.list->items[1]);
        }
    }
    for (i = 0; i < c->named.u.dict->count; i++)
        tf_jv_set(r, dict, c->named.u.dict->keys[i],
                  c->named.u.dict->values[i]);
    return dict;
}

static struct tf_jv call_dict(struct tf_jinja_run *r, struct tf_jv unused,
                              const struct tf_jcall *c)
{
    (void)unused;
    return fill(r, tf_jv_dict(r, TF_JV_DICT), c);
}

static struct tf_jv call_namespace(struct tf_jinja_run *r, struct tf_jv unused,
                                   const struct tf_jcall *c)
{
    (void)unused;
    return fill(r, tf_jv_dict(r, TF_JV_NAMESPACE), c);
}

static struct tf_jv call_raise(struct tf_jinja_run *r, struct tf_jv unused,
                               const struct tf_jcall *c)
{
    struct tf_str s =
        tf_jv_to_str(r, tf_jcall_arg(c, 0, "message", tf_jv_text("")));

    (void)unused;
    return tf_jv_fail(r, "%.*s", s.len < 300 ? (int)s.len : 300, s.s);
}

static struct tf_jv call_strftime(struct tf_jinja_run *r, struct tf_jv unused,
                                  const struct tf_jcall *c)
{
    struct tf_str format = tf_jcall_str(r, c, 0, "format", "");
    char text[256], spec[128];
    time_t now = time(NULL);
    struct tm local;

    (void)unused;
    if (format.len >= sizeof(spec) || memchr(format.s, 0, format.len))
        return tf_jv_fail(r, "a format of the time that is too long");
    if (!format.len || !localtime_r(&now, &local))
        return tf_jv_text("");
    memcpy(spec, format.s, format.len);
    spec[format.len] = 0;
    return tf_jv_str(
        tf_jv_copy(r, text, strftime(text, sizeof(text), spec, &local)));
}

/* joiner(", "): "" at its first call, then what it was given. */
static struct tf_jv next_joint(struct tf_jinja_run *r, struct tf_jv self,
                               const struct tf_jcall *c)
{
    struct tf_jv *used = tf_jv_find(r, self, tf_jv_text("used"));
    struct tf_jv *separator = tf_jv_find(r, self, tf_jv_text("sep"));

    (void)c;
    if (!used || !separator || r->failed)
        return tf_jv_none();
    if (tf_jv_true(*used))
        return *separator;
    *used = tf_jv_bool(true);
    return tf_jv_text("");
}

static struct tf_jv call_joiner(struct tf_jinja_run *r, struct tf_jv unused,
                                const struct tf_jcall *c)
{
    static const struct tf_jfilter next = { "joiner", next_joint };
    struct tf_jv state = tf_jv_dict(r, TF_JV_NAMESPACE);

    (void)unused;
    tf_jv_set(r, state, tf_jv_text("sep"),
              tf_jv_str(tf_jcall_str(r, c, 0, "sep", ", ")));
    tf_jv_set(r, state, tf_jv_text("used"), tf_jv_bool(false));
    return tf_jv_function(r, state, &next);
}

/* loop.cycle(a, b) */
struct tf_jv tf_jmethod_cycle(struct tf_jinja_run *r, struct tf_jv loop,
                              const struct tf_jcall *c)
{
    if (!c->count)
        return tf_jv_fail(r, "no items for cycling given");
    return c->at[loop.u.dict->loop->index % c->count];
}

/* loop.changed(values): are they others than at the last call? */
struct tf_jv tf_jmethod_changed(struct tf_jinja_run *r, struct tf_jv loop,
                                const struct tf_jcall *c)
{
    struct tf_jv_loop *l = loop.u.dict->loop;
    struct tf_jv now = tf_jv_list(r, false);
    bool same;
    size_t i;

    for (i = 0; i < c->count; i++)
        tf_jv_append(r, now, c->at[i]);
    same = l->changed.type == TF_JV_LIST && tf_jv_equal(r, l->changed, now);
    l->changed = now;
    return tf_jv_bool(!same);
}

struct tf_jv tf_jinja_global(struct tf_jinja_run *r, struct tf_str name)
{
    static const struct tf_jfilter globals[] = {
        { "range", call_range },           { "dict", call_dict },
        { "namespace", call_namespace },   { "raise_exception", call_raise },
        { "strftime_now", call_strftime }, { "joiner", call_joiner },
    };
    size_t i;

    for (i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
        if (tf_str_is(name, globals[i].name))
            return tf_jv_function(r, tf_jv_none(), &globals[i]);
    return tf_jv_undefined(name);
}

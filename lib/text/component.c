#include "text/component.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int read_members(const struct tf_component *c, struct tf_json *j,
                        void *object, struct tf_buf *type, unsigned *seen,
                        struct tf_err *err)
{
    struct tf_str key, name;
    size_t i;

    if (!tf_json_object(j))
        return 0;
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "type")) {
            tf_buf_reset(type);
            if (tf_json_string(j, &name))
                tf_buf_add(type, name.s, name.len);
            continue;
        }
        for (i = 0; i < c->member_count && !tf_str_is(key, c->members[i]); i++)
            ;
        if (i == c->member_count || tf_json_peek(j) == TF_JSON_NULL) {
            tf_json_skip(j, NULL);
            continue;
        }
        *seen |= 1u << i;
        if (c->read(j, 1u << i, object, err))
            return -1;
    }
    return 0;
}

/* The type of that name, if all the members are there that it must have. */
static const void *find_type(const struct tf_component *c, const char *name,
                             unsigned seen, struct tf_err *err)
{
    const struct tf_component_type *t;
    size_t i, k;

    for (i = 0; i < c->type_count; i++) {
        t = (const void *)((const char *)c->types + i * c->type_size);
        if (strcmp(name, t->name) != 0)
            continue;
        for (k = 0; k < c->member_count; k++)
            if (t->must & ~seen & 1u << k) {
                tf_fail(err, "%s %s has no \"%s\"", c->what, name,
                        c->members[k]);
                return NULL;
            }
        return t;
    }
    tf_fail(err, "unknown %s type \"%s\"", c->what, name);
    return NULL;
}

const void *tf_component_read(const struct tf_component *c, struct tf_json *j,
                              void *object, unsigned *seen, struct tf_err *err)
{
    struct tf_buf type = TF_BUF_INIT;
    const void *found = NULL;

    *seen = 0;
    if (!read_members(c, j, object, &type, seen, err) &&
        !tf_json_failed(j, err))
        found = find_type(c, tf_buf_cstr(&type), *seen, err);
    tf_buf_release(&type);
    return found;
}

int tf_components_read(struct tf_components *list, struct tf_json *j,
                       int (*read)(struct tf_json *j, void **item,
                                   struct tf_err *err),
                       struct tf_err *err)
{
    void **grown;

    if (!tf_json_array(j))
        return 0;
    while (tf_json_item(j)) {
        grown = tf_grow(list->at, list->count + 1, sizeof(*grown), err);
        if (!grown)
            return -1;
        list->at = grown;
        if (read(j, &grown[list->count], err))
            return -1;
        list->count += grown[list->count] != NULL;
    }
    return 0;
}

int tf_component_string(struct tf_json *j, struct tf_str *out,
                        struct tf_err *err)
{
    struct tf_str s;
    char *copy;

    if (!tf_json_string(j, &s))
        return 0;
    copy = tf_strndup(s.s, s.len, err);
    if (!copy)
        return -1;
    free((char *)out->s);
    *out = (struct tf_str){ copy, s.len };
    return 0;
}

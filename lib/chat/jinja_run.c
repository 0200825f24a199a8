/* Statements. */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "chat/jinja.h"
#include "chat/jinja_scope.h"

struct tf_jv_scope *tf_jscope_new(struct tf_jinja_run *r,
                                  struct tf_jv_scope *parent)
{
    struct tf_jv_scope *s = tf_jv_alloc(r, sizeof(*s));

    if (!s)
        return parent;
    memset(s, 0, sizeof(*s));
    s->parent = parent;
    return s;
}

static struct tf_jname *find(const struct tf_jv_scope *s, struct tf_str name)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        if (tf_str_eq(s->at[i].name, name))
            return &s->at[i];
    return NULL;
}

void tf_jscope_set(struct tf_jinja_run *r, struct tf_jv_scope *s,
                   struct tf_str name, struct tf_jv v)
{
    struct tf_jname *n;
    size_t cap;

    if (r->failed)
        return;
    n = find(s, name);
    cap = s->cap * 2 + 4;
    if (n) {
        n->value = v;
        return;
    }
    if (s->count == s->cap) {
        n = tf_jv_alloc(r, cap * sizeof(*n));
        if (!n || r->failed)
            return;
        if (s->count)
            memcpy(n, s->at, s->count * sizeof(*n));
        s->at = n;
        s->cap = cap;
    }
    s->at[s->count++] = (struct tf_jname){ name, v };
}

struct tf_jv tf_jscope_get(struct tf_jinja_run *r, const struct tf_jv_scope *s,
                           struct tf_str name)
{
    const struct tf_jname *n;

    for (; s; s = s->parent) {
        tf_jv_step(r, s->count / 8);
        n = find(s, name);
        if (n)
            return n->value;
    }
    return tf_jinja_global(r, name);
}

/* Give a target its value; several names share out its items. */
static void assign(struct tf_jinja_run *r, const struct tf_jnode *target,
                   struct tf_jv v, struct tf_jv_scope *s)
{
    const struct tf_jnode *t;
    struct tf_jv object, items;
    size_t i = 0;

    if (target->kind == TF_JN_NAME) {
        tf_jscope_set(r, s, target->name, v);
        return;
    }
    if (target->kind == TF_JN_ATTR) {
        object = tf_jinja_eval(r, target->a, s);
        if (object.type != TF_JV_NAMESPACE)
            tf_jv_fail(r, "cannot assign attribute on non-namespace object");
        else if (target->name.s[0] == '_')
            tf_jv_fail(r, "attributes of a namespace can't begin with _");
        else
            tf_jv_set(r, object, tf_jv_str(target->name), v);
        return;
    }
    items = tf_jv_items(r, v);
    for (t = target->a; t && !r->failed; t = t->next, i++) {
        if (i == items.u.list->count)
            tf_jv_fail(r, "not enough values to unpack (got %zu)", i);
        else
            assign(r, t, items.u.list->items[i], s);
    }
    if (i < items.u.list->count)
        tf_jv_fail(r, "too many values to unpack (expected %zu)", i);
}

struct tf_jv tf_jinja_capture(struct tf_jinja_run *r, const struct tf_jnode *n,
                              struct tf_jv_scope *s)
{
    struct tf_buf b = TF_BUF_INIT, *out = r->out;

    r->out = &b;
    tf_jinja_execute(r, n, s);
    r->out = out;
    return tf_jv_take(r, &b);
}

/* The items that pass the loop's own condition. */
static struct tf_jv chosen(struct tf_jinja_run *r, const struct tf_jnode *n,
                           struct tf_jv items, struct tf_jv_scope *s)
{
    struct tf_jv list;
    size_t i;

    if (!n->d)
        return items;
    list = tf_jv_list(r, false);
    for (i = 0; i < items.u.list->count && tf_jv_step(r, 1); i++) {
        struct tf_jv_scope *inner = tf_jscope_new(r, s);

        assign(r, n->a, items.u.list->items[i], inner);
        if (tf_jv_true(tf_jinja_eval(r, n->d, inner)))
            tf_jv_append(r, list, items.u.list->items[i]);
    }
    return list;
}

void tf_jinja_loop(struct tf_jinja_run *r, const struct tf_jnode *n,
                   struct tf_jv items, int64_t depth, struct tf_jv_scope *s)
{
    struct tf_jv loop = tf_jv_dict(r, TF_JV_LOOP);
    struct tf_jv_loop *l = tf_jv_alloc(r, sizeof(*l));
    struct tf_jv_scope *inner;
    static const struct tf_str name = { "loop", 4 };

    if (!l || r->failed)
        return;
    memset(l, 0, sizeof(*l));
    loop.u.dict->loop = l;
    l->items = chosen(r, n, tf_jv_items(r, items), s);
    l->depth = depth;
    l->node = n;
    l->scope = s;
    l->changed = tf_jv_undefined(name);
    if (r->failed)
        return;
    for (l->index = 0; l->index < l->items.u.list->count; l->index++) {
        if (!tf_jv_step(r, 1))
            return;
        inner = tf_jscope_new(r, s);
        tf_jscope_set(r, inner, name, loop);
        assign(r, n->a, l->items.u.list->items[l->index], inner);
        if (tf_jinja_execute(r, n->c, inner) == TF_JF_BREAK)
            break;
    }
    if (!l->items.u.list->count && n->e)
        tf_jinja_execute(r, n->e, tf_jscope_new(r, s));
}

/* The macro of a statement, which sees the names of a scope. */
static struct tf_jv macro(struct tf_jinja_run *r, const struct tf_jnode *n,
                          struct tf_jv_scope *s)
{
    return tf_jv_callable(r, (struct tf_jv_callable){
                                 .kind = TF_JC_MACRO, .macro = n, .scope = s });
}

static enum tf_jflow if_statement(struct tf_jinja_run *r,
                                  const struct tf_jnode *n,
                                  struct tf_jv_scope *s)
{
    for (; n && n->kind == TF_JN_IF; n = n->c) {
        r->line = n->line;
        if (tf_jv_true(tf_jinja_eval(r, n->a, s)))
            return tf_jinja_execute(r, n->b, s);
        if (r->failed)
            return TF_JF_BREAK;
        if (n->c && n->c->next)
            break; /* an else of several statements */
    }
    return n ? tf_jinja_execute(r, n->kind == TF_JN_IF ? n->c : n, s)
             : TF_JF_ON;
}

static void set_block(struct tf_jinja_run *r, const struct tf_jnode *n,
                      struct tf_jv_scope *s)
{
    struct tf_jv v = tf_jinja_capture(r, n->c, tf_jscope_new(r, s));

    if (n->kind == TF_JN_SET_BLOCK) {
        assign(r, n->a, n->b ? tf_jinja_apply(r, n->b, v, s) : v, s);
    } else {
        v = tf_jinja_apply(r, n->b, v, s);
        tf_jv_print(r, v, r->out);
    }
}

/* The call is passed the body as the macro `caller`. */
static void call_block(struct tf_jinja_run *r, const struct tf_jnode *n,
                       struct tf_jv_scope *s)
{
    struct tf_jv caller = macro(r, n, s);

    tf_jv_print(r, tf_jinja_call_node(r, n->b, s, &caller), r->out);
}

static enum tf_jflow with_statement(struct tf_jinja_run *r,
                                    const struct tf_jnode *n,
                                    struct tf_jv_scope *s)
{
    struct tf_jv_scope *inner = tf_jscope_new(r, s);
    const struct tf_jnode *t;

    for (t = n->a; t; t = t->next)
        tf_jscope_set(r, inner, t->name, tf_jinja_eval(r, t->a, s));
    return tf_jinja_execute(r, n->c, inner);
}

/* A body whose place in the text is noted; not where it is printed to a
 * variable. */
static enum tf_jflow generation(struct tf_jinja_run *r,
                                const struct tf_jnode *n, struct tf_jv_scope *s)
{
    size_t begin = r->out->len;
    enum tf_jflow flow = tf_jinja_execute(r, n->c, tf_jscope_new(r, s));

    if (!r->failed && r->generated && r->out == r->whole &&
        tf_jinja_span(r->generated, begin, r->out->len, r->err))
        r->failed = true;
    return flow;
}

static enum tf_jflow statement(struct tf_jinja_run *r, const struct tf_jnode *n,
                               struct tf_jv_scope *s)
{
    switch (n->kind) {
    case TF_JN_TEXT:
        tf_buf_add(r->out, n->name.s, n->name.len);
        break;
    case TF_JN_OUTPUT:
        tf_jv_print(r, tf_jinja_eval(r, n->a, s), r->out);
        break;
    case TF_JN_IF:
        return if_statement(r, n, s);
    case TF_JN_FOR:
        tf_jinja_loop(r, n, tf_jinja_eval(r, n->b, s), 1, s);
        break;
    case TF_JN_SET:
        assign(r, n->a, tf_jinja_eval(r, n->b, s), s);
        break;
    case TF_JN_SET_BLOCK:
    case TF_JN_FILTERED:
        set_block(r, n, s);
        break;
    case TF_JN_MACRO:
        tf_jscope_set(r, s, n->name, macro(r, n, s));
        break;
    case TF_JN_CALL_BLOCK:
        call_block(r, n, s);
        break;
    case TF_JN_WITH:
        return with_statement(r, n, s);
    case TF_JN_BLOCK:
        return generation(r, n, s);
    case TF_JN_BREAK:
        return TF_JF_BREAK;
    default:
        return TF_JF_CONTINUE;
    }
    return TF_JF_ON;
}

enum tf_jflow tf_jinja_execute(struct tf_jinja_run *r, const struct tf_jnode *n,
                               struct tf_jv_scope *s)
{
    enum tf_jflow flow = TF_JF_ON;

    if (++r->depth > TF_JINJA_DEPTH)
        tf_jv_fail(r, "statements nested too deeply");
    for (; n && flow == TF_JF_ON && tf_jv_step(r, 1); n = n->next) {
        r->line = n->line;
        flow = statement(r, n, s);
        if (r->out->failed)
            tf_jv_fail(r, "no memory");
    }
    r->depth--;
    return r->failed ? TF_JF_BREAK : flow;
}

static void name_error(struct tf_err *err, struct tf_str name)
{
    char text[64];

    snprintf(text, sizeof(text), "%.*s", (int)(name.len < 60 ? name.len : 60),
             name.s);
    tf_err_at(err, text);
}

static void read_variables(struct tf_jinja_run *r,
                           const struct tf_jinja_var *vars, size_t n)
{
    struct tf_json j;
    struct tf_err err;
    struct tf_jv v;
    size_t i;

    for (i = 0; i < n && !r->failed; i++) {
        tf_json_init(&j, vars[i].json.s, vars[i].json.len);
        v = tf_jv_read(r, &j);
        if (tf_json_done(&j) && !tf_json_failed(&j, &err)) {
            tf_jscope_set(r, r->globals, vars[i].name, v);
        } else if (!r->failed) {
            tf_json_failed(&j, r->err);
            name_error(r->err, vars[i].name);
            r->failed = true;
        }
        tf_json_release(&j);
    }
}

int tf_jinja_span(struct tf_jinja_spans *s, size_t begin, size_t end,
                  struct tf_err *err)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        size_t(*v)[2] = tf_grow(s->v, cap, sizeof(*v), err);

        if (!v)
            return -1;
        s->v = v;
        s->cap = cap;
    }
    s->v[s->count][0] = begin;
    s->v[s->count++][1] = end;
    return 0;
}

int tf_jinja_render(const struct tf_jinja *t, const struct tf_jinja_var *vars,
                    size_t n, struct tf_buf *out,
                    struct tf_jinja_spans *generated, struct tf_err *err)
{
    struct tf_jinja_run r = {
        .line = 1, .out = out, .whole = out, .generated = generated, .err = err
    };

    tf_arena_init(&r.arena);
    r.globals = tf_jscope_new(&r, NULL);
    read_variables(&r, vars, n);
    if (!r.failed)
        tf_jinja_execute(&r, tf_jinja_body(t), tf_jscope_new(&r, r.globals));
    tf_arena_release(&r.arena);
    return r.failed ? -1 : 0;
}

/* Expressions, calls and macros. */
#include <string.h>
#include "chat/jinja_scope.h"

#define CALLS_MAX 200 /* a call takes more of the stack */

/* One argument at its place, or by its name. */
static void pass(struct tf_jinja_run *r, struct tf_jcall *c, struct tf_jv list,
                 const struct tf_jnode *arg, struct tf_jv_scope *s)
{
    struct tf_jv v = tf_jinja_eval(r, arg->a, s);
    size_t i;

    if (arg->name.s) {
        tf_jv_set(r, c->named, tf_jv_str(arg->name), v);
    } else if (arg->op == '*') {
        v = tf_jv_items(r, v);
        for (i = 0; i < v.u.list->count; i++)
            tf_jv_append(r, list, v.u.list->items[i]);
    } else if (arg->op == 'P' && v.type == TF_JV_DICT) {
        for (i = 0; i < v.u.dict->count; i++)
            tf_jv_set(r, c->named, v.u.dict->keys[i], v.u.dict->values[i]);
    } else if (arg->op == 'P') {
        tf_jv_fail(r, "argument after ** must be a mapping, not %s",
                   tf_jv_type_name(v));
    } else {
        tf_jv_append(r, list, v);
    }
}

static struct tf_jcall arguments(struct tf_jinja_run *r,
                                 const struct tf_jnode *args,
                                 struct tf_jv_scope *s)
{
    struct tf_jcall c = { NULL, 0, tf_jv_dict(r, TF_JV_DICT), r };
    struct tf_jv list = tf_jv_list(r, false);

    for (; args && !r->failed; args = args->next)
        pass(r, &c, list, args, s);
    c.at = list.u.list->items;
    c.count = list.u.list->count;
    return c;
}

static struct tf_jv filtered(struct tf_jinja_run *r, const struct tf_jnode *n,
                             struct tf_jv v, struct tf_jv_scope *s)
{
    struct tf_jcall c = arguments(r, n->b, s);

    if (!n->filter)
        return tf_jv_fail(r, "No filter named '%.*s'.",
                          n->name.len < 60 ? (int)n->name.len : 60, n->name.s);
    return tf_jv_step(r, 1) ? n->filter->run(r, v, &c) : v;
}

struct tf_jv tf_jinja_apply(struct tf_jinja_run *r, const struct tf_jnode *n,
                            struct tf_jv v, struct tf_jv_scope *s)
{
    if (++r->depth > TF_JINJA_DEPTH)
        tf_jv_fail(r, "filters nested too deeply");
    if (n->a && !r->failed)
        v = tf_jinja_apply(r, n->a, v, s);
    r->depth--;
    return filtered(r, n, v, s);
}

static struct tf_jv tested(struct tf_jinja_run *r, const struct tf_jnode *n,
                           struct tf_jv v, struct tf_jv_scope *s)
{
    struct tf_jcall c = arguments(r, n->b, s);

    if (!n->test)
        return tf_jv_fail(r, "No test named '%.*s'.",
                          n->name.len < 60 ? (int)n->name.len : 60, n->name.s);
    return tf_jv_bool(tf_jv_step(r, 1) && n->test->run(r, v, &c));
}

/* Bind a macro's parameters in its scope and run it. */
static struct tf_jv call_macro(struct tf_jinja_run *r,
                               const struct tf_jv_callable *f,
                               const struct tf_jcall *c)
{
    struct tf_jv_scope *s = tf_jscope_new(r, f->scope);
    struct tf_jv rest = tf_jv_list(r, true);
    struct tf_jv named = tf_jv_dict(r, TF_JV_DICT), *v;
    const struct tf_jnode *p;
    size_t i = 0, used = 0;

    for (p = f->macro->a; p && !r->failed; p = p->next, i++) {
        v = tf_jv_find(r, c->named, tf_jv_str(p->name));
        used += v != NULL;
        if (i < c->count)
            tf_jscope_set(r, s, p->name, c->at[i]);
        else if (v)
            tf_jscope_set(r, s, p->name, *v);
        else if (p->a)
            tf_jscope_set(r, s, p->name, tf_jinja_eval(r, p->a, s));
        else
            tf_jscope_set(r, s, p->name, tf_jv_undefined(p->name));
    }
    for (; i < c->count; i++)
        tf_jv_append(r, rest, c->at[i]);
    for (i = 0; used < c->named.u.dict->count && i < c->named.u.dict->count;
         i++)
        tf_jv_set(r, named, c->named.u.dict->keys[i],
                  c->named.u.dict->values[i]);
    v = tf_jv_find(r, c->named, tf_jv_text("caller"));
    if (v)
        tf_jscope_set(r, s, (struct tf_str){ "caller", 6 }, *v);
    tf_jscope_set(r, s, (struct tf_str){ "varargs", 7 }, rest);
    tf_jscope_set(r, s, (struct tf_str){ "kwargs", 6 }, named);
    return tf_jinja_capture(r, f->macro->c, s);
}

/* loop(items), of a recursive for statement. */
static struct tf_jv call_loop(struct tf_jinja_run *r,
                              const struct tf_jv_loop *l,
                              const struct tf_jcall *c)
{
    struct tf_buf b = TF_BUF_INIT, *out = r->out;

    if (!l->node->op || c->count != 1)
        return tf_jv_fail(r, "only a recursive loop can be called, with what "
                             "it is to loop over");
    r->out = &b;
    tf_jinja_loop(r, l->node, c->at[0], l->depth + 1, l->scope);
    r->out = out;
    return tf_jv_take(r, &b);
}

struct tf_jv tf_jinja_call(struct tf_jinja_run *r, struct tf_jv callee,
                           const struct tf_jcall *c)
{
    struct tf_jv v;
    int line = r->line;

    if (callee.type == TF_JV_UNDEFINED)
        return tf_jv_fail(r, "'%.*s' is undefined", (int)callee.u.s.len,
                          callee.u.s.s);
    if (callee.type != TF_JV_CALLABLE && callee.type != TF_JV_LOOP)
        return tf_jv_fail(r, "'%s' object is not callable",
                          tf_jv_type_name(callee));
    if (++r->calls > CALLS_MAX)
        tf_jv_fail(r, "calls nested too deeply");
    if (!tf_jv_step(r, 1))
        v = tf_jv_none();
    else if (callee.type == TF_JV_LOOP)
        v = call_loop(r, callee.u.dict->loop, c);
    else if (callee.u.callable->kind == TF_JC_MACRO)
        v = call_macro(r, callee.u.callable, c);
    else
        v = callee.u.callable->run->run(r, callee.u.callable->self, c);
    r->calls--;
    r->line = line;
    return v;
}

struct tf_jv tf_jinja_call_node(struct tf_jinja_run *r,
                                const struct tf_jnode *n, struct tf_jv_scope *s,
                                const struct tf_jv *caller)
{
    struct tf_jv f = tf_jinja_eval(r, n->a, s);
    struct tf_jcall c = arguments(r, n->b, s);

    if (caller)
        tf_jv_set(r, c.named, tf_jv_text("caller"), *caller);
    return tf_jinja_call(r, f, &c);
}

static struct tf_jv compare(struct tf_jinja_run *r, const struct tf_jnode *n,
                            struct tf_jv_scope *s)
{
    struct tf_jv a = tf_jinja_eval(r, n->a, s), b, result = tf_jv_bool(true);
    const struct tf_jnode *part;

    for (part = n->b; part && tf_jv_true(result) && !r->failed;
         part = part->next) {
        b = tf_jinja_eval(r, part->a, s);
        result = tf_jv_operate(r, part->op, a, b);
        a = b;
    }
    return result;
}

static struct tf_jv collect(struct tf_jinja_run *r, const struct tf_jnode *n,
                            struct tf_jv_scope *s)
{
    struct tf_jv v = n->kind == TF_JN_DICT
                         ? tf_jv_dict(r, TF_JV_DICT)
                         : tf_jv_list(r, n->kind == TF_JN_TUPLE);
    const struct tf_jnode *i;

    for (i = n->a; i && !r->failed; i = i->next)
        if (n->kind == TF_JN_DICT)
            tf_jv_set(r, v, tf_jinja_eval(r, i->b, s),
                      tf_jinja_eval(r, i->a, s));
        else
            tf_jv_append(r, v, tf_jinja_eval(r, i, s));
    return v;
}

static struct tf_jv slice(struct tf_jinja_run *r, const struct tf_jnode *n,
                          struct tf_jv_scope *s)
{
    struct tf_jv none = tf_jv_none();

    return tf_jv_slice(r, tf_jinja_eval(r, n->a, s),
                       n->b ? tf_jinja_eval(r, n->b, s) : none,
                       n->c ? tf_jinja_eval(r, n->c, s) : none,
                       n->d ? tf_jinja_eval(r, n->d, s) : none);
}

static struct tf_jv unary(struct tf_jinja_run *r, int op, struct tf_jv v)
{
    if (v.type == TF_JV_FLOAT)
        return tf_jv_float(op == '-' ? -v.u.f : v.u.f);
    if (op == '-')
        return tf_jv_operate(r, '-', tf_jv_int(0), v);
    return tf_jv_operate(r, '+', tf_jv_int(0), v);
}

static struct tf_jv conditional(struct tf_jinja_run *r,
                                const struct tf_jnode *n, struct tf_jv_scope *s)
{
    static const struct tf_str what = { "the inline if-expression", 24 };

    if (tf_jv_true(tf_jinja_eval(r, n->b, s)))
        return tf_jinja_eval(r, n->a, s);
    return n->c ? tf_jinja_eval(r, n->c, s) : tf_jv_undefined(what);
}

static struct tf_jv evaluate(struct tf_jinja_run *r, const struct tf_jnode *n,
                             struct tf_jv_scope *s)
{
    struct tf_jv v;

    switch (n->kind) {
    case TF_JN_LITERAL:
        return n->value;
    case TF_JN_NAME:
        return tf_jscope_get(r, s, n->name);
    case TF_JN_LIST:
    case TF_JN_TUPLE:
    case TF_JN_DICT:
        return collect(r, n, s);
    case TF_JN_ATTR:
        return tf_jv_attribute(r, tf_jinja_eval(r, n->a, s), n->name);
    case TF_JN_ITEM:
        v = tf_jinja_eval(r, n->a, s);
        return tf_jv_item(r, v, tf_jinja_eval(r, n->b, s));
    case TF_JN_SLICE:
        return slice(r, n, s);
    case TF_JN_CALL:
        return tf_jinja_call_node(r, n, s, NULL);
    case TF_JN_FILTER:
        return filtered(r, n, tf_jinja_eval(r, n->a, s), s);
    case TF_JN_TEST:
        return tested(r, n, tf_jinja_eval(r, n->a, s), s);
    case TF_JN_NOT:
        return tf_jv_bool(!tf_jv_true(tf_jinja_eval(r, n->a, s)));
    case TF_JN_AND:
        v = tf_jinja_eval(r, n->a, s);
        return tf_jv_true(v) ? tf_jinja_eval(r, n->b, s) : v;
    case TF_JN_OR:
        v = tf_jinja_eval(r, n->a, s);
        return tf_jv_true(v) ? v : tf_jinja_eval(r, n->b, s);
    case TF_JN_COND:
        return conditional(r, n, s);
    case TF_JN_UNARY:
        return unary(r, n->op, tf_jinja_eval(r, n->a, s));
    case TF_JN_BINARY:
        v = tf_jinja_eval(r, n->a, s);
        return tf_jv_operate(r, n->op, v, tf_jinja_eval(r, n->b, s));
    default:
        return compare(r, n, s);
    }
}

struct tf_jv tf_jinja_eval(struct tf_jinja_run *r, const struct tf_jnode *n,
                           struct tf_jv_scope *s)
{
    struct tf_jv v = tf_jv_none();

    if (++r->depth > TF_JINJA_DEPTH)
        tf_jv_fail(r, "expressions nested too deeply");
    if (tf_jv_step(r, 1))
        v = evaluate(r, n, s);
    r->depth--;
    return v;
}

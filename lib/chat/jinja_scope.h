/* Inside jinja_*.c: names and their values while a template runs. */
#ifndef TF_CHAT_JINJA_SCOPE_H
#define TF_CHAT_JINJA_SCOPE_H

#include "chat/jinja_ast.h"
#include "chat/jinja_names.h"

#define TF_JINJA_DEPTH 1000 /* of expressions and statements, for the stack */

struct tf_jv_scope {
    struct tf_jv_scope *parent;
    struct tf_jname {
        struct tf_str name;
        struct tf_jv value;
    } * at;
    size_t count, cap;
};

/* What a for statement tells its body. */
struct tf_jv_loop {
    struct tf_jv items; /* a list */
    size_t index;
    int64_t depth;
    const struct tf_jnode *node;
    struct tf_jv_scope *scope; /* around the statement */
    struct tf_jv changed;      /* of loop.changed() */
};

struct tf_jv_scope *tf_jscope_new(struct tf_jinja_run *r,
                                  struct tf_jv_scope *parent);
void tf_jscope_set(struct tf_jinja_run *r, struct tf_jv_scope *s,
                   struct tf_str name, struct tf_jv v);
struct tf_jv tf_jscope_get(struct tf_jinja_run *r, const struct tf_jv_scope *s,
                           struct tf_str name);

struct tf_jv tf_jinja_eval(struct tf_jinja_run *r, const struct tf_jnode *n,
                           struct tf_jv_scope *s);
/* Run a filter of the template, of the value v. */
struct tf_jv tf_jinja_apply(struct tf_jinja_run *r, const struct tf_jnode *n,
                            struct tf_jv v, struct tf_jv_scope *s);

enum tf_jflow { TF_JF_ON, TF_JF_BREAK, TF_JF_CONTINUE };
enum tf_jflow tf_jinja_execute(struct tf_jinja_run *r, const struct tf_jnode *n,
                               struct tf_jv_scope *s);
/* What statements print, as a string. */
struct tf_jv tf_jinja_capture(struct tf_jinja_run *r, const struct tf_jnode *n,
                              struct tf_jv_scope *s);
/* Run a for statement over items, at a depth of recursion from 1. */
void tf_jinja_loop(struct tf_jinja_run *r, const struct tf_jnode *n,
                   struct tf_jv items, int64_t depth, struct tf_jv_scope *s);
/* Evaluate a CALL node; `caller`, if not NULL, is passed by that name. */
struct tf_jv tf_jinja_call_node(struct tf_jinja_run *r,
                                const struct tf_jnode *n, struct tf_jv_scope *s,
                                const struct tf_jv *caller);
struct tf_jv tf_jinja_call(struct tf_jinja_run *r, struct tf_jv callee,
                           const struct tf_jcall *c);
#endif

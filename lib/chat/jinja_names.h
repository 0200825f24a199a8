/* Inside jinja_*.c: filters, tests, methods and globals by their names. */
#ifndef TF_CHAT_JINJA_NAMES_H
#define TF_CHAT_JINJA_NAMES_H

#include "chat/jinja_value.h"

/* What a call is given: values by place, then by name. */
struct tf_jcall {
    struct tf_jv *at; /* of `count` */
    size_t count;
    struct tf_jv named; /* a DICT */
    struct tf_jinja_run *run;
};

/* The value of a parameter by its place, from 0, or its name; `otherwise`. */
struct tf_jv tf_jcall_arg(const struct tf_jcall *c, size_t place,
                          const char *name, struct tf_jv otherwise);
/* The same as an integer, a truth, a string; fails if it is none. */
int64_t tf_jcall_int(struct tf_jinja_run *r, const struct tf_jcall *c,
                     size_t place, const char *name, int64_t otherwise);
bool tf_jcall_bool(const struct tf_jcall *c, size_t place, const char *name,
                   bool otherwise);
struct tf_str tf_jcall_str(struct tf_jinja_run *r, const struct tf_jcall *c,
                           size_t place, const char *name,
                           const char *otherwise);

typedef struct tf_jv tf_jfilter_run(struct tf_jinja_run *r, struct tf_jv v,
                                    const struct tf_jcall *c);
struct tf_jfilter {
    const char *name;
    tf_jfilter_run *run;
};
struct tf_jtest {
    const char *name;
    bool (*run)(struct tf_jinja_run *r, struct tf_jv v,
                const struct tf_jcall *c);
};

/* NULL if there is none of that name. */
const struct tf_jfilter *tf_jinja_filter(struct tf_str name);
const struct tf_jfilter *tf_jinja_list_filter(struct tf_str name);
const struct tf_jtest *tf_jinja_test(struct tf_str name);
/* A method of a value's type, run as a filter is. */
const struct tf_jfilter *tf_jinja_method(struct tf_jv v, struct tf_str name);
tf_jfilter_run tf_jmethod_cycle, tf_jmethod_changed, tf_jmethod_center;

/* What can be called: a method of `self` (or a global, of none), a macro. */
struct tf_jv_callable {
    enum { TF_JC_METHOD, TF_JC_MACRO } kind;
    struct tf_jv self;
    const struct tf_jfilter *run;
    const struct tf_jnode *macro;
    struct tf_jv_scope *scope; /* where it was made */
};

struct tf_jv tf_jv_callable(struct tf_jinja_run *r, struct tf_jv_callable c);
struct tf_jv tf_jv_function(struct tf_jinja_run *r, struct tf_jv self,
                            const struct tf_jfilter *run);
/* range, dict, namespace, ..., by name; undefined if there is none. */
struct tf_jv tf_jinja_global(struct tf_jinja_run *r, struct tf_str name);

/* v.name and v[key], as templates look them up; undefined if there is none. */
struct tf_jv tf_jv_attribute(struct tf_jinja_run *r, struct tf_jv v,
                             struct tf_str name);
struct tf_jv tf_jv_item(struct tf_jinja_run *r, struct tf_jv v,
                        struct tf_jv key);
/* A path of names and numbers with dots between, of items of v. */
struct tf_jv tf_jv_path(struct tf_jinja_run *r, struct tf_jv v,
                        struct tf_jv path, struct tf_jv otherwise);
bool tf_jv_contains(struct tf_jinja_run *r, struct tf_jv in, struct tf_jv v);
/* a op b, of arithmetic and of comparison. */
struct tf_jv tf_jv_operate(struct tf_jinja_run *r, int op, struct tf_jv a,
                           struct tf_jv b);
struct tf_jv tf_jv_slice(struct tf_jinja_run *r, struct tf_jv v,
                         struct tf_jv from, struct tf_jv to, struct tf_jv by);
/* "%s of %d" % values, and "{} of {}".format(...). */
struct tf_jv tf_jv_percent(struct tf_jinja_run *r, struct tf_str format,
                           struct tf_jv values);
struct tf_jv tf_jv_format(struct tf_jinja_run *r, struct tf_jv format,
                          const struct tf_jcall *c);
#endif

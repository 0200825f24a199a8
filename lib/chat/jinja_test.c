/* Tests: what "is" asks. */
#include <string.h>
#include "chat/jinja_names.h"
#include "chat/jinja_string.h"
#include "text/unicode.h"

static bool test_defined(struct tf_jinja_run *r, struct tf_jv v,
                         const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type != TF_JV_UNDEFINED;
}

static bool test_undefined(struct tf_jinja_run *r, struct tf_jv v,
                           const struct tf_jcall *c)
{
    return !test_defined(r, v, c);
}

static bool test_none(struct tf_jinja_run *r, struct tf_jv v,
                      const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_NONE;
}

static bool test_string(struct tf_jinja_run *r, struct tf_jv v,
                        const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_STRING;
}

static bool test_mapping(struct tf_jinja_run *r, struct tf_jv v,
                         const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return tf_jv_is_mapping(v);
}

/* Undefined values can be looped over, and have a length. */
static bool test_iterable(struct tf_jinja_run *r, struct tf_jv v,
                          const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_STRING || tf_jv_is_sequence(v) ||
           tf_jv_is_mapping(v) || v.type == TF_JV_ITERATOR ||
           v.type == TF_JV_UNDEFINED;
}

static bool test_sequence(struct tf_jinja_run *r, struct tf_jv v,
                          const struct tf_jcall *c)
{
    return v.type != TF_JV_ITERATOR && test_iterable(r, v, c);
}

static bool test_number(struct tf_jinja_run *r, struct tf_jv v,
                        const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_INT || v.type == TF_JV_FLOAT || v.type == TF_JV_BOOL;
}

static bool test_integer(struct tf_jinja_run *r, struct tf_jv v,
                         const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_INT;
}

static bool test_float(struct tf_jinja_run *r, struct tf_jv v,
                       const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_FLOAT;
}

static bool test_boolean(struct tf_jinja_run *r, struct tf_jv v,
                         const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_BOOL;
}

static bool test_true(struct tf_jinja_run *r, struct tf_jv v,
                      const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_BOOL && v.u.b;
}

static bool test_false(struct tf_jinja_run *r, struct tf_jv v,
                       const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_BOOL && !v.u.b;
}

static bool test_callable(struct tf_jinja_run *r, struct tf_jv v,
                          const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_CALLABLE || v.type == TF_JV_LOOP;
}

static bool remainder_is(struct tf_jinja_run *r, struct tf_jv v, int64_t by,
                         int64_t what)
{
    struct tf_jv rest = tf_jv_operate(r, '%', v, tf_jv_int(by));

    return !r->failed && tf_jv_equal(r, rest, tf_jv_int(what));
}

static bool test_even(struct tf_jinja_run *r, struct tf_jv v,
                      const struct tf_jcall *c)
{
    (void)c;
    return remainder_is(r, v, 2, 0);
}

static bool test_odd(struct tf_jinja_run *r, struct tf_jv v,
                     const struct tf_jcall *c)
{
    (void)c;
    return remainder_is(r, v, 2, 1);
}

static bool test_divisible(struct tf_jinja_run *r, struct tf_jv v,
                           const struct tf_jcall *c)
{
    return remainder_is(r, v, tf_jcall_int(r, c, 0, "num", 1), 0);
}

static struct tf_jv other(const struct tf_jcall *c)
{
    return tf_jcall_arg(c, 0, "other",
                        tf_jv_undefined((struct tf_str){ "other", 5 }));
}

static bool test_eq(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_equal(r, v, other(c));
}

static bool test_ne(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return !tf_jv_equal(r, v, other(c));
}

static bool test_lt(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_true(tf_jv_operate(r, '<', v, other(c)));
}

static bool test_le(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_true(tf_jv_operate(r, 'L', v, other(c)));
}

static bool test_gt(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_true(tf_jv_operate(r, '>', v, other(c)));
}

static bool test_ge(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_true(tf_jv_operate(r, 'G', v, other(c)));
}

static bool test_in(struct tf_jinja_run *r, struct tf_jv v,
                    const struct tf_jcall *c)
{
    return tf_jv_contains(r, tf_jcall_arg(c, 0, "seq", tf_jv_none()), v);
}

/* The same object: of plain values, equal ones. */
static bool test_same(struct tf_jinja_run *r, struct tf_jv v,
                      const struct tf_jcall *c)
{
    struct tf_jv o = other(c);

    if (v.type != o.type)
        return false;
    if (tf_jv_is_sequence(v) || tf_jv_is_mapping(v))
        return v.u.list == o.u.list;
    return tf_jv_equal(r, v, o);
}

static bool test_lower(struct tf_jinja_run *r, struct tf_jv v,
                       const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return tf_js_cased(v, TF_U_UPPER);
}

static bool test_upper(struct tf_jinja_run *r, struct tf_jv v,
                       const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return tf_js_cased(v, TF_U_LOWER);
}

static bool test_filter(struct tf_jinja_run *r, struct tf_jv v,
                        const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_STRING && tf_jinja_filter(v.u.s);
}

static bool test_test(struct tf_jinja_run *r, struct tf_jv v,
                      const struct tf_jcall *c)
{
    (void)r;
    (void)c;
    return v.type == TF_JV_STRING && tf_jinja_test(v.u.s);
}

const struct tf_jtest *tf_jinja_test(struct tf_str name)
{
    static const struct tf_jtest tests[] = {
        { "boolean", test_boolean },
        { "callable", test_callable },
        { "defined", test_defined },
        { "divisibleby", test_divisible },
        { "eq", test_eq },
        { "equalto", test_eq },
        { "even", test_even },
        { "false", test_false },
        { "filter", test_filter },
        { "float", test_float },
        { "ge", test_ge },
        { "greaterthan", test_gt },
        { "gt", test_gt },
        { "in", test_in },
        { "integer", test_integer },
        { "iterable", test_iterable },
        { "le", test_le },
        { "lessthan", test_lt },
        { "lower", test_lower },
        { "lt", test_lt },
        { "mapping", test_mapping },
        { "ne", test_ne },
        { "none", test_none },
        { "number", test_number },
        { "odd", test_odd },
        { "sameas", test_same },
        { "sequence", test_sequence },
        { "string", test_string },
        { "test", test_test },
        { "true", test_true },
        { "undefined", test_undefined },
        { "upper", test_upper },
    };
    size_t i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        if (tf_str_is(name, tests[i].name))
            return &tests[i];
    return NULL;
}

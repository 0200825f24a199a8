/* Expressions, by recursive descent in Jinja's order of precedence. */
#include <string.h>
#include "chat/jinja_ast.h"
#include "chat/jinja_names.h"

#define DEPTH_MAX 300

struct tf_jnode *tf_jinja_node(struct tf_jinja_parse *p,
                               enum tf_jnode_kind kind)
{
    struct tf_jnode *n = tf_jinja_alloc(p, sizeof(*n));

    if (n) {
        n->kind = kind;
        n->line = p->token.line;
    }
    return n;
}

/* Nodes for what can't be parsed any more: never run. */
static struct tf_jnode *binary(struct tf_jinja_parse *p,
                               enum tf_jnode_kind kind, int op,
                               struct tf_jnode *a, struct tf_jnode *b)
{
    struct tf_jnode *n = tf_jinja_node(p, kind);

    if (n) {
        n->op = op;
        n->a = a;
        n->b = b;
    }
    return n;
}

/* Append to a list by its end. */
static struct tf_jnode **append(struct tf_jnode **end, struct tf_jnode *n)
{
    *end = n;
    return n ? &n->next : end;
}

static struct tf_jnode *literal(struct tf_jinja_parse *p, struct tf_jv v)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_LITERAL);

    if (n)
        n->value = v;
    tf_jinja_next(p);
    return n;
}

static struct tf_jnode *name(struct tf_jinja_parse *p)
{
    struct tf_jnode *n;

    if (tf_jinja_at_name(p, "true") || tf_jinja_at_name(p, "True"))
        return literal(p, tf_jv_bool(true));
    if (tf_jinja_at_name(p, "false") || tf_jinja_at_name(p, "False"))
        return literal(p, tf_jv_bool(false));
    if (tf_jinja_at_name(p, "none") || tf_jinja_at_name(p, "None"))
        return literal(p, tf_jv_none());
    n = tf_jinja_node(p, TF_JN_NAME);
    if (n)
        n->name = p->token.s;
    tf_jinja_next(p);
    return n;
}

/* Strings that follow each other are one. */
static struct tf_jnode *string(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_LITERAL);
    struct tf_str s = p->token.s;

    tf_jinja_next(p);
    while (n && p->token.kind == TF_JT_STRING) {
        char *both = tf_jinja_alloc(p, s.len + p->token.s.len);

        if (!both)
            return NULL;
        memcpy(both, s.s, s.len);
        memcpy(both + s.len, p->token.s.s, p->token.s.len);
        s = (struct tf_str){ both, s.len + p->token.s.len };
        tf_jinja_next(p);
    }
    if (n)
        n->value = tf_jv_str(s);
    return n;
}

static struct tf_jnode *list(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_LIST), **end = n ? &n->a : NULL;

    tf_jinja_next(p);
    while (n && !p->failed && !tf_jinja_at_op(p, ']')) {
        end = append(end, tf_jinja_expression(p));
        if (!tf_jinja_skip_op(p, ','))
            break;
    }
    tf_jinja_expect_op(p, ']');
    return n;
}

static struct tf_jnode *dict(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_DICT), **end = n ? &n->a : NULL;

    tf_jinja_next(p);
    while (n && !p->failed && !tf_jinja_at_op(p, '}')) {
        struct tf_jnode *pair = tf_jinja_node(p, TF_JN_ARG);

        if (!pair)
            return NULL;
        pair->b = tf_jinja_expression(p);
        tf_jinja_expect_op(p, ':');
        pair->a = tf_jinja_expression(p);
        end = append(end, pair);
        if (!tf_jinja_skip_op(p, ','))
            break;
    }
    tf_jinja_expect_op(p, '}');
    return n;
}

static struct tf_jnode *primary(struct tf_jinja_parse *p)
{
    struct tf_jnode *n;

    switch (p->token.kind) {
    case TF_JT_NAME:
        return name(p);
    case TF_JT_STRING:
        return string(p);
    case TF_JT_INT:
    case TF_JT_FLOAT:
        return literal(p, p->token.value);
    default:
        break;
    }
    if (tf_jinja_at_op(p, '['))
        return list(p);
    if (tf_jinja_at_op(p, '{'))
        return dict(p);
    if (!tf_jinja_skip_op(p, '('))
        return tf_jinja_bad(p, "expected an expression");
    if (tf_jinja_at_op(p, ')'))
        n = tf_jinja_node(p, TF_JN_TUPLE);
    else
        n = tf_jinja_expressions(p, true);
    tf_jinja_expect_op(p, ')');
    return n;
}

/* a.name, a[b], a[b:c:d] */
static struct tf_jnode *subscript(struct tf_jinja_parse *p, struct tf_jnode *a)
{
    struct tf_jnode *n;
    struct tf_jnode **part[3];
    size_t i;

    if (tf_jinja_skip_op(p, '.')) {
        if (p->token.kind == TF_JT_INT) {
            n = tf_jinja_node(p, TF_JN_ITEM);
            if (n) {
                n->a = a;
                n->b = literal(p, p->token.value);
            }
            return n;
        }
        if (p->token.kind != TF_JT_NAME)
            return tf_jinja_bad(p, "expected a name or a number after '.'");
        n = tf_jinja_node(p, TF_JN_ATTR);
        if (n) {
            n->a = a;
            n->name = p->token.s;
        }
        tf_jinja_next(p);
        return n;
    }
    tf_jinja_next(p);
    n = tf_jinja_node(p, TF_JN_ITEM);
    if (!n)
        return NULL;
    n->a = a;
    part[0] = &n->b;
    part[1] = &n->c;
    part[2] = &n->d;
    for (i = 0; i < 3 && !p->failed; i++) {
        if (!tf_jinja_at_op(p, ':') && !tf_jinja_at_op(p, ']'))
            *part[i] =
                i ? tf_jinja_expression(p) : tf_jinja_expressions(p, true);
        if (!tf_jinja_skip_op(p, ':'))
            break;
        n->kind = TF_JN_SLICE;
    }
    tf_jinja_expect_op(p, ']');
    if (n->kind == TF_JN_ITEM && !n->b)
        return tf_jinja_bad(p, "expected an expression");
    return n;
}

struct tf_jnode *tf_jinja_arguments(struct tf_jinja_parse *p)
{
    struct tf_jnode *first = NULL, **end = &first, *n;

    tf_jinja_expect_op(p, '(');
    while (!p->failed && !tf_jinja_at_op(p, ')')) {
        n = tf_jinja_node(p, TF_JN_ARG);
        if (!n)
            return NULL;
        if (tf_jinja_skip_op(p, '*'))
            n->op = '*';
        else if (tf_jinja_skip_op(p, 'P'))
            n->op = 'P';
        n->a = tf_jinja_expression(p);
        if (n->a && n->a->kind == TF_JN_NAME && !n->op &&
            tf_jinja_skip_op(p, 'A')) {
            n->name = n->a->name;
            n->a = tf_jinja_expression(p);
        }
        end = append(end, n);
        if (!tf_jinja_skip_op(p, ','))
            break;
    }
    tf_jinja_expect_op(p, ')');
    return first;
}

static struct tf_jnode *call(struct tf_jinja_parse *p, struct tf_jnode *a)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_CALL);

    if (n) {
        n->a = a;
        n->b = tf_jinja_arguments(p);
    }
    return n;
}

static struct tf_jnode *postfix(struct tf_jinja_parse *p, struct tf_jnode *n)
{
    while (n && !p->failed) {
        if (tf_jinja_at_op(p, '.') || tf_jinja_at_op(p, '['))
            n = subscript(p, n);
        else if (tf_jinja_at_op(p, '('))
            n = call(p, n);
        else
            break;
    }
    return n;
}

static struct tf_jnode *one_filter(struct tf_jinja_parse *p,
                                   struct tf_jnode *value)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_FILTER);

    if (!n)
        return NULL;
    if (p->token.kind != TF_JT_NAME)
        return tf_jinja_bad(p, "expected the name of a filter");
    n->name = p->token.s;
    n->filter = tf_jinja_filter(n->name);
    n->a = value;
    tf_jinja_next(p);
    if (tf_jinja_at_op(p, '('))
        n->b = tf_jinja_arguments(p);
    return n;
}

struct tf_jnode *tf_jinja_filters(struct tf_jinja_parse *p,
                                  struct tf_jnode *value)
{
    if (p->token.kind == TF_JT_NAME)
        value = one_filter(p, value);
    while (!p->failed && tf_jinja_skip_op(p, '|'))
        value = one_filter(p, value);
    return value;
}

/* Does an argument without parentheses follow a test's name? */
static bool test_argument(const struct tf_jinja_parse *p)
{
    switch (p->token.kind) {
    case TF_JT_NAME:
        return !tf_jinja_at_name(p, "else") && !tf_jinja_at_name(p, "or") &&
               !tf_jinja_at_name(p, "and") && !tf_jinja_at_name(p, "if") &&
               !tf_jinja_at_name(p, "is") && !tf_jinja_at_name(p, "in") &&
               !tf_jinja_at_name(p, "not");
    case TF_JT_STRING:
    case TF_JT_INT:
    case TF_JT_FLOAT:
        return true;
    default:
        return tf_jinja_at_op(p, '[') || tf_jinja_at_op(p, '{');
    }
}

/* After "is". */
static struct tf_jnode *test(struct tf_jinja_parse *p, struct tf_jnode *a)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_TEST), *arg;
    bool negated = tf_jinja_skip_name(p, "not");

    if (!n)
        return NULL;
    if (p->token.kind != TF_JT_NAME)
        return tf_jinja_bad(p, "expected the name of a test");
    n->a = a;
    n->name = p->token.s;
    n->test = tf_jinja_test(n->name);
    tf_jinja_next(p);
    if (tf_jinja_at_op(p, '(')) {
        n->b = tf_jinja_arguments(p);
    } else if (test_argument(p)) {
        arg = tf_jinja_node(p, TF_JN_ARG);
        if (arg)
            arg->a = postfix(p, primary(p));
        n->b = arg;
    }
    return negated ? binary(p, TF_JN_NOT, 0, n, NULL) : n;
}

static struct tf_jnode *filters_and_tests(struct tf_jinja_parse *p,
                                          struct tf_jnode *n)
{
    while (n && !p->failed) {
        if (tf_jinja_skip_op(p, '|'))
            n = one_filter(p, n);
        else if (tf_jinja_skip_name(p, "is"))
            n = test(p, n);
        else if (tf_jinja_at_op(p, '('))
            n = call(p, n);
        else
            break;
    }
    return n;
}

static struct tf_jnode *unary(struct tf_jinja_parse *p, bool filters)
{
    struct tf_jnode *n;
    int op = tf_jinja_at_op(p, '-') ? '-' : tf_jinja_at_op(p, '+') ? '+' : 0;

    if (++p->depth > DEPTH_MAX)
        return tf_jinja_bad(p, "an expression is nested too deeply");
    if (op) {
        tf_jinja_next(p);
        n = binary(p, TF_JN_UNARY, op, unary(p, false), NULL);
    } else {
        n = primary(p);
    }
    n = postfix(p, n);
    if (filters)
        n = filters_and_tests(p, n);
    p->depth--;
    return n;
}

static struct tf_jnode *power(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = unary(p, true);

    while (!p->failed && tf_jinja_skip_op(p, 'P'))
        n = binary(p, TF_JN_BINARY, 'P', n, unary(p, true));
    return n;
}

/* Operators of one level, left to right. */
static struct tf_jnode *level(struct tf_jinja_parse *p, const char *operators,
                              struct tf_jnode *(*next)(struct tf_jinja_parse *))
{
    struct tf_jnode *n = next(p);
    int op;

    while (!p->failed && p->token.kind == TF_JT_OPERATOR &&
           strchr(operators, p->token.op)) {
        op = p->token.op;
        tf_jinja_next(p);
        n = binary(p, TF_JN_BINARY, op, n, next(p));
    }
    return n;
}

static struct tf_jnode *product(struct tf_jinja_parse *p)
{
    return level(p, "*/F%", power);
}

static struct tf_jnode *concatenation(struct tf_jinja_parse *p)
{
    return level(p, "~", product);
}

static struct tf_jnode *sum(struct tf_jinja_parse *p)
{
    return level(p, "+-", concatenation);
}

/* The comparison at the cursor, or 0. */
static int comparison_op(struct tf_jinja_parse *p)
{
    int op = p->token.op;

    if (p->token.kind == TF_JT_OPERATOR && op && strchr("=!<>LG", op)) {
        tf_jinja_next(p);
        return op;
    }
    if (tf_jinja_skip_name(p, "in"))
        return 'I';
    if (!tf_jinja_at_name(p, "not"))
        return 0;
    tf_jinja_next(p);
    if (!tf_jinja_skip_name(p, "in"))
        tf_jinja_bad(p, "expected 'in' after 'not'");
    return 'N';
}

static struct tf_jnode *comparison(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = sum(p), *whole = NULL, **end = NULL;
    int op;

    while (!p->failed && (op = comparison_op(p))) {
        if (!whole) {
            whole = binary(p, TF_JN_COMPARE, 0, n, NULL);
            if (!whole)
                return NULL;
            end = &whole->b;
        }
        end = append(end, binary(p, TF_JN_ARG, op, sum(p), NULL));
    }
    return whole ? whole : n;
}

static struct tf_jnode *negation(struct tf_jinja_parse *p)
{
    struct tf_jnode *n;

    if (++p->depth > DEPTH_MAX)
        return tf_jinja_bad(p, "an expression is nested too deeply");
    if (tf_jinja_skip_name(p, "not"))
        n = binary(p, TF_JN_NOT, 0, negation(p), NULL);
    else
        n = comparison(p);
    p->depth--;
    return n;
}

static struct tf_jnode *conjunction(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = negation(p);

    while (!p->failed && tf_jinja_skip_name(p, "and"))
        n = binary(p, TF_JN_AND, 0, n, negation(p));
    return n;
}

static struct tf_jnode *disjunction(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = conjunction(p);

    while (!p->failed && tf_jinja_skip_name(p, "or"))
        n = binary(p, TF_JN_OR, 0, n, conjunction(p));
    return n;
}

struct tf_jnode *tf_jinja_expression(struct tf_jinja_parse *p)
{
    struct tf_jnode *n;

    if (++p->depth > DEPTH_MAX)
        return tf_jinja_bad(p, "an expression is nested too deeply");
    n = disjunction(p);
    while (!p->failed && tf_jinja_skip_name(p, "if")) {
        n = binary(p, TF_JN_COND, 0, n, disjunction(p));
        if (n && tf_jinja_skip_name(p, "else"))
            n->c = tf_jinja_expression(p);
    }
    p->depth--;
    return n;
}

/* Can an expression begin here? Then a comma was not the last one. */
static bool may_begin(const struct tf_jinja_parse *p)
{
    switch (p->token.kind) {
    case TF_JT_STRING:
    case TF_JT_INT:
    case TF_JT_FLOAT:
        return true;
    case TF_JT_NAME:
        return !tf_jinja_at_name(p, "in") && !tf_jinja_at_name(p, "recursive");
    case TF_JT_OPERATOR:
        return strchr("([{+-", p->token.op) != NULL;
    default:
        return false;
    }
}

struct tf_jnode *tf_jinja_expressions(struct tf_jinja_parse *p, bool conditions)
{
    struct tf_jnode *(*one)(struct tf_jinja_parse *) =
        conditions ? tf_jinja_expression : disjunction;
    struct tf_jnode *n = one(p), *tuple, **end;

    if (p->failed || !tf_jinja_at_op(p, ','))
        return n;
    tuple = tf_jinja_node(p, TF_JN_TUPLE);
    if (!tuple)
        return NULL;
    end = append(&tuple->a, n);
    while (!p->failed && tf_jinja_skip_op(p, ',') && may_begin(p))
        end = append(end, one(p));
    return tuple;
}

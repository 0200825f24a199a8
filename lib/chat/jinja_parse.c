/* Statements, and the template as a whole. */
#include <stdlib.h>
#include <string.h>
#include "chat/jinja_ast.h"
#include "chat/jinja_names.h"

#define DEPTH_MAX 100

struct tf_jinja {
    struct tf_arena arena;
    struct tf_jnode *body;
};

static struct tf_jnode *body(struct tf_jinja_parse *p, const char *const *ends);

static void end_block(struct tf_jinja_parse *p)
{
    if (p->token.kind != TF_JT_BLOCK_END)
        tf_jinja_bad(p, "expected the end of the statement");
    tf_jinja_next(p);
}

/* A body up to one of the statements `ends`, whose name is the token then. */
static struct tf_jnode *block(struct tf_jinja_parse *p, const char *const *ends)
{
    end_block(p);
    return body(p, ends);
}

static struct tf_jnode *block_to(struct tf_jinja_parse *p, const char *end)
{
    const char *ends[] = { end, NULL };
    struct tf_jnode *n = block(p, ends);

    tf_jinja_skip_name(p, end);
    return n;
}

static struct tf_str name(struct tf_jinja_parse *p)
{
    struct tf_str s = p->token.s;

    if (p->token.kind != TF_JT_NAME)
        tf_jinja_bad(p, "expected a name");
    tf_jinja_next(p);
    return s;
}

static struct tf_jnode *if_statement(struct tf_jinja_parse *p)
{
    static const char *const ends[] = { "elif", "else", "endif", NULL };
    struct tf_jnode *first = NULL, **at = &first, *n;

    do {
        n = *at = tf_jinja_node(p, TF_JN_IF);
        if (!n)
            return NULL;
        n->a = tf_jinja_expressions(p, false);
        n->b = block(p, ends);
        at = &n->c;
    } while (!p->failed && tf_jinja_skip_name(p, "elif"));
    if (tf_jinja_skip_name(p, "else"))
        n->c = block_to(p, "endif");
    else
        tf_jinja_skip_name(p, "endif");
    return first;
}

static struct tf_jnode *targets(struct tf_jinja_parse *p, bool attributes);

/* A name, or targets in parentheses; of a set statement also a namespace's
 * attribute. */
static struct tf_jnode *target(struct tf_jinja_parse *p, bool attributes)
{
    struct tf_jnode *n, *attribute;

    if (tf_jinja_skip_op(p, '(')) {
        n = targets(p, attributes);
        tf_jinja_expect_op(p, ')');
        return n;
    }
    n = tf_jinja_node(p, TF_JN_NAME);
    if (!n)
        return NULL;
    n->name = name(p);
    if (!attributes || !tf_jinja_skip_op(p, '.'))
        return n;
    attribute = tf_jinja_node(p, TF_JN_ATTR);
    if (attribute) {
        attribute->a = n;
        attribute->name = name(p);
    }
    return attribute;
}

/* x, or x, y */
static struct tf_jnode *targets(struct tf_jinja_parse *p, bool attributes)
{
    struct tf_jnode *n, *tuple, **end;

    if (++p->depth > DEPTH_MAX)
        return tf_jinja_bad(p, "targets are nested too deeply");
    n = target(p, attributes);
    p->depth--;
    if (p->failed || !tf_jinja_at_op(p, ','))
        return n;
    tuple = tf_jinja_node(p, TF_JN_TUPLE);
    if (!tuple)
        return NULL;
    tuple->a = n;
    end = &n->next;
    while (!p->failed && tf_jinja_skip_op(p, ',') &&
           (tf_jinja_at_op(p, '(') ||
            (p->token.kind == TF_JT_NAME && !tf_jinja_at_name(p, "in")))) {
        n = *end = target(p, attributes);
        if (n)
            end = &n->next;
    }
    return tuple;
}

static struct tf_jnode *for_statement(struct tf_jinja_parse *p)
{
    static const char *const ends[] = { "else", "endfor", NULL };
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_FOR);

    if (!n)
        return NULL;
    n->a = targets(p, false);
    if (!tf_jinja_skip_name(p, "in"))
        return tf_jinja_bad(p, "expected 'in'");
    n->b = tf_jinja_expressions(p, false);
    if (tf_jinja_skip_name(p, "if"))
        n->d = tf_jinja_expression(p);
    n->op = tf_jinja_skip_name(p, "recursive");
    p->loops++;
    n->c = block(p, ends);
    p->loops--;
    if (tf_jinja_skip_name(p, "else"))
        n->e = block_to(p, "endfor");
    else
        tf_jinja_skip_name(p, "endfor");
    return n;
}

static struct tf_jnode *set_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_SET);

    if (!n)
        return NULL;
    n->a = targets(p, true);
    if (tf_jinja_skip_op(p, 'A')) {
        n->b = tf_jinja_expressions(p, true);
        return n;
    }
    n->kind = TF_JN_SET_BLOCK;
    if (tf_jinja_skip_op(p, '|'))
        n->b = tf_jinja_filters(p, NULL);
    n->c = block_to(p, "endset");
    return n;
}

/* (a, b=1): as arguments, each with its default in a. */
static struct tf_jnode *parameters(struct tf_jinja_parse *p)
{
    struct tf_jnode *first = NULL, **end = &first, *n;

    tf_jinja_expect_op(p, '(');
    while (!p->failed && !tf_jinja_at_op(p, ')')) {
        n = *end = tf_jinja_node(p, TF_JN_ARG);
        if (!n)
            return NULL;
        end = &n->next;
        n->name = name(p);
        if (tf_jinja_skip_op(p, 'A'))
            n->a = tf_jinja_expression(p);
        if (!tf_jinja_skip_op(p, ','))
            break;
    }
    tf_jinja_expect_op(p, ')');
    return first;
}

static struct tf_jnode *macro_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_MACRO);
    int loops = p->loops;

    if (!n)
        return NULL;
    n->name = name(p);
    n->a = parameters(p);
    p->loops = 0;
    n->c = block_to(p, "endmacro");
    p->loops = loops;
    return n;
}

static struct tf_jnode *call_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_CALL_BLOCK);
    int loops = p->loops;

    if (!n)
        return NULL;
    n->name = (struct tf_str){ "caller", 6 };
    if (tf_jinja_at_op(p, '('))
        n->a = parameters(p);
    n->b = tf_jinja_expression(p);
    if (n->b && n->b->kind != TF_JN_CALL)
        return tf_jinja_bad(p, "expected a call");
    p->loops = 0;
    n->c = block_to(p, "endcall");
    p->loops = loops;
    return n;
}

static struct tf_jnode *filter_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_FILTERED);

    if (!n)
        return NULL;
    n->b = tf_jinja_filters(p, NULL);
    n->c = block_to(p, "endfilter");
    return n;
}

static struct tf_jnode *with_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_WITH), **end, *t;

    if (!n)
        return NULL;
    end = &n->a;
    while (!p->failed && p->token.kind == TF_JT_NAME) {
        t = *end = tf_jinja_node(p, TF_JN_ARG);
        if (!t)
            return NULL;
        end = &t->next;
        t->name = name(p);
        tf_jinja_expect_op(p, 'A');
        t->a = tf_jinja_expression(p);
        if (!tf_jinja_skip_op(p, ','))
            break;
    }
    n->c = block_to(p, "endwith");
    return n;
}

static struct tf_jnode *generation_statement(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_BLOCK);

    if (n)
        n->c = block_to(p, "endgeneration");
    return n;
}

static struct tf_jnode *break_statement(struct tf_jinja_parse *p)
{
    if (!p->loops)
        return tf_jinja_bad(p, "'break' outside loop");
    return tf_jinja_node(p, TF_JN_BREAK);
}

static struct tf_jnode *continue_statement(struct tf_jinja_parse *p)
{
    if (!p->loops)
        return tf_jinja_bad(p, "'continue' outside loop");
    return tf_jinja_node(p, TF_JN_CONTINUE);
}

static struct tf_jnode *statement(struct tf_jinja_parse *p)
{
    static const struct {
        const char *name;
        struct tf_jnode *(*parse)(struct tf_jinja_parse *p);
    } statements[] = {
        { "if", if_statement },       { "for", for_statement },
        { "set", set_statement },     { "macro", macro_statement },
        { "call", call_statement },   { "filter", filter_statement },
        { "with", with_statement },   { "generation", generation_statement },
        { "break", break_statement }, { "continue", continue_statement },
    };
    size_t i;

    for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        if (tf_jinja_skip_name(p, statements[i].name)) {
            struct tf_jnode *n = statements[i].parse(p);

            end_block(p);
            return n;
        }
    return tf_jinja_bad(p, "unknown statement '%.*s'",
                        p->token.s.len < 60 ? (int)p->token.s.len : 60,
                        p->token.s.s ? p->token.s.s : "");
}

static struct tf_jnode *output(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_OUTPUT);

    tf_jinja_next(p);
    if (!n)
        return NULL;
    n->a = tf_jinja_expressions(p, true);
    if (p->token.kind != TF_JT_VARIABLE_END)
        return tf_jinja_bad(p, "expected '}}'");
    tf_jinja_next(p);
    return n;
}

static struct tf_jnode *text(struct tf_jinja_parse *p)
{
    struct tf_jnode *n = tf_jinja_node(p, TF_JN_TEXT);

    if (n)
        n->name = p->token.s;
    tf_jinja_next(p);
    return n;
}

static bool at_end(const struct tf_jinja_parse *p, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (tf_jinja_at_name(p, *ends))
            return true;
    return false;
}

static struct tf_jnode *body(struct tf_jinja_parse *p, const char *const *ends)
{
    struct tf_jnode *first = NULL, **end = &first;

    if (++p->depth > DEPTH_MAX)
        return tf_jinja_bad(p, "statements nested too deeply");
    while (!p->failed && p->token.kind != TF_JT_END) {
        if (p->token.kind == TF_JT_TEXT) {
            *end = text(p);
        } else if (p->token.kind == TF_JT_VARIABLE_BEGIN) {
            *end = output(p);
        } else {
            tf_jinja_next(p); /* a block's begin */
            if (at_end(p, ends)) {
                p->depth--;
                return first;
            }
            *end = statement(p);
        }
        if (*end)
            end = &(*end)->next;
    }
    if (ends)
        tf_jinja_bad(p, "the template ends before '%s'", ends[0]);
    p->depth--;
    return first;
}

/* The source with \n for line ends, and without the last one. */
static struct tf_str normal_lines(struct tf_jinja_parse *p, struct tf_str s)
{
    char *out = tf_jinja_alloc(p, s.len);
    size_t i, n = 0;

    for (i = 0; out && i < s.len; i++) {
        out[n++] = s.s[i] == '\r' ? '\n' : s.s[i];
        if (s.s[i] == '\r' && i + 1 < s.len && s.s[i + 1] == '\n')
            i++;
    }
    if (n && out[n - 1] == '\n')
        n--;
    return (struct tf_str){ out ? out : "", n };
}

struct tf_jinja *tf_jinja_new(struct tf_str source, struct tf_err *err)
{
    struct tf_jinja *t = tf_alloc(1, sizeof(*t), err);
    struct tf_jinja_parse p = { .line = 1, .line_start = true, .err = err };

    if (!t)
        return NULL;
    tf_arena_init(&t->arena);
    p.arena = &t->arena;
    p.source = normal_lines(&p, source);
    tf_jinja_next(&p);
    t->body = body(&p, NULL);
    if (p.failed) {
        tf_jinja_free(t);
        return NULL;
    }
    return t;
}

void tf_jinja_free(struct tf_jinja *t)
{
    if (!t)
        return;
    tf_arena_release(&t->arena);
    free(t);
}

const struct tf_jnode *tf_jinja_body(const struct tf_jinja *t)
{
    return t->body;
}

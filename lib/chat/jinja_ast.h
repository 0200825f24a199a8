/* Inside jinja_*.c: a parsed template. */
#ifndef TF_CHAT_JINJA_AST_H
#define TF_CHAT_JINJA_AST_H

#include "chat/jinja.h"
#include "chat/jinja_value.h"

enum tf_jnode_kind {
    /* expressions: what a, b, c, d and name are */
    TF_JN_LITERAL, /* value */
    TF_JN_NAME,    /* name */
    TF_JN_LIST,    /* a: items */
    TF_JN_TUPLE,   /* a: items */
    TF_JN_DICT,    /* a: keys, each with its value in a */
    TF_JN_ATTR,    /* a.name */
    TF_JN_ITEM,    /* a[b] */
    TF_JN_SLICE,   /* a[b:c:d], each of b, c, d maybe NULL */
    TF_JN_CALL,    /* a(b: arguments) */
    TF_JN_FILTER,  /* a|name(b: arguments); a NULL: of a block */
    TF_JN_TEST,    /* a is name(b: arguments) */
    TF_JN_NOT,     /* a */
    TF_JN_AND,     /* a, b */
    TF_JN_OR,      /* a, b */
    TF_JN_COND,    /* a if b else c */
    TF_JN_UNARY,   /* op a */
    TF_JN_BINARY,  /* a op b */
    TF_JN_COMPARE, /* a, then b: each with its op and operand a */
    TF_JN_ARG,     /* name=a, or op 0, * or P (for **) */
    /* statements */
    TF_JN_TEXT,       /* name: the text */
    TF_JN_OUTPUT,     /* a */
    TF_JN_IF,         /* a: condition, b: then, c: else */
    TF_JN_FOR,        /* a in b, if d; c: body, e: else; op: recursive */
    TF_JN_SET,        /* a = b */
    TF_JN_SET_BLOCK,  /* a = c: body, through the filters b */
    TF_JN_MACRO,      /* name, a: parameters, c: body */
    TF_JN_CALL_BLOCK, /* b: call, a: parameters, c: body */
    TF_JN_FILTERED,   /* b: filters, c: body */
    TF_JN_WITH,       /* a: targets, each with its value in a; c: body */
    TF_JN_BLOCK,      /* c: body */
    TF_JN_BREAK,
    TF_JN_CONTINUE,
};

struct tf_jnode {
    enum tf_jnode_kind kind;
    int op; /* a character: + - * / % F (//) P (**) ~ = ! < > L (<=) G (>=) I N
               (in, not in) */
    int line;
    struct tf_str name;
    struct tf_jv value;
    struct tf_jnode *a, *b, *c, *d, *e;
    struct tf_jnode *next;           /* of a list */
    const struct tf_jfilter *filter; /* of FILTER; NULL: there is none */
    const struct tf_jtest *test;     /* of TEST; NULL: there is none */
};

/* What a template is made of; the first error ends the parse. */
struct tf_jinja_parse {
    struct tf_arena *arena;
    struct tf_str source;
    size_t at;
    int line;
    int depth;
    int loops; /* around what is read, within a macro */
    enum { TF_JT_TEXT_MODE, TF_JT_VARIABLE, TF_JT_BLOCK } mode;
    int brackets;    /* open ones in the tag: an end within is none */
    bool line_start; /* the last tag ended with its line */
    struct tf_jtoken {
        enum tf_jtoken_kind {
            TF_JT_END,
            TF_JT_TEXT,
            TF_JT_VARIABLE_BEGIN,
            TF_JT_VARIABLE_END,
            TF_JT_BLOCK_BEGIN,
            TF_JT_BLOCK_END,
            TF_JT_NAME,
            TF_JT_STRING,
            TF_JT_INT,
            TF_JT_FLOAT,
            TF_JT_OPERATOR, /* op, as of nodes; or itself: . , : | ( ) [ ] { }
                             */
        } kind;
        int op;
        int line;
        struct tf_str s;
        struct tf_jv value;
    } token; /* the current one */
    bool failed;
    struct tf_err *err;
};

/* Fail with the line, unless it has failed. Returns NULL. */
void *tf_jinja_bad(struct tf_jinja_parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void *tf_jinja_alloc(struct tf_jinja_parse *p, size_t n);
void tf_jinja_next(struct tf_jinja_parse *p); /* read the next token */

bool tf_jinja_at_op(const struct tf_jinja_parse *p, int op);
bool tf_jinja_at_name(const struct tf_jinja_parse *p, const char *name);
bool tf_jinja_skip_op(struct tf_jinja_parse *p, int op); /* if it is there */
bool tf_jinja_skip_name(struct tf_jinja_parse *p, const char *name);
void tf_jinja_expect_op(struct tf_jinja_parse *p, int op);

struct tf_jnode *tf_jinja_node(struct tf_jinja_parse *p,
                               enum tf_jnode_kind kind);
struct tf_jnode *tf_jinja_expression(struct tf_jinja_parse *p);
/* One expression or several with commas, a tuple; `conditions`: "a if b" may
 * stand in it. */
struct tf_jnode *tf_jinja_expressions(struct tf_jinja_parse *p,
                                      bool conditions);
struct tf_jnode *tf_jinja_arguments(struct tf_jinja_parse *p);
/* Filters after a value (NULL: of a block), from a bar or a name on. */
struct tf_jnode *tf_jinja_filters(struct tf_jinja_parse *p,
                                  struct tf_jnode *value);
const struct tf_jnode *tf_jinja_body(const struct tf_jinja *t);
#endif

/* Inside jinja_*.c: Python's values, as far as templates see them. */
#ifndef TF_CHAT_JINJA_VALUE_H
#define TF_CHAT_JINJA_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

enum tf_jv_type {
    TF_JV_UNDEFINED,
    TF_JV_NONE,
    TF_JV_BOOL,
    TF_JV_INT,
    TF_JV_FLOAT,
    TF_JV_STRING,
    TF_JV_LIST,
    TF_JV_TUPLE,
    TF_JV_DICT,
    TF_JV_NAMESPACE, /* a dictionary whose members can be set */
    TF_JV_ITERATOR,  /* a list that can be looped over once */
    TF_JV_LOOP,      /* of a for statement: a dictionary, and how it is run */
    TF_JV_CALLABLE,
};

/* All of it lives in the rendering's memory, and none of it changes once it is
 * made, but for namespaces and loops. */
struct tf_jv {
    enum tf_jv_type type;
    union {
        bool b;
        int64_t i;
        double f;
        struct tf_str s;         /* valid UTF-8; of UNDEFINED: what it was */
        struct tf_jv_list *list; /* LIST, TUPLE, ITERATOR */
        struct tf_jv_dict *dict; /* DICT, NAMESPACE, LOOP */
        struct tf_jv_callable *callable;
    } u;
};

struct tf_jv_list {
    struct tf_jv *items;
    size_t count, cap;
    size_t taken; /* of ITERATOR: how many have been looked at */
    bool group;   /* of TUPLE: also .grouper and .list */
};

struct tf_jv_dict {
    struct tf_jv *keys, *values; /* in the order they came */
    size_t count, cap;
    struct tf_jv_loop *loop; /* of LOOP */
};

/* A rendering: its memory, its limits, and its first error. */
struct tf_jinja_run {
    struct tf_arena arena;
    char *chunk; /* what is handed out in small parts */
    size_t chunk_left, memory;
    size_t steps;
    int depth; /* of calls and expressions */
    int calls;
    int nesting; /* of a value that is walked through */
    int line;    /* of the statement that runs */
    struct tf_buf *out;
    struct tf_buf *whole;             /* where all goes in the end */
    struct tf_jinja_spans *generated; /* places in it, or NULL */
    struct tf_jv_scope *globals;
    bool failed;
    struct tf_err *err;
    /* what is made once it has failed */
    struct tf_jv_list no_items;
    struct tf_jv_dict no_members;
};

/* Fail, unless it has failed, with the line. Returns an undefined value. */
struct tf_jv tf_jv_fail(struct tf_jinja_run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Count work; false once there is too much of it, or an error. */
bool tf_jv_step(struct tf_jinja_run *r, size_t work);

void *tf_jv_alloc(struct tf_jinja_run *r, size_t n); /* NULL: it has failed */
struct tf_str tf_jv_copy(struct tf_jinja_run *r, const char *s, size_t n);

static inline struct tf_jv tf_jv_undefined(struct tf_str what)
{
    return (struct tf_jv){ TF_JV_UNDEFINED, { .s = what } };
}

static inline struct tf_jv tf_jv_none(void)
{
    return (struct tf_jv){ TF_JV_NONE, { .i = 0 } };
}

static inline struct tf_jv tf_jv_bool(bool b)
{
    return (struct tf_jv){ TF_JV_BOOL, { .b = b } };
}

static inline struct tf_jv tf_jv_int(int64_t i)
{
    return (struct tf_jv){ TF_JV_INT, { .i = i } };
}

static inline struct tf_jv tf_jv_float(double f)
{
    return (struct tf_jv){ TF_JV_FLOAT, { .f = f } };
}

static inline struct tf_jv tf_jv_str(struct tf_str s)
{
    return (struct tf_jv){ TF_JV_STRING, { .s = s } };
}

struct tf_jv tf_jv_text(const char *s); /* a literal */
/* The bytes of a buffer, copied; releases it. */
struct tf_jv tf_jv_take(struct tf_jinja_run *r, struct tf_buf *b);

struct tf_jv tf_jv_list(struct tf_jinja_run *r, bool tuple);
struct tf_jv tf_jv_iterator(struct tf_jv list); /* over a list of one's own */
void tf_jv_append(struct tf_jinja_run *r, struct tf_jv list, struct tf_jv item);
struct tf_jv tf_jv_pair(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b);

struct tf_jv tf_jv_dict(struct tf_jinja_run *r, enum tf_jv_type type);
/* The value of a key, or NULL. */
struct tf_jv *tf_jv_find(struct tf_jinja_run *r, struct tf_jv dict,
                         struct tf_jv key);
void tf_jv_set(struct tf_jinja_run *r, struct tf_jv dict, struct tf_jv key,
               struct tf_jv value);

bool tf_jv_true(struct tf_jv v);
bool tf_jv_is(struct tf_jv v, const char *s); /* this string? */
bool tf_jv_is_sequence(struct tf_jv v);       /* LIST or TUPLE */
bool tf_jv_is_mapping(struct tf_jv v);        /* DICT */
/* As an integer; false if it is none (bool is one, as in Python). */
bool tf_jv_integer(struct tf_jv v, int64_t *out);
bool tf_jv_number(struct tf_jv v, double *out);
bool tf_jv_equal(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b);
/* -1, 0, 1; fails for what has no order. */
int tf_jv_compare(struct tf_jinja_run *r, struct tf_jv a, struct tf_jv b);
/* What Python calls the type, for messages. */
const char *tf_jv_type_name(struct tf_jv v);

/* The items that a loop sees, as a list: of a string its characters, of a
 * dictionary its keys; an iterator has none left then. Fails for what can't be
 * looped over. */
struct tf_jv tf_jv_items(struct tf_jinja_run *r, struct tf_jv v);
/* The items in the order of their keys, as a list; equal ones stay in order. */
struct tf_jv tf_jv_sorted(struct tf_jinja_run *r, struct tf_jv items,
                          struct tf_jv keys, bool reverse);
int64_t tf_jv_length(struct tf_jinja_run *r, struct tf_jv v);

/* str() and repr(), appended. */
void tf_jv_print(struct tf_jinja_run *r, struct tf_jv v, struct tf_buf *out);
void tf_jv_repr(struct tf_jinja_run *r, struct tf_jv v, struct tf_buf *out);
struct tf_str tf_jv_to_str(struct tf_jinja_run *r, struct tf_jv v);

/* json.dumps: `indent` below 0 for none; separators as Python's. */
struct tf_json_style {
    int64_t indent;
    struct tf_str item, key; /* ", " and ": " */
    bool ascii, sort;
};
void tf_jv_json(struct tf_jinja_run *r, struct tf_jv v,
                const struct tf_json_style *style, int level,
                struct tf_buf *out);
/* The next value of a JSON text; its errors are kept in `j`. */
struct tf_jv tf_jv_read(struct tf_jinja_run *r, struct tf_json *j);
#endif

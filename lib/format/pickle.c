#include "format/pickle.h"

#include <stdbool.h>
#include <string.h>
#include "base/io.h"

/* opcodes that have no printable name of their own below */
enum {
    PROTO = 0x80,
    NEWOBJ,
    TUPLE1 = 0x85,
    TUPLE2,
    TUPLE3,
    NEWTRUE,
    NEWFALSE,
    LONG1,
    SHORT_BINUNICODE = 0x8c,
    BINUNICODE8,
    EMPTY_SET = 0x8f,
    ADDITEMS,
    STACK_GLOBAL = 0x93,
    MEMOIZE,
    FRAME,
};

#define ORDERED_DICT "collections OrderedDict"

struct machine {
    struct tf_arena *arena;
    const unsigned char *p, *end;
    const char *const *allowed;
    struct tf_err *err;
    struct tf_pickle *stack;      /* a list; a NULL item is a mark */
    struct tf_pickle *memo;       /* a list, by number */
    struct tf_pickle *persistent; /* a list, or NULL */
};

static int fail_at(struct machine *m, const char *what)
{
    return tf_fail(m->err, "pickle: %s", what);
}

static struct tf_pickle *node(struct machine *m, enum tf_pickle_type type)
{
    struct tf_pickle *n = tf_arena_alloc(m->arena, 1, sizeof(*n));

    if (!n) {
        tf_no_memory(m->err, sizeof(*n));
        return NULL;
    }
    *n = (struct tf_pickle){ .type = type };
    return n;
}

static int append(struct machine *m, struct tf_pickle *list,
                  struct tf_pickle *item)
{
    struct tf_pickle **grown;
    size_t cap;

    if (list->count == list->cap) {
        cap = list->cap ? 2 * list->cap : 4;
        grown = tf_arena_alloc(m->arena, cap, sizeof(*grown));
        if (!grown)
            return tf_no_memory(m->err, cap * sizeof(*grown));
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = item;
    return 0;
}

static int push(struct machine *m, struct tf_pickle *item)
{
    return item ? append(m, m->stack, item) : -1;
}

/* The newest value, taken off the stack; NULL (an error) at a mark. */
static struct tf_pickle *pop(struct machine *m)
{
    struct tf_pickle *s = m->stack;

    if (!s->count || !s->items[s->count - 1]) {
        fail_at(m, "the stack is empty");
        return NULL;
    }
    return s->items[--s->count];
}

static const unsigned char *take(struct machine *m, uint64_t n)
{
    const unsigned char *p = m->p;

    if (n > (size_t)(m->end - p)) {
        fail_at(m, "cut off");
        return NULL;
    }
    m->p += n;
    return p;
}

static int push_string(struct machine *m, int size_bytes)
{
    const unsigned char *p = take(m, (uint64_t)size_bytes);
    struct tf_pickle *n;
    uint64_t len = 0;
    int i;

    if (!p)
        return -1;
    for (i = 0; i < size_bytes; i++)
        len |= (uint64_t)p[i] << 8 * i;
    if (!(p = take(m, len)) || !(n = node(m, TF_PICKLE_STRING)))
        return -1;
    n->string = (struct tf_str){ (const char *)p, len };
    return push(m, n);
}

/* A little-endian two's complement integer of `bytes` bytes; one that is too
 * wide for 64 bits (the legacy form's magic number) keeps its low ones. */
static int push_int(struct machine *m, size_t bytes, bool is_signed)
{
    const unsigned char *p = take(m, bytes);
    struct tf_pickle *n;
    uint64_t v;
    size_t i;

    if (!p || !(n = node(m, TF_PICKLE_INT)))
        return -1;
    v = is_signed && bytes && p[bytes - 1] & 0x80 ? UINT64_MAX : 0;
    for (i = bytes < 8 ? bytes : 8; i-- > 0;)
        v = v << 8 | p[i];
    n->integer = (int64_t)v;
    return push(m, n);
}

static int push_float(struct machine *m)
{
    const unsigned char *p = take(m, 8);
    struct tf_pickle *n;
    uint64_t v = 0;
    int i;

    if (!p || !(n = node(m, TF_PICKLE_FLOAT)))
        return -1;
    for (i = 0; i < 8; i++)
        v = v << 8 | p[i];
    memcpy(&n->number, &v, sizeof(n->number));
    return push(m, n);
}

static int push_bool(struct machine *m, bool v)
{
    struct tf_pickle *n = node(m, TF_PICKLE_BOOL);

    if (n)
        n->integer = v;
    return push(m, n);
}

/* The global must be one that the caller allows. */
static int push_global(struct machine *m, struct tf_str module,
                       struct tf_str name)
{
    struct tf_pickle *n;
    const char *const *a;
    size_t len;

    for (a = m->allowed; *a; a++) {
        len = strlen(*a);
        if (len == module.len + 1 + name.len &&
            !memcmp(*a, module.s, module.len) && (*a)[module.len] == ' ' &&
            !memcmp(*a + module.len + 1, name.s, name.len)) {
            if (!(n = node(m, TF_PICKLE_GLOBAL)))
                return -1;
            n->string = (struct tf_str){ *a, len };
            return push(m, n);
        }
    }
    return tf_fail(m->err,
                   "pickle: names %.*s.%.*s, which a file of tensors has no "
                   "need of; refused, nothing was run",
                   (int)(module.len < 100 ? module.len : 100), module.s,
                   (int)(name.len < 100 ? name.len : 100), name.s);
}

static int take_line(struct machine *m, struct tf_str *line)
{
    const unsigned char *nl = memchr(m->p, '\n', (size_t)(m->end - m->p));

    if (!nl)
        return fail_at(m, "cut off");
    *line = (struct tf_str){ (const char *)m->p, (size_t)(nl - m->p) };
    m->p = nl + 1;
    return 0;
}

static int op_global(struct machine *m)
{
    struct tf_str module, name;

    if (take_line(m, &module) || take_line(m, &name))
        return -1;
    return push_global(m, module, name);
}

static int op_stack_global(struct machine *m)
{
    struct tf_pickle *name = pop(m), *module = name ? pop(m) : NULL;

    if (!module)
        return -1;
    if (name->type != TF_PICKLE_STRING || module->type != TF_PICKLE_STRING)
        return fail_at(m, "a global's name is no string");
    return push_global(m, module->string, name->string);
}

/* Index of the first item above the newest mark, or SIZE_MAX. */
static size_t above_mark(struct machine *m)
{
    size_t i = m->stack->count;

    while (i > 0 && m->stack->items[i - 1])
        i--;
    if (!i)
        fail_at(m, "no mark on the stack");
    return i ? i : SIZE_MAX;
}

/* Move all above the mark to the end of `list` and take the mark away. */
static int gather(struct machine *m, struct tf_pickle *list, size_t first)
{
    size_t i;

    for (i = first; i < m->stack->count; i++)
        if (append(m, list, m->stack->items[i]))
            return -1;
    m->stack->count = first - 1;
    return 0;
}

static int op_gather_new(struct machine *m, enum tf_pickle_type type)
{
    size_t first = above_mark(m);
    struct tf_pickle *n = node(m, type);

    if (first == SIZE_MAX || !n || gather(m, n, first))
        return -1;
    return push(m, n);
}

/* APPENDS, SETITEMS, ADDITEMS: onto the list or dict below the mark. */
static int op_gather_onto(struct machine *m, enum tf_pickle_type type)
{
    struct tf_pickle *s = m->stack, *onto;
    size_t first = above_mark(m);

    if (first == SIZE_MAX)
        return -1;
    onto = first < 2 ? NULL : s->items[first - 2];
    if (!onto || onto->type != type)
        return fail_at(m, "items for something that takes none");
    if (type == TF_PICKLE_DICT && (s->count - first) % 2)
        return fail_at(m, "a key without a value");
    return gather(m, onto, first);
}

/* APPEND, SETITEM: the n newest values onto what is below them. */
static int op_append(struct machine *m, enum tf_pickle_type type, size_t n)
{
    struct tf_pickle *s = m->stack, *onto;
    size_t i;

    onto = s->count > n ? s->items[s->count - n - 1] : NULL;
    if (!onto || onto->type != type)
        return fail_at(m, "an item for something that takes none");
    for (i = s->count - n; i < s->count; i++)
        if (!s->items[i] || append(m, onto, s->items[i]))
            return s->items[i] ? -1 : fail_at(m, "a mark as an item");
    s->count -= n;
    return 0;
}

static int op_tuple(struct machine *m, size_t n)
{
    struct tf_pickle *t = node(m, TF_PICKLE_TUPLE), *s = m->stack;
    size_t i;

    if (!t)
        return -1;
    if (s->count < n)
        return fail_at(m, "the stack is empty");
    for (i = s->count - n; i < s->count; i++) {
        if (!s->items[i])
            return fail_at(m, "a mark as an item");
        if (append(m, t, s->items[i]))
            return -1;
    }
    s->count -= n;
    return push(m, t);
}

/* REDUCE and NEWOBJ: a call stays data, except for the empty dict. */
static int op_call(struct machine *m)
{
    struct tf_pickle *args = pop(m), *callee = args ? pop(m) : NULL, *n;

    if (!callee)
        return -1;
    if (callee->type != TF_PICKLE_GLOBAL || args->type != TF_PICKLE_TUPLE)
        return fail_at(m, "a call of something that is no global");
    if (tf_str_is(callee->string, ORDERED_DICT)) {
        if (args->count)
            return fail_at(m, "an OrderedDict made from arguments");
        return push(m, node(m, TF_PICKLE_DICT));
    }
    if (!(n = node(m, TF_PICKLE_CALL)))
        return -1;
    n->string = callee->string;
    n->items = args->items;
    n->count = args->count;
    return push(m, n);
}

static int op_persistent(struct machine *m)
{
    struct tf_pickle *id = pop(m), *n = id ? node(m, TF_PICKLE_PERSISTENT) : id;

    if (!n || append(m, n, id) ||
        (m->persistent && append(m, m->persistent, n)))
        return -1;
    return push(m, n);
}

/* Writers number the memo from 0 without gaps, so a gap is refused. */
static int memo_put(struct machine *m, uint64_t i)
{
    struct tf_pickle *s = m->stack;

    if (!s->count || !s->items[s->count - 1])
        return fail_at(m, "nothing to remember");
    if (i > m->memo->count)
        return fail_at(m, "the memo has a gap");
    if (i == m->memo->count)
        return append(m, m->memo, s->items[s->count - 1]);
    m->memo->items[i] = s->items[s->count - 1];
    return 0;
}

static int memo_get(struct machine *m, uint64_t i)
{
    if (i >= m->memo->count)
        return fail_at(m, "asks the memo for what it has not");
    return push(m, m->memo->items[i]);
}

static int op_memo(struct machine *m, size_t bytes,
                   int (*op)(struct machine *m, uint64_t i))
{
    const unsigned char *p = take(m, bytes);

    if (!p)
        return -1;
    return op(m, bytes == 1 ? p[0] : tf_load_le32(p));
}

static int op_long1(struct machine *m)
{
    const unsigned char *p = take(m, 1);

    return p ? push_int(m, p[0], true) : -1;
}

/* BUILD sets attributes (a state dict's _metadata): not needed, dropped. */
static int op_build(struct machine *m)
{
    struct tf_pickle *state = pop(m);

    if (!state)
        return -1;
    if (!m->stack->count || !m->stack->items[m->stack->count - 1])
        return fail_at(m, "a state for nothing");
    return 0;
}

static int step(struct machine *m, unsigned char op)
{
    switch (op) {
    case PROTO:
        return take(m, 1) ? 0 : -1;
    case FRAME:
        return take(m, 8) ? 0 : -1;
    case '(':
        return append(m, m->stack, NULL);
    case '0':
        return pop(m) ? 0 : -1;
    case 'N':
        return push(m, node(m, TF_PICKLE_NONE));
    case NEWTRUE:
    case NEWFALSE:
        return push_bool(m, op == NEWTRUE);
    case 'J':
        return push_int(m, 4, true);
    case 'K':
        return push_int(m, 1, false);
    case 'M':
        return push_int(m, 2, false);
    case LONG1:
        return op_long1(m);
    case 'G':
        return push_float(m);
    case 'U':
    case 'C':
    case SHORT_BINUNICODE:
        return push_string(m, 1);
    case 'T':
    case 'B':
    case 'X':
        return push_string(m, 4);
    case BINUNICODE8:
        return push_string(m, 8);
    case ')':
        return push(m, node(m, TF_PICKLE_TUPLE));
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
        return op_tuple(m, (size_t)(op - TUPLE1) + 1);
    case 't':
        return op_gather_new(m, TF_PICKLE_TUPLE);
    case ']':
    case EMPTY_SET:
        return push(m, node(m, TF_PICKLE_LIST));
    case 'a':
        return op_append(m, TF_PICKLE_LIST, 1);
    case 'e':
    case ADDITEMS:
        return op_gather_onto(m, TF_PICKLE_LIST);
    case '}':
        return push(m, node(m, TF_PICKLE_DICT));
    case 's':
        return op_append(m, TF_PICKLE_DICT, 2);
    case 'u':
        return op_gather_onto(m, TF_PICKLE_DICT);
    case 'c':
        return op_global(m);
    case STACK_GLOBAL:
        return op_stack_global(m);
    case 'R':
    case NEWOBJ:
        return op_call(m);
    case 'b':
        return op_build(m);
    case 'Q':
        return op_persistent(m);
    case 'q':
        return op_memo(m, 1, memo_put);
    case 'r':
        return op_memo(m, 4, memo_put);
    case 'h':
        return op_memo(m, 1, memo_get);
    case 'j':
        return op_memo(m, 4, memo_get);
    case MEMOIZE:
        return memo_put(m, m->memo->count);
    default:
        return tf_fail(m->err,
                       "pickle: opcode 0x%02x, which a file of tensors has no "
                       "need of; refused",
                       op);
    }
}

struct tf_pickle *tf_pickle_read(struct tf_arena *arena,
                                 const unsigned char *data, size_t len,
                                 const char *const *allowed,
                                 struct tf_pickle *persistent, size_t *used,
                                 struct tf_err *err)
{
    struct machine m = { .arena = arena,
                         .p = data,
                         .end = data + len,
                         .allowed = allowed,
                         .err = err,
                         .persistent = persistent };
    const unsigned char *op;

    m.stack = node(&m, TF_PICKLE_LIST);
    m.memo = node(&m, TF_PICKLE_LIST);
    if (!m.stack || !m.memo)
        return NULL;
    while ((op = take(&m, 1))) {
        if (*op == '.') {
            *used = (size_t)(m.p - data);
            return pop(&m);
        }
        if (step(&m, *op))
            return NULL;
    }
    return NULL;
}

const struct tf_pickle *tf_pickle_get(const struct tf_pickle *dict,
                                      const char *key)
{
    size_t i;

    if (dict->type != TF_PICKLE_DICT)
        return NULL;
    for (i = 0; i + 1 < dict->count; i += 2)
        if (dict->items[i]->type == TF_PICKLE_STRING &&
            tf_str_is(dict->items[i]->string, key))
            return dict->items[i + 1];
    return NULL;
}

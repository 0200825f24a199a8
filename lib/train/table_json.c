#include <string.h>
#include "base/json.h"
#include "base/jsonl.h"
#include "train/table_parts.h"

static bool is_blank(const char *p, size_t n)
{
    while (n && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
        n--;
    }
    return !n;
}

static int read_lines(struct tf_table *t, struct tf_str text,
                      struct tf_err *err)
{
    const char *p = text.s, *end = p + text.len;

    for (size_t line = 1; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p), at = t->text.len;

        if (!is_blank(p, n)) {
            tf_buf_add(&t->text, p, n);
            if (tf_table_add_row(t, at, line, err))
                return -1;
        }
        p = stop ? stop + 1 : end;
    }
    return 0;
}

/* A cursor that knows its line. */
struct lines {
    struct tf_json j;
    const char *seen;
    size_t line;
};

static size_t line_of(struct lines *l)
{
    const char *p;

    tf_json_peek(&l->j); /* to the value, past blanks */
    while ((p = memchr(l->seen, '\n', (size_t)(l->j.p - l->seen)))) {
        l->seen = p + 1;
        l->line++;
    }
    return l->line;
}

/* The next value as a row: an object as it is, a string as its text. */
static int add_value(struct tf_table *t, struct lines *l, struct tf_err *err)
{
    size_t at = t->text.len, line = line_of(l);
    bool text = tf_json_peek(&l->j) == TF_JSON_STRING;
    struct tf_str raw;

    if (!tf_json_skip(&l->j, &raw))
        return -1;
    tf_buf_adds(&t->text, text ? "{\"text\": " : "");
    tf_buf_add(&t->text, raw.s, raw.len);
    tf_buf_adds(&t->text, text ? "}" : "");
    return tf_table_add_row(t, at, line, err);
}

static int add_items(struct tf_table *t, struct lines *l, struct tf_err *err)
{
    tf_json_array(&l->j);
    while (tf_json_item(&l->j))
        if (add_value(t, l, err))
            return -1;
    return 0;
}

/* What a question of SQuAD takes from around it. */
struct squad {
    struct tf_table *t;
    struct tf_str title, context; /* raw JSON */
    struct tf_err *err;
};

static void put_raw(struct tf_buf *out, const char *name, struct tf_str raw)
{
    if (!raw.s)
        return;
    tf_buf_addf(out, "\"%s\": ", name);
    tf_buf_add(out, raw.s, raw.len);
    tf_buf_adds(out, ", ");
}

/* [{"text", "answer_start"}, ...] as the lists that data sets have. */
static void put_answers(struct tf_buf *out, struct tf_str answers)
{
    static const char *const names[] = { "text", "answer_start" };

    tf_buf_adds(out, "\"answers\": {");
    for (int k = 0; k < 2; k++) {
        struct tf_str key, raw;
        struct tf_json j;
        bool first = true;

        tf_buf_addf(out, "%s\"%s\": [", k ? ", " : "", names[k]);
        tf_json_init(&j, answers.s, answers.len);
        if (answers.s && tf_json_array(&j))
            while (tf_json_item(&j) && tf_json_object(&j))
                while (tf_json_key(&j, &key)) {
                    bool wanted = tf_str_is(key, names[k]);

                    if (!tf_json_skip(&j, &raw) || !wanted)
                        continue;
                    tf_buf_adds(out, first ? "" : ", ");
                    tf_buf_add(out, raw.s, raw.len);
                    first = false;
                }
        tf_json_release(&j);
        tf_buf_addc(out, ']');
    }
    tf_buf_adds(out, "}}");
}

static int add_question(struct squad *s, struct lines *l)
{
    struct tf_str id = { NULL, 0 }, question = id, answers = id, key;
    struct tf_buf *out = &s->t->text;
    size_t line = line_of(l), at = out->len;

    if (!tf_json_object(&l->j))
        return -1;
    while (tf_json_key(&l->j, &key))
        tf_json_skip(&l->j, tf_str_is(key, "id")         ? &id
                            : tf_str_is(key, "question") ? &question
                            : tf_str_is(key, "answers")  ? &answers
                                                         : NULL);
    if (l->j.what)
        return -1;
    tf_buf_addc(out, '{');
    put_raw(out, "id", id);
    put_raw(out, "title", s->title);
    put_raw(out, "context", s->context);
    put_raw(out, "question", question);
    put_answers(out, answers);
    return tf_table_add_row(s->t, at, line, s->err);
}

/* The value of a member of the object at the cursor, which does not move. */
static struct tf_str look_up(const struct lines *l, const char *name)
{
    struct tf_str value = { NULL, 0 }, key;
    struct tf_json j;

    tf_json_init(&j, l->j.p, (size_t)(l->j.end - l->j.p));
    if (tf_json_object(&j))
        while (!value.s && tf_json_key(&j, &key))
            tf_json_skip(&j, tf_str_is(key, name) ? &value : NULL);
    tf_json_release(&j);
    return value;
}

/* A list of objects, in each of which the list `name` is gone through. */
static int each_inner(struct squad *s, struct lines *l, const char *name,
                      int depth)
{
    struct tf_str key;

    if (!tf_json_array(&l->j))
        return -1;
    while (tf_json_item(&l->j)) {
        if (!name) {
            if (add_question(s, l))
                return -1;
            continue;
        }
        tf_json_peek(&l->j);
        *(depth ? &s->context : &s->title) =
            look_up(l, depth ? "context" : "title");
        if (!tf_json_object(&l->j))
            return -1;
        while (tf_json_key(&l->j, &key))
            if (!tf_str_is(key, name))
                tf_json_skip(&l->j, NULL);
            else if (each_inner(s, l, depth ? NULL : "qas", depth + 1))
                return -1;
    }
    return 0;
}

/* Is it SQuAD's file: do the items have paragraphs? */
static bool is_squad(struct tf_str data)
{
    struct lines l = { .line = 1 };
    bool yes;

    tf_json_init(&l.j, data.s, data.len);
    yes = tf_json_array(&l.j) && tf_json_item(&l.j) &&
          tf_json_peek(&l.j) == TF_JSON_OBJECT && look_up(&l, "paragraphs").s;
    tf_json_release(&l.j);
    return yes;
}

/* {"data": [...], ...} */
static int read_document(struct tf_table *t, struct lines *l,
                         struct tf_err *err)
{
    struct squad s = { .t = t, .err = err };
    struct tf_str key, data = look_up(l, "data");
    bool squad = is_squad(data);

    tf_json_object(&l->j);
    while (tf_json_key(&l->j, &key))
        if (!tf_str_is(key, "data"))
            tf_json_skip(&l->j, NULL);
        else if (squad ? each_inner(&s, l, "paragraphs", 0)
                       : add_items(t, l, err))
            return -1;
    return 0;
}

/* What a text's first value is. */
struct first {
    enum tf_json_type type;
    bool whole;  /* it is well-formed */
    bool alone;  /* nothing follows */
    bool spread; /* over many lines */
    bool data;   /* an object with a list "data" */
};

static struct first look_at(struct tf_str text)
{
    struct first f = { 0 };
    struct lines l = { .line = 1 };
    struct tf_str raw, data;

    tf_json_init(&l.j, text.s, text.len);
    f.type = tf_json_peek(&l.j);
    if (f.type == TF_JSON_OBJECT) {
        data = look_up(&l, "data");
        f.data = data.s && *data.s == '[';
    }
    f.whole = tf_json_skip(&l.j, &raw);
    f.spread = f.whole && memchr(raw.s, '\n', raw.len);
    f.alone = f.whole && tf_json_done(&l.j);
    tf_json_release(&l.j);
    return f;
}

int tf_table_read_json(struct tf_table *t, struct tf_str text,
                       struct tf_err *err)
{
    struct lines l = { .seen = text.s, .line = 1 };
    struct first f = look_at(text);
    int failed = 0;

    if (f.type != TF_JSON_ARRAY && !(f.alone && f.data) && !f.spread)
        return read_lines(t, text, err);
    tf_json_init(&l.j, text.s, text.len);
    if (f.type == TF_JSON_ARRAY)
        failed = add_items(t, &l, err);
    else if (f.alone && f.data)
        failed = read_document(t, &l, err);
    else
        while (!failed && tf_json_peek(&l.j) != TF_JSON_BAD)
            failed = add_value(t, &l, err);
    if (!failed)
        tf_json_done(&l.j);
    if (tf_json_failed(&l.j, err))
        failed = -1;
    tf_json_release(&l.j);
    return failed;
}

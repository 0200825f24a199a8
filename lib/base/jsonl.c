#include "base/jsonl.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

/* The key with its quotes stands between the cursor's comma and the value. */
static int add_member(struct tf_record *rec, struct tf_str name,
                      const char *begin, struct tf_str value, bool plain,
                      struct tf_err *err)
{
    struct tf_member *grown;
    size_t cap = rec->cap ? rec->cap * 2 : 8;

    if (rec->count == rec->cap) {
        grown = tf_grow(rec->members, cap, sizeof(*grown), err);
        if (!grown)
            return -1;
        rec->members = grown;
        rec->cap = cap;
    }
    rec->members[rec->count++] = (struct tf_member){
        .name = name,
        .raw = { begin, (size_t)(value.s + value.len - begin) },
        .value = value,
        .plain = plain,
    };
    return 0;
}

/* A decoded name lives in the cursor's scratch: keep a copy. Together they are
 * never longer than the line, so that one allocation holds them all. */
static int keep_name(struct tf_record *rec, const struct tf_json *j,
                     struct tf_str *name, struct tf_err *err)
{
    size_t len = (size_t)(j->end - j->start);

    if (name->s != j->scratch[0].data)
        return 0;
    if (!tf_buf_room(&rec->names, len - rec->names.len))
        return tf_no_memory(err, len);
    tf_buf_add(&rec->names, name->s, name->len);
    name->s = rec->names.data + rec->names.len - name->len;
    return 0;
}

static int parse_members(struct tf_record *rec, struct tf_json *j,
                         struct tf_err *err)
{
    struct tf_str name, value;
    const char *begin;

    for (;;) {
        begin = j->p;
        if (!tf_json_key(j, &name))
            return 0;
        while (*begin != '"')
            begin++;
        if (!tf_json_skip(j, &value))
            return 0;
        if (keep_name(rec, j, &name, err) ||
            add_member(rec, name, begin, value, *value.s == '"' && !j->escapes,
                       err))
            return -1;
    }
}

int tf_record_parse(struct tf_record *rec, const char *line, size_t len,
                    struct tf_err *err)
{
    size_t valid = tf_utf8_valid(line, len);
    struct tf_json j;
    bool object;
    int failed = 0;

    rec->count = 0;
    tf_buf_reset(&rec->names);
    if (valid < len)
        return tf_fail_code(err, "invalid_utf8",
                            "byte %zu of the line (0x%02x) is not valid UTF-8",
                            valid + 1, (unsigned char)line[valid]);
    tf_json_init(&j, line, len);
    j.repair = true;
    object = tf_json_peek(&j) == TF_JSON_OBJECT;
    if (object && tf_json_object(&j))
        failed = parse_members(rec, &j, err);
    else
        tf_json_skip(&j, NULL);
    if (!failed) {
        tf_json_done(&j);
        if (tf_json_failed(&j, err)) {
            err->code = "not_json";
            tf_err_at(err, "not JSON");
            failed = -1;
        } else if (!object) {
            failed = tf_fail_code(err, "not_object",
                                  "the line is JSON but not an object");
        }
    }
    tf_json_release(&j);
    if (failed)
        rec->count = 0;
    return failed;
}

void tf_record_release(struct tf_record *rec)
{
    free(rec->members);
    tf_buf_release(&rec->names);
    *rec = (struct tf_record){ 0 };
}

static const struct tf_member *find(const struct tf_record *rec,
                                    const char *name)
{
    size_t i, len = strlen(name);

    for (i = rec->count; i-- > 0;) {
        const struct tf_member *m = &rec->members[i];

        if (m->name.len == len && !memcmp(m->name.s, name, len))
            return tf_str_is(m->value, "null") ? NULL : m;
    }
    return NULL;
}

struct tf_str tf_record_get(const struct tf_record *rec, const char *name)
{
    const struct tf_member *m = find(rec, name);

    return m ? m->value : (struct tf_str){ NULL, 0 };
}

static const char *type_name(enum tf_json_type type)
{
    switch (type) {
    case TF_JSON_BOOL:
        return "a boolean";
    case TF_JSON_NUMBER:
        return "a number";
    case TF_JSON_ARRAY:
        return "an array";
    case TF_JSON_OBJECT:
        return "an object";
    default:
        return "not one";
    }
}

int tf_record_text(const struct tf_record *rec, const char *name,
                   struct tf_buf *buf, struct tf_str *out, struct tf_err *err)
{
    const struct tf_member *m = find(rec, name);
    struct tf_json j;
    int failed = 0;

    tf_buf_reset(buf);
    if (!m)
        return tf_fail_code(err, "no_field", "the record has no \"%s\"", name);
    if (m->plain) {
        *out = (struct tf_str){ m->value.s + 1, m->value.len - 2 };
        return 0;
    }
    tf_json_init(&j, m->value.s, m->value.len);
    if (tf_json_peek(&j) != TF_JSON_STRING) {
        failed =
            tf_fail_code(err, "bad_field", "\"%s\" must be a string: it is %s",
                         name, type_name(tf_json_peek(&j)));
    } else if (!tf_json_string(&j, out)) {
        failed = tf_fail_code(err, "bad_field", "\"%s\" has %s", name, j.what);
    } else if (out->s == j.scratch[1].data) {
        tf_buf_add(buf, out->s, out->len);
        out->s = buf->data;
    }
    tf_json_release(&j);
    if (!failed && buf->failed)
        failed = tf_no_memory(err, m->value.len);
    return failed;
}

int tf_record_string(const struct tf_record *rec, const char *name,
                     struct tf_buf *out, struct tf_err *err)
{
    struct tf_str s;

    if (tf_record_text(rec, name, out, &s, err))
        return -1;
    if (s.s != out->data)
        tf_buf_add(out, s.s, s.len);
    return out->failed ? tf_no_memory(err, s.len) : 0;
}

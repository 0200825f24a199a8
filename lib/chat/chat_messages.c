#include "chat/chat_messages.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/jsonl.h"
#include "base/mem.h"

/* Templates may trim a message: the mark is looked for without its blank. */
static const char mark[] = "CONTINUE_FINAL_MESSAGE_TAG ";
#define MARK_LEN (sizeof(mark) - 1)

static int bad(struct tf_err *err, const char *why)
{
    return tf_fail_code(err, "bad_field", "\"messages\": %s", why);
}

static void add(struct tf_buf *out, struct tf_str s)
{
    tf_buf_add(out, s.s, s.len);
}

/* A string with the mark at its end; its text is kept. */
static int put_marked(struct tf_str raw, struct tf_buf *last,
                      struct tf_buf *out)
{
    struct tf_json j;
    struct tf_str s;

    tf_json_init(&j, raw.s, raw.len);
    tf_buf_reset(last);
    if (tf_json_string(&j, &s))
        add(last, s);
    tf_json_release(&j);
    tf_buf_add(out, raw.s, raw.len - 1);
    tf_buf_adds(out, mark);
    tf_buf_addc(out, '"');
    return 0;
}

/* An object whose member `name` is marked. */
static int put_object(struct tf_str raw, const char *name, struct tf_buf *last,
                      struct tf_buf *out, struct tf_err *err);

/* A list of parts, of which the last one with a text is marked. */
static int put_parts(struct tf_str raw, struct tf_buf *last, struct tf_buf *out,
                     struct tf_err *err)
{
    struct tf_json j;
    struct tf_str item, found = { NULL, 0 };
    struct tf_record rec = { 0 };
    int failed = -1;

    tf_json_init(&j, raw.s, raw.len);
    if (tf_json_array(&j))
        while (tf_json_item(&j) && tf_json_skip(&j, &item))
            if (*item.s == '{' &&
                !tf_record_parse(&rec, item.s, item.len, err) &&
                tf_record_get(&rec, "text").s)
                found = item;
    if (!found.s) {
        bad(err, "the last one has no text to go on with");
    } else {
        tf_buf_add(out, raw.s, (size_t)(found.s - raw.s));
        failed = put_object(found, "text", last, out, err);
        tf_buf_add(out, found.s + found.len,
                   (size_t)(raw.s + raw.len - found.s) - found.len);
    }
    tf_json_release(&j);
    tf_record_release(&rec);
    return failed;
}

static int put_value(struct tf_str raw, struct tf_buf *last, struct tf_buf *out,
                     struct tf_err *err)
{
    if (*raw.s == '"')
        return put_marked(raw, last, out);
    if (*raw.s == '[')
        return put_parts(raw, last, out, err);
    return bad(err, "the last one has no text to go on with");
}

static int put_object(struct tf_str raw, const char *name, struct tf_buf *last,
                      struct tf_buf *out, struct tf_err *err)
{
    struct tf_record rec = { 0 };
    int failed = tf_record_parse(&rec, raw.s, raw.len, err);
    bool any = false;
    size_t i;

    tf_buf_addc(out, '{');
    for (i = 0; i < rec.count && !failed; i++) {
        struct tf_member *m = &rec.members[i];

        tf_buf_adds(out, i ? ", " : "");
        if (!tf_str_is(m->name, name)) {
            add(out, m->raw);
            continue;
        }
        any = true;
        tf_put_string(out, m->name.s, m->name.len);
        tf_buf_adds(out, ": ");
        failed = put_value(m->value, last, out, err);
    }
    tf_buf_addc(out, '}');
    if (!failed && !any)
        failed = bad(err, "the last one has no \"content\" to go on with");
    tf_record_release(&rec);
    return failed;
}

static void put_thought(struct tf_buf *out, const char *name, struct tf_str raw)
{
    tf_buf_addf(out, "\"%s\": ", name);
    add(out, raw);
}

/* Of members with the same name the reader of the template takes the last
 * value, but the first one's place. */
static void put_members(const struct tf_record *rec, struct tf_buf *out)
{
    static const char *const names[] = { "reasoning_content", "thinking",
                                         "reasoning" };
    struct tf_str thought = { NULL, 0 };
    size_t i;
    bool any = false;

    for (i = 0; i < 3 && !thought.s; i++)
        thought = tf_record_get(rec, names[i]);
    tf_buf_addc(out, '{');
    if (thought.s) {
        put_thought(out, "thinking", thought);
        any = true;
    }
    for (i = 0; i < rec->count; i++) {
        if (*rec->members[i].value.s == 'n') /* null */
            continue;
        tf_buf_adds(out, any ? ", " : "");
        add(out, rec->members[i].raw);
        any = true;
    }
    if (thought.s) {
        tf_buf_adds(out, ", ");
        put_thought(out, "reasoning_content", thought);
    }
    tf_buf_addc(out, '}');
}

int tf_chat_messages(struct tf_str messages, struct tf_buf *last,
                     struct tf_buf *out, struct tf_err *err)
{
    struct tf_json j;
    struct tf_record rec = { 0 };
    struct tf_buf one = TF_BUF_INIT;
    struct tf_str item;
    size_t n = 0, at = 0;
    int failed = 0;

    if (!messages.s)
        return tf_fail_code(err, "no_field", "the record has no \"messages\"");
    tf_json_init(&j, messages.s, messages.len);
    if (tf_json_peek(&j) != TF_JSON_ARRAY)
        failed = bad(err, "must be a list of objects");
    else
        tf_json_array(&j);
    tf_buf_addc(out, '[');
    while (!failed && tf_json_item(&j) && tf_json_skip(&j, &item)) {
        if (*item.s != '{' || tf_record_parse(&rec, item.s, item.len, err)) {
            failed = bad(err, "must be a list of objects");
            break;
        }
        tf_buf_adds(out, n++ ? ", " : "");
        at = out->len;
        put_members(&rec, out);
    }
    if (!failed && tf_json_failed(&j, err))
        failed = bad(err, "malformed");
    if (!failed && !n)
        failed = bad(err, "there must be one at least");
    if (!failed && last && !out->failed) {
        tf_buf_add(&one, out->data + at, out->len - at);
        out->len = at;
        failed = put_object((struct tf_str){ one.data, one.len }, "content",
                            last, out, err);
    }
    tf_buf_addc(out, ']');
    if (!failed && out->failed)
        failed = tf_no_memory(err, out->len);
    tf_buf_release(&one);
    tf_record_release(&rec);
    tf_json_release(&j);
    return failed;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

static struct tf_str strip(struct tf_str s)
{
    while (s.len && is_blank(*s.s)) {
        s.s++;
        s.len--;
    }
    while (s.len && is_blank(s.s[s.len - 1]))
        s.len--;
    return s;
}

/* Does `in` contain `what`? By Knuth, Morris and Pratt: both may be long. */
static int contains(struct tf_str in, struct tf_str what, bool *yes,
                    struct tf_err *err)
{
    size_t *back = tf_alloc(what.len + 1, sizeof(*back), err);
    size_t i, k;

    if (!back)
        return -1;
    for (i = 1, k = 0; i < what.len; i++) {
        while (k && what.s[i] != what.s[k])
            k = back[k];
        k += what.s[i] == what.s[k];
        back[i + 1] = k;
    }
    for (i = 0, k = 0; i < in.len && k < what.len; i++) {
        while (k && in.s[i] != what.s[k])
            k = back[k];
        k += in.s[i] == what.s[k];
    }
    *yes = k == what.len;
    free(back);
    return 0;
}

int tf_chat_cut(struct tf_buf *out, size_t begun, const struct tf_buf *last,
                struct tf_err *err)
{
    struct tf_str chat = { out->data + begun, out->len - begun };
    size_t n = MARK_LEN - 1, i = chat.len;
    bool there = false;

    if (out->failed || last->failed)
        return tf_no_memory(err, out->len);
    while (i >= n && memcmp(chat.s + i - n, mark, n) != 0)
        i--;
    if (i >= n &&
        contains(chat, strip((struct tf_str){ last->data, last->len }), &there,
                 err))
        return -1;
    if (!there)
        return bad(err, "the chat template does not keep the last one's text, "
                        "so there is nothing to go on with");
    out->len = begun + i - n;
    if (i == chat.len || chat.s[i] != ' ')
        while (out->len > begun && is_blank(out->data[out->len - 1]))
            out->len--;
    return 0;
}

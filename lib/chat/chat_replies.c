#include "chat/chat.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/jsonl.h"

/* A chat message by message. */
struct turns {
    const struct tf_chat *chat;
    const struct tf_chat_request *q;
    struct tf_buf list;   /* some of them, as JSON */
    struct tf_buf before; /* the text of those before a reply */
    struct tf_buf with;   /* the text with it */
};

/* The text of the messages that end at `end`. */
static int render_until(struct turns *t, const char *end, bool prompt,
                        struct tf_buf *out, struct tf_err *err)
{
    struct tf_chat_request q = *t->q;

    tf_buf_reset(&t->list);
    tf_buf_add(&t->list, t->q->messages.s, (size_t)(end - t->q->messages.s));
    tf_buf_addc(&t->list, ']');
    if (t->list.failed)
        return tf_no_memory(err, t->list.len);
    q.messages = (struct tf_str){ t->list.data, t->list.len };
    q.generation_prompt = prompt;
    tf_buf_reset(out);
    return tf_chat_render(t->chat, &q, out, err);
}

/* How many bytes two texts have in common at their beginning. */
static size_t common(const struct tf_buf *a, const char *b, size_t n)
{
    size_t i = 0;

    while (i < n && i < a->len && a->data[i] == b[i])
        i++;
    return i;
}

/* A reply between `before`, where the messages before it end in the JSON, and
 * `end`; the whole text is out[0, n). */
static int add_reply(struct turns *t, const char *before, const char *end,
                     const char *out, size_t n, struct tf_jinja_spans *replies,
                     struct tf_err *err)
{
    size_t begin = 0;

    if (render_until(t, end, false, &t->with, err))
        return -1;
    if (common(&t->with, out, n) < t->with.len)
        return tf_fail_code(
            err, "bad_field",
            "the chat template writes a turn otherwise when others follow, and "
            "has no {%% generation %%} to mark replies: put one there, or "
            "leave all but the last reply out");
    if (before) {
        if (render_until(t, before, true, &t->before, err))
            return -1;
        begin = common(&t->before, t->with.data, t->with.len);
    }
    return tf_jinja_span(replies, begin, t->with.len, err);
}

/* The role of a message. */
static bool is_reply(struct tf_str message)
{
    struct tf_record rec = { 0 };
    struct tf_buf role = TF_BUF_INIT;
    struct tf_err err;
    bool reply = !tf_record_parse(&rec, message.s, message.len, &err) &&
                 !tf_record_string(&rec, "role", &role, &err) &&
                 tf_str_is((struct tf_str){ role.data, role.len }, "assistant");

    tf_buf_release(&role);
    tf_record_release(&rec);
    return reply;
}

static int add_replies(struct turns *t, const char *out, size_t n,
                       struct tf_jinja_spans *replies, struct tf_err *err)
{
    struct tf_str messages = t->q->messages, message;
    const char *before = NULL;
    struct tf_json j;
    int failed = 0;

    tf_json_init(&j, messages.s, messages.len);
    if (tf_json_array(&j))
        while (!failed && tf_json_item(&j) && tf_json_skip(&j, &message)) {
            const char *end = message.s + message.len;

            if (is_reply(message))
                failed = add_reply(t, before, end, out, n, replies, err);
            before = end;
        }
    tf_json_release(&j);
    return failed;
}

int tf_chat_replies(const struct tf_chat *chat, const struct tf_chat_request *q,
                    struct tf_buf *out, struct tf_jinja_spans *replies,
                    struct tf_err *err)
{
    struct turns t = { .chat = chat, .q = q };
    size_t begun = out->len;
    int failed;

    replies->count = 0;
    if (tf_chat_render_marked(chat, q, out, replies, err))
        return -1;
    if (replies->count)
        return 0;
    failed = add_replies(&t, out->data + begun, out->len - begun, replies, err);
    for (size_t i = 0; i < replies->count; i++) {
        replies->v[i][0] += begun;
        replies->v[i][1] += begun;
    }
    tf_buf_release(&t.list);
    tf_buf_release(&t.before);
    tf_buf_release(&t.with);
    return failed ? -1 : 0;
}

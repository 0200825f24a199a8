#include "cmd/chat_record.h"

#include <string.h>
#include "base/json.h"

static void put_message(struct tf_buf *out, const char *role, struct tf_str s)
{
    tf_buf_addf(out, "{\"role\": \"%s\", \"content\": ", role);
    tf_put_string(out, s.s, s.len);
    tf_buf_addc(out, '}');
}

static void put_system(struct tf_buf *out, const char *system)
{
    put_message(out, "system", (struct tf_str){ system, strlen(system) });
    tf_buf_adds(out, ", ");
}

/* Read a message at the cursor; true when its role is this one. */
static bool has_role(struct tf_json *j, const char *name)
{
    struct tf_str key, role;
    bool has = false;

    if (!tf_json_object(j))
        return false;
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "role") && tf_json_peek(j) == TF_JSON_STRING)
            has = tf_json_string(j, &role) && tf_str_is(role, name);
        else
            tf_json_skip(j, NULL);
    }
    return has;
}

/* Is there a first message, and not the system's? */
static bool wants_system(struct tf_str messages)
{
    struct tf_json j;
    bool wants;

    tf_json_init(&j, messages.s, messages.len);
    wants = tf_json_peek(&j) == TF_JSON_ARRAY && tf_json_array(&j) &&
            tf_json_item(&j) && tf_json_peek(&j) == TF_JSON_OBJECT &&
            !has_role(&j, "system");
    tf_json_release(&j);
    return wants;
}

bool chat_record_goes_on(const struct tf_chat_request *q)
{
    struct tf_json j;
    bool last = false;

    tf_json_init(&j, q->messages.s, q->messages.len);
    if (tf_json_peek(&j) == TF_JSON_ARRAY && tf_json_array(&j))
        while (tf_json_item(&j))
            last = has_role(&j, "assistant");
    tf_json_release(&j);
    return last;
}

static int from_text(struct chat_record *c, struct cli_item *item,
                     const char *system)
{
    struct tf_str text;

    if (tf_record_text(&item->record, cli.field, &c->text, &text, &item->err))
        return -1;
    tf_buf_addc(&c->messages, '[');
    if (system)
        put_system(&c->messages, system);
    put_message(&c->messages, "user", text);
    tf_buf_addc(&c->messages, ']');
    return 0;
}

int chat_record_read(struct chat_record *c, struct cli_item *item,
                     const char *system, struct tf_chat_request *q)
{
    const struct tf_record *rec = &item->record;
    struct tf_str given = tf_record_get(rec, "messages");

    tf_buf_reset(&c->messages);
    q->messages = given;
    if (!given.s) {
        if (!item->plain && !tf_record_get(rec, cli.field).s)
            return tf_fail_code(&item->err, "no_field",
                                "the record has neither \"messages\" nor "
                                "\"%s\"",
                                cli.field);
        if (from_text(c, item, system))
            return -1;
    } else if (system && wants_system(given)) {
        tf_buf_addc(&c->messages, '[');
        put_system(&c->messages, system);
        tf_buf_add(&c->messages, given.s + 1, given.len - 1);
    }
    if (c->messages.failed)
        return tf_no_memory(&item->err, c->messages.len);
    if (c->messages.len)
        q->messages = (struct tf_str){ c->messages.data, c->messages.len };
    q->tools = tf_record_get(rec, "tools");
    q->documents = tf_record_get(rec, "documents");
    q->variables = tf_record_get(rec, "chat_template_kwargs");
    return 0;
}

void chat_record_release(struct chat_record *c)
{
    tf_buf_release(&c->messages);
    tf_buf_release(&c->text);
}

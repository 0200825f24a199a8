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

/* Is there a first message, and not the system's? */
static bool wants_system(struct tf_str messages)
{
    struct tf_json j;
    struct tf_str key, role;
    bool wants = false;

    tf_json_init(&j, messages.s, messages.len);
    if (tf_json_peek(&j) == TF_JSON_ARRAY && tf_json_array(&j) &&
        tf_json_item(&j) && tf_json_object(&j)) {
        wants = true;
        while (tf_json_key(&j, &key)) {
            if (tf_str_is(key, "role") && tf_json_peek(&j) == TF_JSON_STRING)
                wants = tf_json_string(&j, &role) && !tf_str_is(role, "system");
            else
                tf_json_skip(&j, NULL);
        }
    }
    tf_json_release(&j);
    return wants;
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

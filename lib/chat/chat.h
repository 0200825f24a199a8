/*
 * Chats as a model's own chat template writes them for it: equal to
 * Transformers' apply_chat_template (5.23).
 */
#ifndef TF_CHAT_CHAT_H
#define TF_CHAT_CHAT_H

#include "chat/jinja.h"
#include "text/tokenizer.h"

struct tf_chat;

/*
 * The templates of a tokenizer's files: chat_template.jinja and
 * additional_chat_templates/tool_use.jinja, else chat_template of
 * tokenizer_config.json (one, or several by name). Of a GGUF its own, else those
 * of the files beside it. The tokenizer must outlive it. NULL and `err` when
 * there is none, or it can't be read.
 */
struct tf_chat *tf_chat_open(const struct tf_tokenizer *tok,
                             struct tf_err *err);
void tf_chat_close(struct tf_chat *chat); /* NULL is allowed */

/* Everything is JSON, as a record's members; s NULL: not given. */
struct tf_chat_request {
    struct tf_str messages;  /* [{"role": ..., "content": ...}, ...] */
    struct tf_str tools;     /* [{...}, ...], as JSON schemas */
    struct tf_str documents; /* [{"title": ..., "text": ...}, ...] */
    struct tf_str variables; /* {...}: others that the template knows */
    bool generation_prompt;  /* end with the head of the model's answer */
    bool go_on; /* end within the last message, for the model to go on */
};

/*
 * Append the chat as text. Special tokens are part of it: encode it with
 * no_special. Thread safe. Fails with code "bad_field" when the request is no
 * chat, or the template says that it is none for it.
 */
int tf_chat_render(const struct tf_chat *chat, const struct tf_chat_request *q,
                   struct tf_buf *out, struct tf_err *err);
/* The same; `generated`, if not NULL, gets the places in `out` of what the
 * template's {% generation %} blocks print. */
int tf_chat_render_marked(const struct tf_chat *chat,
                          const struct tf_chat_request *q, struct tf_buf *out,
                          struct tf_jinja_spans *generated, struct tf_err *err);

/*
 * Append the chat as text, and the places in it of the assistant's replies: of
 * the template's {% generation %} blocks (Transformers'
 * return_assistant_tokens_mask); of a template without them what each reply
 * adds to the text of the messages before it and the head of an answer. Fails
 * with code "bad_field" when the template writes the messages before a reply
 * otherwise once there are more.
 */
int tf_chat_replies(const struct tf_chat *chat, const struct tf_chat_request *q,
                    struct tf_buf *out, struct tf_jinja_spans *replies,
                    struct tf_err *err);
#endif

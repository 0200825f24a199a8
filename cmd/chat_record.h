/* Chats of records. */
#ifndef CHAT_RECORD_H
#define CHAT_RECORD_H

#include "cmd/cli.h"
#include "chat/chat.h"

/* Zeroed memory is empty; read again to reuse. */
struct chat_record {
    struct tf_buf messages, text;
};

/*
 * What the record asks for: its messages, tools, documents and
 * chat_template_kwargs; a text without messages is one message of the user.
 * `system`, if not NULL, comes before messages that have no system message
 * first. The request points into the record and `c`. -1 and item->err when
 * there is neither.
 */
int chat_record_read(struct chat_record *c, struct cli_item *item,
                     const char *system, struct tf_chat_request *q);
/* Is the last message the assistant's, so that a model goes on with it? */
bool chat_record_goes_on(const struct tf_chat_request *q);
void chat_record_release(struct chat_record *c);
#endif

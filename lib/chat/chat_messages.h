/* Inside chat*.c: messages as templates see them. */
#ifndef TF_CHAT_CHAT_MESSAGES_H
#define TF_CHAT_CHAT_MESSAGES_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Append the messages without their null members, and with what a model thought
 * under each name that templates know. `last`, if not NULL, gets the text of
 * the last message, which is marked at its end.
 */
int tf_chat_messages(struct tf_str messages, struct tf_buf *last,
                     struct tf_buf *out, struct tf_err *err);

/* Cut a chat, which begins at `begun`, at that mark. */
int tf_chat_cut(struct tf_buf *out, size_t begun, const struct tf_buf *last,
                struct tf_err *err);
#endif

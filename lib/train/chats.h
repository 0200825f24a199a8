/*
 * Chats for a causal model: messages as the model's own template writes them,
 * of which only the assistant's replies are to be predicted (TRL's
 * assistant_only_loss).
 */
#ifndef TF_TRAIN_CHATS_H
#define TF_TRAIN_CHATS_H

#include "chat/chat.h"
#include "train/dataset.h"

struct tf_chat_data {
    const struct tf_chat *chat;
    const char *messages; /* the column; tools, documents and
                             chat_template_kwargs stand beside it */
    bool all; /* every token is to be predicted, not only those of replies */
};

/* Fill inputs and labels; opts' columns are not used. On failure `err` names
 * the file and line. */
int tf_dataset_chats(struct tf_dataset *d, const struct tf_table *t,
                     const struct tf_dataset_opts *opts,
                     const struct tf_chat_data *data, struct tf_err *err);
#endif

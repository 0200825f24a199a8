#include "train/chats.h"

#include <stdlib.h>
#include <string.h>
#include "nn/ops.h"
#include "text/points.h"
#include "train/each_row.h"

struct chatting {
    struct tf_dataset *d;
    const struct tf_dataset_opts *opts;
    const struct tf_chat_data *data;
};

/* The tokens of one reply, code points [begin, end): from the first that has a
 * part of it to the last; each is what the one before it is to give. */
static void label_reply(const struct tf_window *w, size_t begin, size_t end,
                        int32_t *labels)
{
    size_t first = w->n, last = 0;

    for (size_t i = 0; i < w->n; i++)
        if (w->offsets[i][0] < end && w->offsets[i][1] > begin) {
            first = i < first ? i : first;
            last = i + 1;
        }
    for (size_t i = first ? first : 1; i < last; i++)
        labels[i - 1] = w->ids[i];
}

static int label_replies(const struct tf_window *w, struct tf_str text,
                         const struct tf_jinja_spans *replies, int32_t *labels,
                         struct tf_err *err)
{
    if (!replies->count)
        return tf_fail(err, "the chat has no reply of the assistant");
    for (size_t i = 0; i < replies->count; i++) {
        const size_t *at = replies->v[i];
        size_t begin = tf_points_count((struct tf_str){ text.s, at[0] });
        size_t end = begin + tf_points_count((struct tf_str){ text.s + at[0],
                                                              at[1] - at[0] });

        label_reply(w, begin, end, labels);
    }
    return 0;
}

static int take_text(const struct chatting *c, struct tf_row_work *w, size_t i,
                     const struct tf_jinja_spans *replies, struct tf_err *err)
{
    const struct tf_tokenizer *tok = c->opts->tokenizer;
    struct tf_encode_opts how = {
        .want = TF_TOK_OFFSETS,
        .no_special = true,
        .max_length = c->opts->limit,
        .truncate_left = tf_tokenizer_info(tok)->truncate_left,
    };
    struct tf_str text = { tf_buf_cstr(&w->text), w->text.len };
    struct tf_input *in = &c->d->inputs[i];
    int32_t *labels;

    if (tf_tokenizer_encode(tok, w->state, &how, text,
                            (struct tf_str){ NULL, 0 }, &w->encoding, err) ||
        tf_input_take(in, &w->encoding.windows[0], err))
        return -1;
    if (!in->n)
        return tf_fail(err, "the chat has no tokens");
    memset(in->type_ids, 0, in->n);
    labels = tf_dataset_labels(c->d, i, err);
    if (!labels)
        return -1;
    if (!c->data->all)
        return label_replies(&w->encoding.windows[0], text, replies, labels,
                             err);
    for (size_t k = 0; k + 1 < in->n; k++)
        labels[k] = in->ids[k + 1];
    return 0;
}

static int chat_row(void *arg, struct tf_row_work *w, size_t i,
                    struct tf_err *err)
{
    struct chatting *c = arg;
    const struct tf_record *rec = &w->record;
    struct tf_chat_request q = {
        .messages = tf_record_get(rec, c->data->messages),
        .tools = tf_record_get(rec, "tools"),
        .documents = tf_record_get(rec, "documents"),
        .variables = tf_record_get(rec, "chat_template_kwargs"),
    };
    struct tf_jinja_spans replies = { 0 };
    int failed;

    if (!q.messages.s)
        return tf_fail(err, "no \"%.100s\"", c->data->messages);
    tf_buf_reset(&w->text);
    failed = (c->data->all ? tf_chat_render(c->data->chat, &q, &w->text, err)
                           : tf_chat_replies(c->data->chat, &q, &w->text,
                                             &replies, err)) ||
             take_text(c, w, i, &replies, err);
    free(replies.v);
    return failed ? -1 : 0;
}

int tf_dataset_chats(struct tf_dataset *d, const struct tf_table *t,
                     const struct tf_dataset_opts *opts,
                     const struct tf_chat_data *data, struct tf_err *err)
{
    struct chatting c = { d, opts, data };

    return tf_dataset_make(d, t->count, true, err) ||
                   tf_each_row(t, opts->tokenizer, opts->pool, chat_row, &c,
                               err)
               ? -1
               : 0;
}

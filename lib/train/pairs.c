#include "train/pairs.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "nn/ops.h"
#include "text/language.h"
#include "train/each_row.h"

struct pairing {
    struct tf_dataset *d;
    const struct tf_dataset_opts *opts;
    const struct tf_pair_data *data;
    int32_t source_id, target_id; /* languages' tokens, -1: none */
};

/* A row's text: its column, else the language in {"translation": {...}}. */
static int read_text(const struct tf_record *rec, const char *column,
                     const char *lang, struct tf_buf *buf, struct tf_str *out,
                     struct tf_err *err)
{
    struct tf_str both = tf_record_get(rec, "translation");
    struct tf_record inner = { 0 };
    int failed;

    if (tf_record_get(rec, column).s || !both.s || !lang)
        return tf_record_text(rec, column, buf, out, err);
    failed = tf_record_parse(&inner, both.s, both.len, err) ||
             tf_record_text(&inner, lang, buf, out, err);
    tf_record_release(&inner);
    return failed ? -1 : 0;
}

static int encode(const struct tf_tokenizer *tok, struct tf_tok_state *state,
                  struct tf_row_work *w, struct tf_str text, size_t limit,
                  int32_t language, struct tf_input *in, struct tf_err *err)
{
    struct tf_encode_opts how = {
        .max_length = limit,
        .truncate_left = tf_tokenizer_info(tok)->truncate_left,
    };
    struct tf_str none = { NULL, 0 };

    if (tf_tokenizer_encode(tok, state, &how, text, none, &w->encoding, err) ||
        tf_input_take(in, &w->encoding.windows[0], err))
        return -1;
    if (language >= 0 && !tf_language_set(tok, language, in->ids, in->n))
        return tf_fail(err, "source_lang and target_lang: the tokenizer puts "
                            "no language code beside a text");
    return in->n ? 0 : tf_fail(err, "the text has no tokens");
}

static int encode_texts(const struct pairing *p, struct tf_row_work *w,
                        struct tf_input *source, struct tf_input *target,
                        struct tf_err *err)
{
    const struct tf_pair_data *data = p->data;
    struct tf_str text;

    if (read_text(&w->record, data->source, data->source_lang, &w->text, &text,
                  err))
        return -1;
    if (data->prefix) {
        tf_buf_reset(&w->pair);
        tf_buf_adds(&w->pair, data->prefix);
        tf_buf_add(&w->pair, text.s, text.len);
        if (w->pair.failed)
            return tf_no_memory(err, text.len);
        text = (struct tf_str){ w->pair.data, w->pair.len };
    }
    if (encode(p->opts->tokenizer, w->state, w, text, p->opts->limit,
               p->source_id, source, err) ||
        read_text(&w->record, data->target, data->target_lang, &w->text, &text,
                  err))
        return -1;
    if (!w->other)
        w->other = tf_tok_state_new(data->targets, err);
    return w->other ? encode(data->targets, w->other, w, text,
                             data->target_limit, p->target_id, target, err)
                    : -1;
}

/* The ids of a row's "labels", up to the first that is none. */
static int read_labels(const struct tf_record *rec, struct tf_input *target,
                       struct tf_err *err)
{
    struct tf_str list = tf_record_get(rec, "labels");
    struct tf_json j;
    int64_t id;
    size_t n = 0;

    tf_input_release(target);
    /* no more items than bytes */
    target->ids = tf_alloc(list.len, sizeof(target->ids[0]), err);
    target->type_ids = tf_alloc(list.len, 1, err);
    if (!target->ids || !target->type_ids)
        return -1;
    target->cap = list.len;
    tf_json_init(&j, list.s ? list.s : "", list.len);
    if (tf_json_array(&j))
        while (tf_json_item(&j) && tf_json_int(&j, &id)) {
            if (id < 0 || id > INT32_MAX)
                break;
            target->ids[n++] = (int32_t)id;
        }
    target->n = n;
    tf_json_release(&j);
    return n ? 0 : tf_fail(err, "\"labels\" is no list of token ids");
}

static int pair_row(void *arg, struct tf_row_work *w, size_t i,
                    struct tf_err *err)
{
    struct pairing *p = arg;
    struct tf_input *source = &p->d->inputs[i], *target = &p->d->answers[i];
    int given = tf_input_read(source, &w->record, err);
    int32_t *labels, first = p->data->start;

    if (given < 0 || (given > 0 ? read_labels(&w->record, target, err)
                                : encode_texts(p, w, source, target, err)))
        return -1;
    if (!source->n)
        return tf_fail(err, "\"input_ids\" is empty");
    memset(source->type_ids, 0, source->n);
    memset(target->type_ids, 0, target->n);
    labels = tf_dataset_labels(p->d, i, err);
    if (!labels)
        return -1;
    memcpy(labels, target->ids, target->n * sizeof(*labels));
    if (first < 0)
        first = labels[target->n - 1];
    memmove(target->ids + 1, target->ids,
            (target->n - 1) * sizeof(target->ids[0]));
    target->ids[0] = first;
    return 0;
}

static int32_t language_id(const struct tf_tokenizer *tok, const char *code)
{
    return code ? tf_language_id(tok, code) : -1;
}

int tf_dataset_pairs(struct tf_dataset *d, const struct tf_table *t,
                     const struct tf_dataset_opts *opts,
                     const struct tf_pair_data *data, struct tf_err *err)
{
    struct pairing p = { d, opts, data,
                         language_id(opts->tokenizer, data->source_lang),
                         language_id(opts->tokenizer, data->target_lang) };

    if (tf_dataset_make(d, t->count, true, err))
        return -1;
    d->answers = tf_alloc(t->count, sizeof(d->answers[0]), err);
    return !d->answers || tf_each_row(t, opts->tokenizer, opts->pool, pair_row,
                                      &p, err)
               ? -1
               : 0;
}

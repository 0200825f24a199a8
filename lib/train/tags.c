#include "train/tags.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "nn/ops.h"
#include "train/each_row.h"

struct tagging {
    struct tf_dataset *d;
    const struct tf_dataset_opts *opts;
    const struct tf_tag_data *data;
    int32_t *ids;    /* of all labels of the column */
    int32_t *inside; /* [labels]: what a word's further tokens have */
};

/* Up to n strings of a JSON list, kept in `text`. Returns how many there are,
 * -1 when it is no list of strings. */
static int64_t read_words(struct tf_str list, struct tf_buf *text,
                          struct tf_str *words, size_t n, struct tf_err *err)
{
    struct tf_json j;
    struct tf_str word;
    size_t count = 0, at = 0;

    tf_buf_reset(text);
    tf_json_init(&j, list.s, list.len);
    if (tf_json_array(&j))
        while (tf_json_item(&j) && tf_json_string(&j, &word)) {
            tf_buf_add(text, word.s, word.len);
            if (count < n)
                words[count].len = word.len;
            count++;
        }
    if (tf_json_failed(&j, err) || text->failed) {
        tf_json_release(&j);
        return text->failed ? tf_no_memory(err, text->len)
                            : tf_fail(err, "the words are no list of strings");
    }
    tf_json_release(&j);
    for (size_t i = 0; i < n && i < count; i++) {
        words[i].s = text->len ? text->data + at : "";
        at += words[i].len;
    }
    return (int64_t)count;
}

static int encode_words(struct tagging *g, struct tf_row_work *w, size_t i,
                        size_t n, struct tf_err *err)
{
    const struct tf_tokenizer_info *info =
        tf_tokenizer_info(g->opts->tokenizer);
    struct tf_encode_opts how = { .want = TF_TOK_WORDS,
                                  .max_length = g->opts->limit,
                                  .truncate_left = info->truncate_left };
    struct tf_str list = tf_record_get(&w->record, g->data->words), *words;
    struct tf_input *in = &g->d->inputs[i];
    int64_t found;
    int failed;

    if (!list.s)
        return tf_fail(err, "no \"%.100s\"", g->data->words);
    words = tf_alloc(n, sizeof(*words), err);
    if (!words)
        return -1;
    found = read_words(list, &w->text, words, n, err);
    failed = found < 0;
    if (!failed && (size_t)found != n)
        failed =
            tf_fail(err, "%lld words, but %zu labels", (long long)found, n);
    failed = failed ||
             tf_tokenizer_encode_words(g->opts->tokenizer, w->state, &how,
                                       words, n, &w->encoding, err) ||
             tf_input_take(in, &w->encoding.windows[0], err);
    free(words);
    if (!failed && !info->has_type_ids && in->n)
        memset(in->type_ids, 0, in->n);
    return failed ? -1 : 0;
}

static void label_words(const struct tagging *g, const struct tf_window *w,
                        const int32_t *ids, int32_t *labels)
{
    for (size_t k = 0; k < w->n; k++) {
        bool first = !k || w->words[k] != w->words[k - 1];
        int32_t id = w->words[k] < 0 ? TF_IGNORE : ids[w->words[k]];

        if (id != TF_IGNORE && (first || g->data->all_tokens))
            labels[k] = first ? id : g->inside[id];
    }
}

static int tag_row(void *arg, struct tf_row_work *w, size_t i,
                   struct tf_err *err)
{
    struct tagging *g = arg;
    const size_t *start = g->data->column->start;
    size_t n = start[i + 1] - start[i];
    struct tf_input *in = &g->d->inputs[i];
    int given = tf_input_read(in, &w->record, err);
    int32_t *labels;

    if (given < 0 || (!given && encode_words(g, w, i, n, err)))
        return -1;
    if (!in->n)
        return tf_fail(err, "the words have no tokens");
    if (given && in->n != n)
        return tf_fail(err, "%zu input_ids, but %zu labels", in->n, n);
    labels = tf_dataset_labels(g->d, i, err);
    if (!labels)
        return -1;
    if (given)
        memcpy(labels, g->ids + start[i], n * sizeof(*labels));
    else
        label_words(g, &w->encoding.windows[0], g->ids + start[i], labels);
    return 0;
}

/* For B-X the number of I-X where there is one, else the label itself. */
static int32_t *find_inside(const struct tf_labels *l, struct tf_err *err)
{
    int32_t *inside = tf_alloc(l->count, sizeof(*inside), err);

    for (size_t i = 0; inside && i < l->count; i++) {
        inside[i] = (int32_t)i;
        for (size_t k = 0; !strncmp(l->names[i], "B-", 2) && k < l->count; k++)
            if (!strncmp(l->names[k], "I-", 2) &&
                !strcmp(l->names[k] + 2, l->names[i] + 2))
                inside[i] = (int32_t)k;
    }
    return inside;
}

int tf_dataset_tags(struct tf_dataset *d, const struct tf_table *t,
                    const struct tf_dataset_opts *opts,
                    const struct tf_tag_data *data, struct tf_err *err)
{
    struct tagging g = { .d = d, .opts = opts, .data = data };
    int failed = tf_dataset_make(d, t->count, true, err);

    if (!failed)
        g.ids = tf_labels_ids(data->labels, data->column, t, err);
    if (g.ids)
        g.inside = find_inside(data->labels, err);
    failed = !g.inside ||
             tf_each_row(t, opts->tokenizer, opts->pool, tag_row, &g, err);
    free(g.ids);
    free(g.inside);
    return failed ? -1 : 0;
}

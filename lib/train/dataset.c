#include "train/dataset.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "nn/ops.h"
#include "train/each_row.h"

#define GROUP_BATCHES 50 /* of a run that is sorted, at most */

struct encoding {
    struct tf_dataset *d;
    const struct tf_dataset_opts *opts;
};

static int encode_text(struct encoding *e, struct tf_row_work *w,
                       struct tf_input *in, struct tf_err *err)
{
    const struct tf_dataset_opts *o = e->opts;
    const struct tf_tokenizer_info *info = tf_tokenizer_info(o->tokenizer);
    struct tf_encode_opts how = { .max_length = o->limit,
                                  .truncate_left = info->truncate_left };
    struct tf_str text, pair = { NULL, 0 };

    if (tf_record_text(&w->record, o->text, &w->text, &text, err))
        return -1;
    if (tf_record_get(&w->record, o->pair).s &&
        tf_record_text(&w->record, o->pair, &w->pair, &pair, err))
        return -1;
    if (tf_tokenizer_encode(o->tokenizer, w->state, &how, text, pair,
                            &w->encoding, err) ||
        tf_input_take(in, &w->encoding.windows[0], err))
        return -1;
    if (!info->has_type_ids && in->n)
        memset(in->type_ids, 0, in->n);
    return 0;
}

static int encode_row(void *arg, struct tf_row_work *w, size_t i,
                      struct tf_err *err)
{
    struct encoding *e = arg;
    struct tf_input *in = &e->d->inputs[i];
    int given = tf_input_read(in, &w->record, err);

    if (given < 0 || (!given && encode_text(e, w, in, err)))
        return -1;
    return in->n || e->opts->empty ? 0 : tf_fail(err, "the text has no tokens");
}

int tf_dataset_encode(struct tf_dataset *d, const struct tf_table *t,
                      const struct tf_dataset_opts *opts, struct tf_err *err)
{
    struct encoding e = { d, opts };

    return tf_dataset_make(d, t->count, false, err) ||
                   tf_each_row(t, opts->tokenizer, opts->pool, encode_row, &e,
                               err)
               ? -1
               : 0;
}

int tf_dataset_make(struct tf_dataset *d, size_t count, bool labels,
                    struct tf_err *err)
{
    d->inputs = tf_alloc(count, sizeof(d->inputs[0]), err);
    if (!d->inputs)
        return -1;
    d->count = count;
    if (labels)
        d->labels = tf_alloc(count, sizeof(d->labels[0]), err);
    return labels && !d->labels ? -1 : 0;
}

size_t tf_dataset_label_count(const struct tf_dataset *d, size_t i)
{
    return d->answers ? d->answers[i].n : d->inputs[i].n;
}

int32_t *tf_dataset_labels(struct tf_dataset *d, size_t i, struct tf_err *err)
{
    size_t n = tf_dataset_label_count(d, i);

    free(d->labels[i]);
    d->labels[i] = tf_alloc(n, sizeof(int32_t), err);
    for (size_t k = 0; d->labels[i] && k < n; k++)
        d->labels[i][k] = TF_IGNORE;
    return d->labels[i];
}

void tf_dataset_release(struct tf_dataset *d)
{
    for (size_t i = 0; d->inputs && i < d->count; i++)
        tf_input_release(&d->inputs[i]);
    for (size_t i = 0; d->answers && i < d->count; i++)
        tf_input_release(&d->answers[i]);
    for (size_t i = 0; d->labels && i < d->count; i++)
        free(d->labels[i]);
    free(d->answers);
    free(d->inputs);
    free(d->labels);
    free(d->targets);
    memset(d, 0, sizeof(*d));
}

void tf_order_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        uint32_t w[4], last = order[i - 1];
        size_t k;

        tf_philox(seed, epoch, i, w);
        k = (size_t)(tf_uniform(w[0], w[1]) * (double)i);
        order[i - 1] = order[k];
        order[k] = last;
    }
}

struct place {
    size_t length;
    uint32_t record, at;
};

static int longer_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? 1 : -1;
    return x->at < y->at ? -1 : 1;
}

int tf_order_by_length(const struct tf_dataset *d, size_t batch,
                       uint32_t *order, struct tf_err *err)
{
    size_t groups = d->count / (batch * 4), run, longest = 0;
    struct place *places = tf_alloc(d->count, sizeof(*places), err);

    if (!places)
        return -1;
    groups = groups > GROUP_BATCHES ? GROUP_BATCHES : groups ? groups : 1;
    run = groups * batch;
    for (size_t i = 0; i < d->count; i++)
        places[i] =
            (struct place){ d->inputs[order[i]].n, order[i], (uint32_t)i };
    for (size_t i = 0; i < d->count; i += run)
        qsort(places + i, d->count - i < run ? d->count - i : run,
              sizeof(*places), longer_first);
    for (size_t i = 0; i < d->count; i++) {
        order[i] = places[i].record;
        if (places[i].length > places[longest].length)
            longest = i;
    }
    /* the first batch shows whether memory suffices */
    order[longest] = places[0].record;
    order[0] = places[longest].record;
    free(places);
    return 0;
}

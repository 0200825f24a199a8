#include "train/dataset.h"

#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"
#include "base/mem.h"
#include "base/rng.h"

#define GROUP_BATCHES 50 /* of a run that is sorted, at most */

/* What one thread encodes with. */
struct worker {
    struct tf_tok_state *state;
    struct tf_encoding encoding;
    struct tf_record record;
    struct tf_buf text, pair;
};

struct encoding {
    struct tf_dataset *d;
    const struct tf_table *t;
    const struct tf_dataset_opts *opts;
    struct worker *workers;
};

static int encode_row(struct encoding *e, struct worker *w, size_t i,
                      struct tf_err *err)
{
    const struct tf_dataset_opts *o = e->opts;
    const struct tf_tokenizer_info *info = tf_tokenizer_info(o->tokenizer);
    struct tf_encode_opts how = { .max_length = o->limit,
                                  .truncate_left = info->truncate_left };
    struct tf_str row = tf_table_row(e->t, i), text, pair = { NULL, 0 };
    struct tf_input *in = &e->d->inputs[i];
    int given;

    if (tf_record_parse(&w->record, row.s, row.len, err))
        return -1;
    given = tf_input_read(in, &w->record, err);
    if (given)
        return given < 0 ? -1 : 0;
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

static void encode_task(void *arg, size_t i, int worker)
{
    struct encoding *e = arg;
    struct tf_err err;

    /* a failure is looked for again, in order, by the caller */
    if (encode_row(e, &e->workers[worker], i, &err))
        e->d->inputs[i].n = 0;
}

/* Rows without ids are those that failed, or that have none. */
static int report(struct encoding *e, struct tf_err *err)
{
    for (size_t i = 0; i < e->d->count; i++) {
        e->d->tokens += e->d->inputs[i].n;
        if (e->d->inputs[i].n)
            continue;
        if (!encode_row(e, &e->workers[0], i, err))
            tf_fail(err, "the text has no tokens");
        tf_table_err_at(e->t, i, err);
        return -1;
    }
    return 0;
}

int tf_dataset_encode(struct tf_dataset *d, const struct tf_table *t,
                      const struct tf_dataset_opts *opts, struct tf_err *err)
{
    int n = tf_pool_threads(opts->pool), failed = 0;
    struct encoding e = { .d = d, .t = t, .opts = opts };

    d->inputs = tf_alloc(t->count, sizeof(d->inputs[0]), err);
    if (!d->inputs)
        return -1;
    d->count = t->count;
    e.workers = tf_alloc((size_t)n, sizeof(e.workers[0]), err);
    if (!e.workers)
        return -1;
    for (int i = 0; i < n && !failed; i++) {
        e.workers[i].state = tf_tok_state_new(opts->tokenizer, err);
        failed = !e.workers[i].state;
    }
    if (!failed) {
        tf_pool_run(opts->pool, d->count, encode_task, &e);
        failed = report(&e, err);
    }
    for (int i = 0; i < n; i++) {
        tf_tok_state_free(e.workers[i].state);
        tf_encoding_release(&e.workers[i].encoding);
        tf_record_release(&e.workers[i].record);
        tf_buf_release(&e.workers[i].text);
        tf_buf_release(&e.workers[i].pair);
    }
    free(e.workers);
    return failed ? -1 : 0;
}

void tf_dataset_release(struct tf_dataset *d)
{
    for (size_t i = 0; d->inputs && i < d->count; i++)
        tf_input_release(&d->inputs[i]);
    free(d->inputs);
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

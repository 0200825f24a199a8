#include "train/each_row.h"

#include <stdlib.h>
#include "base/mem.h"

struct rows {
    const struct tf_table *t;
    tf_row_fn *fn;
    void *arg;
    struct tf_row_work *workers;
    uint8_t *failed; /* [rows] */
};

static int do_row(const struct rows *r, struct tf_row_work *w, size_t i,
                  struct tf_err *err)
{
    struct tf_str row = tf_table_row(r->t, i);

    return tf_record_parse(&w->record, row.s, row.len, err) ||
                   r->fn(r->arg, w, i, err)
               ? -1
               : 0;
}

static void row_task(void *arg, size_t i, int worker)
{
    const struct rows *r = arg;
    struct tf_err err;

    r->failed[i] = do_row(r, &r->workers[worker], i, &err) != 0;
}

/* The first failure's message. */
static int report(const struct rows *r, struct tf_err *err)
{
    for (size_t i = 0; i < r->t->count; i++)
        if (r->failed[i] && do_row(r, &r->workers[0], i, err)) {
            tf_table_err_at(r->t, i, err);
            return -1;
        }
    return 0;
}

static int run(struct rows *r, const struct tf_tokenizer *tok,
               struct tf_pool *pool, struct tf_err *err)
{
    for (int i = 0; i < tf_pool_threads(pool); i++) {
        r->workers[i].state = tf_tok_state_new(tok, err);
        if (!r->workers[i].state)
            return -1;
    }
    tf_pool_run(pool, r->t->count, row_task, r);
    return report(r, err);
}

int tf_each_row(const struct tf_table *t, const struct tf_tokenizer *tok,
                struct tf_pool *pool, tf_row_fn *fn, void *arg,
                struct tf_err *err)
{
    size_t n = (size_t)tf_pool_threads(pool);
    struct rows r = { .t = t, .fn = fn, .arg = arg };
    int failed = -1;

    r.failed = tf_alloc(t->count, 1, err);
    r.workers = r.failed ? tf_alloc(n, sizeof(r.workers[0]), err) : NULL;
    if (r.workers)
        failed = run(&r, tok, pool, err);
    for (size_t i = 0; r.workers && i < n; i++) {
        tf_tok_state_free(r.workers[i].state);
        tf_tok_state_free(r.workers[i].other);
        tf_encoding_release(&r.workers[i].encoding);
        tf_record_release(&r.workers[i].record);
        tf_buf_release(&r.workers[i].text);
        tf_buf_release(&r.workers[i].pair);
    }
    free(r.workers);
    free(r.failed);
    return failed;
}

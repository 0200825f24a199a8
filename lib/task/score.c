#include "task/score.h"

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "kernel/kernel.h"

/* Rows of logits and the tokens that came. */
struct rows {
    float *logits; /* [n][V], overwritten */
    size_t vocab;
    const int32_t *ids; /* [n] */
    double *nll;        /* [n] */
};

static void score_row(void *arg, size_t i, int worker)
{
    struct rows *r = arg;
    float *row = r->logits + i * r->vocab, max = -INFINITY, sum;
    float token = row[r->ids[i]];

    (void)worker;
    sum = tf_kernels()->exp_sum(row, row, 1, &max, r->vocab);
    r->nll[i] = (double)max + log((double)sum) - (double)token;
}

/* Read ids[begin, end) anew and judge those from `first` on. */
static int score_window(struct tf_stepper *d, const struct tf_score_opts *opts,
                        const int32_t *ids, size_t begin, size_t first,
                        size_t end, struct tf_score *out, struct tf_err *err)
{
    size_t most = tf_step_most(d), at, n, skip, judged, i;
    struct tf_cache *cache = tf_stepper_cache(d, err);
    struct rows r = { .vocab = tf_stepper_vocab(d) };
    struct tf_result logits;
    int failed = !cache;

    if (most > end - begin)
        most = end - begin;
    if (!failed)
        failed = !(r.nll = tf_alloc(most, sizeof(*r.nll), err));
    for (at = begin; !failed && at < end; at += n) {
        struct tf_feed feed = { cache, ids + at, end - at, 0 };

        if (feed.n > most)
            feed.n = most;
        n = feed.n;
        if ((failed = tf_step_each(d, &feed, &logits, err)))
            break;
        /* row i is of token at + i + 1; the last row is of none */
        skip = first > at + 1 ? first - at - 1 : 0;
        judged = at + n < end ? n : n - 1;
        if (skip >= judged)
            continue;
        r.logits = (float *)logits.data + skip * r.vocab;
        r.ids = ids + at + skip + 1;
        tf_pool_run(opts->pool, judged - skip, score_row, &r);
        for (i = 0; i < judged - skip; i++)
            out->nll += r.nll[i];
        out->tokens += judged - skip;
    }
    free(r.nll);
    tf_cache_free(cache);
    return failed ? -1 : 0;
}

int tf_score_ids(struct tf_stepper *d, const struct tf_score_opts *opts,
                 const int32_t *ids, size_t n, struct tf_score *out,
                 struct tf_err *err)
{
    size_t begin = 0, end = 0, first;

    *out = (struct tf_score){ 0 };
    for (; end < n; begin += opts->stride) {
        first = end;
        end = n - begin < opts->window ? n : begin + opts->window;
        if (score_window(d, opts, ids, begin, first, end, out, err))
            return -1;
    }
    return 0;
}

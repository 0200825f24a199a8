#include "model/step.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/rope.h"

#define EACH_TOKENS 128 /* rows of logits at a time */
#define PASS_TOKENS 512 /* of one pass: its activations stay in the cache */

struct tf_stepper {
    struct tf_model *model;
    struct tf_pool *pool;
    struct tf_arena arena;
    struct tf_runner runner;
    struct tf_arena cross_arena;
    struct tf_cross *cross; /* of the sources; NULL: none */
    bool alone;             /* every sequence is read whole and by itself */
    float *logits;          /* the result */
    size_t cap;             /* floats */

    /* one pass: its sequences, and the feeds that end in it */
    int32_t *ids;
    size_t *start;
    struct tf_cache **caches;
    int32_t *sources; /* of its sequences */
    int32_t *ended;   /* numbers of its sequences */
    size_t *feed;     /* the feeds these are */
    size_t room;      /* sequences in the arrays above but ids */
};

struct tf_stepper *tf_stepper_new(struct tf_model *m, struct tf_pool *pool,
                                  struct tf_err *err)
{
    struct tf_stepper *d = tf_alloc(1, sizeof(*d), err);

    if (!d)
        return NULL;
    d->model = m;
    d->pool = pool;
    d->alone = tf_rope_by_length(m->stack.spec);
    tf_arena_init(&d->arena);
    tf_arena_init(&d->cross_arena);
    d->ids = tf_alloc(PASS_TOKENS, sizeof(*d->ids), err);
    if (!d->ids) {
        tf_stepper_free(d);
        return NULL;
    }
    return d;
}

void tf_stepper_free(struct tf_stepper *d)
{
    if (!d)
        return;
    tf_runner_release(&d->runner);
    tf_arena_release(&d->arena);
    tf_arena_release(&d->cross_arena);
    free(d->logits);
    free(d->ids);
    free(d->start);
    free(d->caches);
    free(d->sources);
    free(d->ended);
    free(d->feed);
    free(d);
}

bool tf_stepper_has_sources(const struct tf_stepper *d)
{
    return d->model->encoder != NULL;
}

struct tf_cache *tf_stepper_cache(const struct tf_stepper *d,
                                  struct tf_err *err)
{
    return tf_cache_new(d->model->stack.spec, err);
}

size_t tf_stepper_vocab(const struct tf_stepper *d)
{
    return d->model->head.out.out;
}

int tf_stepper_encode(struct tf_stepper *d, const struct tf_batch *sources,
                      struct tf_err *err)
{
    struct tf_ctx ctx = { .pool = d->pool,
                          .arena = &d->cross_arena,
                          .err = err };

    tf_arena_rewind(&d->cross_arena, (struct tf_arena_mark){ 0 });
    d->cross = tf_model_encode(&ctx, &d->runner, d->model, sources);
    return d->cross ? 0 : -1;
}

static int reserve(struct tf_stepper *d, size_t sequences, size_t floats,
                   struct tf_err *err)
{
    void *p;

#define GROW(array, n)                                                         \
    if (!(p = tf_grow(d->array, n, sizeof(*d->array), err)))                   \
        return -1;                                                             \
    d->array = p

    if (sequences > d->room) {
        GROW(start, sequences + 1);
        GROW(caches, sequences);
        GROW(sources, sequences);
        GROW(ended, sequences);
        GROW(feed, sequences);
        d->room = sequences;
    }
    if (floats > d->cap) {
        GROW(logits, floats);
        d->cap = floats;
    }
#undef GROW
    return 0;
}

/* Where the work on the feeds stands. */
struct progress {
    const struct tf_feed *feeds;
    size_t count, at; /* the feed that comes next */
    size_t done;      /* tokens of it that were read */
};

/* A pass of one whole feed: where angles depend on a sequence's length. */
static size_t single_pass(struct tf_stepper *d, struct progress *p,
                          struct tf_batch *batch)
{
    const struct tf_feed *f = &p->feeds[p->at];

    d->start[0] = 0;
    d->start[1] = f->n;
    d->caches[0] = f->cache;
    d->sources[0] = f->source;
    d->ended[0] = 0;
    d->feed[0] = p->at++;
    *batch = (struct tf_batch){ .ids = f->ids,
                                .seqs = { 1, d->start },
                                .caches = d->caches,
                                .cross = d->cross,
                                .cross_of = d->sources };
    return 1;
}

/* Fill the next pass. Returns how many of its sequences end a feed. */
static size_t fill_pass(struct tf_stepper *d, struct progress *p,
                        struct tf_batch *batch)
{
    size_t tokens = 0, sequences = 0, ended = 0, n;

    while (p->at < p->count && tokens < PASS_TOKENS) {
        const struct tf_feed *f = &p->feeds[p->at];

        n = f->n - p->done;
        if (n > PASS_TOKENS - tokens)
            n = PASS_TOKENS - tokens;
        memcpy(d->ids + tokens, f->ids + p->done, n * sizeof(*d->ids));
        d->start[sequences] = tokens;
        d->caches[sequences] = f->cache;
        d->sources[sequences] = f->source;
        tokens += n;
        p->done += n;
        if (p->done == f->n) {
            d->ended[ended] = (int32_t)sequences;
            d->feed[ended++] = p->at++;
            p->done = 0;
        }
        sequences++;
    }
    d->start[sequences] = tokens;
    *batch = (struct tf_batch){ .ids = d->ids,
                                .seqs = { sequences, d->start },
                                .caches = d->caches,
                                .cross = d->cross,
                                .cross_of = d->sources };
    return ended;
}

/* Run a batch and copy the logits of some rows: those of `picked`, numbers of
 * sequences (their last tokens), or of every token; row i to place at[i]. */
static int run(struct tf_stepper *d, const struct tf_batch *batch,
               const int32_t *picked, size_t n, const size_t *at,
               struct tf_err *err)
{
    struct tf_arena_mark mark = tf_arena_mark(&d->arena);
    struct tf_ctx ctx = {
        .pool = d->pool, .arena = &d->arena, .err = err, .q8 = true
    };
    struct tf_head *head = &d->model->head;
    size_t vocab = tf_stepper_vocab(d), i;
    struct tf_tensor *x;
    int failed;

    x = tf_stack_run(&ctx, &d->runner, &d->model->stack, batch,
                     picked ? TF_ROWS_LAST : TF_ROWS_ALL, SIZE_MAX);
    if (picked && n && n < batch->seqs.count)
        x = tf_gather_rows(&ctx, x, picked, n);
    if (n)
        x = tf_head_run(&ctx, head, x, batch);
    failed = !x;
    for (i = 0; !failed && i < n; i++)
        memcpy(d->logits + (at ? at[i] : i) * vocab,
               (const float *)x->data + i * x->ld, vocab * sizeof(float));
    tf_arena_rewind(&d->arena, mark);
    if (!failed && tf_map_broken())
        failed = tf_fail(err, "the model's files shrank while they were read");
    return failed ? -1 : 0;
}

int tf_step(struct tf_stepper *d, const struct tf_feed *feeds, size_t count,
            struct tf_result *logits, struct tf_err *err)
{
    size_t vocab = tf_stepper_vocab(d), ended;
    struct progress p = { .feeds = feeds, .count = count };
    struct tf_batch batch;

    if (reserve(d, count, count * vocab, err))
        return -1;
    while (p.at < p.count) {
        ended =
            d->alone ? single_pass(d, &p, &batch) : fill_pass(d, &p, &batch);
        if (run(d, &batch, d->ended, ended, d->feed, err))
            return -1;
    }
    *logits = (struct tf_result){ d->logits, count, vocab };
    return 0;
}

void tf_step_reread(const struct tf_stepper *d, struct tf_cache *cache,
                    size_t n)
{
    const struct tf_stack_spec *s = d->model->stack.spec;
    size_t original = s->rotary_rereads ? tf_rope_original(s) : 0;

    if (original && cache->tokens <= original && n > original)
        tf_cache_clear(cache);
}

size_t tf_step_most(const struct tf_stepper *d)
{
    return d->alone ? SIZE_MAX : EACH_TOKENS;
}

int tf_step_each(struct tf_stepper *d, const struct tf_feed *feed,
                 struct tf_result *logits, struct tf_err *err)
{
    struct tf_cache *cache = feed->cache;
    size_t vocab = tf_stepper_vocab(d), start[2] = { 0, feed->n };
    struct tf_batch batch = { .ids = feed->ids,
                              .seqs = { 1, start },
                              .caches = &cache,
                              .cross = d->cross,
                              .cross_of = &feed->source };

    if (reserve(d, 1, feed->n * vocab, err) ||
        run(d, &batch, NULL, feed->n, NULL, err))
        return -1;
    *logits = (struct tf_result){ d->logits, feed->n, vocab };
    return 0;
}

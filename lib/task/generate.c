#include "task/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "kernel/kernel.h"
#include "task/sequence.h"

#define SHARE_LEAST                                                            \
    16 /* common tokens that make reading a prompt alone pay                   \
        */

/* A sequence on its way. */
struct running {
    struct tf_cache *cache;
    struct tf_cache *unconditional; /* of the last prompt token and what was
                                       generated, for guidance */
    struct tf_id_list ids;
    size_t prompt;   /* its number */
    size_t variant;  /* of num_return_sequences */
    size_t prompt_n; /* tokens of the prompt */
    struct tf_completion *out;
    size_t out_cap;
};

/* One call of tf_generate. */
struct run {
    struct tf_generator *g;
    const struct tf_prompt *prompts;
    struct tf_completion *out;
    size_t total, next; /* sequences in all, and the next to enter */
    struct running *v;
    size_t count; /* of them running */
    struct tf_feed *feeds;
    struct tf_err *err;
};

void tf_completion_release(struct tf_completion *c)
{
    free(c->ids);
    free(c->logprobs);
    free(c->top);
    *c = (struct tf_completion){ 0 };
}

size_t tf_generation_limit(const struct tf_generation *config, size_t n,
                           size_t context)
{
    size_t limit = config->max_new_tokens ? n + (size_t)config->max_new_tokens
                                          : (size_t)config->max_length;

    return limit < context ? limit : context;
}

int tf_id_list_add(struct tf_id_list *l, const int32_t *ids, size_t n,
                   struct tf_err *err)
{
    int32_t *grown;
    size_t cap;

    if (l->n + n > l->cap) {
        cap = l->n + n > 2 * l->cap ? l->n + n : 2 * l->cap;
        grown = tf_grow(l->v, cap, sizeof(*grown), err);
        if (!grown)
            return -1;
        l->v = grown;
        l->cap = cap;
    }
    if (n)
        memcpy(l->v + l->n, ids, n * sizeof(*ids));
    l->n += n;
    return 0;
}

double tf_draw_uniform(const struct tf_generator *g, uint64_t key, size_t step,
                       size_t variant, size_t index)
{
    uint32_t r[4];

    tf_philox(g->opts.seed, key << 20 | variant, (uint64_t)step << 32 | index,
              r);
    return tf_uniform(r[0], r[1]);
}

struct tf_generator *tf_generator_new(struct tf_stepper *stepper,
                                      const struct tf_generate_opts *opts,
                                      struct tf_err *err)
{
    struct tf_generator *g = tf_alloc(1, sizeof(*g), err);
    size_t beams = (size_t)opts->config->num_beams, vocab;

    if (!g)
        return NULL;
    g->stepper = stepper;
    g->opts = *opts;
    g->vocab = vocab = tf_stepper_vocab(stepper);
    if (beams > INT32_MAX / (vocab ? vocab : 1)) {
        tf_fail(err, "num_beams is %zu: too many for a vocabulary of %zu",
                beams, vocab);
        free(g);
        return NULL;
    }
    g->scores = tf_alloc(beams * vocab, sizeof(*g->scores), err);
    if (g->scores)
        g->scratch = tf_alloc(beams * vocab, sizeof(*g->scratch), err);
    if (!g->scratch) {
        tf_generator_free(g);
        return NULL;
    }
    return g;
}

static void release_read(struct tf_read_prompt *r)
{
    tf_cache_free(r->cache);
    free(r->ids.v);
    *r = (struct tf_read_prompt){ 0 };
}

void tf_generator_free(struct tf_generator *g)
{
    if (!g)
        return;
    release_read(&g->recent);
    release_read(&g->last);
    free(g->source_ids);
    free(g->source_start);
    free(g->scores);
    free(g->scratch);
    free(g);
}

void tf_generator_seed_cache(struct tf_generator *g, struct tf_cache *cache,
                             int32_t *ids, size_t n)
{
    release_read(&g->recent);
    g->recent.cache = cache;
    g->recent.ids = (struct tf_id_list){ ids, n, n };
}

const struct tf_cache *tf_generator_last_cache(const struct tf_generator *g,
                                               const int32_t **ids, size_t *n)
{
    *ids = g->last.ids.v;
    *n = g->last.ids.n;
    return g->last.cache;
}

static size_t common(const int32_t *a, size_t n, const int32_t *b, size_t m)
{
    size_t i = 0;

    while (i < n && i < m && a[i] == b[i])
        i++;
    return i;
}

/* Not where a cache depends on more than the tokens that are common. */
static bool may_share(const struct tf_generator *g)
{
    return !tf_stepper_has_sources(g->stepper) &&
           tf_step_most(g->stepper) != SIZE_MAX;
}

struct tf_cache *tf_begin_cache(struct tf_generator *g, const int32_t *ids,
                                size_t n, struct tf_err *err)
{
    struct tf_cache *c;
    size_t shared = 0;

    if (g->recent.cache && may_share(g))
        shared = common(ids, n - 1, g->recent.ids.v, g->recent.ids.n);
    if (!shared)
        return tf_stepper_cache(g->stepper, err);
    c = tf_cache_fork(g->recent.cache, err);
    if (c && !tf_cache_cut(c, shared)) {
        tf_cache_free(c);
        c = tf_stepper_cache(g->stepper, err);
    }
    return c;
}

void tf_keep_cache(struct tf_read_prompt *r, const struct tf_cache *cache,
                   const int32_t *ids, size_t n)
{
    struct tf_err ignored;

    release_read(r);
    r->cache = tf_cache_fork(cache, &ignored);
    if (!r->cache || tf_id_list_add(&r->ids, ids, n, &ignored))
        release_read(r);
}

int tf_sequence_end(const struct tf_generator *g, const int32_t *ids, size_t n,
                    size_t prompt, struct tf_err *err)
{
    const struct tf_ids *eos = &g->opts.config->eos;
    size_t i;
    int hit;

    for (i = 0; i < eos->n; i++)
        if (ids[n - 1] == eos->v[i])
            return 2;
    if (g->opts.stop) {
        hit = tf_stop_hit(g->opts.stop, ids, n, err);
        if (hit)
            return hit < 0 ? -1 : 2;
    }
    return n >= tf_generation_limit(g->opts.config, prompt, g->opts.context);
}

/* How many of the prompt that enters next are in the one after it too. */
static size_t shared_with_next(const struct run *r, size_t prompt)
{
    size_t per = (size_t)r->g->opts.config->num_return_sequences;
    const struct tf_prompt *a = &r->prompts[prompt];

    if ((prompt + 1) * per >= r->total)
        return 0;
    return common(a->ids, a->n - 1, a[1].ids, a[1].n - 1);
}

/* Read all of a prompt but its last token at once, for those that follow. */
static int read_ahead(struct run *r, struct running *s)
{
    const struct tf_prompt *p = &r->prompts[s->prompt];
    struct tf_feed feed = { s->cache, p->ids + s->cache->tokens,
                            p->n - 1 - s->cache->tokens, (int32_t)s->prompt };
    struct tf_result unused;

    if (feed.n && tf_step(r->g->stepper, &feed, 1, &unused, r->err))
        return -1;
    tf_keep_cache(&r->g->recent, s->cache, p->ids, p->n - 1);
    return 0;
}

static void leave(struct running *s)
{
    tf_cache_free(s->cache);
    tf_cache_free(s->unconditional);
    free(s->ids.v);
}

/* Let the next sequence in. */
static int enter(struct run *r)
{
    struct tf_generator *g = r->g;
    const struct tf_generation *config = g->opts.config;
    size_t per = (size_t)config->num_return_sequences;
    struct running *s = &r->v[r->count];
    const struct tf_prompt *p;

    *s = (struct running){ .prompt = r->next / per,
                           .variant = r->next % per,
                           .out = &r->out[r->next] };
    r->count++; /* from here on the end of the run releases it */
    r->next++;
    p = &r->prompts[s->prompt];
    s->prompt_n = p->n;
    if (tf_id_list_add(&s->ids, p->ids, p->n, r->err) ||
        !(s->cache = tf_begin_cache(g, p->ids, p->n, r->err)))
        return -1;
    if (config->guidance_scale != 1 &&
        !(s->unconditional = tf_stepper_cache(g->stepper, r->err)))
        return -1;
    if (s->variant == 0 && may_share(g) &&
        (per > 1 ||
         shared_with_next(r, s->prompt) >= s->cache->tokens + SHARE_LEAST))
        return read_ahead(r, s);
    return 0;
}

static int grow_output(const struct run *r, struct running *s)
{
    size_t cap = s->out_cap ? 2 * s->out_cap : 64;
    size_t top = r->g->opts.top_logprobs;
    struct tf_completion *c = s->out;
    void *p;

    if (c->n < s->out_cap)
        return 0;
    if (!(p = tf_grow(c->ids, cap, sizeof(*c->ids), r->err)))
        return -1;
    c->ids = p;
    if (r->g->opts.logprobs) {
        if (!(p = tf_grow(c->logprobs, cap, sizeof(*c->logprobs), r->err)))
            return -1;
        c->logprobs = p;
    }
    if (top) {
        if (!(p = tf_grow(c->top, cap * top, sizeof(*c->top), r->err)))
            return -1;
        c->top = p;
    }
    s->out_cap = cap;
    return 0;
}

/* Note the model's own log-probabilities of a step. */
static void note_logprobs(const struct run *r, struct running *s,
                          const float *logits, int32_t id)
{
    struct tf_generator *g = r->g;
    size_t top = g->opts.top_logprobs, v, k;
    struct tf_completion *c = s->out;

    memcpy(g->scores, logits, g->vocab * sizeof(float));
    tf_log_softmax(g->scores, g->vocab);
    c->logprobs[c->n] = g->scores[id];
    if (!top)
        return;
    for (v = 0; v < g->vocab; v++)
        g->scratch[v] = (struct tf_candidate){ g->scores[v], (int32_t)v };
    k = top < g->vocab ? top : g->vocab;
    tf_top_candidates(g->scratch, g->vocab, k);
    for (v = 0; v < top; v++)
        c->top[c->n * top + v] =
            v < k ? (struct tf_top_logprob){ g->scratch[v].id,
                                             g->scratch[v].score }
                  : (struct tf_top_logprob){ -1, -INFINITY };
}

void tf_set_encoder_ids(struct tf_logits_context *c,
                        const struct tf_prompt *prompt)
{
    c->encoder_ids = prompt->source ? prompt->source : prompt->ids;
    c->encoder_n = prompt->source ? prompt->source_n : prompt->n;
}

static int32_t best(const float *scores, size_t n)
{
    size_t i, b = 0;

    for (i = 1; i < n; i++)
        if (scores[i] > scores[b])
            b = i;
    return (int32_t)b;
}

/* That of one token; the scores are spent. */
static float log_probability(float *scores, size_t n, int32_t id)
{
    float max = -INFINITY, score = scores[id];
    float sum = tf_kernels()->exp_sum(scores, scores, 1, &max, n);

    return (float)((double)score - (double)max - log((double)sum));
}

/* The next token of s from its logits, which are changed. */
static int32_t choose(const struct run *r, struct running *s, float *scores)
{
    struct tf_generator *g = r->g;
    const struct tf_generation *config = g->opts.config;
    struct tf_logits_context c = {
        .generation = config,
        .ids = s->ids.v,
        .n = s->ids.n,
        .prompt_length = s->prompt_n,
        .max_length = tf_generation_limit(config, s->prompt_n, g->opts.context),
    };
    int32_t id;

    tf_set_encoder_ids(&c, &r->prompts[s->prompt]);
    tf_logits_process(&c, scores, g->vocab, g->scratch);
    if (!config->do_sample) {
        id = best(scores, g->vocab);
    } else {
        tf_logits_warp(config, 1, scores, g->vocab, g->scratch);
        id = tf_draw(scores, g->vocab,
                     tf_draw_uniform(g, r->prompts[s->prompt].key,
                                     s->ids.n - s->prompt_n, s->variant, 0));
    }
    s->out->score += log_probability(scores, g->vocab, id);
    return id;
}

/* Take the step's token of sequence i. 1 when the sequence has ended. */
static int take(struct run *r, size_t i, const float *logits,
                const float *unconditional)
{
    struct tf_generator *g = r->g;
    struct running *s = &r->v[i];
    struct tf_completion *c = s->out;
    int32_t id;
    int end;

    if (grow_output(r, s))
        return -1;
    memcpy(g->scores, logits, g->vocab * sizeof(float));
    if (unconditional)
        tf_logits_guide(g->opts.config->guidance_scale, g->scores,
                        unconditional, g->vocab);
    id = choose(r, s, g->scores);
    if (g->opts.logprobs)
        note_logprobs(r, s, logits, id);
    if (s->ids.n == s->prompt_n && s->variant == 0)
        tf_keep_cache(&g->recent, s->cache, s->ids.v, s->ids.n);
    if (tf_id_list_add(&s->ids, &id, 1, r->err))
        return -1;
    c->ids[c->n++] = id;
    if (g->opts.on_token)
        g->opts.on_token(g->opts.arg, s->prompt, id);
    end = tf_sequence_end(g, s->ids.v, s->ids.n, s->prompt_n, r->err);
    c->stopped = end == 2;
    return end > 0 ? 1 : end;
}

/* What every sequence has yet to read; with guidance, twice as many feeds. */
static size_t gather_feeds(struct run *r)
{
    size_t i, n = 0;

    for (i = 0; i < r->count; i++) {
        struct running *s = &r->v[i];
        size_t read;

        tf_step_reread(r->g->stepper, s->cache, s->ids.n);
        read = s->cache->tokens;
        r->feeds[n++] = (struct tf_feed){ s->cache, s->ids.v + read,
                                          s->ids.n - read, (int32_t)s->prompt };
    }
    for (i = 0; i < r->count && r->v[0].unconditional; i++) {
        struct running *s = &r->v[i];

        r->feeds[n++] =
            (struct tf_feed){ s->unconditional, s->ids.v + s->ids.n - 1, 1 };
    }
    return n;
}

static int step(struct run *r)
{
    struct tf_generator *g = r->g;
    size_t n = gather_feeds(r), i, kept = 0;
    struct tf_result logits;
    const float *row, *other;
    int end;

    if (tf_step(g->stepper, r->feeds, n, &logits, r->err))
        return -1;
    for (i = 0; i < r->count; i++) {
        row = logits.data + i * logits.cols;
        other = n > r->count ? row + r->count * logits.cols : NULL;
        end = take(r, i, row, other);
        if (end < 0)
            return -1;
        if (end) {
            tf_keep_cache(&g->last, r->v[i].cache, r->v[i].ids.v,
                          r->v[i].ids.n - 1);
            leave(&r->v[i]);
            r->v[i].cache = NULL;
        }
    }
    for (i = 0; i < r->count; i++)
        if (r->v[i].cache)
            r->v[kept++] = r->v[i];
    r->count = kept;
    return 0;
}

static int run_all(struct run *r)
{
    struct tf_generate_opts *o = &r->g->opts;

    while (r->count || r->next < r->total) {
        if (o->cancelled && o->cancelled(o->arg))
            return 0;
        while (r->count < o->together && r->next < r->total)
            if (enter(r))
                return -1;
        if (step(r))
            return -1;
    }
    return 0;
}

/* An encoder-decoder reads the sources of all prompts first. */
static int encode_sources(struct tf_generator *g,
                          const struct tf_prompt *prompts, size_t n,
                          struct tf_err *err)
{
    size_t tokens = 0, i;
    int32_t *ids;
    size_t *start;

    for (i = 0; i < n; i++)
        tokens += prompts[i].source_n;
    if (!(ids = tf_grow(g->source_ids, tokens, sizeof(*ids), err)))
        return -1;
    g->source_ids = ids;
    if (!(start = tf_grow(g->source_start, n + 1, sizeof(*start), err)))
        return -1;
    g->source_start = start;
    for (i = 0, tokens = 0; i < n; i++) {
        start[i] = tokens;
        memcpy(ids + tokens, prompts[i].source,
               prompts[i].source_n * sizeof(*ids));
        tokens += prompts[i].source_n;
    }
    start[n] = tokens;
    return tf_stepper_encode(
        g->stepper, &(struct tf_batch){ .ids = ids, .seqs = { n, start } },
        err);
}

int tf_generate(struct tf_generator *g, const struct tf_prompt *prompts,
                size_t n, struct tf_completion *out, struct tf_err *err)
{
    size_t per = (size_t)g->opts.config->num_return_sequences, i;
    struct run r = {
        .g = g, .prompts = prompts, .out = out, .total = n * per, .err = err
    };
    int failed;

    memset(out, 0, n * per * sizeof(*out));
    if (!n)
        return 0;
    if (tf_stepper_has_sources(g->stepper)) {
        /* what was read for one source is of no use to another */
        release_read(&g->recent);
        if (encode_sources(g, prompts, n, err))
            return -1;
    }
    if (g->opts.config->num_beams > 1) {
        for (i = 0; i < n; i++)
            if (tf_beam_search(g, &prompts[i], i, out + i * per, err))
                return -1;
        return 0;
    }
    r.v = tf_alloc(g->opts.together, sizeof(*r.v), err);
    r.feeds = tf_alloc(2 * g->opts.together, sizeof(*r.feeds), err);
    failed = !r.v || !r.feeds || run_all(&r);
    for (i = 0; i < r.count; i++)
        leave(&r.v[i]);
    free(r.v);
    free(r.feeds);
    return failed ? -1 : 0;
}

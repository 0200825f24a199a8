#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "task/sequence.h"

#define NEVER (-1e9f) /* the score of what can't be chosen */

struct beam {
    struct tf_id_list ids;
    struct tf_cache *cache; /* NULL for finished ones */
    float score;
    bool finished, stopped;
};

/* A way to go on: a beam's token. */
struct continuation {
    size_t beam;
    int32_t id;
    float score; /* summed log-probabilities */
    int end;     /* as tf_sequence_end() says */
};

struct search {
    struct tf_generator *g;
    const struct tf_prompt *prompt;
    int32_t source;
    size_t beams;              /* num_beams */
    size_t keep;               /* continuations looked at in a step */
    struct beam *running;      /* [beams] */
    struct beam *finished;     /* [beams], best first */
    struct beam *next;         /* [2 * beams] scratch */
    struct continuation *ways; /* [keep] */
    struct tf_feed *feeds;     /* [beams] */
    bool may_improve;          /* the heuristic of early stopping */
    struct tf_err *err;
};

static void release_beam(struct beam *b)
{
    tf_cache_free(b->cache);
    free(b->ids.v);
    *b = (struct beam){ 0 };
}

static void end_search(struct search *s)
{
    size_t i;

    for (i = 0; i < s->beams; i++) {
        if (s->running)
            release_beam(&s->running[i]);
        if (s->finished)
            release_beam(&s->finished[i]);
    }
    free(s->running);
    free(s->finished);
    free(s->next);
    free(s->ways);
    free(s->feeds);
}

static int begin_search(struct search *s)
{
    const struct tf_prompt *p = s->prompt;
    size_t i;

    s->running = tf_alloc(s->beams, sizeof(*s->running), s->err);
    s->finished = tf_alloc(s->beams, sizeof(*s->finished), s->err);
    s->next = tf_alloc(2 * s->beams, sizeof(*s->next), s->err);
    s->ways = tf_alloc(s->keep, sizeof(*s->ways), s->err);
    s->feeds = tf_alloc(s->beams, sizeof(*s->feeds), s->err);
    if (!s->running || !s->finished || !s->next || !s->ways || !s->feeds)
        return -1;
    for (i = 0; i < s->beams; i++) {
        s->running[i].score = i ? NEVER : 0;
        s->finished[i].score = NEVER;
        if (tf_id_list_add(&s->running[i].ids, p->ids, p->n, s->err) ||
            tf_id_list_add(&s->finished[i].ids, p->ids, p->n, s->err))
            return -1;
    }
    s->running[0].cache = tf_begin_cache(s->g, p->ids, p->n, s->err);
    s->may_improve = true;
    return s->running[0].cache ? 0 : -1;
}

/* Read what the beams have not read. In the first step only beam 0 is read, and
 * the others start as its forks. */
static int read_beams(struct search *s, struct tf_result *logits)
{
    bool first = !s->running[s->beams - 1].cache;
    size_t n = first ? 1 : s->beams, i;

    for (i = 0; i < n; i++) {
        const struct beam *b = &s->running[i];

        tf_step_reread(s->g->stepper, b->cache, b->ids.n);
        s->feeds[i] =
            (struct tf_feed){ b->cache, b->ids.v + b->cache->tokens,
                              b->ids.n - b->cache->tokens, s->source };
    }
    if (tf_step(s->g->stepper, s->feeds, n, logits, s->err))
        return -1;
    if (!first)
        return 0;
    tf_keep_cache(&s->g->recent, s->running[0].cache, s->prompt->ids,
                  s->prompt->n);
    for (i = 1; i < s->beams; i++) {
        s->running[i].cache = tf_cache_fork(s->running[0].cache, s->err);
        if (!s->running[i].cache)
            return -1;
    }
    return 0;
}

/* Every beam's log-probabilities, processed, plus its score: g->scores. */
static void score_all(struct search *s, const struct tf_result *logits)
{
    struct tf_generator *g = s->g;
    const struct tf_generation *config = g->opts.config;
    size_t i, v;

    for (i = 0; i < s->beams; i++) {
        const struct beam *b = &s->running[i];
        float *scores = g->scores + i * g->vocab;
        struct tf_logits_context c = {
            .generation = config,
            .ids = b->ids.v,
            .n = b->ids.n,
            .prompt_length = s->prompt->n,
            .max_length =
                tf_generation_limit(config, s->prompt->n, g->opts.context),
        };

        tf_set_encoder_ids(&c, s->prompt);
        memcpy(scores, logits->data + (logits->rows > 1 ? i : 0) * logits->cols,
               g->vocab * sizeof(float));
        tf_log_softmax(scores, g->vocab);
        tf_logits_process(&c, scores, g->vocab, g->scratch);
        if (config->do_sample)
            tf_logits_warp(config, config->eos.n + 1, scores, g->vocab,
                           g->scratch);
        for (v = 0; v < g->vocab; v++)
            scores[v] += b->score;
    }
}

/* The `keep` best continuations, or as many draws without replacement: those
 * are the best by score plus Gumbel noise (Kool et al. 2019). */
static int pick_ways(struct search *s)
{
    struct tf_generator *g = s->g;
    size_t n = s->beams * g->vocab, count = 0, i, beam;
    size_t length = s->running[0].ids.n;
    struct tf_candidate *c = g->scratch;

    for (i = 0; i < n; i++) {
        float score = g->scores[i];

        if (g->opts.config->do_sample && score != -INFINITY)
            score -= (float)log(-log(
                tf_draw_uniform(g, s->prompt->key, length, 0, i) + 1e-300));
        c[count++] = (struct tf_candidate){ score, (int32_t)i };
    }
    if (count < s->keep)
        s->keep = count;
    tf_top_candidates(c, count, s->keep);
    for (i = 0; i < s->keep; i++) {
        struct continuation *w = &s->ways[i];
        struct beam *b;

        beam = (size_t)c[i].id / g->vocab;
        b = &s->running[beam];
        *w = (struct continuation){ beam, c[i].id % (int32_t)g->vocab,
                                    g->scores[c[i].id], 0 };
        if (tf_id_list_add(&b->ids, &w->id, 1, s->err))
            return -1;
        w->end = tf_sequence_end(g, b->ids.v, b->ids.n, s->prompt->n, s->err);
        b->ids.n--;
        if (w->end < 0)
            return -1;
    }
    return 0;
}

static float power_length(const struct search *s, size_t length)
{
    return (float)pow((double)length, s->g->opts.config->length_penalty);
}

/* The places of the n largest of `score`, earlier ones first among equals. */
static void top_places(const float *score, size_t count, size_t n,
                       size_t *places)
{
    size_t i, k;

    for (i = 0; i < count; i++) {
        for (k = i < n ? i : n; k > 0 && score[places[k - 1]] < score[i]; k--)
            if (k < n)
                places[k] = places[k - 1];
        if (k < n)
            places[k] = i;
    }
}

static int copy_way(struct search *s, struct beam *to,
                    const struct continuation *w)
{
    const struct beam *from = &s->running[w->beam];

    *to = (struct beam){ 0 };
    return tf_id_list_add(&to->ids, from->ids.v, from->ids.n, s->err) ||
           tf_id_list_add(&to->ids, &w->id, 1, s->err);
}

/* Continuations that end enter the finished beams if they are good enough. */
static int update_finished(struct search *s, float *score, size_t *places)
{
    const struct tf_generation *config = s->g->opts.config;
    size_t made = s->running[0].ids.n + 1 - s->prompt->n, i;
    bool full = config->early_stopping == TF_STOP_EARLY;
    int failed = 0;

    for (i = 0; i < s->beams; i++) {
        full = full && s->finished[i].finished;
        score[i] = s->finished[i].score;
    }
    for (i = 0; i < s->keep; i++) {
        float *v = &score[s->beams + i];

        *v = s->ways[i].score / power_length(s, made);
        if (full)
            *v += NEVER;
        if (!s->may_improve)
            *v += NEVER;
        if (!s->ways[i].end || i >= s->beams)
            *v += NEVER;
    }
    top_places(score, s->beams + s->keep, s->beams, places);
    for (i = 0; i < s->beams; i++) {
        struct beam *to = &s->next[i];
        size_t place = places[i];

        if (place < s->beams) {
            *to = s->finished[place];
            s->finished[place] = (struct beam){ 0 };
        } else {
            const struct continuation *w = &s->ways[place - s->beams];

            failed |= copy_way(s, to, w);
            to->finished = w->end && place - s->beams < s->beams;
            to->stopped = w->end == 2;
        }
        to->score = score[place];
    }
    for (i = 0; i < s->beams; i++) {
        release_beam(&s->finished[i]);
        s->finished[i] = s->next[i];
        s->next[i] = (struct beam){ 0 };
    }
    return failed ? -1 : 0;
}

/* The best continuations that do not end run on. */
static int update_running(struct search *s, float *score, size_t *places)
{
    size_t i;
    int failed = 0;

    for (i = 0; i < s->keep; i++)
        score[i] = s->ways[i].score + (s->ways[i].end ? NEVER : 0);
    top_places(score, s->keep, s->beams, places);
    for (i = 0; i < s->beams; i++) {
        const struct continuation *w = &s->ways[places[i]];
        struct beam *to = &s->next[i];

        failed |= copy_way(s, to, w);
        to->score = score[places[i]];
        to->cache = tf_cache_fork(s->running[w->beam].cache, s->err);
        failed |= !to->cache;
    }
    for (i = 0; i < s->beams; i++) {
        release_beam(&s->running[i]);
        s->running[i] = s->next[i];
        s->next[i] = (struct beam){ 0 };
    }
    return failed ? -1 : 0;
}

/* Can a running beam still be better than the worst finished one? */
static bool can_improve(const struct search *s)
{
    const struct tf_generator *g = s->g;
    const struct tf_generation *config = g->opts.config;
    size_t length = s->running[0].ids.n - s->prompt->n, i;
    float worst = s->finished[s->beams - 1].score, best;

    if (config->early_stopping == TF_STOP_NEVER && config->length_penalty > 0)
        length = tf_generation_limit(config, s->prompt->n, g->opts.context) -
                 s->prompt->n;
    best = s->running[0].score / power_length(s, length);
    for (i = 0; i < s->beams; i++)
        if (best > (s->finished[i].finished ? worst : NEVER))
            return true;
    return false;
}

/* One step for all beams; 1 when the search is over. */
static int step(struct search *s, float *score, size_t *places)
{
    bool all_finished = true, all_end = true;
    struct tf_result logits;
    size_t i;

    if (read_beams(s, &logits))
        return -1;
    score_all(s, &logits);
    if (pick_ways(s) || update_finished(s, score, places))
        return -1;
    for (i = 0; i < s->keep; i++)
        all_end = all_end && s->ways[i].end;
    if (update_running(s, score, places))
        return -1;
    s->may_improve = s->may_improve && can_improve(s);
    for (i = 0; i < s->beams; i++)
        all_finished = all_finished && s->finished[i].finished;
    return !s->may_improve || all_end ||
           (all_finished && s->g->opts.config->early_stopping == TF_STOP_EARLY);
}

static int give_results(struct search *s, struct tf_completion *out)
{
    size_t n = (size_t)s->g->opts.config->num_return_sequences, i;

    for (i = 0; i < n; i++) {
        const struct beam *b = &s->finished[i];

        out[i].n = b->ids.n - s->prompt->n;
        out[i].ids = tf_alloc(out[i].n, sizeof(*out[i].ids), s->err);
        if (!out[i].ids)
            return -1;
        memcpy(out[i].ids, b->ids.v + s->prompt->n,
               out[i].n * sizeof(*out[i].ids));
        out[i].stopped = b->stopped;
        out[i].score = b->score;
    }
    return 0;
}

int tf_beam_search(struct tf_generator *g, const struct tf_prompt *prompt,
                   size_t source, struct tf_completion *out, struct tf_err *err)
{
    struct tf_generate_opts *o = &g->opts;
    size_t beams = (size_t)o->config->num_beams, eos = o->config->eos.n;
    struct search s = { .g = g,
                        .prompt = prompt,
                        .source = (int32_t)source,
                        .beams = beams,
                        .keep = (eos > 1 ? 1 + eos : 2) * beams,
                        .err = err };
    float *score = tf_alloc(beams + s.keep, sizeof(*score), err);
    size_t *places = tf_alloc(beams, sizeof(*places), err);
    int over = !score || !places || begin_search(&s) ? -1 : 0;

    while (!over && !(o->cancelled && o->cancelled(o->arg)))
        over = step(&s, score, places);
    if (over >= 0)
        over = give_results(&s, out);
    end_search(&s);
    free(score);
    free(places);
    return over < 0 ? -1 : 0;
}

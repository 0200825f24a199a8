#include "task/logits.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static void set_all(float *scores, size_t n, float v)
{
    size_t i;

    for (i = 0; i < n; i++)
        scores[i] = v;
}

static void set_ids(const struct tf_ids *ids, float *scores, size_t n, float v)
{
    size_t i;

    for (i = 0; i < ids->n; i++)
        if (ids->v[i] >= 0 && (size_t)ids->v[i] < n)
            scores[ids->v[i]] = v;
}

/* Each id that stands in ids, once: s * p where s < 0, else s / p. */
static void penalize(const int32_t *ids, size_t n, float p, float *scores,
                     size_t vocab_size, struct tf_candidate *scratch)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (ids[i] >= 0 && (size_t)ids[i] < vocab_size)
            scratch[ids[i]].id = -1;
    for (i = 0; i < n; i++) {
        int32_t id = ids[i];

        if (id < 0 || (size_t)id >= vocab_size || scratch[id].id == 0)
            continue;
        scratch[id].id = 0;
        scores[id] = scores[id] < 0 ? scores[id] * p : scores[id] / p;
    }
}

/* Ban each token that, after the last size - 1 ids, repeats a run of `from`. */
static void ban_ngrams(const int32_t *ids, size_t n, const int32_t *from,
                       size_t from_n, size_t size, float *scores,
                       size_t vocab_size)
{
    const int32_t *tail;
    size_t i;

    if (!size || n + 1 < size)
        return;
    tail = ids + n - (size - 1);
    for (i = 0; i + size <= from_n; i++) {
        int32_t id = from[i + size - 1];

        if (!memcmp(from + i, tail, (size - 1) * sizeof(*ids)) && id >= 0 &&
            (size_t)id < vocab_size)
            scores[id] = -INFINITY;
    }
}

static void add_biases(const struct tf_sequence_bias *v, size_t count,
                       const struct tf_logits_context *c, bool skip_eos,
                       float *scores, size_t vocab_size)
{
    size_t i, k, prefix;

    for (i = 0; i < count; i++) {
        int32_t last = v[i].ids.v[v[i].ids.n - 1];

        prefix = v[i].ids.n - 1;
        if (last < 0 || (size_t)last >= vocab_size || prefix > c->n ||
            memcmp(c->ids + c->n - prefix, v[i].ids.v, prefix * sizeof(last)))
            continue;
        for (k = 0; skip_eos && !prefix && k < c->generation->eos.n; k++)
            if (c->generation->eos.v[k] == last)
                break;
        if (skip_eos && !prefix && k < c->generation->eos.n)
            continue;
        scores[last] += v[i].bias;
    }
}

static void force(const struct tf_ids *ids, float *scores, size_t n)
{
    set_all(scores, n, -INFINITY);
    set_ids(ids, scores, n, 0);
}

/* The end token's score grows once the text is long enough. */
static void decay(const struct tf_logits_context *c, float *scores, size_t n)
{
    const struct tf_generation *g = c->generation;
    int64_t start = g->exponential_decay_start + (int64_t)c->prompt_length;
    double factor;
    size_t i;

    if ((int64_t)c->n <= start)
        return;
    factor =
        pow(g->exponential_decay_factor, (double)((int64_t)c->n - start)) - 1;
    for (i = 0; i < g->eos.n; i++) {
        int32_t id = g->eos.v[i];

        if (id >= 0 && (size_t)id < n && isfinite(scores[id]))
            scores[id] += fabsf(scores[id]) * (float)factor;
    }
}

static void remove_invalid(float *scores, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (isnan(scores[i]))
            scores[i] = 0;
        else if (isinf(scores[i]))
            scores[i] = scores[i] > 0 ? FLT_MAX : -FLT_MAX;
    }
}

/* The step at which begin_suppress_tokens holds. */
static size_t begin_index(const struct tf_logits_context *c)
{
    return c->prompt_length > 1 || c->generation->forced_bos < 0
               ? c->prompt_length
               : c->prompt_length + 1;
}

void tf_logits_guide(double guidance_scale, float *scores,
                     const float *unconditional, size_t vocab_size)
{
    double max = -(double)INFINITY, sum = 0, u;
    size_t i;

    tf_log_softmax(scores, vocab_size);
    for (i = 0; i < vocab_size; i++)
        max = fmax(max, (double)unconditional[i]);
    for (i = 0; i < vocab_size; i++)
        sum += exp((double)unconditional[i] - max);
    for (i = 0; i < vocab_size; i++) {
        u = (double)unconditional[i] - max - log(sum);
        scores[i] = (float)(guidance_scale * ((double)scores[i] - u) + u);
    }
}

void tf_logits_process(const struct tf_logits_context *c, float *scores,
                       size_t vocab_size, struct tf_candidate *scratch)
{
    const struct tf_generation *g = c->generation;
    struct tf_ids forced_bos = { (int32_t *)&g->forced_bos, 1 };

    add_biases(g->biases, g->bias_count, c, false, scores, vocab_size);
    if (g->encoder_repetition_penalty != 1)
        penalize(c->encoder_ids, c->encoder_n,
                 (float)(1 / g->encoder_repetition_penalty), scores, vocab_size,
                 scratch);
    if (g->repetition_penalty != 1)
        penalize(c->ids, c->n, (float)g->repetition_penalty, scores, vocab_size,
                 scratch);
    ban_ngrams(c->ids, c->n, c->ids, c->n, (size_t)g->no_repeat_ngram_size,
               scores, vocab_size);
    ban_ngrams(c->ids, c->n, c->encoder_ids, c->encoder_n,
               (size_t)g->encoder_no_repeat_ngram_size, scores, vocab_size);
    add_biases(g->bad_words, g->bad_word_count, c, true, scores, vocab_size);
    if (c->n < (size_t)g->min_length ||
        c->n - c->prompt_length < (size_t)g->min_new_tokens)
        set_ids(&g->eos, scores, vocab_size, -INFINITY);
    if (g->forced_bos >= 0 && c->n == 1)
        force(&forced_bos, scores, vocab_size);
    if (g->forced_eos.n && c->n + 1 == c->max_length)
        force(&g->forced_eos, scores, vocab_size);
    if (g->remove_invalid_values)
        remove_invalid(scores, vocab_size);
    if (g->exponential_decay_factor != 0)
        decay(c, scores, vocab_size);
    set_ids(&g->suppress_tokens, scores, vocab_size, -INFINITY);
    if (c->n == begin_index(c))
        set_ids(&g->begin_suppress_tokens, scores, vocab_size, -INFINITY);
}

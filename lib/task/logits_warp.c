#include <math.h>
#include <stdlib.h>
#include "task/logits.h"

#define TOP_H_TOKENS 100 /* that top_h looks at */

void tf_log_softmax(float *scores, size_t n)
{
    double max = -(double)INFINITY, sum = 0, shift;
    size_t i;

    for (i = 0; i < n; i++)
        max = fmax(max, (double)scores[i]);
    for (i = 0; i < n; i++)
        sum += exp((double)scores[i] - max);
    shift = max + log(sum);
    for (i = 0; i < n; i++)
        scores[i] = (float)((double)scores[i] - shift);
}

static int by_rank(const void *a, const void *b)
{
    const struct tf_candidate *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void sift_down(struct tf_candidate *heap, size_t n, size_t i)
{
    struct tf_candidate c = heap[i];
    size_t child;

    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && by_rank(&heap[child + 1], &heap[child]) > 0)
            child++;
        if (by_rank(&heap[child], &c) <= 0)
            break;
        heap[i] = heap[child];
    }
    heap[i] = c;
}

/* A heap of the best k with the worst of them on top: one pass over the rest.
 */
void tf_top_candidates(struct tf_candidate *v, size_t n, size_t k)
{
    struct tf_candidate c;
    size_t i;

    if (k < n && k) {
        for (i = k / 2; i-- > 0;)
            sift_down(v, k, i);
        for (i = k; i < n; i++)
            if (by_rank(&v[i], &v[0]) < 0) {
                c = v[0];
                v[0] = v[i];
                v[i] = c;
                sift_down(v, k, 0);
            }
    }
    qsort(v, k < n ? k : n, sizeof(*v), by_rank);
}

/* The tokens that are not dropped yet. */
static size_t collect(const float *scores, size_t n, struct tf_candidate *v)
{
    size_t i, count = 0;

    for (i = 0; i < n; i++)
        if (scores[i] != -INFINITY)
            v[count++] = (struct tf_candidate){ scores[i], (int32_t)i };
    return count;
}

/* Drop all tokens of v[n] from the `from`th on. */
static void drop_tail(const struct tf_candidate *v, size_t n, size_t from,
                      float *scores)
{
    for (; from < n; from++)
        scores[v[from].id] = -INFINITY;
}

/* Sum of exp(score - max) of the kept tokens; `*max` the largest score. */
static double partition(const struct tf_candidate *v, size_t n, double *max)
{
    double sum = 0;
    size_t i;

    *max = -(double)INFINITY;
    for (i = 0; i < n; i++)
        *max = fmax(*max, (double)v[i].score);
    for (i = 0; i < n; i++)
        sum += exp((double)v[i].score - *max);
    return sum;
}

static double entropy(const struct tf_candidate *v, size_t n)
{
    double max, log_sum = log(partition(v, n, &max)), h = 0, l;
    size_t i;

    for (i = 0; i < n; i++) {
        l = (double)v[i].score - max - log_sum;
        h -= exp(l) * l;
    }
    return h;
}

/* Scores below that of the k-th best are dropped; its equals stay. */
static void top_k(float *scores, size_t n, size_t k, struct tf_candidate *v)
{
    size_t count = collect(scores, n, v), i;
    float least;

    if (k >= count)
        return;
    tf_top_candidates(v, count, k);
    least = v[k - 1].score;
    for (i = k; i < count; i++)
        if (v[i].score < least)
            scores[v[i].id] = -INFINITY;
}

/* The best tokens whose mass passes p: from the worst on, those whose running
 * sum is at most 1 - p go. */
static void top_p(float *scores, size_t n, double p, size_t keep,
                  struct tf_candidate *v)
{
    size_t count = collect(scores, n, v), last;
    double max, sum = partition(v, count, &max), tail = 0;

    qsort(v, count, sizeof(*v), by_rank);
    for (last = count; last > keep; last--) {
        tail += exp((double)v[last - 1].score - max) / sum;
        if (tail > 1 - p)
            break;
    }
    drop_tail(v, count, last, scores);
}

/* Tokens less probable than `least` go, but not the best `keep` ones. */
static void cut_below(float *scores, size_t n, double least, size_t keep,
                      struct tf_candidate *v)
{
    size_t count = collect(scores, n, v), i;
    double max, sum = partition(v, count, &max);

    if (keep > count)
        keep = count;
    tf_top_candidates(v, count, keep);
    for (i = keep; i < count; i++)
        if (exp((double)v[i].score - max) / sum < least &&
            (!keep || v[i].score < v[keep - 1].score))
            scores[v[i].id] = -INFINITY;
}

static double best_probability(const float *scores, size_t n,
                               struct tf_candidate *v)
{
    double max;

    return 1 / partition(v, collect(scores, n, v), &max);
}

/* Locally typical tokens (Meister et al. 2022): those whose surprise is nearest
 * to the entropy, until their mass reaches p; equals of the last one stay. */
static void typical(float *scores, size_t n, double p, size_t keep,
                    struct tf_candidate *v)
{
    size_t count = collect(scores, n, v), i, last;
    double h = entropy(v, count), max, mass = 0, sum;
    float limit;

    sum = partition(v, count, &max);
    for (i = 0; i < count; i++)
        v[i].score = -(float)fabs(max + log(sum) - (double)v[i].score - h);
    qsort(v, count, sizeof(*v), by_rank);
    for (last = 0; last + 1 < count; last++) {
        mass += exp((double)scores[v[last].id] - max) / sum;
        if (mass >= p)
            break;
    }
    limit = count ? v[last].score : 0;
    for (i = keep; i < count; i++)
        if (v[i].score < limit)
            scores[v[i].id] = -INFINITY;
}

/* The best tokens while their share of the entropy is at most h. */
static void top_h(float *scores, size_t n, double h, struct tf_candidate *v)
{
    size_t count = collect(scores, n, v), top, i;
    double max, log_sum, limit, sum = 0, l;

    top = count < TOP_H_TOKENS ? count : TOP_H_TOKENS;
    tf_top_candidates(v, count, top);
    log_sum = log(partition(v, top, &max));
    limit = entropy(v, top) * h;
    for (i = 0; i < top; i++) {
        l = (double)v[i].score - max - log_sum;
        sum -= exp(l) * l;
        if (i && sum > limit)
            break;
    }
    drop_tail(v, count, i, scores);
}

void tf_logits_warp(const struct tf_generation *g, size_t min_keep,
                    float *scores, size_t vocab_size,
                    struct tf_candidate *scratch)
{
    size_t i, n = vocab_size, k;
    double e;

    if (g->temperature != 1)
        for (i = 0; i < n; i++)
            scores[i] /= (float)g->temperature;
    if (g->top_h > 0)
        top_h(scores, n, g->top_h, scratch);
    if (g->top_k > 0) {
        k = (size_t)g->top_k;
        top_k(scores, n, k > min_keep ? k : min_keep, scratch);
    }
    if (g->top_p < 1)
        top_p(scores, n, g->top_p, min_keep, scratch);
    if (g->min_p > 0)
        cut_below(scores, n, g->min_p * best_probability(scores, n, scratch),
                  min_keep, scratch);
    if (g->typical_p < 1)
        typical(scores, n, g->typical_p, min_keep, scratch);
    if (g->epsilon_cutoff > 0)
        cut_below(scores, n, g->epsilon_cutoff, min_keep, scratch);
    if (g->eta_cutoff > 0) {
        e = g->eta_cutoff;
        e = fmin(e,
                 sqrt(e) * exp(-entropy(scratch, collect(scores, n, scratch))));
        cut_below(scores, n, e, min_keep, scratch);
    }
}

int32_t tf_draw(const float *scores, size_t vocab_size, double u)
{
    double max = -(double)INFINITY, sum = 0, reach;
    size_t i, last = 0;

    for (i = 0; i < vocab_size; i++)
        max = fmax(max, (double)scores[i]);
    for (i = 0; i < vocab_size; i++)
        sum += exp((double)scores[i] - max);
    reach = u * sum;
    for (i = 0, sum = 0; i < vocab_size; i++) {
        if (scores[i] == -INFINITY)
            continue;
        last = i;
        sum += exp((double)scores[i] - max);
        if (reach < sum)
            break;
    }
    return (int32_t)last;
}

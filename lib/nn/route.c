#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

struct route_node {
    struct tf_node node;
    struct tf_tensor *logits;
    const int32_t *expert;
    struct tf_router router;
};

/* The next largest of the n logits after (value, place) in falling order, the
 * earlier place first among equals; NaN never. */
static int32_t next_largest(const float *x, size_t n, float below,
                            int32_t after)
{
    int32_t best = -1;

    for (size_t e = 0; e < n; e++) {
        bool left = x[e] < below || (x[e] == below && (int32_t)e > after);

        if (left && (best < 0 || x[e] > x[best]))
            best = (int32_t)e;
    }
    return best;
}

static float largest(const float *x, size_t n)
{
    float max = -INFINITY;

    for (size_t e = 0; e < n; e++)
        max = fmaxf(max, x[e]);
    return max;
}

/* The scores of n experts; a softmax that nothing is added to is chosen by its
 * logits. */
static void score(const struct tf_router *r, const float *logits, size_t n,
                  float *scores)
{
    float max = largest(logits, n), sum = 0;

    if (!r->sigmoid && !r->bias && r->groups <= 1) {
        memcpy(scores, logits, n * sizeof(*scores));
        return;
    }
    for (size_t e = 0; e < n; e++) {
        scores[e] =
            r->sigmoid ? 1 / (1 + expf(-logits[e])) : expf(logits[e] - max);
        sum += scores[e];
    }
    for (size_t e = 0; e < n; e++)
        scores[e] = (r->sigmoid ? scores[e] : scores[e] / sum) +
                    (r->bias ? r->bias[e] : 0);
}

/* What the best of the n scores is, or the best two add up to. */
static float best(const float *scores, size_t n, bool two)
{
    float first = -INFINITY, second = -INFINITY;

    for (size_t e = 0; e < n; e++)
        if (scores[e] > first) {
            second = first;
            first = scores[e];
        } else {
            second = fmaxf(second, scores[e]);
        }
    return two ? first + second : first;
}

/* Put the experts of all but the best groups out of the choice. */
static void drop_groups(const struct tf_router *r, float *scores, size_t n)
{
    size_t each = n / r->groups;

    for (size_t dropped = r->groups_kept; dropped < r->groups; dropped++) {
        size_t worst = r->groups;
        float least = INFINITY;

        /* of equals the later goes; those that are out count no more */
        for (size_t g = 0; g < r->groups; g++) {
            float sum = best(scores + g * each, each, !r->groups_by_best);

            if (sum > -INFINITY && sum <= least) {
                least = sum;
                worst = g;
            }
        }
        for (size_t e = 0; worst < r->groups && e < each; e++)
            scores[worst * each + e] = -INFINITY;
    }
}

static void weigh(const struct tf_router *r, const float *logits, size_t n,
                  const int32_t *expert, float *weight)
{
    float max = largest(logits, n), sum = 0, all = 0;

    for (size_t i = 0; i < r->k; i++) {
        float x = logits[expert[i]];

        weight[i] = r->sigmoid ? 1 / (1 + expf(-x)) : expf(x - max);
        sum += weight[i];
    }
    for (size_t e = 0; !r->sigmoid && !r->renormed && e < n; e++)
        all += expf(logits[e] - max);
    if (!r->renormed)
        sum = r->sigmoid ? 1 : all;
    for (size_t i = 0; i < r->k; i++)
        weight[i] = weight[i] / sum * r->scale;
}

/* The weight of the best of the n scores, and that it is out from now on. */
static float take_best(const struct tf_router *r, const float *logits,
                       float *scores, size_t n, size_t at)
{
    float top = scores[at], sum = 0;

    for (size_t e = 0; e < n; e++) {
        float below = (top - logits[e]) / fmaxf(fabsf(logits[e]), top);

        if (scores[e] > -INFINITY && !(below > 2 * r->jitter))
            sum += expf(scores[e] - top);
    }
    scores[at] = -INFINITY;
    return 1 / sum;
}

static void mix_sparsely(const struct tf_router *r, const float *logits,
                         size_t n, float *scores, int32_t *expert,
                         float *weight)
{
    memcpy(scores, logits, n * sizeof(*scores));
    for (size_t i = 0; i < r->k; i++) {
        expert[i] = next_largest(scores, n, INFINITY, -1);
        if (expert[i] < 0) { /* all that is left is NaN */
            expert[i] = (int32_t)i;
            weight[i] = NAN;
            continue;
        }
        weight[i] = take_best(r, logits, scores, n, (size_t)expert[i]);
    }
}

static void choose(const struct tf_router *r, const float *logits, size_t n,
                   float *scores, int32_t *expert, float *weight)
{
    float below = INFINITY;
    int32_t after = -1;

    if (r->sparse_mixer) {
        mix_sparsely(r, logits, n, scores, expert, weight);
        return;
    }
    score(r, logits, n, scores);
    if (r->groups > 1)
        drop_groups(r, scores, n);
    for (size_t i = 0; i < r->k; i++) {
        expert[i] = next_largest(scores, n, below, after);
        if (expert[i] < 0) /* all that is left is NaN */
            expert[i] = (int32_t)i;
        after = expert[i];
        below = scores[after];
    }
    weigh(r, logits, n, expert, weight);
}

/* With w = scale s / sum for the chosen ones (or all), s the scores:
 * dl = (w g - w / scale sum w g) ds/dl / s, and ds/dl / s is 1 - s of sigmoids;
 * of a softmax the sum does the rest. */
static void route_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct route_node *r = (struct route_node *)node;
    const struct tf_router *by = &r->router;
    const struct tf_tensor *w = node->out, *l = r->logits;
    float *grad = tf_grad(ctx, r->logits);
    size_t n = tf_cols(l), k = tf_cols(w);

    for (size_t t = 0; grad && t < w->dim[0]; t++) {
        const float *p = tf_row(w, t), *g = w->grad + t * w->ld;
        const float *x = tf_row(l, t);
        const int32_t *expert = r->expert + t * k;
        float *dl = grad + t * l->ld, mean = 0;

        for (size_t i = 0; i < k; i++)
            mean += p[i] * g[i];
        for (size_t i = 0; i < k; i++) {
            float d = p[i] * g[i];

            if (by->renormed)
                d -= p[i] / by->scale * mean;
            if (by->sigmoid)
                d /= 1 + expf(x[expert[i]]);
            dl[expert[i]] += d;
        }
        /* with the softmax over all, p of the others is relative to p[0] */
        for (size_t e = 0; !by->sigmoid && !by->renormed && e < n; e++)
            dl[e] -= p[0] / by->scale * expf(x[e] - x[expert[0]]) * mean;
    }
}

int tf_route(struct tf_ctx *ctx, struct tf_tensor *logits,
             const struct tf_router *router, struct tf_routes *out)
{
    struct route_node *r;
    size_t rows, n, k = router->k;
    float *scores;

    if (!logits)
        return -1;
    rows = tf_tensor_rows(logits);
    n = tf_cols(logits);
    out->k = k;
    out->weight = tf_new(ctx, rows, k);
    out->expert = tf_scratch(ctx, rows * k, sizeof(out->expert[0]));
    scores = tf_scratch(ctx, n, sizeof(*scores));
    if (!out->weight || !out->expert || !scores)
        return -1;
    for (size_t t = 0; t < rows; t++)
        choose(router, tf_row(logits, t), n, scores, out->expert + t * k,
               tf_row(out->weight, t));
    r = tf_record(ctx, sizeof(*r), out->weight,
                  tf_wants_grad(logits) && !router->sparse_mixer, route_back);
    if (r) {
        r->logits = logits;
        r->expert = out->expert;
        r->router = *router;
    }
    return ctx->failed ? -1 : 0;
}

struct weighted {
    struct tf_node node;
    struct tf_tensor *into, *x, *weight;
    const int32_t *rows, *slots;
    float *dx, *dw;
};

static size_t row_of(const struct weighted *a, size_t i)
{
    return a->rows ? (size_t)a->rows[i] : i;
}

static size_t slot_of(const struct weighted *a, size_t i)
{
    return a->slots ? (size_t)a->slots[i] : 0;
}

static void add_rows(void *arg, size_t first, size_t end)
{
    const struct weighted *a = arg;

    for (size_t i = first; i < end; i++)
        tf_kernels()->axpy(tf_row(a->into, row_of(a, i)),
                           tf_row(a->weight, row_of(a, i))[slot_of(a, i)],
                           tf_row(a->x, i), tf_cols(a->x));
}

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct weighted *a = arg;
    size_t cols = tf_cols(a->x);

    for (size_t i = first; i < end; i++) {
        size_t row = row_of(a, i), slot = slot_of(a, i);
        const float *dy = a->node.out->grad + row * a->node.out->ld;

        if (a->dx)
            tf_kernels()->axpy(a->dx + i * a->x->ld,
                               tf_row(a->weight, row)[slot], dy, cols);
        if (a->dw)
            a->dw[row * a->weight->ld + slot] +=
                tf_kernels()->dot(dy, tf_row(a->x, i), cols);
    }
}

static void weighted_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct weighted *a = (struct weighted *)node;

    a->dx = tf_grad(ctx, a->x);
    a->dw = tf_grad(ctx, a->weight);
    if (!ctx->failed)
        tf_rows_run(ctx, tf_tensor_rows(a->x), tf_cols(a->x), back_rows, a);
}

struct tf_tensor *tf_add_weighted(struct tf_ctx *ctx, struct tf_tensor *into,
                                  struct tf_tensor *x, const int32_t *rows,
                                  struct tf_tensor *weight,
                                  const int32_t *slots)
{
    struct weighted job = { .into = into,
                            .x = x,
                            .weight = weight,
                            .rows = rows,
                            .slots = slots },
                    *n;

    if (!into || !x || !weight)
        return NULL;
    tf_rows_run(ctx, tf_tensor_rows(x), tf_cols(x), add_rows, &job);
    n = tf_record(ctx, sizeof(*n), into,
                  tf_wants_grad(x) || tf_wants_grad(weight), weighted_back);
    if (n) {
        job.node = n->node;
        job.node.keep = true;
        *n = job;
    }
    return ctx->failed ? NULL : into;
}

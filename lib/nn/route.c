#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

struct route_node {
    struct tf_node node;
    struct tf_tensor *logits;
    const int32_t *expert;
    bool renormed;
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

static void choose(const float *logits, size_t n, size_t k, bool renormed,
                   int32_t *expert, float *weight)
{
    float below = INFINITY, sum = 0, max;
    int32_t after = -1;

    for (size_t i = 0; i < k; i++) {
        expert[i] = next_largest(logits, n, below, after);
        if (expert[i] < 0) /* all that is left is NaN */
            expert[i] = (int32_t)i;
        after = expert[i];
        below = logits[after];
    }
    max = logits[expert[0]];
    for (size_t i = 0; i < k; i++)
        weight[i] = expf(logits[expert[i]] - max);
    for (size_t i = 0; i < (renormed ? k : n); i++)
        sum += renormed ? weight[i] : expf(logits[i] - max);
    for (size_t i = 0; i < k; i++)
        weight[i] /= sum;
}

/* Of the softmax: dl = p (g - sum p g), g being 0 where nothing was chosen. */
static void route_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct route_node *r = (struct route_node *)node;
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
        for (size_t i = 0; i < k; i++)
            dl[expert[i]] += p[i] * (r->renormed ? g[i] - mean : g[i]);
        /* with the softmax over all, p of the others is relative to p[0] */
        for (size_t e = 0; !r->renormed && e < n; e++)
            dl[e] -= p[0] * expf(x[e] - x[expert[0]]) * mean;
    }
}

int tf_route(struct tf_ctx *ctx, struct tf_tensor *logits, size_t k,
             bool renormed, struct tf_routes *out)
{
    struct route_node *r;
    size_t rows, n;

    if (!logits)
        return -1;
    rows = tf_tensor_rows(logits);
    n = tf_cols(logits);
    out->k = k;
    out->weight = tf_new(ctx, rows, k);
    out->expert = tf_scratch(ctx, rows * k, sizeof(out->expert[0]));
    if (!out->weight || !out->expert)
        return -1;
    for (size_t t = 0; t < rows; t++)
        choose(tf_row(logits, t), n, k, renormed, out->expert + t * k,
               tf_row(out->weight, t));
    r = tf_record(ctx, sizeof(*r), out->weight, tf_wants_grad(logits),
                  route_back);
    if (r) {
        r->logits = logits;
        r->expert = out->expert;
        r->renormed = renormed;
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

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "train/metrics.h"

int tf_regression_metrics_add(struct tf_regression_metrics *m, double reference,
                              double prediction, struct tf_err *err)
{
    double(*v)[2];
    size_t cap;

    if (m->count == m->cap) {
        cap = m->cap ? 2 * m->cap : 256;
        v = tf_grow(m->v, cap, sizeof(*v), err);
        if (!v)
            return -1;
        m->v = v;
        m->cap = cap;
    }
    m->v[m->count][0] = reference;
    m->v[m->count++][1] = prediction;
    return 0;
}

/* Pearson's r of two columns; NaN when one of them is constant. */
static double pearson(double (*v)[2], size_t n)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        mx += v[i][0] / (double)n;
        my += v[i][1] / (double)n;
    }
    for (i = 0; i < n; i++) {
        double x = v[i][0] - mx, y = v[i][1] - my;

        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    return xx > 0 && yy > 0 ? fmax(-1, fmin(1, xy / sqrt(xx) / sqrt(yy)))
                            : (double)NAN;
}

struct ranked {
    double v;
    size_t i;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->v, y = ((const struct ranked *)b)->v;

    return (x > y) - (x < y);
}

/* Replace a column by its ranks; equal values share their mean rank. */
static void rank(double (*v)[2], size_t n, int column, struct ranked *sorted)
{
    size_t i, k, end;

    for (i = 0; i < n; i++)
        sorted[i] = (struct ranked){ v[i][column], i };
    qsort(sorted, n, sizeof(*sorted), by_value);
    for (i = 0; i < n; i = end) {
        for (end = i + 1; end < n && sorted[end].v <= sorted[i].v; end++)
            ;
        for (k = i; k < end; k++)
            v[sorted[k].i][column] = (double)(i + 1 + end) / 2;
    }
}

int tf_regression_metrics_results(const struct tf_regression_metrics *m,
                                  struct tf_metrics *out, struct tf_err *err)
{
    double n = (double)m->count, mse = 0, mae = 0, r, rho;
    struct ranked *sorted = tf_alloc(m->count, sizeof(*sorted), err);
    double(*ranks)[2] = tf_alloc(m->count, sizeof(*ranks), err);
    size_t i;
    int failed = !sorted || !ranks;

    for (i = 0; !failed && i < m->count; i++) {
        double d = m->v[i][0] - m->v[i][1];

        mse += d * d / n;
        mae += fabs(d) / n;
        ranks[i][0] = m->v[i][0];
        ranks[i][1] = m->v[i][1];
    }
    if (!failed) {
        r = pearson(m->v, m->count);
        rank(ranks, m->count, 0, sorted);
        rank(ranks, m->count, 1, sorted);
        rho = pearson(ranks, m->count);
        failed = tf_metrics_add(out, "mse", NULL, mse, err) ||
                 tf_metrics_add(out, "rmse", NULL, sqrt(mse), err) ||
                 tf_metrics_add(out, "mae", NULL, mae, err) ||
                 tf_metrics_add(out, "pearson", NULL, r, err) ||
                 tf_metrics_add(out, "spearmanr", NULL, rho, err);
    }
    free(sorted);
    free(ranks);
    return failed ? -1 : 0;
}

void tf_regression_metrics_release(struct tf_regression_metrics *m)
{
    free(m->v);
    *m = (struct tf_regression_metrics){ 0 };
}

#include "kernel/gemm_int8.h"

#include <assert.h>
#include <string.h>
#include "kernel/gemm_parts.h"
#include "kernel/int8_outliers.h"

enum {
    CELL = 4,     /* bytes that are multiplied as one */
    JOB_ROWS = 16 /* rows prepared together */
};

/* A product under way; what it needs lies in one scratch. */
struct work {
    const struct tf_gemm_int8 *g;
    const struct tf_kernels *kern;
    size_t row;    /* bytes of a quantised row */
    int8_t *x;     /* [m][row] */
    float *scale;  /* [m] */
    float *rows;   /* [worker][k]: a row without its outliers */
    int32_t *sums; /* [n], where w has none and they are wanted */
    bool copied;   /* w can't be read in place: */
    int8_t *w;     /* [n][row] */
    struct tf_outliers outliers;
};

static void quantize_row(const struct work *w, size_t i, const float *x)
{
    size_t k = w->g->w->k;
    int8_t *q = w->x + i * w->row;

    w->scale[i] = w->kern->quantize(q, x, w->kern->int8_offset, k);
    memset(q + k, 0, w->row - k);
}

static void quantize_rows(void *arg, size_t job, int worker)
{
    const struct work *w = arg;
    size_t i = job * JOB_ROWS, end = tf_least(w->g->m, i + JOB_ROWS);

    (void)worker;
    for (; i < end; i++)
        quantize_row(w, i, w->g->x + i * w->g->ldx);
}

/* Once more, for the rows of records with outliers: without these. */
static void quantize_rest(void *arg, size_t job, int worker)
{
    struct work *w = arg;
    size_t k = w->g->w->k, i = job * JOB_ROWS;
    size_t end = tf_least(w->g->m, i + JOB_ROWS);
    float *rest = w->rows + (size_t)worker * k;

    for (; i < end; i++) {
        if (!tf_outliers_in_row(&w->outliers, i))
            continue;
        memcpy(rest, w->g->x + i * w->g->ldx, k * sizeof(*rest));
        tf_outliers_take(&w->outliers, i, rest);
        quantize_row(w, i, rest);
    }
}

/* What is wanted of rows of the weight beside their values. */
static void prepare_weights(void *arg, size_t job, int worker)
{
    const struct work *w = arg;
    const struct tf_gemm_int8 *g = w->g;
    const struct tf_outliers *out = &w->outliers;
    size_t k = g->w->k, n = g->w->n, j = job * JOB_ROWS, o;
    size_t end = tf_least(n, j + JOB_ROWS);

    (void)worker;
    for (; j < end; j++) {
        const int8_t *q = g->w->q + j * g->w->ld;

        if (w->sums)
            w->sums[j] = w->kern->sum_int8(q, k);
        if (w->copied) {
            memcpy(w->w + j * w->row, q, k);
            memset(w->w + j * w->row + k, 0, w->row - k);
        }
        for (o = 0; o < out->count; o++)
            out->w[o * n + j] = (float)q[out->column[o]] * g->w->scale[j];
    }
}

/* Take the next bytes of the scratch, or with no scratch count them. */
static void *take(char *scratch, size_t *used, size_t bytes)
{
    char *p = scratch ? scratch + *used : NULL;

    *used += (bytes + 63) / 64 * 64;
    return p;
}

/* Lay the work out in scratch; returns the bytes of it. */
static size_t lay_out(struct work *w, const struct tf_product *p, int threads,
                      char *scratch, float **rest)
{
    const struct tf_int8 *weight = w->g->w;
    size_t m = w->g->m, n = weight->n, used = 0;

    *rest =
        take(scratch, &used, tf_product_scratch(p, threads) * sizeof(float));
    w->x = take(scratch, &used, m * w->row);
    w->scale = take(scratch, &used, m * sizeof(float));
    if (w->g->threshold > 0)
        w->rows =
            take(scratch, &used, (size_t)threads * weight->k * sizeof(float));
    if (w->kern->int8_offset && !weight->sums)
        w->sums = take(scratch, &used, n * sizeof(int32_t));
    if (w->copied)
        w->w = take(scratch, &used, n * w->row);
    return used;
}

static struct tf_product product_of(const struct work *w)
{
    const struct tf_int8 *weight = w->g->w;
    struct tf_product p = {
        .tiling = &w->kern->int8,
        .m = w->g->m,
        .n = weight->n,
        .k = w->row / CELL,
        .a = { w->x, TF_F32, w->row / CELL, 1 },
        .b = { weight->q, TF_F32, weight->ld / CELL, 1 },
        .finish = tf_finish_of(w->g->epilogue, w->g->c, w->g->ldc),
    };

    p.finish.row_scale = w->scale;
    p.finish.scale = weight->scale;
    p.finish.sums = w->sums ? w->sums : weight->sums;
    p.finish.shift = w->kern->int8_offset;
    p.finish.kept = w->outliers.kept;
    p.finish.kept_w = w->outliers.w;
    p.finish.kept_count = w->outliers.count;
    p.finish.ld_kept_w = weight->n;
    if (w->copied) {
        p.b.data = w->w;
        p.b.along = w->row / CELL;
    }
    return p;
}

int tf_gemm_int8(struct tf_pool *pool, const struct tf_gemm_int8 *g,
                 struct tf_err *err)
{
    struct work w = { .g = g, .kern = tf_kernels() };
    int threads = tf_pool_threads(pool);
    size_t step = CELL * w.kern->int8.k_step, n = g->w->n;
    struct tf_product p;
    float *scratch, *rest;
    int failed;

    assert(g->w->k <= TF_INT8_K_MAX);
    if (!g->m || !n)
        return 0;
    w.row = tf_div_up(g->w->k, step) * step;
    w.copied = g->w->k != w.row || g->w->ld % CELL;
    p = product_of(&w);
    scratch = tf_gemm_thread_scratch(
        lay_out(&w, &p, threads, NULL, &rest) / sizeof(float), err);
    if (!scratch)
        return -1;
    lay_out(&w, &p, threads, (char *)scratch, &rest);
    tf_pool_run(pool, tf_div_up(g->m, JOB_ROWS), quantize_rows, &w);
    failed = tf_outliers_find(pool, g, w.scale, &w.outliers, err);
    if (!failed) {
        if (w.outliers.count)
            tf_pool_run(pool, tf_div_up(g->m, JOB_ROWS), quantize_rest, &w);
        if (w.sums || w.copied || w.outliers.count)
            tf_pool_run(pool, tf_div_up(n, JOB_ROWS), prepare_weights, &w);
        p = product_of(&w);
        tf_product_run(pool, &p, rest);
    }
    tf_outliers_release(&w.outliers);
    return failed ? -1 : 0;
}

struct weights {
    struct tf_int8 w;
    const float *from;
    size_t ld;
    int8_t *q;
    float *scale;
    int32_t *sums;
};

static void quantize_weights(void *arg, size_t job, int worker)
{
    const struct weights *w = arg;
    size_t j, k = w->w.k;

    (void)worker;
    for (j = job * JOB_ROWS; j < tf_least(w->w.n, (job + 1) * JOB_ROWS); j++)
        w->scale[j] =
            tf_kernels()->quantize(w->q + j * k, w->from + j * w->ld, 0, k);
}

void tf_int8_quantize(struct tf_pool *pool, size_t n, size_t k, const float *w,
                      size_t ldw, int8_t *q, float *scale)
{
    struct weights job = {
        .w = { .n = n, .k = k }, .from = w, .ld = ldw, .q = q, .scale = scale
    };

    tf_pool_run(pool, tf_div_up(n, JOB_ROWS), quantize_weights, &job);
}

static void sum_weights(void *arg, size_t job, int worker)
{
    const struct weights *w = arg;
    size_t j;

    (void)worker;
    for (j = job * JOB_ROWS; j < tf_least(w->w.n, (job + 1) * JOB_ROWS); j++)
        w->sums[j] = tf_kernels()->sum_int8(w->w.q + j * w->w.ld, w->w.k);
}

void tf_int8_sums(struct tf_pool *pool, const struct tf_int8 *w, int32_t *sums)
{
    struct weights job = { .w = *w, .sums = sums };

    tf_pool_run(pool, tf_div_up(w->n, JOB_ROWS), sum_weights, &job);
}

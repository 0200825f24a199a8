/* Adafactor (Shazeer and Stern 2018), as Transformers' class of that name. */
#include "train/optimizer_state.h"

#include "kernel/kernel.h"

#include <math.h>

void tf_adafactor_shape(const struct tf_tensor *t, size_t *rows, size_t *cols)
{
    *rows = t->ndim >= 2 ? t->dim[t->ndim - 2] : 1;
    *cols = t->ndim >= 2 ? t->dim[t->ndim - 1] : 0;
}

/*
 * A step of one param, in passes over its gradient. A factored param is a stack
 * of matrices [rows][cols]; any other is taken as rows of WIDTH elements.
 */
struct pass {
    struct tf_optimizer *opt;
    const struct tf_param *param;
    float *w, *g;
    float *mean;      /* exp_avg, or NULL */
    float *row, *col; /* exp_avg_sq_row and _col; col NULL: row is exp_avg_sq */
    size_t rows, cols; /* of a matrix */
    size_t count;      /* of all rows */
    size_t all;        /* elements */
    float beta2;
    float scale; /* of the update */
    float keep;  /* of the weight, after its decay */
};

enum { WIDTH = 1024, COLUMNS = 64 };

size_t tf_adafactor_rows(const struct tf_tensor *t)
{
    size_t n = tf_tensor_count(t);

    return t->ndim >= 2 ? tf_tensor_rows(t) : (n + WIDTH - 1) / WIDTH;
}

static size_t width(const struct pass *p, size_t row)
{
    size_t left = p->all - row * p->cols;

    return left < p->cols ? left : p->cols;
}

/* The averages of g^2 + eps: of each row, or of each element. */
static void average_row(void *arg, size_t i, int worker)
{
    const struct pass *p = arg;
    float eps = (float)p->opt->config.eps_square;
    float f = (float)p->opt->factor, mix = 1 - p->beta2;
    const float *g = p->g + i * p->cols;
    float *v = p->row + i * p->cols;
    size_t n = width(p, i), c;
    double sum = 0;

    (void)worker;
    for (c = 0; c < n && !p->col; c++)
        v[c] = v[c] * p->beta2 + (g[c] * f * g[c] * f + eps) * mix;
    for (c = 0; c < n && p->col; c++)
        sum += (double)(g[c] * f * g[c] * f + eps);
    if (p->col)
        p->row[i] = p->row[i] * p->beta2 + (float)(sum / (double)n) * mix;
}

/* The averages over the columns of a matrix, COLUMNS of them in a task. */
static void average_columns(void *arg, size_t task, int worker)
{
    const struct pass *p = arg;
    size_t tasks = (p->cols + COLUMNS - 1) / COLUMNS;
    size_t matrix = task / tasks, first = task % tasks * COLUMNS, r, c;
    size_t n = p->cols - first < COLUMNS ? p->cols - first : COLUMNS;
    float eps = (float)p->opt->config.eps_square, f = (float)p->opt->factor;
    float *col = p->col + matrix * p->cols + first;
    const float *g = p->g + matrix * p->rows * p->cols + first;
    double sum[COLUMNS] = { 0 };

    (void)worker;
    for (r = 0; r < p->rows; r++, g += p->cols)
        for (c = 0; c < n; c++)
            sum[c] += (double)(g[c] * f * g[c] * f + eps);
    for (c = 0; c < n; c++)
        col[c] = col[c] * p->beta2 +
                 (float)(sum[c] / (double)p->rows) * (1 - p->beta2);
}

/* opt->row_factor: 1 / sqrt(average of the row / mean of the matrix's) */
static void make_row_factors(const struct pass *p)
{
    size_t i, r;

    for (i = 0; i < p->count; i += p->rows) {
        double sum = 0;

        for (r = i; r < i + p->rows; r++)
            sum += (double)p->row[r];
        sum /= (double)p->rows;
        for (r = i; r < i + p->rows; r++)
            p->opt->row_factor[r] = 1 / sqrtf(p->row[r] / (float)sum);
    }
}

/* The gradient becomes the update; opt->row_sum its squares in each row. */
static void make_update(void *arg, size_t i, int worker)
{
    const struct pass *p = arg;
    float f = (float)p->opt->factor, *g = p->g + i * p->cols;
    const float *v = p->row + i * p->cols;
    size_t n = width(p, i), c;
    double sum = 0;

    (void)worker;
    if (p->col) {
        v = p->col + i / p->rows * p->cols;
        f *= p->opt->row_factor[i];
    }
    for (c = 0; c < n; c++) {
        g[c] *= f / sqrtf(v[c]);
        sum += (double)(g[c] * g[c]);
    }
    p->opt->row_sum[i] = sum;
}

static void apply_update(void *arg, size_t i, int worker)
{
    const struct pass *p = arg;
    float *g = p->g + i * p->cols, *w = p->w + i * p->cols, u;
    float *mean = p->mean ? p->mean + i * p->cols : NULL;
    float beta1 = (float)p->opt->config.beta1;
    size_t n = width(p, i), c;

    (void)worker;
    for (c = 0; c < n; c++) {
        u = g[c] * p->scale;
        if (mean)
            u = mean[c] = mean[c] * beta1 + u * (1 - beta1);
        w[c] = w[c] * p->keep - u;
        g[c] = 0;
    }
    tf_param_round(p->param, i * p->cols, n);
}

static void square_weights(void *arg, size_t i, int worker)
{
    const struct pass *p = arg;
    const float *w = p->w + i * p->cols;
    size_t n = width(p, i), c;
    double sum = 0;

    (void)worker;
    for (c = 0; c < n; c++)
        sum += (double)(w[c] * w[c]);
    p->opt->row_sum[i] = sum;
}

/* The root mean square of what row_sum has the squares of. */
static double rms(const struct pass *p)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < p->count; i++)
        sum += p->opt->row_sum[i];
    return sqrt(sum / (double)p->all);
}

static double rate(struct pass *p, struct tf_pool *pool)
{
    const struct tf_optimizer_config *c = &p->opt->config;
    double lr = p->opt->lr, steps = (double)p->opt->steps, scale;

    if (c->relative_step)
        lr = fmin(c->warmup_init ? 1e-6 * steps : 1e-2, 1 / sqrt(steps));
    if (!c->scale_parameter)
        return lr;
    tf_pool_run(pool, p->count, square_weights, p);
    scale = rms(p);
    return lr * (scale > c->eps_scale ? scale : c->eps_scale);
}

static void step_param(struct tf_optimizer *opt, size_t i, struct tf_pool *pool)
{
    const struct tf_optimizer_config *c = &opt->config;
    const struct tf_param *param = &opt->params[i];
    float **state = opt->states[i].data;
    struct pass p = { .opt = opt, .param = param, .g = param->tensor->grad };
    double lr, large;

    if (c->beta1 > 0)
        p.mean = *state++;
    p.row = state[0];
    p.col = state[1];
    p.w = tf_param_data(param);
    p.all = tf_tensor_count(param->tensor);
    p.count = tf_adafactor_rows(param->tensor);
    tf_adafactor_shape(param->tensor, &p.rows, &p.cols);
    if (!p.col)
        p.cols = WIDTH;
    p.beta2 = (float)(1 - pow((double)opt->steps, c->decay_rate));
    lr = rate(&p, pool);
    tf_pool_run(pool, p.count, average_row, &p);
    if (p.col) {
        tf_pool_run(pool, p.count / p.rows * ((p.cols + COLUMNS - 1) / COLUMNS),
                    average_columns, &p);
        make_row_factors(&p);
    }
    tf_pool_run(pool, p.count, make_update, &p);
    large = rms(&p) / c->clip_threshold;
    p.scale = (float)(lr / (large > 1 ? large : 1));
    p.keep = (float)(1 - (param->decay ? c->weight_decay : 0) * lr);
    tf_pool_run(pool, p.count, apply_update, &p);
}

void tf_adafactor_step(struct tf_optimizer *opt, struct tf_pool *pool)
{
    size_t i;

    for (i = 0; i < opt->count; i++)
        if (tf_tensor_count(opt->params[i].tensor))
            step_param(opt, i, pool);
}

#include "train/optimizer.h"

#include "base/mem.h"
#include "kernel/kernel.h"
#include "train/optimizer_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* elements of a range: some tens of microseconds of memory traffic */
enum { RANGE = 1 << 15 };

void tf_optimizer_defaults(struct tf_optimizer_config *config,
                           enum tf_optimizer_kind kind)
{
    memset(config, 0, sizeof(*config));
    config->kind = kind;
    if (kind == TF_ADAMW) {
        config->beta1 = 0.9;
        config->beta2 = 0.999;
        config->eps = 1e-8;
    } else if (kind == TF_ADAFACTOR) {
        config->eps_square = 1e-30;
        config->eps_scale = 1e-3;
        config->clip_threshold = 1;
        config->decay_rate = -0.8;
    }
}

static int add_state(struct tf_param_state *s, const char *name, size_t n,
                     struct tf_err *err)
{
    size_t i = 0;

    while (s->name[i])
        i++;
    s->data[i] = tf_alloc(n, sizeof(float), err);
    if (!s->data[i])
        return -1;
    s->name[i] = name;
    s->count[i] = n;
    return 0;
}

static int add_adafactor_state(struct tf_optimizer *opt, size_t i,
                               struct tf_err *err)
{
    const struct tf_tensor *t = opt->params[i].tensor;
    struct tf_param_state *s = &opt->states[i];
    size_t n = tf_tensor_count(t), rows, cols;

    tf_adafactor_shape(t, &rows, &cols);
    if (opt->config.beta1 > 0 && add_state(s, "exp_avg", n, err))
        return -1;
    if (!cols)
        return add_state(s, "exp_avg_sq", n, err);
    return add_state(s, "exp_avg_sq_row", n / cols, err) ||
                   add_state(s, "exp_avg_sq_col", n / rows, err)
               ? -1
               : 0;
}

static int add_still(struct tf_optimizer *opt, size_t i, struct tf_err *err)
{
    const struct tf_tensor *t = opt->params[i].tensor;

    /* without eps a moment of zero has a step that is not a number */
    if (!t->grad_rows || t->ndim != 2 || opt->config.eps <= 0)
        return 0;
    opt->states[i].still = tf_alloc(t->dim[0], 1, err);
    return opt->states[i].still ? 0 : -1;
}

static int add_states(struct tf_optimizer *opt, size_t i, struct tf_err *err)
{
    size_t n = tf_tensor_count(opt->params[i].tensor);
    struct tf_param_state *s = &opt->states[i];

    if (opt->config.kind == TF_ADAFACTOR)
        return add_adafactor_state(opt, i, err);
    if (opt->config.kind == TF_SGD)
        return opt->config.momentum > 0
                   ? add_state(s, "momentum_buffer", n, err)
                   : 0;
    return add_state(s, "exp_avg", n, err) ||
                   add_state(s, "exp_avg_sq", n, err) || add_still(opt, i, err)
               ? -1
               : 0;
}

/* Elements of a param's ranges: whole rows where its rows differ. */
static size_t range_size(const struct tf_optimizer *opt, size_t i)
{
    size_t cols = opt->params[i].tensor->dim[1];

    if (!opt->states[i].still || !cols)
        return RANGE;
    return cols < RANGE ? RANGE / cols * cols : cols;
}

static void cut_ranges(struct tf_optimizer *opt)
{
    struct tf_param_range *r = opt->ranges;
    size_t i, first, n, size;

    for (i = 0; i < opt->count; i++) {
        n = tf_tensor_count(opt->params[i].tensor);
        size = range_size(opt, i);
        for (first = 0; first < n; first += size, r++) {
            r->param = i;
            r->first = first;
            r->n = n - first < size ? n - first : size;
        }
    }
}

/* The rows of a range of whole rows. */
static size_t first_row(const struct tf_param *p,
                        const struct tf_param_range *r)
{
    return r->first / p->tensor->dim[1];
}

static size_t end_row(const struct tf_param *p, const struct tf_param_range *r)
{
    return (r->first + r->n) / p->tensor->dim[1];
}

struct tf_optimizer *tf_optimizer_new(const struct tf_optimizer_config *config,
                                      struct tf_param *params, size_t count,
                                      struct tf_err *err)
{
    struct tf_optimizer *opt = tf_alloc(1, sizeof(*opt), err);
    size_t i, n, rows = 0;

    if (!opt)
        return NULL;
    opt->config = *config;
    opt->params = params;
    opt->count = count;
    opt->states = tf_alloc(count, sizeof(*opt->states), err);
    for (i = 0; opt->states && i < count; i++) {
        if (add_states(opt, i, err))
            break;
        n = tf_tensor_count(params[i].tensor);
        opt->range_count += (n + range_size(opt, i) - 1) / range_size(opt, i);
        n = tf_adafactor_rows(params[i].tensor);
        rows = n > rows ? n : rows;
    }
    if (!opt->states || i < count ||
        !(opt->ranges =
              tf_alloc(opt->range_count, sizeof(*opt->ranges), err)) ||
        !(opt->row_sum = tf_alloc(rows, sizeof(*opt->row_sum), err)) ||
        !(opt->row_factor = tf_alloc(rows, sizeof(*opt->row_factor), err))) {
        tf_optimizer_free(opt);
        return NULL;
    }
    cut_ranges(opt);
    return opt;
}

void tf_optimizer_free(struct tf_optimizer *opt)
{
    size_t i, j;

    if (!opt)
        return;
    for (i = 0; opt->states && i < opt->count; i++) {
        for (j = 0; j < TF_STATE_ARRAYS; j++)
            free(opt->states[i].data[j]);
        free(opt->states[i].still);
    }
    free(opt->states);
    free(opt->ranges);
    free(opt->row_sum);
    free(opt->row_factor);
    free(opt);
}

static void zero_range(void *arg, size_t i, int worker)
{
    struct tf_optimizer *opt = arg;
    const struct tf_param_range *r = &opt->ranges[i];

    (void)worker;
    memset(opt->params[r->param].tensor->grad + r->first, 0,
           r->n * sizeof(float));
}

void tf_optimizer_zero(struct tf_optimizer *opt, struct tf_pool *pool)
{
    tf_pool_run(pool, opt->range_count, zero_range, opt);
}

static double sum_squares(const float *g, size_t count)
{
    double sum = 0;
    size_t i, n;

    for (i = 0; i < count; i += n) {
        n = count - i < 1024 ? count - i : 1024;
        sum += (double)tf_kernels()->dot(g + i, g + i, n);
    }
    return sum;
}

static void square_range(void *arg, size_t i, int worker)
{
    struct tf_optimizer *opt = arg;
    struct tf_param_range *r = &opt->ranges[i];
    const struct tf_param *p = &opt->params[r->param];
    const struct tf_tensor *t = p->tensor;
    size_t row;

    (void)worker;
    r->sum = 0;
    if (!opt->states[r->param].still) {
        r->sum = sum_squares(t->grad + r->first, r->n);
        return;
    }
    for (row = first_row(p, r); row < end_row(p, r); row++)
        if (t->grad_rows[row])
            r->sum += sum_squares(t->grad + row * t->dim[1], t->dim[1]);
}

double tf_optimizer_norm(struct tf_optimizer *opt, struct tf_pool *pool)
{
    double sum = 0;
    size_t i;

    tf_pool_run(pool, opt->range_count, square_range, opt);
    for (i = 0; i < opt->range_count; i++)
        sum += opt->ranges[i].sum;
    return sqrt(sum);
}

double tf_clip_factor(double norm, double max_norm)
{
    double factor = max_norm / (norm + 1e-6);

    return max_norm > 0 && factor < 1 ? factor : 1;
}

void tf_param_round(const struct tf_param *p, size_t first, size_t n)
{
    if (p->master)
        tf_kernels()->pack_bf16((uint16_t *)p->tensor->data + first,
                                p->master + first, n);
}

/* Rows of a table: those that no gradient ever reached only decay. */
static void adamw_rows(const struct tf_adamw *a, const struct tf_param *p,
                       struct tf_param_state *s, size_t row, size_t end)
{
    const struct tf_kernels *k = tf_kernels();
    size_t cols = p->tensor->dim[1], at = row * cols;
    uint8_t *added = p->tensor->grad_rows;
    float *w = tf_param_data(p), *g;

    for (; row < end; row++, at += cols) {
        if (!added[row] && s->still[row]) {
            if (a->shrink != 1)
                k->scale(w + at, a->shrink, cols);
            continue;
        }
        g = added[row] ? p->tensor->grad + at : NULL;
        s->still[row] =
            !k->adamw(a, w + at, g, s->data[0] + at, s->data[1] + at, cols);
        added[row] = 0;
    }
}

static void adamw_task(void *arg, size_t i, int worker)
{
    struct tf_optimizer *opt = arg;
    const struct tf_param_range *r = &opt->ranges[i];
    const struct tf_param *p = &opt->params[r->param];
    struct tf_param_state *s = &opt->states[r->param];
    const struct tf_optimizer_config *c = &opt->config;
    double decay = p->decay ? c->weight_decay : 0;
    double steps = (double)opt->steps;
    struct tf_adamw a;

    (void)worker;
    a.factor = (float)opt->factor;
    a.shrink = (float)(1 - opt->lr * decay);
    a.beta1 = (float)c->beta1;
    a.beta2 = (float)c->beta2;
    a.step = (float)(opt->lr / (1 - pow(c->beta1, steps)));
    a.correct = (float)(1 / sqrt(1 - pow(c->beta2, steps)));
    a.eps = (float)c->eps;
    if (s->still)
        adamw_rows(&a, p, s, first_row(p, r), end_row(p, r));
    else
        tf_kernels()->adamw(&a, tf_param_data(p) + r->first,
                            p->tensor->grad + r->first, s->data[0] + r->first,
                            s->data[1] + r->first, r->n);
    tf_param_round(p, r->first, r->n);
}

static void sgd_task(void *arg, size_t i, int worker)
{
    struct tf_optimizer *opt = arg;
    const struct tf_param_range *r = &opt->ranges[i];
    const struct tf_param *p = &opt->params[r->param];
    float *w = tf_param_data(p) + r->first, *m = opt->states[r->param].data[0];
    float *g = p->tensor->grad + r->first, grad;
    float lr = (float)opt->lr, factor = (float)opt->factor;
    float momentum = (float)opt->config.momentum;
    float decay = p->decay ? (float)opt->config.weight_decay : 0;
    size_t j;

    (void)worker;
    for (j = 0; j < r->n; j++) {
        grad = g[j] * factor + decay * w[j];
        if (m) {
            m[r->first + j] = m[r->first + j] * momentum + grad;
            grad = opt->config.nesterov ? grad + momentum * m[r->first + j]
                                        : m[r->first + j];
        }
        w[j] -= lr * grad;
        g[j] = 0;
    }
    tf_param_round(p, r->first, r->n);
}

void tf_optimizer_step(struct tf_optimizer *opt, struct tf_pool *pool,
                       double lr, double factor)
{
    opt->steps++;
    opt->lr = lr;
    opt->factor = factor;
    if (opt->config.kind == TF_ADAFACTOR)
        tf_adafactor_step(opt, pool);
    else
        tf_pool_run(pool, opt->range_count,
                    opt->config.kind == TF_SGD ? sgd_task : adamw_task, opt);
}

int64_t tf_optimizer_steps(const struct tf_optimizer *opt)
{
    return opt->steps;
}

void tf_optimizer_set_steps(struct tf_optimizer *opt, int64_t steps)
{
    opt->steps = steps;
}

float *tf_optimizer_state(struct tf_optimizer *opt, size_t param, size_t i,
                          const char **name, size_t *count)
{
    const struct tf_param_state *s = &opt->states[param];

    if (i >= TF_STATE_ARRAYS || !s->data[i])
        return NULL;
    *name = s->name[i];
    *count = s->count[i];
    return s->data[i];
}

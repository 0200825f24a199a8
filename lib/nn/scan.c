#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = 32 }; /* of a task */

struct conv {
    struct tf_node node;
    struct tf_tensor *x, *y, *w, *bias;
    struct tf_seqs seqs;
    float **past;
};

/* The row that stands k before row t of sequence s: of x, of what came before
 * it, or NULL for nothing. */
static const float *back_row(const struct conv *c, size_t s, size_t t, size_t k)
{
    size_t first = c->seqs.start[s], width = tf_cols(c->w) - 1;

    if (t - first >= k)
        return tf_row(c->x, t - k);
    if (!c->past)
        return NULL;
    return c->past[s] + (width - (k - (t - first))) * tf_cols(c->x);
}

static void conv_channels(void *arg, size_t task, int worker)
{
    const struct conv *c = arg;
    size_t first = task * CHANNELS, cols = tf_cols(c->x);
    size_t end = first + CHANNELS < cols ? first + CHANNELS : cols;
    size_t kernel = tf_cols(c->w);

    (void)worker;
    for (size_t s = 0; s < c->seqs.count; s++)
        for (size_t t = c->seqs.start[s]; t < c->seqs.start[s + 1]; t++) {
            float *y = tf_row(c->y, t);

            for (size_t i = first; i < end; i++)
                y[i] = c->bias ? ((float *)c->bias->data)[i] : 0;
            for (size_t k = 0; k < kernel; k++) {
                const float *x = back_row(c, s, t, k);

                for (size_t i = first; x && i < end; i++)
                    y[i] += tf_row(c->w, i)[kernel - 1 - k] * x[i];
            }
        }
}

/* What the next tokens' convolution will look back on. */
static void keep_past(const struct conv *c)
{
    size_t width = tf_cols(c->w) - 1, cols = tf_cols(c->x);

    for (size_t s = 0; c->past && s < c->seqs.count; s++) {
        size_t n = c->seqs.start[s + 1] - c->seqs.start[s];
        size_t old = n < width ? width - n : 0; /* rows that stay */

        memmove(c->past[s], c->past[s] + (width - old) * cols,
                old * cols * sizeof(float));
        for (size_t i = old; i < width; i++)
            memcpy(c->past[s] + i * cols,
                   tf_row(c->x, c->seqs.start[s + 1] - (width - i)),
                   cols * sizeof(float));
    }
}

static void conv_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct conv *c = (struct conv *)node;
    const struct tf_tensor *y = node->out;
    size_t kernel = tf_cols(c->w), cols = tf_cols(c->x);
    float *dx = tf_grad(ctx, c->x), *dw = tf_grad(ctx, c->w);
    float *db = c->bias ? tf_grad(ctx, c->bias) : NULL;

    if (ctx->failed)
        return;
    for (size_t s = 0; s < c->seqs.count; s++)
        for (size_t t = c->seqs.start[s]; t < c->seqs.start[s + 1]; t++) {
            const float *dy = y->grad + t * y->ld;

            if (db)
                tf_kernels()->add(db, db, dy, cols);
            for (size_t k = 0; k < kernel && k <= t - c->seqs.start[s]; k++)
                for (size_t i = 0; i < cols; i++) {
                    if (dx)
                        dx[(t - k) * c->x->ld + i] +=
                            dy[i] * tf_row(c->w, i)[kernel - 1 - k];
                    if (dw)
                        dw[i * c->w->ld + kernel - 1 - k] +=
                            dy[i] * tf_row(c->x, t - k)[i];
                }
        }
}

struct tf_tensor *tf_causal_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                 const struct tf_seqs *seqs,
                                 struct tf_tensor *w, struct tf_tensor *bias,
                                 float **past)
{
    struct conv job = { .x = x,
                        .w = w,
                        .bias = bias,
                        .seqs = *seqs,
                        .past = past },
                *n;

    if (!x || !(job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    tf_pool_run(ctx->pool, (tf_cols(x) + CHANNELS - 1) / CHANNELS,
                conv_channels, &job);
    keep_past(&job);
    n = tf_record(ctx, sizeof(*n), job.y,
                  tf_wants_grad(x) || tf_wants_grad(w) || tf_wants_grad(bias),
                  conv_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : job.y;
}

struct scan {
    struct tf_node node;
    struct tf_scan s;
    struct tf_seqs seqs;
    struct tf_tensor *y;
    size_t n;        /* numbers of state */
    size_t channels; /* of a task, whole shares */

    /* for the way back */
    float *dx, *dz, *da, *dd;
    float *parts;  /* [tasks][T][2 groups N]: of b and c */
    float *states; /* [workers][longest + 1][N] */
    size_t longest;
};

static float softplus(float z)
{
    return z > 20 ? z : log1pf(expf(z));
}

/* One number for all of a channel's state? */
static bool is_scalar(const struct tf_scan *s)
{
    return s->a_log->ndim == 1;
}

/* A of channel i, [N]. */
static void rates(const struct scan *a, size_t i, float *rate)
{
    const struct tf_scan *s = &a->s;
    const float *a_log = s->a_log->data;
    size_t head = i / s->share;

    for (size_t k = 0; k < a->n; k++)
        rate[k] =
            -expf(is_scalar(s) ? a_log[head] : a_log[head * s->a_log->ld + k]);
}

/* What of the state stays after a step dt, [N]. */
static void decays(const struct scan *a, const float *rate, float dt,
                   float *keep)
{
    if (is_scalar(&a->s)) {
        float all = expf(dt * rate[0]);

        for (size_t k = 0; k < a->n; k++)
            keep[k] = all;
        return;
    }
    for (size_t k = 0; k < a->n; k++)
        keep[k] = expf(dt * rate[k]);
}

/* The first column of b and c for channel i. */
static size_t group_of(const struct scan *a, size_t i)
{
    return i / (tf_cols(a->s.x) / a->s.groups) * a->n;
}

/* One channel over one sequence, its state in h [N]. */
static void scan_channel(const struct scan *a, size_t seq, size_t i, float *h)
{
    const struct tf_scan *s = &a->s;
    size_t n = a->n, head = i / s->share, group = group_of(a, i);
    float d = ((const float *)s->d->data)[head];
    float rate[TF_SCAN_MAX], keep[TF_SCAN_MAX];

    rates(a, i, rate);
    for (size_t t = a->seqs.start[seq]; t < a->seqs.start[seq + 1]; t++) {
        float x = tf_row(s->x, t)[i], dt = softplus(tf_row(s->z, t)[head]);
        const float *b = tf_row(s->b, t) + group;
        const float *c = tf_row(s->c, t) + group;
        float y = d * x;

        decays(a, rate, dt, keep);
        for (size_t k = 0; k < n; k++) {
            h[k] = keep[k] * h[k] + dt * b[k] * x;
            y += c[k] * h[k];
        }
        tf_row(a->y, t)[i] = y;
    }
}

static void scan_channels(void *arg, size_t task, int worker)
{
    const struct scan *a = arg;
    size_t first = task * a->channels, cols = tf_cols(a->s.x);
    size_t end = first + a->channels < cols ? first + a->channels : cols;
    float fresh[TF_SCAN_MAX];

    (void)worker;
    for (size_t q = 0; q < a->seqs.count; q++)
        for (size_t i = first; i < end; i++) {
            float *h = a->s.state ? a->s.state[q] + i * a->n : fresh;

            if (!a->s.state)
                memset(fresh, 0, sizeof(fresh));
            scan_channel(a, q, i, h);
        }
}

/* The states of a channel once more, h[t + 1] after token t. */
static void replay(const struct scan *a, size_t seq, size_t i, float *h)
{
    const struct tf_scan *s = &a->s;
    size_t n = a->n, first = a->seqs.start[seq], group = group_of(a, i);
    float rate[TF_SCAN_MAX], keep[TF_SCAN_MAX];

    rates(a, i, rate);
    memset(h, 0, n * sizeof(*h));
    for (size_t t = first; t < a->seqs.start[seq + 1]; t++, h += n) {
        float x = tf_row(s->x, t)[i];
        float dt = softplus(tf_row(s->z, t)[i / s->share]);
        const float *b = tf_row(s->b, t) + group;

        decays(a, rate, dt, keep);
        for (size_t k = 0; k < n; k++)
            h[n + k] = keep[k] * h[k] + dt * b[k] * x;
    }
}

/* One channel back over one sequence, whose states are h. */
static void channel_back(const struct scan *a, size_t seq, size_t i,
                         const float *h, float *parts)
{
    const struct tf_scan *s = &a->s;
    size_t n = a->n, first = a->seqs.start[seq], head = i / s->share;
    size_t group = group_of(a, i), cols = tf_cols(s->b);
    float carry[TF_SCAN_MAX] = { 0 }, rate[TF_SCAN_MAX], keep[TF_SCAN_MAX];
    float *da = NULL;

    if (a->da)
        da = a->da + head * (is_scalar(s) ? 1 : s->a_log->ld);
    rates(a, i, rate);
    for (size_t t = a->seqs.start[seq + 1]; t-- > first;) {
        float dy = a->node.out->grad[t * a->node.out->ld + i];
        float x = tf_row(s->x, t)[i], z = tf_row(s->z, t)[head];
        float dt = softplus(z);
        const float *b = tf_row(s->b, t) + group;
        const float *c = tf_row(s->c, t) + group;
        const float *before = h + (t - first) * n, *after = before + n;
        float ddt = 0, dx = dy * ((const float *)s->d->data)[head];
        float *db = parts + t * 2 * cols + group, *dc = db + cols;

        decays(a, rate, dt, keep);
        for (size_t k = 0; k < n; k++) {
            float g = dy * c[k] + carry[k];

            dc[k] += dy * after[k];
            db[k] += g * dt * x;
            dx += g * dt * b[k];
            ddt += g * (rate[k] * keep[k] * before[k] + b[k] * x);
            if (da)
                da[is_scalar(s) ? 0 : k] +=
                    g * dt * keep[k] * before[k] * rate[k];
            carry[k] = g * keep[k];
        }
        if (a->dx)
            a->dx[t * s->x->ld + i] += dx;
        if (a->dz)
            a->dz[t * s->z->ld + head] += ddt / (1 + expf(-z));
        if (a->dd)
            a->dd[head] += dy * x;
    }
}

static void channels_back(void *arg, size_t task, int worker)
{
    const struct scan *a = arg;
    size_t first = task * a->channels, cols = tf_cols(a->s.x);
    size_t end = first + a->channels < cols ? first + a->channels : cols;
    size_t rows = tf_tensor_rows(a->s.x);
    float *h = a->states + (size_t)worker * (a->longest + 1) * a->n;

    for (size_t q = 0; q < a->seqs.count; q++)
        for (size_t i = first; i < end; i++) {
            replay(a, q, i, h);
            channel_back(a, q, i, h,
                         a->parts + task * rows * 2 * tf_cols(a->s.b));
        }
}

/* Channels of one share are of one task: it alone adds to their gradients. */
static size_t tasks_of(const struct scan *a)
{
    return (tf_cols(a->s.x) + a->channels - 1) / a->channels;
}

/* Add the tasks' parts to the gradients of b and c. */
static void add_parts(struct tf_ctx *ctx, const struct scan *a, size_t tasks)
{
    size_t n = tf_cols(a->s.b), rows = tf_tensor_rows(a->s.x);
    float *db = tf_grad(ctx, a->s.b), *dc = tf_grad(ctx, a->s.c);

    for (size_t p = 0; p < tasks && !ctx->failed; p++)
        for (size_t t = 0; t < rows; t++) {
            const float *part = a->parts + (p * rows + t) * 2 * n;

            for (size_t k = 0; k < n; k++) {
                if (db)
                    db[t * a->s.b->ld + k] += part[k];
                if (dc)
                    dc[t * a->s.c->ld + k] += part[n + k];
            }
        }
}

static void scan_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct scan *a = (struct scan *)node;
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    size_t n = tf_cols(a->s.b), rows = tf_tensor_rows(a->s.x);
    size_t tasks = tasks_of(a);
    size_t workers = (size_t)tf_pool_threads(ctx->pool);

    for (size_t q = 0; q < a->seqs.count; q++)
        if (a->seqs.start[q + 1] - a->seqs.start[q] > a->longest)
            a->longest = a->seqs.start[q + 1] - a->seqs.start[q];
    a->dx = tf_grad(ctx, a->s.x);
    a->dz = tf_grad(ctx, a->s.z);
    a->da = tf_grad(ctx, a->s.a_log);
    a->dd = tf_grad(ctx, a->s.d);
    a->parts = tf_scratch(ctx, tasks * rows * 2 * n, sizeof(float));
    a->states =
        tf_scratch(ctx, workers * (a->longest + 1) * a->n, sizeof(float));
    if (a->parts && a->states) {
        memset(a->parts, 0, tasks * rows * 2 * n * sizeof(float));
        tf_pool_run(ctx->pool, tasks, channels_back, a);
        add_parts(ctx, a, tasks);
    }
    tf_arena_rewind(ctx->arena, mark);
}

struct tf_tensor *tf_selective_scan(struct tf_ctx *ctx,
                                    const struct tf_scan *scan,
                                    const struct tf_seqs *seqs)
{
    struct scan job = { .s = *scan, .seqs = *seqs }, *n;

    if (!scan->x || !scan->z || !scan->b || !scan->c ||
        !(job.y = tf_new(ctx, tf_tensor_rows(scan->x), tf_cols(scan->x))))
        return NULL;
    job.s.share = scan->share ? scan->share : 1;
    job.s.groups = scan->groups ? scan->groups : 1;
    job.n = tf_cols(scan->b) / job.s.groups;
    job.channels = (CHANNELS + job.s.share - 1) / job.s.share * job.s.share;
    tf_pool_run(ctx->pool, tasks_of(&job), scan_channels, &job);
    n = tf_record(ctx, sizeof(*n), job.y,
                  tf_wants_grad(scan->x) || tf_wants_grad(scan->z) ||
                      tf_wants_grad(scan->b) || tf_wants_grad(scan->c) ||
                      tf_wants_grad(scan->a_log) || tf_wants_grad(scan->d),
                  scan_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : job.y;
}

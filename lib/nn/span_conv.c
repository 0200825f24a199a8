#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

/* A convolution over the tokens around each: with one kernel for each column
 * (heads 0), or the token's own for each head. */
struct span {
    struct tf_node node;
    struct tf_tensor *x, *w, *y;
    struct tf_seqs seqs;
    size_t kernel, heads;
    float *taps; /* [K][C]: w turned over */
    float *p;    /* [T][H K]: the softmax of w, of a dynamic one */
};

/* The taps k of token t in [first, end) that fall inside the sequence: token
 * t + k - kernel / 2 of it. */
static void inside(const struct span *s, size_t t, size_t first, size_t end,
                   size_t *from, size_t *to)
{
    size_t half = s->kernel / 2, left = t - first, right = end - 1 - t;

    *from = left < half ? half - left : 0;
    *to = right < half ? s->kernel - (half - right) : s->kernel;
}

typedef void token_fn(const struct span *s, size_t t, size_t k, size_t other);

/* Call fn for every token t and its tap k at the token `other`. */
static void each_tap(const struct span *s, size_t t, size_t first, size_t end,
                     token_fn *fn)
{
    size_t from, to;

    inside(s, t, first, end, &from, &to);
    for (size_t k = from; k < to; k++)
        fn(s, t, k, t + k - s->kernel / 2);
}

/* The same for tokens [first, end) of all. */
static void each_token(const struct span *s, size_t first, size_t end,
                       token_fn *fn)
{
    const size_t *start = s->seqs.start;

    for (size_t q = 0; first < end; q++)
        for (; first < end && first < start[q + 1]; first++)
            each_tap(s, first, start[q], start[q + 1], fn);
}

static void add_column_tap(const struct span *s, size_t t, size_t k,
                           size_t other)
{
    size_t cols = tf_cols(s->x);
    const float *x = tf_row(s->x, other), *w = s->taps + k * cols;
    float *y = tf_row(s->y, t);

    for (size_t c = 0; c < cols; c++)
        y[c] += w[c] * x[c];
}

static void add_head_tap(const struct span *s, size_t t, size_t k, size_t other)
{
    size_t size = tf_cols(s->x) / s->heads;
    const float *p = s->p + t * s->heads * s->kernel + k;

    for (size_t h = 0; h < s->heads; h++)
        tf_kernels()->axpy(tf_row(s->y, t) + h * size, p[h * s->kernel],
                           tf_row(s->x, other) + h * size, size);
}

static void run_rows(void *arg, size_t first, size_t end)
{
    const struct span *s = arg;

    memset(tf_row(s->y, first), 0, (end - first) * s->y->ld * sizeof(float));
    each_token(s, first, end, s->heads ? add_head_tap : add_column_tap);
}

/* On the way back: `gx` and `gw` are gradients to add to. */
struct span_back {
    struct span s;
    float *gx, *gw;
};

static void back_column_tap(const struct span *s, size_t t, size_t k,
                            size_t other)
{
    const struct span_back *b = (const void *)s;
    const float *dy = s->y->grad + t * s->y->ld, *x = tf_row(s->x, other);

    for (size_t c = 0; b->gx && c < tf_cols(s->x); c++)
        b->gx[other * s->x->ld + c] += tf_row(s->w, c)[k] * dy[c];
    for (size_t c = 0; b->gw && c < tf_cols(s->x); c++)
        b->gw[c * s->w->ld + k] += x[c] * dy[c];
}

/* gw: of the probabilities, [T][H K] */
static void back_head_tap(const struct span *s, size_t t, size_t k,
                          size_t other)
{
    const struct span_back *b = (const void *)s;
    size_t size = tf_cols(s->x) / s->heads;
    const float *p = s->p + t * s->heads * s->kernel + k;

    for (size_t h = 0; h < s->heads; h++) {
        const float *dy = s->y->grad + t * s->y->ld + h * size;
        size_t at = (t * s->heads + h) * s->kernel + k;

        if (b->gx)
            tf_kernels()->axpy(b->gx + other * s->x->ld + h * size,
                               p[h * s->kernel], dy, size);
        b->gw[at] = tf_kernels()->dot(dy, tf_row(s->x, other) + h * size, size);
    }
}

static void depthwise_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct span_back b = { .s = *(struct span *)node };

    b.gx = tf_grad(ctx, b.s.x);
    b.gw = tf_grad(ctx, b.s.w);
    if (!ctx->failed)
        each_token(&b.s, 0, tf_tensor_rows(b.s.x), back_column_tap);
}

/* From the gradients of the probabilities to those of the numbers. */
static void softmax_back(const struct span_back *b, float *dw, size_t ld)
{
    size_t k = b->s.kernel, heads = b->s.heads;

    for (size_t i = 0; i < tf_tensor_rows(b->s.x) * heads; i++) {
        const float *p = b->s.p + i * k, *g = b->gw + i * k;
        float sum = tf_kernels()->dot(p, g, k);
        float *d = dw + i / heads * ld + i % heads * k;

        for (size_t j = 0; j < k; j++)
            d[j] += p[j] * (g[j] - sum);
    }
}

static void dynamic_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct span_back b = { .s = *(struct span *)node };
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    float *dw = tf_grad(ctx, b.s.w);
    size_t n = tf_tensor_rows(b.s.x) * b.s.heads * b.s.kernel;

    b.gx = tf_grad(ctx, b.s.x);
    b.gw = tf_scratch(ctx, n, sizeof(float));
    if (ctx->failed || !b.gw)
        return;
    memset(b.gw, 0, n * sizeof(float));
    each_token(&b.s, 0, tf_tensor_rows(b.s.x), back_head_tap);
    if (dw)
        softmax_back(&b, dw, b.s.w->ld);
    tf_arena_rewind(ctx->arena, mark);
}

static struct tf_tensor *run(struct tf_ctx *ctx, struct span *job,
                             void (*back)(struct tf_ctx *, struct tf_node *))
{
    struct span *n =
        tf_record(ctx, sizeof(*n), job->y,
                  tf_wants_grad(job->x) || tf_wants_grad(job->w), back);

    tf_rows_run(ctx, job->y->dim[0], job->kernel * job->y->dim[1], run_rows,
                job);
    if (n) {
        job->node = n->node;
        *n = *job;
    }
    return ctx->failed ? NULL : job->y;
}

struct tf_tensor *tf_depthwise_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                    const struct tf_seqs *seqs,
                                    struct tf_tensor *w)
{
    struct span job = { .x = x, .w = w, .seqs = *seqs };

    if (!x || !(job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    job.kernel = tf_cols(w);
    job.taps = tf_scratch(ctx, job.kernel, tf_cols(x) * sizeof(float));
    if (!job.taps)
        return NULL;
    for (size_t k = 0; k < job.kernel; k++)
        for (size_t c = 0; c < tf_cols(x); c++)
            job.taps[k * tf_cols(x) + c] = tf_row(w, c)[k];
    return run(ctx, &job, depthwise_back);
}

/* The softmax of each head's numbers. */
static void soften(const struct span *s)
{
    for (size_t i = 0; i < tf_tensor_rows(s->x) * s->heads; i++) {
        const float *w = tf_row(s->w, i / s->heads) + i % s->heads * s->kernel;
        float *p = s->p + i * s->kernel, max = -INFINITY, sum;

        sum = tf_kernels()->exp_sum(p, w, 1, &max, s->kernel);
        tf_kernels()->scale(p, 1 / sum, s->kernel);
    }
}

struct tf_tensor *tf_dynamic_conv(struct tf_ctx *ctx, struct tf_tensor *x,
                                  const struct tf_seqs *seqs,
                                  struct tf_tensor *taps, size_t heads)
{
    struct span job = { .x = x, .w = taps, .seqs = *seqs, .heads = heads };

    if (!x || !taps || !(job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x))))
        return NULL;
    job.kernel = tf_cols(taps) / heads;
    job.p = tf_scratch(ctx, tf_tensor_rows(x), tf_cols(taps) * sizeof(float));
    if (!job.p)
        return NULL;
    soften(&job);
    return run(ctx, &job, dynamic_back);
}

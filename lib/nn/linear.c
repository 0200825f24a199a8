#include "nn/linear.h"

#include "kernel/gemm_int8.h"
#include "nn/matrix.h"
#include "nn/rows.h"

struct tf_mat tf_weight_mat(const struct tf_weight *w)
{
    const struct tf_tensor *t = &w->w;
    struct tf_mat b = { t->data, t->dtype, 1, t->ld };

    return w->transposed ? tf_turn(b) : b;
}

static void int8_product(struct tf_ctx *ctx, const struct tf_weight *w,
                         struct tf_gemm_int8 *g)
{
    const struct tf_tensor *t = &w->w;
    const struct tf_seqs *records = ctx->records;
    struct tf_int8 weight = {
        w->out, w->in, t->data, t->ld, t->scale, w->sums
    };

    g->w = &weight;
    g->threshold = w->threshold;
    if (records && records->start[records->count] == g->m) {
        g->start = records->start;
        g->records = records->count;
    }
    if (!ctx->failed && tf_gemm_int8(ctx->pool, g, ctx->err))
        ctx->failed = true;
}

void tf_weight_product(struct tf_ctx *ctx, const struct tf_weight *w,
                       size_t rows, const float *x, size_t ldx, float *c,
                       size_t ldc, const struct tf_epilogue *epilogue)
{
    struct tf_gemm g = { .m = rows, .n = w->out, .k = w->in };
    struct tf_gemm_int8 g8 = { .m = rows, .x = x, .ldx = ldx };

    if (w->w.scale) {
        g8.c = c;
        g8.ldc = ldc;
        g8.epilogue = epilogue;
        int8_product(ctx, w, &g8);
        return;
    }
    g.a = tf_rows_mat(x, ldx);
    g.b = tf_weight_mat(w);
    g.c = c;
    g.ldc = ldc;
    g.epilogue = epilogue;
    g.q8 = ctx->q8;
    tf_product(ctx, &g);
}

/* The sum of each column, for columns cut into tasks. */
struct column_sums {
    float *sum;
    const float *x;
    size_t rows, cols, ld;
};

enum { COLUMNS = 192 };

static void sum_columns(void *arg, size_t i, int worker)
{
    const struct column_sums *job = arg;
    size_t first = i * COLUMNS, r;
    size_t n = job->cols - first < COLUMNS ? job->cols - first : COLUMNS;
    float *sum = job->sum + first;

    (void)worker;
    for (r = 0; r < job->rows; r++)
        tf_kernels()->add(sum, sum, job->x + r * job->ld + first, n);
}

void tf_back_to_bias(struct tf_ctx *ctx, struct tf_tensor *bias,
                     const float *dy, size_t ld, size_t rows)
{
    struct column_sums job = { .x = dy, .rows = rows, .ld = ld };

    if (!(job.sum = tf_grad(ctx, bias)))
        return;
    job.cols = tf_tensor_count(bias);
    tf_pool_run(ctx->pool, (job.cols + COLUMNS - 1) / COLUMNS, sum_columns,
                &job);
}

/* dW += dY^T X, or X^T dY where the weight lies transposed */
void tf_back_to_weight(struct tf_ctx *ctx, struct tf_weight *w,
                       struct tf_mat dy, struct tf_mat x, size_t rows)
{
    struct tf_epilogue e = { .accumulate = true };
    struct tf_gemm g = { .m = w->out, .n = w->in, .k = rows, .epilogue = &e };

    if (!(g.c = tf_grad(ctx, &w->w)))
        return;
    g.ldc = w->w.ld;
    g.a = tf_turn(dy);
    g.b = x;
    if (w->transposed) {
        g.m = w->in;
        g.n = w->out;
        g.a = tf_turn(x);
        g.b = dy;
    }
    tf_product(ctx, &g);
}

/* Rows [first, first + n) of a weight of any type, as float32. */
struct unpack_job {
    const struct tf_tensor *t;
    size_t first;
    float *dst; /* [n][in] */
};

static void unpack_rows(void *arg, size_t first, size_t end)
{
    const struct unpack_job *job = arg;

    tf_matrix_rows(job->t, false, job->first + first, end - first,
                   job->dst + first * tf_cols(job->t), NULL);
}

enum { UNPACKED_ROWS = 256 };

/* The blocks, or the scales, of a quantised weight belong to its rows, across
 * the way that the product goes: some rows at a time are unpacked before. */
static void back_through_blocks(struct tf_ctx *ctx, const struct tf_tensor *t,
                                struct tf_gemm *g)
{
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    struct tf_epilogue e = *g->epilogue;
    const float *dy = g->a.data;
    size_t out = g->k;
    struct unpack_job job = { .t = t };

    job.dst = tf_scratch(ctx, UNPACKED_ROWS * g->n, sizeof(float));
    g->b = tf_rows_mat(job.dst, g->n);
    g->epilogue = &e;
    for (; job.first < out && !ctx->failed; job.first += g->k) {
        g->k =
            out - job.first < UNPACKED_ROWS ? out - job.first : UNPACKED_ROWS;
        tf_rows_run(ctx, g->k, g->n, unpack_rows, &job);
        g->a.data = dy + job.first * g->a.cs;
        tf_product(ctx, g);
        e.accumulate = true;
    }
    tf_arena_rewind(ctx->arena, mark);
}

void tf_back_to_input(struct tf_ctx *ctx, const struct tf_weight *w,
                      struct tf_mat dy, float *dx, size_t ld, size_t rows,
                      bool add)
{
    const struct tf_tensor *t = &w->w;
    struct tf_epilogue e = { .accumulate = add };
    struct tf_gemm g = { .m = rows, .n = w->in, .k = w->out, .epilogue = &e };

    g.a = dy;
    g.b = tf_turn(tf_weight_mat(w));
    g.c = dx;
    g.ldc = ld;
    if ((t->scale || tf_dtype_info(t->dtype)->block > 1) && !w->transposed)
        back_through_blocks(ctx, t, &g);
    else
        tf_product(ctx, &g);
}

static void linear_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct tf_linear_node *n = (struct tf_linear_node *)node;
    const struct tf_tensor *y = node->out;
    struct tf_mat dy = tf_rows_mat(y->grad, y->ld);
    bool fresh;
    float *dx;

    /* what comes below may write over the gradient */
    if (n->act != TF_ACT_NONE || n->lora)
        tf_grad_add(ctx, y, n->residual);
    else
        tf_grad_pass(ctx, node, n->residual);
    tf_act_back(ctx, n->act, node->out, n->pre_act);
    tf_back_to_bias(ctx, &n->w->bias, y->grad, y->ld, y->dim[0]);
    if (n->lora) {
        tf_adapted_back(ctx, n);
        return;
    }
    tf_back_to_weight(ctx, n->w, dy, tf_rows_mat(n->x->data, n->x->ld),
                      y->dim[0]);
    dx = tf_grad_open(ctx, n->x, &fresh);
    if (dx)
        tf_back_to_input(ctx, n->w, dy, dx, n->x->ld, y->dim[0], !fresh);
}

static bool trains(const struct tf_weight *w)
{
    const struct tf_adapter *a;

    for (a = w->adapters; a; a = a->next)
        if (tf_wants_grad(&a->a) || tf_wants_grad(&a->b) ||
            tf_wants_grad(&a->magnitude))
            return true;
    return tf_wants_grad(&w->w) || tf_wants_grad(&w->bias);
}

enum tf_act tf_act_before(const struct tf_ctx *ctx, const struct tf_weight *w,
                          enum tf_act act)
{
    if (ctx->q8 && act == TF_ACT_GELU_TANH &&
        tf_dtype_is_ggml(tf_base_of(&w->w)->dtype))
        return TF_ACT_GELU_HALF;
    return act;
}

struct tf_tensor *tf_linear(struct tf_ctx *ctx, struct tf_tensor *x,
                            struct tf_weight *w, enum tf_act act,
                            struct tf_tensor *residual)
{
    struct tf_tensor *y;
    struct tf_linear_node *n;
    struct tf_epilogue e = { .bias = w->bias.data, .act = act };

    if (w->groups > 1)
        return tf_grouped_linear(ctx, x, w, act, residual);
    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), w->out)))
        return NULL;
    if (ctx->watch)
        ctx->watch->see(ctx->watch->arg, w, x->data, x->ld, y->dim[0]);
    n = tf_record(ctx, sizeof(*n), y,
                  tf_wants_grad(x) || tf_wants_grad(residual) || trains(w),
                  linear_back);
    if (n) {
        n->x = x;
        n->w = w;
        n->act = act;
        n->residual = residual;
        if (act != TF_ACT_NONE)
            n->pre_act = tf_scratch(ctx, tf_tensor_count(y), sizeof(float));
        e.pre_act = n->pre_act;
    }
    if (w->adapters) {
        tf_adapted_linear(ctx, y, x, w, act, residual, n);
        return ctx->failed ? NULL : y;
    }
    if (residual) {
        e.residual = residual->data;
        e.ld_residual = residual->ld;
    }
    tf_weight_product(ctx, w, y->dim[0], x->data, x->ld, y->data, y->ld, &e);
    return ctx->failed ? NULL : y;
}

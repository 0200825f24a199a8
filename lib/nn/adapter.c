#include "nn/drop.h"
#include "nn/linear.h"
#include "nn/matrix.h"
#include "nn/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a layer keeps of an adapter for the way back. */
struct tf_low_rank {
    struct tf_adapter *adapter;
    struct tf_low_rank *next;
    struct tf_draws draws; /* for dropout of x */
    float *h;              /* [T][r]: scale drop(x) A^T */
    float *z;              /* [T][out]: drop(x) (W + scale B A)^T, with DoRA */
    float *gain;           /* [out]: m / norm, with DoRA */
    float *norms;          /* [out], with DoRA */
};

static size_t rank_of(const struct tf_adapter *a)
{
    return a->a.dim[0];
}

/* c[m][n] = alpha a b, + add (which has c's layout and may be c) */
static void product(struct tf_ctx *ctx, float *c, size_t ldc, float alpha,
                    struct tf_mat a, struct tf_mat b, size_t m, size_t n,
                    size_t k, const float *add, size_t ld_add)
{
    struct tf_epilogue e = { .alpha = alpha };
    struct tf_gemm g = { .m = m, .n = n, .k = k, .a = a, .b = b };

    e.residual = add;
    e.ld_residual = ld_add;
    g.c = c;
    g.ldc = ldc;
    g.epilogue = &e;
    tf_product(ctx, &g);
}

/* dst[T][C] = drop(src), + dst when `add`: rows of a matrix. */
struct drop_job {
    const struct tf_draws *draws;
    float *dst;
    const float *src;
    size_t ld, src_ld, cols;
    bool add;
};

static void drop_rows(void *arg, size_t first, size_t end)
{
    const struct drop_job *job = arg;
    float piece[1024];
    size_t i, c, n;

    for (i = first; i < end; i++)
        for (c = 0; c < job->cols; c += n) {
            float *dst = job->dst + i * job->ld + c;

            n = job->cols - c < 1024 ? job->cols - c : 1024;
            tf_kernels()->dropout(job->draws,
                                  (job->draws->row + i) * job->cols + c, piece,
                                  job->src + i * job->src_ld + c, n);
            if (job->add)
                tf_kernels()->add(dst, dst, piece, n);
            else
                memcpy(dst, piece, n * sizeof(*dst));
        }
}

/* drop(x) as the A of a product: x itself, or a copy in the arena. */
static struct tf_mat dropped(struct tf_ctx *ctx, const struct tf_draws *draws,
                             const struct tf_tensor *x)
{
    size_t rows = tf_tensor_rows(x), cols = tf_cols(x);
    struct drop_job job = { draws, NULL, x->data, cols, x->ld, cols, false };

    if (!draws->below)
        return tf_rows_mat(x->data, x->ld);
    job.dst = tf_scratch(ctx, rows * cols, sizeof(float));
    if (job.dst)
        tf_rows_run(ctx, rows, cols, drop_rows, &job);
    return tf_rows_mat(job.dst, cols);
}

/* t = x W^T + bias + t, or without t when `first` */
static void add_base(struct tf_ctx *ctx, float *t, size_t ld, struct tf_mat x,
                     const struct tf_weight *w, const float *bias, size_t rows,
                     bool first)
{
    struct tf_epilogue e = { .bias = bias, .residual = first ? NULL : t };

    e.ld_residual = ld;
    tf_weight_product(ctx, w, rows, x.data, x.rs, t, ld, &e);
}

/* y = gain z + t (t: NULL or [T][out]) + bias */
struct gain_job {
    struct tf_tensor *y;
    const float *z, *t, *gain, *bias;
};

static void gain_rows(void *arg, size_t first, size_t end)
{
    const struct gain_job *job = arg;
    size_t n = tf_cols(job->y), i, c;

    for (i = first; i < end; i++) {
        float *y = tf_row(job->y, i);

        for (c = 0; c < n; c++)
            y[c] = job->gain[c] * job->z[i * n + c];
        if (job->t)
            tf_kernels()->add(y, y, job->t + i * n, n);
        if (job->bias)
            tf_kernels()->add(y, y, job->bias, n);
    }
}

/*
 * DoRA: y = gain (x (W + scale B A)^T) + bias. When A reads a dropped x, so
 * does the part of W that the gain changes (PEFT's DoraLinearLayer):
 *     y = x W^T + (gain - 1) drop(x) W^T + gain scale drop(x) (B A)^T + bias
 */
static void dora(struct tf_ctx *ctx, struct tf_tensor *y, struct tf_tensor *x,
                 struct tf_weight *w, struct tf_low_rank *l, struct tf_mat xd)
{
    const struct tf_adapter *a = l->adapter;
    const float *m = a->magnitude.data, *norms = a->norms;
    struct gain_job job = { .y = y, .z = l->z, .gain = l->gain };
    size_t rows = y->dim[0], out = w->out, i;
    float *t;

    if (!norms && tf_adapter_norms(ctx->pool, w, a, l->norms, ctx->err))
        ctx->failed = true;
    if (ctx->failed)
        return;
    if (norms)
        memcpy(l->norms, norms, out * sizeof(*norms));
    for (i = 0; i < out; i++)
        l->gain[i] = m[i] / l->norms[i];
    if (l->draws.below) {
        t = tf_scratch(ctx, rows * out, sizeof(float));
        add_base(ctx, l->z, out, xd, w, NULL, rows, true);
        add_base(ctx, t, out, tf_rows_mat(x->data, x->ld), w, NULL, rows, true);
        for (i = 0; t && i < rows * out; i++)
            t[i] -= l->z[i];
        job.t = t;
    } else {
        add_base(ctx, l->z, out, xd, w, NULL, rows, true);
    }
    product(ctx, l->z, out, 1, tf_rows_mat(l->h, rank_of(a)),
            tf_turn(tf_rows_mat(a->b.data, a->b.ld)), rows, out, rank_of(a),
            l->z, out);
    job.bias = w->bias.data;
    if (!ctx->failed)
        tf_rows_run(ctx, rows, out, gain_rows, &job);
}

static struct tf_low_rank *keep(struct tf_ctx *ctx, struct tf_adapter *a,
                                size_t rows, size_t out)
{
    struct tf_low_rank *l = tf_scratch(ctx, 1, sizeof(*l));

    if (!l)
        return NULL;
    memset(l, 0, sizeof(*l));
    l->adapter = a;
    l->draws = tf_draws_next(ctx, a->dropout, rows);
    l->h = tf_scratch(ctx, rows * rank_of(a), sizeof(float));
    if (a->magnitude.data) {
        l->z = tf_scratch(ctx, rows * out, sizeof(float));
        l->gain = tf_scratch(ctx, out, sizeof(float));
        l->norms = tf_scratch(ctx, out, sizeof(float));
    }
    return ctx->failed ? NULL : l;
}

/* The adapters' rows of h; y gets what they add, with DoRA all of it. */
static bool adapt(struct tf_ctx *ctx, struct tf_tensor *y, struct tf_tensor *x,
                  struct tf_weight *w, struct tf_low_rank *l)
{
    size_t rows = y->dim[0], r;
    bool first = true;

    for (; l && !ctx->failed; l = l->next) {
        struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
        const struct tf_adapter *a = l->adapter;
        struct tf_mat xd = dropped(ctx, &l->draws, x);

        r = rank_of(a);
        product(ctx, l->h, r, a->scale, xd,
                tf_turn(tf_rows_mat(a->a.data, a->a.ld)), rows, r, w->in, NULL,
                0);
        if (l->z) {
            dora(ctx, y, x, w, l, xd);
            return true;
        }
        product(ctx, y->data, y->ld, 1, tf_rows_mat(l->h, r),
                tf_turn(tf_rows_mat(a->b.data, a->b.ld)), rows, w->out, r,
                first ? NULL : y->data, y->ld);
        first = false;
        tf_arena_rewind(ctx->arena, mark);
    }
    return false;
}

/* y = act(y) + residual, y before that kept in pre_act */
struct finish_job {
    struct tf_tensor *y;
    const struct tf_tensor *residual;
    enum tf_act act;
    float *pre_act;
};

static void finish_rows(void *arg, size_t first, size_t end)
{
    const struct finish_job *job = arg;
    size_t n = tf_cols(job->y), i;

    for (i = first; i < end; i++) {
        float *y = tf_row(job->y, i);

        if (job->pre_act)
            memcpy(job->pre_act + i * n, y, n * sizeof(*y));
        if (job->act != TF_ACT_NONE)
            tf_kernels()->act[job->act](y, y, n);
        if (job->residual)
            tf_kernels()->add(y, y, tf_row(job->residual, i), n);
    }
}

void tf_adapted_linear(struct tf_ctx *ctx, struct tf_tensor *y,
                       struct tf_tensor *x, struct tf_weight *w,
                       enum tf_act act, struct tf_tensor *residual,
                       struct tf_linear_node *n)
{
    struct finish_job job = { y, residual, act, n ? n->pre_act : NULL };
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    struct tf_low_rank *list = NULL, **end = &list;
    struct tf_adapter *a;

    for (a = w->adapters; a; a = a->next) {
        *end = keep(ctx, a, y->dim[0], w->out);
        if (!*end)
            return;
        end = &(*end)->next;
    }
    if (n) {
        n->lora = list;
        mark = tf_arena_mark(ctx->arena);
    }
    if (!adapt(ctx, y, x, w, list))
        add_base(ctx, y->data, y->ld, tf_rows_mat(x->data, x->ld), w,
                 w->bias.data, y->dim[0], false);
    if (!ctx->failed && (act != TF_ACT_NONE || residual))
        tf_rows_run(ctx, y->dim[0], w->out, finish_rows, &job);
    tf_arena_rewind(ctx->arena, mark);
}

/* dm += sum of dy z / norm over the rows; dz = gain dy, less dy when `less`:
 * columns are cut into tasks */
struct gain_back {
    const struct tf_low_rank *l;
    const struct tf_tensor *y;
    float *dm, *dz;
};

enum { COLUMNS = 64 };

static void gain_back_columns(void *arg, size_t task, int worker)
{
    const struct gain_back *job = arg;
    size_t out = tf_cols(job->y), first = task * COLUMNS, i, c;
    size_t end = first + COLUMNS < out ? first + COLUMNS : out;

    (void)worker;
    for (i = 0; i < job->y->dim[0]; i++) {
        const float *dy = job->y->grad + i * job->y->ld;
        const float *z = job->l->z + i * out;

        for (c = first; c < end; c++) {
            job->dz[i * out + c] = dy[c] * job->l->gain[c];
            if (job->dm)
                job->dm[c] += dy[c] * z[c] / job->l->norms[c];
        }
    }
}

/* From dz, the gradient of x A^T B^T scale, to A, B and x. */
static void low_rank_back(struct tf_ctx *ctx, struct tf_linear_node *n,
                          struct tf_low_rank *l, struct tf_mat dz, float *dx)
{
    struct tf_adapter *a = l->adapter;
    size_t rows = n->node.out->dim[0], r = rank_of(a), in = n->w->in;
    struct tf_mat xd = dropped(ctx, &l->draws, n->x);
    float *da = tf_grad(ctx, &a->a), *db = tf_grad(ctx, &a->b);
    float *dh = tf_scratch(ctx, rows * r, sizeof(float)), *t;
    struct drop_job job = { &l->draws, dx, NULL, n->x->ld, in, in, true };

    if (!dh)
        return;
    if (db)
        product(ctx, db, a->b.ld, 1, tf_turn(dz), tf_rows_mat(l->h, r),
                n->w->out, r, rows, db, a->b.ld);
    product(ctx, dh, r, a->scale, dz, tf_rows_mat(a->b.data, a->b.ld), rows, r,
            n->w->out, NULL, 0);
    if (da)
        product(ctx, da, a->a.ld, 1, tf_turn(tf_rows_mat(dh, r)), xd, r, in,
                rows, da, a->a.ld);
    if (!dx)
        return;
    if (!l->draws.below) {
        product(ctx, dx, n->x->ld, 1, tf_rows_mat(dh, r),
                tf_rows_mat(a->a.data, a->a.ld), rows, in, r, dx, n->x->ld);
        return;
    }
    job.src = t = tf_scratch(ctx, rows * in, sizeof(float));
    if (!t)
        return;
    product(ctx, t, in, 1, tf_rows_mat(dh, r), tf_rows_mat(a->a.data, a->a.ld),
            rows, in, r, NULL, 0);
    tf_rows_run(ctx, rows, in, drop_rows, &job);
}

/* dx gets dy W, and with DoRA and dropout + drop((dz - dy) W). */
static void dora_back(struct tf_ctx *ctx, struct tf_linear_node *n, float *dx,
                      bool fresh)
{
    struct tf_low_rank *l = n->lora;
    struct tf_tensor *y = n->node.out;
    size_t rows = y->dim[0], in = n->w->in, out = n->w->out, i, c;
    struct gain_back job = { l, y, tf_grad(ctx, &l->adapter->magnitude), NULL };
    struct drop_job drop = { &l->draws, dx, NULL, n->x->ld, in, in, true };
    struct tf_mat dz, dy = tf_rows_mat(y->grad, y->ld);
    float *t;

    job.dz = tf_scratch(ctx, rows * out, sizeof(float));
    if (!job.dz)
        return;
    tf_pool_run(ctx->pool, (out + COLUMNS - 1) / COLUMNS, gain_back_columns,
                &job);
    dz = tf_rows_mat(job.dz, out);
    if (dx)
        tf_back_to_input(ctx, n->w, l->draws.below ? dy : dz, dx, n->x->ld,
                         rows, !fresh);
    low_rank_back(ctx, n, l, dz, dx);
    if (!dx || !l->draws.below || ctx->failed)
        return;
    for (i = 0; i < rows; i++)
        for (c = 0; c < out; c++)
            job.dz[i * out + c] -= y->grad[i * y->ld + c];
    drop.src = t = tf_scratch(ctx, rows * in, sizeof(float));
    if (!t)
        return;
    tf_back_to_input(ctx, n->w, dz, t, in, rows, false);
    tf_rows_run(ctx, rows, in, drop_rows, &drop);
}

void tf_adapted_back(struct tf_ctx *ctx, struct tf_linear_node *n)
{
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    const struct tf_tensor *y = n->node.out;
    struct tf_mat dy = tf_rows_mat(y->grad, y->ld);
    struct tf_low_rank *l;
    bool fresh;
    float *dx = tf_grad_open(ctx, n->x, &fresh);

    if (n->lora->z) {
        dora_back(ctx, n, dx, fresh);
    } else {
        tf_back_to_weight(ctx, n->w, dy, tf_rows_mat(n->x->data, n->x->ld),
                          y->dim[0]);
        if (dx)
            tf_back_to_input(ctx, n->w, dy, dx, n->x->ld, y->dim[0], !fresh);
        for (l = n->lora; l && !ctx->failed; l = l->next)
            low_rank_back(ctx, n, l, dy, dx);
    }
    tf_arena_rewind(ctx->arena, mark);
}

/* Rows of W + scale B A are made some at a time, and measured. */
struct norms_job {
    const struct tf_weight *w;
    const struct tf_adapter *adapter;
    float *norms;
    size_t rows;   /* of a task */
    size_t floats; /* of scratch of a worker */
    float *scratch;
};

static void measure_rows(void *arg, size_t task, int worker)
{
    const struct norms_job *job = arg;
    const struct tf_weight *w = job->w;
    const struct tf_adapter *a = job->adapter;
    size_t first = task * job->rows, i;
    size_t n = w->out - first < job->rows ? w->out - first : job->rows;
    struct tf_epilogue e = { .alpha = a->scale, .accumulate = true };
    struct tf_gemm g = { .m = n, .n = w->in, .k = rank_of(a), .epilogue = &e };
    float *gemm = job->scratch + (size_t)worker * job->floats;

    g.c = gemm + job->floats - job->rows * (w->in + 1);
    g.ldc = w->in;
    tf_matrix_rows(&w->w, w->transposed, first, n, g.c,
                   g.c + job->rows * w->in);
    g.a = tf_rows_mat((const float *)a->b.data + first * a->b.ld, a->b.ld);
    g.b = tf_rows_mat(a->a.data, a->a.ld);
    tf_gemm_serial(&g, gemm);
    for (i = 0; i < n; i++) {
        const float *row = g.c + i * w->in;

        job->norms[first + i] = sqrtf(tf_kernels()->dot(row, row, w->in));
    }
}

int tf_adapter_norms(struct tf_pool *pool, const struct tf_weight *w,
                     const struct tf_adapter *adapter, float *norms,
                     struct tf_err *err)
{
    struct norms_job job = { .w = w, .adapter = adapter, .norms = norms };
    size_t block = tf_dtype_info(w->w.dtype)->block, unit, total;

    job.rows = w->transposed && block > 32 ? block : 32;
    job.floats = tf_gemm_scratch(job.rows, w->in, rank_of(adapter)) +
                 job.rows * (w->in + 1);
    unit = TF_ARENA_ALIGN / sizeof(float);
    job.floats = (job.floats + unit - 1) / unit * unit;
    total = (size_t)tf_pool_threads(pool) * job.floats * sizeof(float);
    job.scratch = aligned_alloc(TF_ARENA_ALIGN, total);
    if (!job.scratch)
        return tf_no_memory(err, total);
    tf_pool_run(pool, (w->out + job.rows - 1) / job.rows, measure_rows, &job);
    free(job.scratch);
    return 0;
}

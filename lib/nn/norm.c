#include "nn/record.h"
#include "nn/rows.h"

/* The weights of the piece that begins at column c: of every piece the same, or
 * each head has its own. */
static const float *weights(const struct tf_tensor *w, size_t c)
{
    const float *data = w->data;

    return data && w->ndim == 2 ? data + c : data;
}

/* The pieces that are normed: whole rows, or the heads of each. */
struct norm_job {
    const struct tf_norm *norm;
    const struct tf_tensor *x;
    struct tf_tensor *y;
    size_t size;

    /* for the way back */
    float *stats; /* of each piece: mean (0 for rms) and 1 / deviation */
    float *dx, *dw, *db;
    bool fresh; /* dx is written, else added to */
};

/* The kernel has no offset: it is rare with this norm (Nemotron). */
static void layer_norm_offset(float *y, const float *x, const float *w,
                              const float *b, const struct tf_norm *n,
                              size_t size)
{
    tf_kernels()->layer_norm(y, x, NULL, NULL, n->eps, size);
    for (size_t i = 0; i < size; i++)
        y[i] = y[i] * (w[i] + n->w_offset) + (b ? b[i] : 0);
}

static void affine(float *y, const float *x, const float *w, const float *b,
                   size_t size)
{
    tf_kernels()->mul(y, x, w, size);
    if (b)
        tf_kernels()->add(y, y, b, size);
}

static void norm_rows(void *arg, size_t first, size_t end)
{
    const struct norm_job *job = arg;
    const struct tf_norm *n = job->norm;
    const struct tf_kernels *k = tf_kernels();
    size_t cols = tf_cols(job->x);
    size_t i, c;

    for (i = first; i < end; i++) {
        const float *x = tf_row(job->x, i);
        float *y = tf_row(job->y, i);

        for (c = 0; c < cols; c += job->size)
            if (n->kind == TF_RMS_NORM)
                k->rms_norm(y + c, x + c, weights(&n->w, c), n->w_offset,
                            n->eps, job->size);
            else if (n->kind == TF_NO_NORM)
                affine(y + c, x + c, weights(&n->w, c), weights(&n->b, c),
                       job->size);
            else if (n->w.data && n->w_offset != 0)
                layer_norm_offset(y + c, x + c, weights(&n->w, c),
                                  weights(&n->b, c), n, job->size);
            else
                k->layer_norm(y + c, x + c, weights(&n->w, c),
                              weights(&n->b, c), n->eps, job->size);
    }
}

/* dx = w dy, and stats that say so */
static void affine_back(const struct norm_job *job, float *dx, const float *dy,
                        const float *w, float stats[2])
{
    stats[0] = 0;
    stats[1] = 1;
    for (size_t i = 0; dx && i < job->size; i++)
        dx[i] = (job->fresh ? 0 : dx[i]) + dy[i] * w[i];
}

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct norm_job *job = arg;
    const struct tf_norm *n = job->norm;
    struct tf_norm_back back = { NULL, n->w_offset, n->eps,
                                 n->kind == TF_LAYER_NORM, !job->fresh };
    size_t cols = tf_cols(job->x), i, c;
    float *stats = job->stats + first * (cols / job->size) * 2;

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += job->size, stats += 2) {
            float *dx = job->dx ? job->dx + i * job->x->ld + c : NULL;
            const float *dy = job->y->grad + i * job->y->ld + c;

            back.w = weights(&n->w, c);
            if (n->kind == TF_NO_NORM)
                affine_back(job, dx, dy, back.w, stats);
            else
                tf_kernels()->norm_back(&back, dx, dy, tf_row(job->x, i) + c,
                                        stats, job->size);
        }
}

enum { COLUMNS = 192 };

/* dw and db of one range of columns, over all pieces */
static void back_columns(void *arg, size_t task, int worker)
{
    const struct norm_job *job = arg;
    size_t first = task * COLUMNS, cols = tf_cols(job->x), i, c, j;
    size_t n = job->size - first < COLUMNS ? job->size - first : COLUMNS;
    const float *stats = job->stats;

    (void)worker;
    for (i = 0; i < job->y->dim[0]; i++)
        for (c = first; c < cols; c += job->size, stats += 2) {
            const float *x = tf_row(job->x, i) + c;
            const float *dy = job->y->grad + i * job->y->ld + c;
            size_t at = job->norm->w.ndim == 2 ? c : first;

            for (j = 0; j < n && job->dw; j++)
                job->dw[at + j] += dy[j] * (x[j] - stats[0]) * stats[1];
            for (j = 0; j < n && job->db; j++)
                job->db[at + j] += dy[j];
        }
}

struct norm_node {
    struct tf_node node;
    struct tf_norm *norm;
    struct tf_tensor *x;
    size_t size;
};

static void norm_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct norm_node *n = (struct norm_node *)node;
    struct norm_job job = { .norm = n->norm, .x = n->x, .size = n->size };
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    size_t rows = tf_tensor_rows(n->x), cols = tf_cols(n->x);

    job.y = node->out;
    job.dx = tf_grad_open(ctx, n->x, &job.fresh);
    job.dw = tf_grad(ctx, &n->norm->w);
    job.db = tf_grad(ctx, &n->norm->b);
    job.stats = tf_scratch(ctx, rows * (cols / n->size) * 2, sizeof(float));
    if (!job.stats)
        return;
    tf_rows_run(ctx, rows, cols, back_rows, &job);
    if (job.dw || job.db)
        tf_pool_run(ctx->pool, (n->size + COLUMNS - 1) / COLUMNS, back_columns,
                    &job);
    tf_arena_rewind(ctx->arena, mark);
}

static struct tf_tensor *norm_pieces(struct tf_ctx *ctx, struct tf_tensor *x,
                                     struct tf_norm *norm, size_t size)
{
    struct norm_job job = { .norm = norm, .x = x, .size = size };
    struct norm_node *n;

    job.y = tf_new(ctx, tf_tensor_rows(x), tf_cols(x));
    if (!job.y)
        return NULL;
    tf_rows_run(ctx, job.y->dim[0], tf_cols(x), norm_rows, &job);
    n = tf_record(ctx, sizeof(*n), job.y,
                  tf_wants_grad(x) || tf_wants_grad(&norm->w) ||
                      tf_wants_grad(&norm->b),
                  norm_back);
    if (n) {
        n->norm = norm;
        n->x = x;
        n->size = size;
    }
    return ctx->failed ? NULL : job.y;
}

struct tf_tensor *tf_norm(struct tf_ctx *ctx, struct tf_tensor *x,
                          struct tf_norm *norm)
{
    if (!x || !norm)
        return x;
    return norm_pieces(ctx, x, norm, tf_cols(x));
}

struct tf_tensor *tf_norm_heads(struct tf_ctx *ctx, struct tf_tensor *x,
                                struct tf_norm *norm)
{
    if (!x || !norm)
        return x;
    return norm_pieces(ctx, x, norm, norm->w.dim[norm->w.ndim - 1]);
}

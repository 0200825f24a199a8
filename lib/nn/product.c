#include "nn/linear.h"

/* With fewer rows or columns of the other, a matrix is not worth a copy. */
enum { FEW = 8 };

/* A matrix that is copied as bfloat16, row by row of its memory. */
struct narrow_job {
    const float *src;
    size_t ld, cols;
    uint16_t *dst;
};

static void narrow_rows(void *arg, size_t first, size_t end)
{
    const struct narrow_job *job = arg;
    size_t i;

    for (i = first; i < end; i++)
        tf_kernels()->pack_bf16(job->dst + i * job->cols,
                                job->src + i * job->ld, job->cols);
}

/* `m`, of rows x cols, rounded to bfloat16 in the arena; other types stay. */
static void narrow(struct tf_ctx *ctx, struct tf_mat *m, size_t rows,
                   size_t cols)
{
    bool turned = m->cs != 1;
    size_t lines = turned ? cols : rows;
    struct narrow_job job = { m->data, turned ? m->cs : m->rs,
                              turned ? rows : cols, NULL };

    if (m->dtype != TF_F32 || (turned && m->rs != 1))
        return;
    job.dst = tf_scratch(ctx, lines * job.cols, sizeof(*job.dst));
    if (!job.dst)
        return;
    tf_rows_run(ctx, lines, job.cols, narrow_rows, &job);
    m->data = job.dst;
    m->dtype = TF_BF16;
    m->rs = turned ? 1 : job.cols;
    m->cs = turned ? job.cols : 1;
}

void tf_product(struct tf_ctx *ctx, const struct tf_gemm *g)
{
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    struct tf_gemm p = *g;

    if (ctx->failed)
        return;
    if (ctx->bf16 && g->n >= FEW)
        narrow(ctx, &p.a, g->m, g->k);
    if (ctx->bf16 && g->m >= FEW)
        narrow(ctx, &p.b, g->k, g->n);
    if (!ctx->failed && tf_gemm(ctx->pool, &p, ctx->err))
        ctx->failed = true;
    tf_arena_rewind(ctx->arena, mark);
}

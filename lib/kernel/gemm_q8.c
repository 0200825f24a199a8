#include "kernel/block_q8.h"
#include "kernel/gemm_parts.h"

enum {
    JOB_BYTES = 32 << 10, /* of B, about: it stays in the first cache */
    STRIP = 1024          /* columns of a job at most */
};

struct work {
    const struct tf_kernels *kern;
    const struct tf_gemm *g;
    struct tf_q8 *x; /* [m][chunks] */
    size_t chunks;
    size_t columns; /* of a job */
    float *strips;  /* [worker][TF_THIN_ROWS][columns] */
    float *rounded; /* [m][k] */
    struct tf_finish finish;
};

bool tf_gemm_rounds(const struct tf_gemm *g)
{
    return g->q8 && tf_dtype_is_ggml(g->b.dtype) && g->b.rs == 1;
}

bool tf_gemm_is_q8(const struct tf_kernels *kern, const struct tf_gemm *g)
{
    return tf_gemm_rounds(g) && kern->q8_dots[g->b.dtype];
}

static const float *row_of(const struct tf_gemm *g, size_t i)
{
    return (const float *)g->a.data + i * g->a.rs;
}

static size_t block_of(const struct tf_gemm *g)
{
    return tf_dtype_info(g->b.dtype)->block;
}

static void quantize_row(void *arg, size_t i, int worker)
{
    const struct work *w = arg;

    (void)worker;
    tf_q8_quantize(w->kern, w->x + i * w->chunks, row_of(w->g, i), w->g->k,
                   block_of(w->g));
}

static void round_row(void *arg, size_t i, int worker)
{
    const struct work *w = arg;

    (void)worker;
    tf_q8_round(w->kern, w->rounded + i * w->g->k, row_of(w->g, i), w->g->k,
                block_of(w->g));
}

static void multiply(void *arg, size_t job, int worker)
{
    const struct work *w = arg;
    const struct tf_gemm *g = w->g;
    const struct tf_dtype_info *type = tf_dtype_info(g->b.dtype);
    size_t at = job * w->columns, n = tf_least(w->columns, g->n - at);
    const char *b =
        (const char *)g->b.data + at * g->b.cs / type->block * type->bytes;
    float *strip = w->strips + (size_t)worker * TF_THIN_ROWS * w->columns;

    w->kern->q8_dots[g->b.dtype](g->k, w->x, w->chunks, g->m, b, g->b.cs, n,
                                 strip, n);
    w->kern->finish(&w->finish, strip, n, 0, at, g->m, n);
}

int tf_gemm_q8(struct tf_pool *pool, const struct tf_kernels *kern,
               const struct tf_gemm *g, struct tf_err *err)
{
    const struct tf_dtype_info *type = tf_dtype_info(g->b.dtype);
    size_t row = tf_most(1, g->k / type->block * type->bytes), strips;
    struct work w = { .kern = kern,
                      .g = g,
                      .chunks = tf_q8_chunks(g->k),
                      .columns = tf_least(g->n, STRIP),
                      .finish = tf_finish_of(g->epilogue, g->c, g->ldc) };

    if (g->m > TF_THIN_ROWS)
        return tf_gemm_blocks(pool, kern, g, err);
    w.columns = tf_most(1, tf_least(w.columns, JOB_BYTES / row));
    strips =
        tf_round_line((size_t)tf_pool_threads(pool) * TF_THIN_ROWS * w.columns);
    w.strips = tf_gemm_thread_scratch(
        strips + g->m * w.chunks * sizeof(*w.x) / sizeof(float), err);
    if (!w.strips)
        return -1;
    w.x = (struct tf_q8 *)(void *)(w.strips + strips);
    tf_pool_run(pool, g->m, quantize_row, &w);
    tf_pool_run(pool, tf_div_up(g->n, w.columns), multiply, &w);
    return 0;
}

void tf_gemm_round(struct tf_pool *pool, const struct tf_kernels *kern,
                   const struct tf_gemm *g, float *rounded)
{
    struct work w = { .kern = kern, .g = g, .rounded = rounded };

    tf_pool_run(pool, g->m, round_row, &w);
}

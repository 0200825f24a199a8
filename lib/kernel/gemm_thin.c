#include "kernel/gemm_parts.h"

#include <string.h>

enum {
    JOB_BYTES = 512 << 10, /* of B, about: long streams, and few starts */
    STRIP = 4096,          /* sums of a job at most: they stay in the cache */
    LINE = 64              /* columns that end with a cache line of B */
};

struct thin {
    const struct tf_kernels *kern;
    const struct tf_gemm *g;
    const float *x; /* A's rows, ldx apart */
    size_t ldx;
    size_t columns; /* of a job */
    float *strips;  /* [worker][2][m][columns] */
    struct tf_finish finish;
};

bool tf_gemm_is_thin(const struct tf_kernels *kern, const struct tf_gemm *g)
{
    const struct tf_mat *b = &g->b;

    return g->m <= TF_THIN_ROWS && ((b->rs == 1 && kern->dots[b->dtype]) ||
                                    (b->cs == 1 && kern->sums[b->dtype]));
}

/* Rows of B are cut into jobs of about JOB_BYTES, alike for each thread. Where
 * B lies by columns these are as wide as can be: its rows are read in part. */
static size_t job_columns(const struct tf_gemm *g, size_t threads)
{
    const struct tf_dtype_info *type = tf_dtype_info(g->b.dtype);
    size_t column = tf_div_up(g->k, type->block) * type->bytes;
    size_t most = STRIP / g->m, jobs = threads;

    if (g->b.rs == 1)
        jobs *= tf_most(1, tf_div_up(g->n * column, threads * JOB_BYTES));
    return tf_least(tf_least(tf_round_up(tf_div_up(g->n, jobs), LINE), most),
                    g->n);
}

/* A bound that grows with m, n and k. */
size_t tf_gemm_thin_scratch(size_t m, size_t n, size_t k, int threads)
{
    m = tf_least(m, TF_THIN_ROWS);
    return m * k + 2 * tf_least(m * n, STRIP) * (size_t)threads;
}

/* As other products sum: so much of k at a time, and then these sums. */
static void sum_columns(const struct thin *t, const char *w, size_t n,
                        float *strip)
{
    const struct tf_gemm *g = t->g;
    const struct tf_kernels *kern = t->kern;
    size_t row = g->b.rs * tf_dtype_info(g->b.dtype)->bytes, count = g->m * n;
    size_t kc = kern->f32.kc, p;
    float *sums = strip;

    memset(strip, 0, count * sizeof(*strip));
    for (p = 0; p < g->k; p += kc) {
        if (p) {
            sums = strip + count;
            memset(sums, 0, count * sizeof(*sums));
        }
        kern->sums[g->b.dtype](tf_least(kc, g->k - p), t->x + p, t->ldx, g->m,
                               w + p * row, g->b.rs, n, sums, n);
        if (p)
            kern->add(strip, strip, sums, count);
    }
}

static void run_job(void *arg, size_t job, int worker)
{
    const struct thin *t = arg;
    const struct tf_gemm *g = t->g;
    const struct tf_mat *b = &g->b;
    size_t at = job * t->columns, n = tf_least(t->columns, g->n - at);
    float *strip = t->strips + (size_t)worker * 2 * g->m * t->columns;
    const struct tf_dtype_info *type = tf_dtype_info(b->dtype);
    const char *w =
        (const char *)b->data + at * b->cs / type->block * type->bytes;

    if (b->rs == 1 && t->kern->dots[b->dtype])
        t->kern->dots[b->dtype](g->k, t->x, t->ldx, g->m, w, b->cs, n, strip,
                                n);
    else
        sum_columns(t, w, n, strip);
    t->kern->finish(&t->finish, strip, n, 0, at, g->m, n);
}

void tf_gemm_thin(struct tf_pool *pool, const struct tf_kernels *kern,
                  const struct tf_gemm *g, float *scratch)
{
    struct tf_side a = { g->a.data, g->a.dtype, g->a.rs, g->a.cs };
    struct thin t = { kern,
                      g,
                      scratch,
                      g->k,
                      job_columns(g, (size_t)tf_pool_threads(pool)),
                      NULL,
                      tf_finish_of(g->epilogue, g->c, g->ldc) };

    t.strips = scratch + g->m * g->k;
    if (tf_rows_in_place(&a)) {
        t.x = g->a.data;
        t.ldx = g->a.rs;
    } else {
        tf_pack_rows(scratch, g->k, 0, (struct tf_cells){ false, 1 }, &a, 0,
                     g->m, 0, g->k, g->k, NULL);
    }
    tf_pool_run(pool, tf_div_up(g->n, t.columns), run_job, &t);
}

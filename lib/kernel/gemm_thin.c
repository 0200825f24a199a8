#include "kernel/gemm_parts.h"

#include <assert.h>

enum {
    JOB_BYTES = 128 << 10, /* of B, about: a job costs little beside it */
    JOB_COLUMNS = 256      /* a multiple of what the kernels take at a time */
};

struct thin {
    const struct tf_kernels *kern;
    const struct tf_gemm *g;
    const float *x; /* A's rows, ldx apart */
    size_t ldx;
    size_t columns; /* of a job */
    float *strips;  /* [worker][m][columns] */
    struct tf_finish finish;
};

bool tf_gemm_is_thin(const struct tf_kernels *kern, const struct tf_gemm *g)
{
    const struct tf_mat *b = &g->b;

    return g->m <= TF_THIN_ROWS && ((b->rs == 1 && kern->dots[b->dtype]) ||
                                    (b->cs == 1 && kern->sums[b->dtype]));
}

static size_t job_columns(const struct tf_gemm *g)
{
    size_t fit = JOB_BYTES / (sizeof(float) * tf_most(1, g->k));

    if (g->b.rs != 1)
        fit = tf_most(JOB_COLUMNS, fit / JOB_COLUMNS * JOB_COLUMNS);
    return tf_most(1, tf_least(fit, g->n));
}

/* A bound that grows with m, n and k. */
size_t tf_gemm_thin_scratch(size_t m, size_t n, size_t k, int threads)
{
    size_t columns = tf_least(n, JOB_BYTES / sizeof(float));

    return tf_least(m, TF_THIN_ROWS) * (k + columns * (size_t)threads);
}

static void run_job(void *arg, size_t job, int worker)
{
    const struct thin *t = arg;
    const struct tf_gemm *g = t->g;
    const struct tf_mat *b = &g->b;
    size_t at = job * t->columns, n = tf_least(t->columns, g->n - at), p;
    size_t kc = t->kern->f32.kc; /* as other products sum */
    float *strip = t->strips + (size_t)worker * g->m * t->columns;
    const struct tf_dtype_info *type = tf_dtype_info(b->dtype);
    size_t bytes = type->bytes;
    const char *w = (const char *)b->data + at * b->cs / type->block * bytes;

    if (b->rs == 1 && t->kern->dots[b->dtype]) {
        t->kern->dots[b->dtype](g->k, t->x, t->ldx, g->m, w, b->cs, n, strip,
                                n);
    } else {
        for (p = 0; !p || p < g->k; p += kc)
            t->kern->sums[b->dtype](tf_least(kc, g->k - p), t->x + p, t->ldx,
                                    g->m, w + p * b->rs * bytes, b->rs, n,
                                    strip, n, !p);
    }
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
                      job_columns(g),
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

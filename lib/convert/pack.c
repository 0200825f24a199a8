#include "convert/pack.h"

#include <stdlib.h>
#include "base/mem.h"
#include "kernel/block_pack.h"

#define CHUNK 65536 /* numbers that one call packs, or a row */

/* A tensor under way. */
struct work {
    const struct tf_made *m;
    const struct tf_packing *packing;
    char *out;
    size_t rows, cols, per_chunk; /* rows */
    float *scratch;               /* [threads][2][cols] */
    double (*squares)[2];         /* [chunks]: wrong, all */
    struct tf_err *errors;        /* [threads]; msg[0] 0: none */
};

static void add_squares(double squares[2], const float *row, const float *back,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double e = (double)row[i] - (double)back[i];

        squares[0] += e * e;
        squares[1] += (double)row[i] * (double)row[i];
    }
}

static const float *importance_of(const struct work *w, size_t row)
{
    const struct tf_tensor *t = &w->m->to;
    size_t matrix = t->ndim > 1 ? t->dim[t->ndim - 2] : 1;

    return w->packing->importance
               ? w->packing->importance + row / matrix * w->cols
               : NULL;
}

static void pack_chunk(void *arg, size_t i, int worker)
{
    struct work *w = arg;
    const struct tf_dtype_info *to = tf_dtype_info(w->m->to.dtype);
    size_t bytes = w->cols / to->block * to->bytes;
    size_t r = i * w->per_chunk, end = r + w->per_chunk;
    float *row = w->scratch + 2 * (size_t)worker * w->cols;
    float *back = row + w->cols;

    for (; r < end && r < w->rows && !w->errors[worker].msg[0]; r++) {
        char *out = w->out + r * bytes;
        struct tf_err why;

        tf_made_row(w->m, r, row);
        if (tf_pack_row(w->m->to.dtype, out, row, w->cols, importance_of(w, r),
                        &why)) {
            tf_fail(&w->errors[worker], "%.200s: row %zu: %.200s", w->m->name,
                    r, why.msg);
            return;
        }
        to->unpack(back, out, w->cols);
        add_squares(w->squares[i], row, back, w->cols);
    }
}

static int run(struct work *w, size_t chunks, struct tf_packing *p,
               struct tf_err *err)
{
    size_t threads = (size_t)tf_pool_threads(p->pool), i;

    tf_pool_run(p->pool, chunks, pack_chunk, w);
    for (i = 0; i < threads; i++)
        if (w->errors[i].msg[0]) {
            *err = w->errors[i];
            return -1;
        }
    p->wrong = p->all = 0;
    for (i = 0; i < chunks; i++) {
        p->wrong += w->squares[i][0];
        p->all += w->squares[i][1];
    }
    return 0;
}

int tf_made_pack(const struct tf_made *m, void *out, struct tf_err *err)
{
    struct tf_packing *p = m->arg;
    struct work w = { .m = m, .packing = p, .out = out };
    size_t threads = (size_t)tf_pool_threads(p->pool), chunks;
    int failed;

    w.rows = tf_tensor_rows(&m->to);
    w.cols = m->to.dim[m->to.ndim - 1];
    if (!w.rows || !w.cols)
        return 0;
    w.per_chunk = w.cols < CHUNK ? CHUNK / w.cols : 1;
    chunks = (w.rows + w.per_chunk - 1) / w.per_chunk;
    w.scratch = tf_alloc(2 * threads * w.cols, sizeof(*w.scratch), err);
    w.squares = tf_alloc(chunks, sizeof(*w.squares), err);
    w.errors = tf_alloc(threads, sizeof(*w.errors), err);
    failed = !w.scratch || !w.squares || !w.errors || run(&w, chunks, p, err);
    free(w.scratch);
    free(w.squares);
    free(w.errors);
    return failed ? -1 : 0;
}

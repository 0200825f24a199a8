#include "nn/matrix.h"

#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "kernel/kernel.h"

void tf_matrix_rows(const struct tf_tensor *t, bool turned, size_t first,
                    size_t n, float *dst, float *column)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);
    size_t bytes = t->ld / info->block * info->bytes, i, j;
    size_t cols = turned ? t->dim[0] : t->dim[t->ndim - 1];
    const char *data = t->data;

    if (turned) {
        data += first / info->block * info->bytes;
        for (j = 0; j < cols; j++) {
            info->unpack(column, data + j * bytes, n);
            for (i = 0; i < n; i++)
                dst[i * cols + j] =
                    t->scale ? column[i] * t->scale[j] : column[i];
        }
        return;
    }
    for (i = 0; i < n; i++) {
        info->unpack(dst + i * cols, data + (first + i) * bytes, cols);
        if (t->scale)
            tf_kernels()->scale(dst + i * cols, t->scale[first + i], cols);
    }
}

/* Rows are worked on some at a time, a task each. */
struct job {
    const struct tf_tensor *t;
    bool turned;
    size_t rows, cols;
    size_t step;    /* rows of a task */
    float *scratch; /* [worker][step * (cols + 1)] */
    float *most;
    int8_t *q;            /* NULL: not wanted */
    double (*squares)[2]; /* [task]: of w - w' and of w; or NULL */
};

static void compare(const struct job *job, const float *w, const int8_t *q,
                    float most, double squares[2])
{
    float scale = most / 127, wrong = 0, all = 0;
    size_t i;

    for (i = 0; i < job->cols; i++) {
        float d = w[i] - (float)q[i] * scale;

        wrong += d * d;
        all += w[i] * w[i];
    }
    squares[0] += (double)wrong;
    squares[1] += (double)all;
}

static void run_rows(void *arg, size_t task, int worker)
{
    const struct job *job = arg;
    const struct tf_kernels *k = tf_kernels();
    size_t first = task * job->step, cols = job->cols, i;
    size_t n = job->rows - first < job->step ? job->rows - first : job->step;
    float *w = job->scratch + (size_t)worker * job->step * (cols + 1);

    tf_matrix_rows(job->t, job->turned, first, n, w, w + job->step * cols);
    for (i = first; i < first + n; i++, w += cols) {
        float most = k->largest(w, cols);

        job->most[i] = isfinite(most) ? most : NAN;
        if (!job->q)
            continue;
        k->quantize(job->q + i * cols, w, 0, cols);
        if (job->squares)
            compare(job, w, job->q + i * cols, most, job->squares[task]);
    }
}

int tf_matrix_int8(struct tf_pool *pool, const struct tf_tensor *t, bool turned,
                   int8_t *q, float *most, double *squares, struct tf_err *err)
{
    size_t block = tf_dtype_info(t->dtype)->block, tasks, i;
    struct job job = { .t = t, .turned = turned, .most = most, .q = q };
    int failed;

    job.rows = t->dim[turned ? 1 : 0];
    job.cols = t->dim[turned ? 0 : 1];
    job.step = turned && block > 32 ? block : 32;
    tasks = (job.rows + job.step - 1) / job.step;
    job.scratch = tf_alloc((size_t)tf_pool_threads(pool) * job.step,
                           (job.cols + 1) * sizeof(float), err);
    if (squares) {
        squares[0] = squares[1] = 0;
        job.squares = tf_alloc(tasks, sizeof(job.squares[0]), err);
    }
    failed = !job.scratch || (squares && !job.squares);
    if (!failed) {
        tf_pool_run(pool, tasks, run_rows, &job);
        for (i = 0; squares && i < tasks; i++) {
            squares[0] += job.squares[i][0];
            squares[1] += job.squares[i][1];
        }
    }
    free(job.scratch);
    free(job.squares);
    return failed ? -1 : 0;
}

int tf_matrix_most(struct tf_pool *pool, const struct tf_tensor *t, bool turned,
                   float *most, struct tf_err *err)
{
    return tf_matrix_int8(pool, t, turned, NULL, most, NULL, err);
}

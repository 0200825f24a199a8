#include "convert/merge_tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/gemm.h"
#include "kernel/kernel.h"

/* What a tensor's make() works with. */
struct job {
    struct tf_made base; /* as it was, to float32 */
    struct tf_change change;
    const struct tf_tensor *more; /* of a bias */
    bool turned;
};

/* A tensor's numbers; free() releases. */
static float *numbers(const struct tf_tensor *t, struct tf_err *err)
{
    size_t n = tf_tensor_count(t);
    float *out = tf_alloc(n, sizeof(*out), err);

    if (out)
        tf_dtype_info(t->dtype)->unpack(out, t->data, n);
    return out;
}

/* Scale the rows (columns, when turned) of w [rows][cols] to a magnitude. */
static void scale_to(float *w, size_t rows, size_t cols, bool turned,
                     const float *m)
{
    size_t outs = turned ? cols : rows, ins = turned ? rows : cols;
    size_t step = turned ? cols : 1, next = turned ? 1 : cols;

    for (size_t o = 0; o < outs; o++) {
        float *row = w + o * next;
        double sum = 0;
        float factor;

        for (size_t i = 0; i < ins; i++)
            sum += (double)row[i * step] * (double)row[i * step];
        factor = m[o] / (float)sqrt(sum);
        for (size_t i = 0; i < ins; i++)
            row[i * step] *= factor;
    }
}

static struct tf_mat rows_of(const float *data, size_t ld)
{
    return (struct tf_mat){ data, TF_F32, ld, 1 };
}

static struct tf_mat turned_of(struct tf_mat m)
{
    return (struct tf_mat){ m.data, m.dtype, m.cs, m.rs };
}

/* w [rows][cols] += scale B A, or its transpose */
static int add_product(const struct job *job, float *w, size_t rows,
                       size_t cols, struct tf_err *err)
{
    const struct tf_change *c = &job->change;
    bool turned = job->turned || c->table;
    struct tf_epilogue e = { .alpha = c->scale, .accumulate = true };
    struct tf_gemm g = { .m = rows, .n = cols, .k = c->a->dim[0] };
    float *a = numbers(c->a, err), *b = a ? numbers(c->b, err) : NULL;
    int failed = -1;

    if (b) {
        struct tf_mat ma = rows_of(a, c->a->dim[1]);
        struct tf_mat mb = rows_of(b, c->b->dim[1]);

        g.a = turned ? turned_of(ma) : mb;
        g.b = turned ? turned_of(mb) : ma;
        g.c = w;
        g.ldc = cols;
        g.epilogue = &e;
        failed = tf_gemm(NULL, &g, err);
    }
    free(a);
    free(b);
    return failed;
}

static int make(const struct tf_made *m, void *out, struct tf_err *err)
{
    const struct job *job = m->arg;
    size_t rows = m->to.dim[0], n = tf_tensor_count(&m->to);
    size_t cols = rows ? n / rows : 0;
    float *w = tf_alloc(n, sizeof(*w), err), *other = NULL;
    int failed = !w || tf_made_fill(&job->base, w, err);

    if (!failed && job->more) {
        other = numbers(job->more, err);
        failed = !other;
        for (size_t i = 0; !failed && i < n; i++)
            w[i] += job->change.scale * other[i];
    } else if (!failed) {
        failed = add_product(job, w, rows, cols, err);
    }
    if (!failed && job->change.magnitude) {
        other = numbers(job->change.magnitude, err);
        failed = !other;
        if (!failed)
            scale_to(w, rows, cols, job->turned, other);
    }
    if (!failed)
        tf_pack_floats(m->to.dtype, out, w, n);
    free(w);
    free(other);
    return failed ? -1 : 0;
}

static struct job *begin(struct tf_arena *memory, struct tf_made *m,
                         struct tf_err *err)
{
    struct job *job = tf_arena_alloc(memory, 1, sizeof(*job));

    if (!job) {
        tf_no_memory(err, sizeof(*job));
        return NULL;
    }
    memset(job, 0, sizeof(*job));
    job->base = *m;
    job->base.to.dtype = TF_F32;
    if (m->to.dtype != TF_BF16 && m->to.dtype != TF_F16)
        m->to.dtype = TF_F32;
    return job;
}

static int wrong_shape(const struct tf_made *m, const struct tf_change *c,
                       struct tf_err *err)
{
    return tf_fail(err,
                   "%.200s is [%zu, %zu], which A [%zu, %zu] and B [%zu, %zu] "
                   "do not fit",
                   m->name, m->to.dim[0], m->to.ndim > 1 ? m->to.dim[1] : 1,
                   c->a->dim[0], c->a->dim[1], c->b->dim[0],
                   c->b->ndim > 1 ? c->b->dim[1] : 1);
}

int tf_change_tensor(struct tf_arena *memory, struct tf_made *m,
                     const struct tf_change *change, bool turned,
                     struct tf_err *err)
{
    const struct tf_tensor *a = change->a, *b = change->b;
    size_t rank = a->dim[0], in = a->dim[1], out = b->dim[0];
    struct job *job;

    if (m->to.ndim != 2 || b->ndim != 2 || !rank || b->dim[1] != rank ||
        !tf_dtype_is_float(a->dtype) || !tf_dtype_is_float(b->dtype))
        return wrong_shape(m, change, err);
    /* a head is never turned, whatever the layers are */
    if (turned && in != out && m->to.dim[0] == out && m->to.dim[1] == in)
        turned = false;
    if (m->to.dim[0] != (turned || change->table ? in : out) ||
        m->to.dim[1] != (turned || change->table ? out : in))
        return wrong_shape(m, change, err);
    if (change->magnitude && tf_tensor_count(change->magnitude) != out)
        return tf_fail(err, "%.300s: its magnitudes are %zu, not %zu", m->name,
                       tf_tensor_count(change->magnitude), out);
    job = begin(memory, m, err);
    if (!job)
        return -1;
    job->change = *change;
    job->turned = turned && !change->table;
    m->make = make;
    m->arg = job;
    return 0;
}

int tf_change_bias(struct tf_arena *memory, struct tf_made *m,
                   const struct tf_tensor *more, float scale,
                   struct tf_err *err)
{
    struct job *job;

    if (tf_tensor_count(more) != tf_tensor_count(&m->to) ||
        !tf_dtype_is_float(more->dtype))
        return tf_fail(err, "%.300s: its change has %zu numbers, not %zu",
                       m->name, tf_tensor_count(more), tf_tensor_count(&m->to));
    job = begin(memory, m, err);
    if (!job)
        return -1;
    job->more = more;
    job->change.scale = scale;
    m->make = make;
    m->arg = job;
    return 0;
}

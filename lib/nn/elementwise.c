#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>
#include <string.h>

enum kind { ACT, ACT_MUL, ADD, MUL, SCALE, CLAMP, CLAMPED_GLU };

/* y = f(a, b), row by row; a node of the tape, and the job of its rows */
struct elementwise {
    struct tf_node node;
    enum kind kind;
    struct tf_tensor *a, *b; /* b: NULL where it takes one */
    enum tf_act act;
    float factor; /* of SCALE, of a gate; the bound of CLAMP */
    float most;   /* the bound of a clamped gate */
};

static float clamp(float x, float most)
{
    return fabsf(x) > most ? copysignf(most, x) : x;
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static void clamped_glu(const struct elementwise *e, float *y,
                        const float *gate, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = gate[i] > e->most ? e->most : gate[i];

        y[i] = (clamp(x[i], e->most) + 1) * g * sigmoid(e->factor * g);
    }
}

static void forward_rows(void *arg, size_t first, size_t end)
{
    const struct elementwise *e = arg;
    const struct tf_kernels *k = tf_kernels();
    size_t i, c, n = tf_cols(e->a);

    for (i = first; i < end; i++) {
        const float *a = tf_row(e->a, i), *b = e->b ? tf_row(e->b, i) : NULL;
        float *y = tf_row(e->node.out, i);

        switch (e->kind) {
        case ACT:
            k->act[e->act](y, a, n);
            break;
        case ACT_MUL:
            k->act[e->act](y, a, n);
            k->mul(y, y, b, n);
            break;
        case ADD:
            k->add(y, a, b, n);
            break;
        case MUL:
            k->mul(y, a, b, n);
            break;
        case SCALE:
            for (c = 0; c < n; c++)
                y[c] = a[c] * e->factor;
            break;
        case CLAMP:
            for (c = 0; c < n; c++)
                y[c] = clamp(a[c], e->factor);
            break;
        case CLAMPED_GLU:
            clamped_glu(e, y, a, b, n);
            break;
        }
    }
}

/* The gradients of a and b that the node adds to, or NULL. */
struct back_job {
    const struct elementwise *e;
    float *da, *db;
};

enum { PIECE = 256 };

/* da += dy act'(a) [b], db += dy act(a), for at most PIECE elements */
static void act_back(const struct elementwise *e, float *da, float *db,
                     const float *dy, const float *a, const float *b, size_t n)
{
    const struct tf_kernels *k = tf_kernels();
    float t[PIECE];

    if (da) {
        k->act_back[e->act](t, dy, a, n);
        if (b)
            k->mul(t, t, b, n);
        k->add(da, da, t, n);
    }
    if (db) {
        k->act[e->act](t, a, n);
        k->mul(t, t, dy, n);
        k->add(db, db, t, n);
    }
}

static void mul_back(float *da, float *db, const float *dy, const float *a,
                     const float *b, size_t n)
{
    size_t i;

    for (i = 0; i < n && da; i++)
        da[i] += dy[i] * b[i];
    for (i = 0; i < n && db; i++)
        db[i] += dy[i] * a[i];
}

static void clamp_back(float *da, const float *dy, const float *a, float most,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabsf(a[i]) <= most)
            da[i] += dy[i];
}

static void glu_back(const struct elementwise *e, float *da, float *db,
                     const float *dy, const float *gate, const float *x,
                     size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = gate[i] > e->most ? e->most : gate[i];
        float share = sigmoid(e->factor * g);

        if (da && gate[i] <= e->most)
            da[i] += dy[i] * (clamp(x[i], e->most) + 1) * share *
                     (1 + e->factor * g * (1 - share));
        if (db && fabsf(x[i]) <= e->most)
            db[i] += dy[i] * g * share;
    }
}

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct back_job *job = arg;
    const struct elementwise *e = job->e;
    const struct tf_tensor *out = e->node.out;
    size_t i, c, n, cols = tf_cols(e->a);

    for (i = first; i < end; i++)
        for (c = 0; c < cols; c += n) {
            const float *dy = out->grad + i * out->ld + c;
            const float *a = tf_row(e->a, i) + c;
            const float *b = e->b ? tf_row(e->b, i) + c : NULL;
            float *da = job->da ? job->da + i * e->a->ld + c : NULL;
            float *db = job->db ? job->db + i * e->b->ld + c : NULL;

            n = cols - c < PIECE ? cols - c : PIECE;
            if (e->kind == MUL)
                mul_back(da, db, dy, a, b, n);
            else if (e->kind == SCALE)
                tf_kernels()->axpy(da, e->factor, dy, n);
            else if (e->kind == CLAMP)
                clamp_back(da, dy, a, e->factor, n);
            else if (e->kind == CLAMPED_GLU)
                glu_back(e, da, db, dy, a, b, n);
            else
                act_back(e, da, db, dy, a, b, n);
        }
}

static void elementwise_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct elementwise *e = (struct elementwise *)node;
    struct back_job job = { .e = e };

    if (e->kind == ADD) {
        tf_grad_pass(ctx, node, e->a);
        tf_grad_pass(ctx, node, e->b);
        return;
    }
    job.da = tf_grad(ctx, e->a);
    job.db = e->b ? tf_grad(ctx, e->b) : NULL;
    if (job.da || job.db)
        tf_rows_run(ctx, tf_tensor_rows(e->a), tf_cols(e->a), back_rows, &job);
}

static struct tf_tensor *run(struct tf_ctx *ctx, const struct elementwise *e)
{
    struct elementwise job = *e, *n;
    struct tf_tensor *y;

    y = tf_new(ctx, tf_tensor_rows(e->a), tf_cols(e->a));
    if (!y)
        return NULL;
    job.node.out = y;
    tf_rows_run(ctx, y->dim[0], y->dim[1], forward_rows, &job);
    n = tf_record(ctx, sizeof(*n), y,
                  tf_wants_grad(e->a) || tf_wants_grad(e->b), elementwise_back);
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : y;
}

struct tf_tensor *tf_act(struct tf_ctx *ctx, struct tf_tensor *x,
                         enum tf_act act)
{
    struct elementwise e = { .kind = ACT, .a = x, .act = act };

    return x && act != TF_ACT_NONE ? run(ctx, &e) : x;
}

struct tf_tensor *tf_act_mul(struct tf_ctx *ctx, struct tf_tensor *gate,
                             struct tf_tensor *x, enum tf_act act)
{
    struct elementwise e = { .kind = ACT_MUL, .a = gate, .b = x, .act = act };

    return gate && x ? run(ctx, &e) : NULL;
}

struct tf_tensor *tf_add(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b)
{
    struct elementwise e = { .kind = ADD, .a = a, .b = b };

    return a && b ? run(ctx, &e) : NULL;
}

struct tf_tensor *tf_mul(struct tf_ctx *ctx, struct tf_tensor *a,
                         struct tf_tensor *b)
{
    struct elementwise e = { .kind = MUL, .a = a, .b = b };

    return a && b ? run(ctx, &e) : NULL;
}

struct tf_tensor *tf_scale(struct tf_ctx *ctx, struct tf_tensor *x, float a)
{
    struct elementwise e = { .kind = SCALE, .a = x, .factor = a };

    return x ? run(ctx, &e) : NULL;
}

struct tf_tensor *tf_clamp(struct tf_ctx *ctx, struct tf_tensor *x, float most)
{
    struct elementwise e = { .kind = CLAMP, .a = x, .factor = most };

    return x ? run(ctx, &e) : NULL;
}

struct tf_tensor *tf_clamped_glu(struct tf_ctx *ctx, struct tf_tensor *gate,
                                 struct tf_tensor *x, float alpha, float most)
{
    struct elementwise e = { .kind = CLAMPED_GLU, .a = gate, .b = x };

    e.factor = alpha;
    e.most = most;
    return gate && x ? run(ctx, &e) : NULL;
}

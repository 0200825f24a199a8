#include "nn/linear.h"
#include "nn/loss.h"
#include "nn/rows.h"

#include <string.h>

/* 32 MB of logits at a time, but enough rows that reading the weight for them
 * costs less than their products */
enum { LOGITS = 8 << 20, ROWS = 32 };

enum { PIECE = 512 };

/* The rows that have a label, chunk by chunk. */
struct head {
    struct tf_tensor *x;
    struct tf_weight *w;
    struct tf_loss spec;
    size_t count;
    int32_t *rows, *labels; /* [count] */
    float *parts;           /* [count]: of the loss */
    bool back;              /* gradients are wanted */
    float *dx;              /* [count][in], or NULL */

    size_t first, n; /* the chunk */
    float *xs;       /* [n][in] */
    float *z;        /* [n][V]: logits, then their gradients */
};

/* One row of logits becomes scaled and capped. */
static void shape_logits(const struct tf_loss *spec, float *z, size_t n)
{
    const struct tf_kernels *k = tf_kernels();

    if (spec->soft_cap > 0) {
        k->scale(z, spec->scale / spec->soft_cap, n);
        k->act[TF_ACT_TANH](z, z, n);
        k->scale(z, spec->soft_cap, n);
    } else if (spec->scale != 1) {
        k->scale(z, spec->scale, n);
    }
}

/* Shaped logits become the gradients of the raw ones. */
static void row_back(const struct tf_loss *spec, float *z, size_t n,
                     size_t label, float lse)
{
    float factor = spec->scale / spec->denominator, slope[PIECE];
    size_t c, i, len;

    for (c = 0; c < n; c += len, z += len) {
        len = n - c < PIECE ? n - c : PIECE;
        for (i = 0; i < len && spec->soft_cap > 0; i++)
            slope[i] = 1 - z[i] / spec->soft_cap * (z[i] / spec->soft_cap);
        tf_label_grad(z, z, len, n, label - c, lse, spec->smoothing, factor);
        if (spec->soft_cap > 0)
            tf_kernels()->mul(z, z, slope, len);
    }
}

static void label_rows(void *arg, size_t first, size_t end)
{
    const struct head *h = arg;
    size_t v = h->w->out, i;

    for (i = first; i < end; i++) {
        float *z = h->z + i * v, lse;
        int32_t label = h->labels[h->first + i];

        shape_logits(&h->spec, z, v);
        lse = tf_log_sum_exp(z, v);
        h->parts[h->first + i] =
            tf_label_loss(z, v, label, lse, h->spec.smoothing);
        if (h->back)
            row_back(&h->spec, z, v, (size_t)label, lse);
    }
}

static void run_chunk(struct tf_ctx *ctx, struct head *h)
{
    size_t in = h->w->in, v = h->w->out, i;
    struct tf_epilogue e = { .bias = h->w->bias.data };
    struct tf_gemm g = { .m = h->n, .n = v, .k = in, .epilogue = &e };
    struct tf_mat dz = tf_rows_mat(h->z, v);

    for (i = 0; i < h->n; i++)
        memcpy(h->xs + i * in, tf_row(h->x, (size_t)h->rows[h->first + i]),
               in * sizeof(float));
    g.a = tf_rows_mat(h->xs, in);
    g.b = tf_weight_mat(h->w);
    g.c = h->z;
    g.ldc = v;
    tf_product(ctx, &g);
    if (ctx->failed)
        return;
    tf_rows_run(ctx, h->n, v, label_rows, h);
    if (!h->back)
        return;
    if (h->dx)
        tf_back_to_input(ctx, h->w, dz, h->dx + h->first * in, in, h->n, false);
    tf_back_to_weight(ctx, h->w, dz, g.a, h->n);
    tf_back_to_bias(ctx, &h->w->bias, h->z, v, h->n);
}

/* On the tape there is only what goes to x. */
struct head_node {
    struct tf_node node;
    struct tf_tensor *x;
    const int32_t *rows;
    size_t count;
    const float *dx;
};

static void head_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct head_node *n = (struct head_node *)node;
    float *grad = tf_grad(ctx, n->x);
    size_t in = tf_cols(n->x), i;

    if (*node->out->grad != 1.0f) {
        tf_fail(ctx->err,
                "the loss of a head was scaled by %g after its "
                "gradient was made",
                (double)*node->out->grad);
        ctx->failed = true;
        return;
    }
    for (i = 0; grad && i < n->count; i++) {
        float *dx = grad + (size_t)n->rows[i] * n->x->ld;

        tf_kernels()->add(dx, dx, n->dx + i * in, in);
    }
}

/* The rows that count, and all that lives as long as the loss. */
static bool prepare(struct tf_ctx *ctx, struct head *h, const int32_t *labels,
                    const struct tf_loss *spec)
{
    bool recording = ctx->tape && !ctx->tape->paused;
    size_t rows = tf_tensor_rows(h->x), i;

    h->count = tf_count_labels(labels, rows);
    h->spec = *spec;
    if (h->spec.scale == 0)
        h->spec.scale = 1;
    if (h->spec.denominator <= 0)
        h->spec.denominator = (float)h->count;
    h->rows = tf_scratch(ctx, h->count, sizeof(*h->rows));
    h->labels = tf_scratch(ctx, h->count, sizeof(*h->labels));
    h->parts = tf_scratch(ctx, h->count, sizeof(*h->parts));
    if (recording && tf_wants_grad(h->x))
        h->dx = tf_scratch(ctx, h->count * h->w->in, sizeof(float));
    h->back = recording &&
              (h->dx || tf_wants_grad(&h->w->w) || tf_wants_grad(&h->w->bias));
    if (ctx->failed)
        return false;
    h->count = 0;
    for (i = 0; i < rows; i++)
        if (labels[i] != TF_IGNORE) {
            h->rows[h->count] = (int32_t)i;
            h->labels[h->count++] = labels[i];
        }
    return true;
}

static void run_chunks(struct tf_ctx *ctx, struct head *h)
{
    struct tf_arena_mark mark = tf_arena_mark(ctx->arena);
    size_t chunk = LOGITS / h->w->out;

    chunk = chunk < ROWS ? ROWS : chunk;
    chunk = chunk < h->count ? chunk : h->count;
    h->xs = tf_scratch(ctx, chunk * h->w->in, sizeof(float));
    h->z = tf_scratch(ctx, chunk * h->w->out, sizeof(float));
    for (; h->first < h->count && !ctx->failed; h->first += h->n) {
        h->n = h->count - h->first < chunk ? h->count - h->first : chunk;
        run_chunk(ctx, h);
    }
    tf_arena_rewind(ctx->arena, mark);
}

/* With adapters the logits are made whole, by the ops that know them. */
static struct tf_tensor *adapted(struct tf_ctx *ctx, struct tf_tensor *x,
                                 struct tf_weight *w, const int32_t *labels,
                                 const struct tf_loss *spec)
{
    struct tf_tensor *z = tf_linear(ctx, x, w, TF_ACT_NONE, NULL);
    float scale = spec->scale != 0 ? spec->scale : 1;

    if (spec->soft_cap > 0) {
        z = tf_act(ctx, tf_scale(ctx, z, scale / spec->soft_cap), TF_ACT_TANH);
        scale = spec->soft_cap;
    }
    if (scale != 1)
        z = tf_scale(ctx, z, scale);
    return tf_cross_entropy(ctx, z, labels, spec);
}

struct tf_tensor *tf_linear_cross_entropy(struct tf_ctx *ctx,
                                          struct tf_tensor *x,
                                          struct tf_weight *w,
                                          const int32_t *labels,
                                          const struct tf_loss *spec)
{
    struct head h = { .x = x, .w = w };
    struct tf_tensor *loss;
    struct head_node *n;

    if (w->adapters)
        return adapted(ctx, x, w, labels, spec);
    if (!x || !prepare(ctx, &h, labels, spec))
        return NULL;
    run_chunks(ctx, &h);
    loss = ctx->failed ? NULL
                       : tf_loss_sum(ctx, h.parts, h.count, &h.spec.denominator,
                                     h.count);
    if (!loss)
        return NULL;
    n = tf_record(ctx, sizeof(*n), loss, h.dx != NULL, head_back);
    if (n) {
        n->x = x;
        n->rows = h.rows;
        n->count = h.count;
        n->dx = h.dx;
    }
    return ctx->failed ? NULL : loss;
}

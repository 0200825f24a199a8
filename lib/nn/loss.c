#include "nn/loss.h"

#include "nn/record.h"
#include "nn/rows.h"

#include <math.h>

enum { PIECE = 512 };

float tf_log_sum_exp(const float *z, size_t n)
{
    float piece[PIECE], max = -INFINITY, old, part;
    double sum = 0;
    size_t i, len;

    for (i = 0; i < n; i += len) {
        len = n - i < PIECE ? n - i : PIECE;
        old = max;
        part = tf_kernels()->exp_sum(piece, z + i, 1, &max, len);
        if (sum > 0)
            sum *= exp((double)(old - max));
        sum += (double)part;
    }
    return max + (float)log(sum);
}

float tf_label_loss(const float *z, size_t n, int32_t label, float lse,
                    float smoothing)
{
    float loss = lse - z[label];
    double sum = 0;
    size_t i;

    if (smoothing <= 0)
        return loss;
    for (i = 0; i < n; i++)
        sum += (double)z[i];
    return (1 - smoothing) * loss +
           smoothing * (lse - (float)(sum / (double)n));
}

void tf_label_grad(float *dz, const float *z, size_t len, size_t n,
                   size_t label, float lse, float smoothing, float factor)
{
    float uniform = smoothing / (float)n;
    size_t i;

    tf_kernels()->exp_sum(dz, z, 1, &lse, len);
    for (i = 0; i < len; i++)
        dz[i] = (dz[i] - uniform) * factor;
    if (label < len)
        dz[label] -= (1 - smoothing) * factor;
}

size_t tf_count_labels(const int32_t *labels, size_t n)
{
    size_t count = 0, i;

    for (i = 0; i < n; i++)
        count += labels[i] != TF_IGNORE;
    return count;
}

struct tf_tensor *tf_loss_sum(struct tf_ctx *ctx, const float *parts, size_t n,
                              float *denominator, size_t count)
{
    struct tf_tensor *loss = tf_new(ctx, 1, 1);
    double sum = 0;
    size_t i;

    if (!loss)
        return NULL;
    if (*denominator <= 0)
        *denominator = (float)count;
    for (i = 0; i < n; i++)
        sum += (double)parts[i];
    *(float *)loss->data = (float)(sum / (double)*denominator);
    return loss;
}

enum kind { LABELS, BINARY, SQUARED };

/* A loss of logits that are there: a node, and the job of its rows. */
struct loss_node {
    struct tf_node node;
    enum kind kind;
    struct tf_tensor *x;
    const int32_t *labels; /* LABELS: [T] */
    const float *targets;  /* else: [T][K] */
    struct tf_loss spec;
    float *lse;   /* LABELS: [T] */
    float *parts; /* of the loss: [T] */
    float *grad;  /* of x */
    float factor; /* of the gradient */
};

/* log(1 + exp(z)) - z target, with max(z, 0) + log(1 + exp(-|z|)) for the
 * first term */
static float binary_loss(float z, float target)
{
    return (z > 0 ? z : 0) + log1pf(expf(-fabsf(z))) - z * target;
}

static float target_loss(enum kind kind, const float *z, const float *target,
                         size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        if (kind == BINARY)
            sum += (double)binary_loss(z[i], target[i]);
        else
            sum += (double)((z[i] - target[i]) * (z[i] - target[i]));
    return (float)sum;
}

static void loss_rows(void *arg, size_t first, size_t end)
{
    const struct loss_node *l = arg;
    size_t i, n = tf_cols(l->x);

    for (i = first; i < end; i++) {
        const float *z = tf_row(l->x, i);

        if (l->kind != LABELS) {
            l->parts[i] = target_loss(l->kind, z, l->targets + i * n, n);
            continue;
        }
        l->lse[i] = tf_log_sum_exp(z, n);
        l->parts[i] = l->labels[i] == TF_IGNORE
                          ? 0
                          : tf_label_loss(z, n, l->labels[i], l->lse[i],
                                          l->spec.smoothing);
    }
}

static void label_row_back(const struct loss_node *l, size_t i)
{
    const float *z = tf_row(l->x, i);
    float *dz = l->grad + i * l->x->ld, piece[PIECE];
    size_t n = tf_cols(l->x), c, len;

    if (l->labels[i] == TF_IGNORE)
        return;
    for (c = 0; c < n; c += len) {
        len = n - c < PIECE ? n - c : PIECE;
        tf_label_grad(piece, z + c, len, n, (size_t)l->labels[i] - c, l->lse[i],
                      l->spec.smoothing, l->factor);
        tf_kernels()->add(dz + c, dz + c, piece, len);
    }
}

static void target_row_back(const struct loss_node *l, size_t i)
{
    const float *z = tf_row(l->x, i), *target;
    float *dz = l->grad + i * l->x->ld;
    size_t n = tf_cols(l->x), c;

    target = l->targets + i * n;
    for (c = 0; c < n; c++)
        if (l->kind == BINARY)
            dz[c] += (1 / (1 + expf(-z[c])) - target[c]) * l->factor;
        else
            dz[c] += 2 * (z[c] - target[c]) * l->factor;
}

static void back_rows(void *arg, size_t first, size_t end)
{
    const struct loss_node *l = arg;
    size_t i;

    for (i = first; i < end; i++)
        if (l->kind == LABELS)
            label_row_back(l, i);
        else
            target_row_back(l, i);
}

static void loss_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct loss_node *l = (struct loss_node *)node;

    l->grad = tf_grad(ctx, l->x);
    l->factor = *node->out->grad / l->spec.denominator;
    if (l->grad)
        tf_rows_run(ctx, tf_tensor_rows(l->x), tf_cols(l->x), back_rows, l);
}

static struct tf_tensor *run(struct tf_ctx *ctx, struct loss_node *l,
                             const struct tf_loss *spec)
{
    size_t rows = tf_tensor_rows(l->x), count = rows * tf_cols(l->x);
    struct loss_node *n;
    struct tf_tensor *loss;

    l->spec = *spec;
    l->parts = tf_scratch(ctx, rows, sizeof(float));
    l->lse = tf_scratch(ctx, rows, sizeof(float));
    if (ctx->failed)
        return NULL;
    tf_rows_run(ctx, rows, tf_cols(l->x), loss_rows, l);
    if (l->kind == LABELS)
        count = tf_count_labels(l->labels, rows);
    loss = tf_loss_sum(ctx, l->parts, rows, &l->spec.denominator, count);
    if (!loss)
        return NULL;
    n = tf_record(ctx, sizeof(*n), loss, tf_wants_grad(l->x), loss_back);
    if (n) {
        l->node = n->node;
        *n = *l;
    }
    return ctx->failed ? NULL : loss;
}

struct tf_tensor *tf_cross_entropy(struct tf_ctx *ctx, struct tf_tensor *logits,
                                   const int32_t *labels,
                                   const struct tf_loss *spec)
{
    struct loss_node l = { .kind = LABELS, .x = logits, .labels = labels };

    return logits ? run(ctx, &l, spec) : NULL;
}

struct tf_tensor *tf_binary_cross_entropy(struct tf_ctx *ctx,
                                          struct tf_tensor *logits,
                                          const float *targets,
                                          const struct tf_loss *spec)
{
    struct loss_node l = { .kind = BINARY, .x = logits, .targets = targets };

    return logits ? run(ctx, &l, spec) : NULL;
}

struct tf_tensor *tf_squared_error(struct tf_ctx *ctx, struct tf_tensor *x,
                                   const float *targets,
                                   const struct tf_loss *spec)
{
    struct loss_node l = { .kind = SQUARED, .x = x, .targets = targets };

    return x ? run(ctx, &l, spec) : NULL;
}

#include "nn/loss.h"
#include "nn/record.h"
#include "nn/rows.h"

struct span_node {
    struct tf_node node;
    struct tf_tensor *x;
    size_t column;
    const size_t *start;
    const int32_t *labels;
    struct tf_loss spec;
    size_t count; /* of sequences */
    float *z;     /* [T]: the column */
    float *lse;   /* [count] */
};

static void span_back(struct tf_ctx *ctx, struct tf_node *node)
{
    struct span_node *n = (struct span_node *)node;
    float *grad = tf_grad(ctx, n->x);
    size_t s, i;

    if (!grad)
        return;
    for (s = 0; s < n->count; s++) {
        size_t first = n->start[s], len = n->start[s + 1] - first;

        if (n->labels[s] == TF_IGNORE)
            continue;
        tf_label_grad(n->z + first, n->z + first, len, len,
                      (size_t)n->labels[s], n->lse[s], n->spec.smoothing,
                      *node->out->grad / n->spec.denominator);
        for (i = first; i < first + len; i++)
            grad[i * n->x->ld + n->column] += n->z[i];
    }
}

static void fill(struct span_node *n, const struct tf_seqs *seqs, float *parts)
{
    size_t s, i;

    for (i = 0; i < tf_tensor_rows(n->x); i++)
        n->z[i] = tf_row(n->x, i)[n->column];
    for (s = 0; s < seqs->count; s++) {
        const float *z = n->z + seqs->start[s];
        size_t len = seqs->start[s + 1] - seqs->start[s];

        parts[s] = 0;
        if (n->labels[s] == TF_IGNORE)
            continue;
        n->lse[s] = tf_log_sum_exp(z, len);
        parts[s] =
            tf_label_loss(z, len, n->labels[s], n->lse[s], n->spec.smoothing);
    }
}

struct tf_tensor *tf_span_cross_entropy(struct tf_ctx *ctx, struct tf_tensor *x,
                                        size_t column,
                                        const struct tf_seqs *seqs,
                                        const int32_t *labels,
                                        const struct tf_loss *spec)
{
    struct span_node job = { .x = x, .column = column, .labels = labels }, *n;
    struct tf_tensor *loss;
    float *parts;

    if (!x)
        return NULL;
    job.start = seqs->start;
    job.count = seqs->count;
    job.spec = *spec;
    job.z = tf_scratch(ctx, tf_tensor_rows(x), sizeof(float));
    job.lse = tf_scratch(ctx, seqs->count, sizeof(float));
    parts = tf_scratch(ctx, seqs->count, sizeof(float));
    if (ctx->failed)
        return NULL;
    fill(&job, seqs, parts);
    loss = tf_loss_sum(ctx, parts, seqs->count, &job.spec.denominator,
                       tf_count_labels(labels, seqs->count));
    n = loss ? tf_record(ctx, sizeof(*n), loss, tf_wants_grad(x), span_back)
             : NULL;
    if (n) {
        job.node = n->node;
        *n = job;
    }
    return ctx->failed ? NULL : loss;
}

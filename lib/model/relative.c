#include "model/relative.h"

#include <string.h>
#include "model/bind_grouped.h"

int tf_relative_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                     struct tf_place at, struct tf_bind *bind,
                     struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    size_t h = spec->heads, d = spec->head_size;

    if (tf_bind_head_row(bind, &layer->content_bias, n->content_bias, at, h, d,
                         err) ||
        tf_bind_head_row(bind, &layer->place_bias, n->place_bias, at, h, d,
                         err))
        return -1;
    /* of no use here, but saved with the others */
    if (!bind->params || bind->adapters)
        return 0;
    return (n->segment_bias &&
            tf_bind_head_row(bind, &layer->segment_bias, n->segment_bias, at, h,
                             d, err)) ||
           (n->segments && tf_bind_segments(bind, &layer->segments, n->segments,
                                            at, h, d, err));
}

/* n rows of v - u. */
static struct tf_tensor *differences(struct tf_ctx *ctx, struct tf_layer *layer,
                                     size_t n)
{
    int32_t *first = tf_scratch(ctx, n, sizeof(*first));
    struct tf_tensor *x;

    if (!first)
        return NULL;
    memset(first, 0, n * sizeof(*first));
    x = tf_embedding(ctx, &layer->place_bias, first, n, 1, NULL);
    return x ? tf_embedding(ctx, &layer->content_bias, first, n, -1, x) : NULL;
}

/* The weight that adds up each head's columns, times `scale`. */
static struct tf_weight *sum_heads(struct tf_ctx *ctx, size_t heads,
                                   size_t size, float scale)
{
    struct tf_weight *w = tf_scratch(ctx, 1, sizeof(*w));
    struct tf_tensor *ones = tf_new(ctx, heads, heads * size);
    float *data;

    if (!w || !ones)
        return NULL;
    data = ones->data;
    memset(data, 0, tf_tensor_bytes(ones));
    for (size_t h = 0; h < heads; h++)
        for (size_t c = 0; c < size; c++)
            data[(h * heads + h) * size + c] = scale;
    *w = (struct tf_weight){ .name = "heads", .in = heads * size };
    w->out = heads;
    w->w = *ones;
    return w;
}

void tf_relative_add(struct tf_run *run, struct tf_layer *layer,
                     struct tf_tensor *q, struct tf_attention *spec)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    size_t n = q ? q->dim[0] : 0;
    int32_t *first = q ? tf_scratch(ctx, n, sizeof(*first)) : NULL;
    struct tf_weight *sum = sum_heads(ctx, s->heads, s->head_size, spec->scale);

    if (!first || !sum || !spec->c2p)
        return;
    memset(first, 0, n * sizeof(*first));
    tf_embedding(ctx, &layer->content_bias, first, n, 1, q);
    ctx->records = NULL;
    spec->bias = tf_linear(
        ctx, tf_mul(ctx, spec->c2p, differences(ctx, layer, spec->c2p->dim[0])),
        sum, TF_ACT_NONE, NULL);
    ctx->records = &run->batch->seqs;
}

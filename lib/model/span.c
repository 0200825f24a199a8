#include "model/span.h"

#include <string.h>
#include "model/bind_grouped.h"

static int bind_keys(struct tf_span *span, const struct tf_stack_spec *spec,
                     struct tf_place at, struct tf_bind *bind,
                     struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    struct tf_grouped point = { .out = spec->heads * spec->head_size,
                                .in = spec->width,
                                .groups = 1,
                                .conv = true };

    return tf_bind_depthwise(bind, &span->depthwise, n->span_depthwise, at,
                             spec->width, spec->conv_kernel, err) ||
           tf_bind_grouped(bind, &span->pointwise, n->span_pointwise, at,
                           &point, err) ||
           tf_bind_numbers(bind, &span->pointwise.bias, n->span_bias, at, "",
                           point.out, 1, err);
}

int tf_span_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                 struct tf_place at, struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    size_t all = spec->heads * spec->head_size;
    struct tf_span *span = tf_arena_alloc(bind->memory, 1, sizeof(*span));

    if (!span)
        return tf_no_memory(err, sizeof(*span));
    memset(span, 0, sizeof(*span));
    if (!n->span_depthwise || !n->span_pointwise || !n->span_bias ||
        !n->span_kernel || !n->span_out)
        return tf_fail(err, "names: not all of span_depthwise, "
                            "span_pointwise, span_bias, span_kernel and "
                            "span_out are given");
    if (bind_keys(span, spec, at, bind, err) ||
        tf_bind_weight(bind, &span->kernel, n->span_kernel, at,
                       spec->heads * spec->conv_kernel, all,
                       spec->attention_bias, false, err) ||
        tf_bind_weight(bind, &span->out, n->span_out, at, all, spec->width,
                       spec->attention_bias, false, err))
        return -1;
    layer->span = span;
    return 0;
}

struct tf_tensor *tf_span_run(struct tf_run *run, struct tf_layer *layer,
                              struct tf_tensor *x, struct tf_tensor *q)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_seqs *seqs = &run->batch->seqs;
    struct tf_span *span = layer->span;
    struct tf_tensor *k, *taps;

    k = tf_depthwise_conv(ctx, x, seqs, &span->depthwise);
    k = tf_linear(ctx, k, &span->pointwise, TF_ACT_NONE, NULL);
    taps = tf_linear(ctx, tf_mul(ctx, k, q), &span->kernel, TF_ACT_NONE, NULL);
    x = tf_linear(ctx, x, &span->out, TF_ACT_NONE, NULL);
    return tf_dynamic_conv(ctx, x, seqs, taps, run->stack->spec->heads);
}

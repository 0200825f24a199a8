#include "model/heads.h"

#include <stdio.h>
#include <string.h>

static int bind_out(struct tf_head *head, struct tf_stack *stack,
                    size_t outputs, size_t in, struct tf_bind *bind,
                    struct tf_err *err)
{
    const struct tf_head_spec *s = head->spec;
    struct tf_place none = { 0 };
    bool own_bias = s->bias && !s->out_bias;

    if (!s->tied || tf_bind_has(bind, s->out)) {
        if (tf_bind_weight(bind, &head->out, s->out, none, outputs, in,
                           own_bias, false, err))
            return -1;
    } else {
        /* the table of tokens once more */
        head->out.name = s->out;
        head->out.in = in;
        head->out.out = outputs;
        head->out.w = stack->tokens;
        head->out.w.base = &stack->tokens;
        if (stack->tokens.dim[1] != in)
            return tf_fail(err,
                           "%s is tied to embeddings of a width of %zu, its "
                           "input has %zu",
                           s->out, stack->tokens.dim[1], in);
        if (own_bias && tf_bind_vector(bind, &head->out.bias, s->out, none,
                                       ".bias", outputs, err))
            return -1;
    }
    return s->bias && s->out_bias
               ? tf_bind_vector(bind, &head->out.bias, s->out_bias, none, "",
                                outputs, err)
               : 0;
}

int tf_head_bind(struct tf_head *head, const struct tf_head_spec *spec,
                 struct tf_stack *stack, size_t outputs, struct tf_bind *bind,
                 struct tf_err *err)
{
    const struct tf_stack_spec *s = stack->spec;
    struct tf_place none = { 0 };
    size_t in = stack->output_projection.w.data ? s->embedding_width : s->width;

    head->spec = spec;
    if (spec->dense) {
        size_t width = spec->to_embedding ? s->embedding_width : in;

        if (tf_bind_weight(bind, &head->dense, spec->dense, none, width, in,
                           spec->dense_bias, false, err))
            return -1;
        in = width;
    }
    if (spec->norm) {
        head->norm.kind = s->norm;
        head->norm.eps = (float)s->norm_eps;
        head->norm.w_offset = (float)s->norm_offset;
        if (tf_bind_vector(bind, &head->norm.w, spec->norm, none, ".weight", in,
                           err) ||
            (s->norm_bias && tf_bind_vector(bind, &head->norm.b, spec->norm,
                                            none, ".bias", in, err)))
            return -1;
    }
    return bind_out(head, stack, outputs, in, bind, err);
}

enum tf_rows tf_head_rows(const struct tf_head *head)
{
    switch (head->spec->pool) {
    case TF_POOL_FIRST:
        return TF_ROWS_FIRST;
    case TF_POOL_LAST:
        return TF_ROWS_LAST;
    default:
        return TF_ROWS_ALL;
    }
}

struct tf_tensor *tf_head_run(struct tf_ctx *ctx, struct tf_head *head,
                              struct tf_tensor *x, const struct tf_batch *batch)
{
    const struct tf_head_spec *s = head->spec;

    if (s->pool == TF_POOL_MEAN)
        x = tf_mean_rows(ctx, x, &batch->seqs);
    if (head->dense.w.data)
        x = tf_linear(ctx, x, &head->dense, s->act, NULL);
    x = tf_norm(ctx, x, head->norm.w.data ? &head->norm : NULL);
    x = tf_linear(ctx, x, &head->out, TF_ACT_NONE, NULL);
    if (s->scale != 1)
        x = tf_scale(ctx, x, (float)s->scale);
    if (s->soft_cap > 0) {
        x = tf_act(ctx, tf_scale(ctx, x, (float)(1 / s->soft_cap)),
                   TF_ACT_TANH);
        x = tf_scale(ctx, x, (float)s->soft_cap);
    }
    return x;
}

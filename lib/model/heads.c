#include "model/heads.h"

#include <math.h>
#include "model/adapter.h"

/* Where an adapter has the table of tokens whole, or it is trained with one, a
 * head tied to it stays the base's own, as in PEFT. */
static int untie(struct tf_tensor *w, struct tf_stack *stack,
                 struct tf_bind *bind, struct tf_err *err)
{
    const char *tokens = stack->spec->names.tokens;
    struct tf_bind plain = *bind;
    struct tf_place none = { 0 };
    char name[TF_NAME_MAX];

    plain.adapters = NULL;
    plain.params = NULL;
    if (!stack->tokens.needs_grad &&
        tf_bind_find(bind, tokens, none, ".weight", name, sizeof(name)) ==
            tf_bind_find(&plain, tokens, none, ".weight", name, sizeof(name)))
        return 0;
    return tf_bind_table(&plain, w, tokens, stack->tokens.dim[0],
                         stack->tokens.dim[1], err);
}

static int bind_out(struct tf_head *head, struct tf_stack *stack,
                    size_t outputs, size_t in, struct tf_bind *bind,
                    struct tf_err *err)
{
    const struct tf_head_spec *s = head->spec;
    struct tf_place none = { 0 };
    bool own_bias = s->bias && !s->out_bias;

    bind->linear = false; /* "all-linear" leaves the last product out */
    if (!s->tied || tf_bind_has(bind, s->out, ".weight")) {
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
        if (bind->adapters && untie(&head->out.w, stack, bind, err))
            return -1;
        if (stack->tokens.dim[1] != in)
            return tf_fail(err,
                           "%s is tied to embeddings of a width of %zu, its "
                           "input has %zu",
                           s->out, stack->tokens.dim[1], in);
        if (bind->adapters &&
            tf_adapters_attach(bind, &head->out, s->out, none, NULL, err))
            return -1;
        if (own_bias && tf_bind_vector(bind, &head->out.bias, s->out, none,
                                       ".bias", outputs, err))
            return -1;
    }
    if (!s->bias || !s->out_bias ||
        (s->bias_optional && !tf_bind_has(bind, s->out_bias, "")))
        return 0;
    if (tf_bind_vector(bind, &head->out.bias, s->out_bias, none, "", outputs,
                       err))
        return -1;
    /* BART's final_logits_bias is a buffer */
    if (bind->params && s->bias_optional)
        tf_parameters_keep(bind->params, &head->out.bias);
    return 0;
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
        size_t width = spec->width          ? spec->width
                       : spec->to_embedding ? s->embedding_width
                                            : in;

        bind->inside = spec->dense_in_base;
        if (tf_bind_weight(bind, &head->dense, spec->dense, none, width, in,
                           spec->dense_bias, false, err))
            return -1;
        bind->inside = false;
        in = width;
    }
    if (spec->norm) {
        head->norm.kind = spec->layer_norm ? TF_LAYER_NORM : s->norm;
        head->norm.eps =
            (float)(spec->norm_eps > 0 ? spec->norm_eps : s->norm_eps);
        head->norm.w_offset = (float)s->norm_offset;
        if (tf_bind_vector(bind, &head->norm.w, spec->norm, none, ".weight", in,
                           err) ||
            (s->norm_bias && tf_bind_vector(bind, &head->norm.b, spec->norm,
                                            none, ".bias", in, err)))
            return -1;
    }
    if (spec->out_rest && in > s->embedding_width) {
        bind->linear = false;
        if (tf_bind_weight(bind, &head->rest, spec->out_rest, none, outputs,
                           in - s->embedding_width, false, true, err))
            return -1;
        in = s->embedding_width;
    }
    return bind_out(head, stack, outputs, in, bind, err);
}

/* The last token of ids[first, end) that is `id`, or that is not; `first` when
 * there is none. */
static size_t last_of(const int32_t *ids, size_t first, size_t end, int32_t id,
                      bool same)
{
    while (end-- > first)
        if ((ids[end] == id) == same)
            return end;
    return first;
}

enum tf_rows tf_head_rows(struct tf_ctx *ctx, const struct tf_head *head,
                          const struct tf_seqs *seqs, const int32_t *ids,
                          const int32_t **picked)
{
    bool eos = head->spec->pool == TF_POOL_EOS;
    int32_t *rows;

    *picked = NULL;
    if (head->spec->pool == TF_POOL_FIRST)
        return TF_ROWS_FIRST;
    if (!eos && head->spec->pool != TF_POOL_LAST)
        return TF_ROWS_ALL;
    if ((eos ? head->eos : head->pad) < 0)
        return TF_ROWS_LAST;
    rows = tf_scratch(ctx, seqs->count, sizeof(*rows));
    for (size_t q = 0; rows && q < seqs->count; q++)
        rows[q] = (int32_t)last_of(ids, seqs->start[q], seqs->start[q + 1],
                                   eos ? head->eos : head->pad, eos);
    *picked = rows;
    return TF_ROWS_PICKED;
}

/* The factor of the logits. */
static float logit_scale(const struct tf_head *head)
{
    const struct tf_head_spec *s = head->spec;
    double scale = s->scale / s->divisor;

    return (float)(s->scale_by_width ? scale / sqrt((double)head->out.in)
                                     : scale);
}

/* What the last product reads. */
static struct tf_tensor *before_out(struct tf_ctx *ctx, struct tf_head *head,
                                    struct tf_tensor *x)
{
    const struct tf_head_spec *s = head->spec;

    if (head->dense.w.data) {
        x = tf_dropout(ctx, x, (float)s->dense_dropout);
        x = tf_linear(ctx, x, &head->dense, s->act, NULL);
    }
    x = tf_norm(ctx, x, head->norm.w.data ? &head->norm : NULL);
    return tf_dropout(ctx, x, (float)s->dropout);
}

/* The last product. */
static struct tf_tensor *run_out(struct tf_ctx *ctx, struct tf_head *head,
                                 struct tf_tensor *x)
{
    struct tf_tensor *rest;

    if (!head->rest.w.data || !x)
        return tf_linear(ctx, x, &head->out, TF_ACT_NONE, NULL);
    rest = tf_columns(ctx, x, head->out.in, head->rest.in);
    rest = tf_linear(ctx, rest, &head->rest, TF_ACT_NONE, NULL);
    return tf_linear(ctx, tf_columns(ctx, x, 0, head->out.in), &head->out,
                     TF_ACT_NONE, rest);
}

struct tf_tensor *tf_head_token_loss(struct tf_ctx *ctx, struct tf_head *head,
                                     struct tf_tensor *x, const int32_t *labels,
                                     const struct tf_loss *spec)
{
    struct tf_loss mine = *spec;

    mine.scale = logit_scale(head);
    mine.soft_cap = (float)head->spec->soft_cap;
    if (head->rest.w.data)
        return tf_cross_entropy(
            ctx, run_out(ctx, head, before_out(ctx, head, x)), labels, spec);
    return tf_linear_cross_entropy(ctx, before_out(ctx, head, x), &head->out,
                                   labels, &mine);
}

struct tf_tensor *tf_head_run(struct tf_ctx *ctx, struct tf_head *head,
                              struct tf_tensor *x, const struct tf_batch *batch)
{
    const struct tf_head_spec *s = head->spec;

    if (s->pool == TF_POOL_MEAN)
        x = tf_mean_rows(ctx, x, &batch->seqs);
    x = before_out(ctx, head, x);
    if (s->pool == TF_POOL_LATE)
        x = tf_mean_rows(ctx, x, &batch->seqs);
    x = run_out(ctx, head, x);
    if (logit_scale(head) != 1)
        x = tf_scale(ctx, x, logit_scale(head));
    if (s->soft_cap > 0) {
        x = tf_act(ctx, tf_scale(ctx, x, (float)(1 / s->soft_cap)),
                   TF_ACT_TANH);
        x = tf_scale(ctx, x, (float)s->soft_cap);
    }
    return x;
}

#include "model/heads.h"

#include <math.h>
#include <string.h>
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

static int bind_norm(struct tf_norm *norm, const struct tf_head_spec *spec,
                     const struct tf_stack_spec *s, const char *name, size_t n,
                     struct tf_bind *bind, struct tf_err *err)
{
    struct tf_place none = { 0 };

    norm->kind = spec->layer_norm ? TF_LAYER_NORM : s->norm;
    norm->eps = (float)(spec->norm_eps > 0 ? spec->norm_eps : s->norm_eps);
    norm->w_offset = (float)s->norm_offset;
    return tf_bind_vector(bind, &norm->w, name, none, ".weight", n, err) ||
           (s->norm_bias &&
            tf_bind_vector(bind, &norm->b, name, none, ".bias", n, err));
}

static int bind_ffn(struct tf_head *head, const struct tf_stack_spec *s,
                    struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_head_spec *spec = head->spec;
    struct tf_place none = { 0 };

    if (!spec->ffn_down || !spec->ffn_norm)
        return tf_fail(err, "ffn_up, ffn_down and ffn_norm go together");
    return tf_bind_weight(bind, &head->ffn_up, spec->ffn_up, none, s->ffn,
                          s->width, true, false, err) ||
           tf_bind_weight(bind, &head->ffn_down, spec->ffn_down, none, s->width,
                          s->ffn, true, false, err) ||
           bind_norm(&head->ffn_norm, spec, s, spec->ffn_norm, s->width, bind,
                     err);
}

int tf_head_bind(struct tf_head *head, const struct tf_head_spec *spec,
                 struct tf_stack *stack, size_t outputs, struct tf_bind *bind,
                 struct tf_err *err)
{
    const struct tf_stack_spec *s = stack->spec;
    struct tf_place none = { 0 };
    size_t in = stack->output_projection.w.data ? s->embedding_width : s->width;

    head->spec = spec;
    if (spec->question_apart && stack->types.data && s->types < 2)
        return tf_fail(err, "question_apart: %zu token types", s->types);
    if (spec->ffn_up && bind_ffn(head, s, bind, err))
        return -1;
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
    if (spec->norm &&
        bind_norm(&head->norm, spec, s, spec->norm, in, bind, err))
        return -1;
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

/* Tokens of sequence q before the first separator; all: there is none. */
static size_t question_length(const struct tf_head_spec *s,
                              const struct tf_batch *batch, size_t q)
{
    const struct tf_seqs *seqs = &batch->seqs;
    size_t first = seqs->start[q], i = first;

    while (i < seqs->start[q + 1] && (size_t)batch->ids[i] != s->separator)
        i++;
    return i - first;
}

/* LongformerForSequenceClassification and -QuestionAnswering. */
static int mark_global(struct tf_ctx *ctx, const struct tf_head_spec *s,
                       struct tf_batch *batch)
{
    const struct tf_seqs *seqs = &batch->seqs;
    size_t *global = tf_scratch(ctx, seqs->count, sizeof(*global));

    if (!global)
        return -1;
    for (size_t q = 0; q < seqs->count; q++) {
        size_t n = question_length(s, batch, q);

        global[q] = n < seqs->start[q + 1] - seqs->start[q] ? n : 0;
        if (s->global == TF_GLOBAL_FIRST)
            global[q] = 1;
    }
    batch->global = global;
    return 0;
}

/* BigBirdForQuestionAnswering: the separator is the question's; a text without
 * one has its first token as such. */
static size_t question_end(const struct tf_head_spec *s,
                           const struct tf_batch *batch, size_t q)
{
    size_t n = question_length(s, batch, q);

    return n < batch->seqs.start[q + 1] - batch->seqs.start[q] ? n + 1 : 1;
}

static int mark_types(struct tf_ctx *ctx, const struct tf_head_spec *s,
                      struct tf_batch *batch)
{
    const struct tf_seqs *seqs = &batch->seqs;
    uint8_t *types = tf_scratch(ctx, seqs->start[seqs->count], 1);

    if (!types)
        return -1;
    for (size_t q = 0; q < seqs->count; q++) {
        size_t first = seqs->start[q], n = seqs->start[q + 1] - first;
        size_t end = question_end(s, batch, q), given = 0;

        memset(types + first, 0, end);
        memset(types + first + end, 1, n - end);
        for (size_t i = 0; batch->type_ids && i < n; i++)
            given |= batch->type_ids[first + i];
        if (given)
            memcpy(types + first, batch->type_ids + first, n);
    }
    batch->type_ids = types;
    return 0;
}

int tf_head_mark(struct tf_ctx *ctx, const struct tf_head *head,
                 struct tf_batch *batch)
{
    const struct tf_head_spec *s = head->spec;

    if (s->global != TF_GLOBAL_NONE && mark_global(ctx, s, batch))
        return -1;
    return s->question_apart ? mark_types(ctx, s, batch) : 0;
}

/* No answer begins or ends in the question, but at the first token. */
static struct tf_tensor *mask_question(struct tf_ctx *ctx,
                                       const struct tf_head_spec *s,
                                       struct tf_tensor *x,
                                       const struct tf_batch *batch)
{
    const struct tf_seqs *seqs = &batch->seqs;
    struct tf_tensor *mask = x ? tf_new(ctx, x->dim[0], x->dim[1]) : NULL;
    float *data;

    if (!mask || x->dim[0] != seqs->start[seqs->count])
        return x;
    data = mask->data;
    memset(data, 0, tf_tensor_bytes(mask));
    for (size_t q = 0; q < seqs->count; q++)
        for (size_t i = 1; i < question_end(s, batch, q); i++)
            for (size_t c = 0; c < mask->dim[1]; c++)
                data[(seqs->start[q] + i) * mask->ld + c] = -1e6f;
    return tf_add(ctx, x, mask);
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
    struct tf_tensor *h;

    if (head->ffn_up.w.data) {
        h = tf_dropout(ctx, x, (float)s->dense_dropout);
        h = tf_linear(ctx, h, &head->ffn_up, s->act, NULL);
        x = tf_norm(ctx,
                    tf_linear_dropout(ctx, h, &head->ffn_down,
                                      (float)s->dense_dropout, x),
                    &head->ffn_norm);
    }
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
    if (s->question_apart)
        x = mask_question(ctx, s, x, batch);
    if (logit_scale(head) != 1)
        x = tf_scale(ctx, x, logit_scale(head));
    if (s->soft_cap > 0) {
        x = tf_act(ctx, tf_scale(ctx, x, (float)(1 / s->soft_cap)),
                   TF_ACT_TANH);
        x = tf_scale(ctx, x, (float)s->soft_cap);
    }
    return x;
}

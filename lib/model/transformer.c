#include "model/transformer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/attend.h"
#include "nn/tape.h"
#include "model/sparse.h"
#include "model/fourier.h"
#include "model/ssm.h"

/* The norm, or NULL (which tf_norm passes over) when the model has none. */
static struct tf_norm *have(struct tf_norm *norm)
{
    return norm->w.data ? norm : NULL;
}

/*
 * Results of half a layer go to an arena of their own, in turn: what was
 * computed on the way there is freed, and the half before is still whole. The
 * op that gives the result stands between begin and end. With a tape everything
 * stays where it is.
 */
static void begin_result(struct tf_run *run)
{
    if (run->ctx->tape)
        return;
    run->turn = !run->turn;
    tf_arena_rewind(&run->runner->out[run->turn], run->out_mark[run->turn]);
    run->ctx->arena = &run->runner->out[run->turn];
}

static struct tf_tensor *end_result(struct tf_run *run, struct tf_tensor *y)
{
    if (run->ctx->tape)
        return y;
    run->ctx->arena = run->arena;
    tf_arena_rewind(run->arena, run->mark);
    return y;
}

/* How what a sub-layer gives is added to the residual. */
struct ending {
    struct tf_norm *out_norm, *post_norm; /* or NULL */
    bool passing; /* the result is used and dropped within the half layer */
    bool undropped;
};

/* The norm after the sum, which is the result when there is none. */
static struct tf_tensor *end_sum(struct tf_run *run, struct tf_tensor *sum,
                                 const struct ending *e)
{
    if (e->post_norm && !e->passing)
        begin_result(run);
    sum = tf_norm(run->ctx, sum, e->post_norm);
    return e->passing ? sum : end_result(run, sum);
}

static float dropout_of(const struct tf_run *run, const struct ending *e)
{
    return e->undropped ? 0 : (float)run->stack->spec->dropout;
}

/* residual + y */
static struct tf_tensor *add_result(struct tf_run *run, struct tf_tensor *y,
                                    struct tf_tensor *residual,
                                    const struct ending *e)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;

    y = tf_norm(ctx, tf_dropout(ctx, y, dropout_of(run, e)), e->out_norm);
    if (s->residual_scale != 1)
        y = tf_scale(ctx, y, (float)s->residual_scale);
    if (!e->post_norm && !e->passing)
        begin_result(run);
    return end_sum(run, tf_add(ctx, y, residual), e);
}

/* residual + x W^T, the last product of the sub-layer */
static struct tf_tensor *add_branch(struct tf_run *run, struct tf_tensor *x,
                                    struct tf_weight *w,
                                    struct tf_tensor *residual,
                                    const struct ending *e)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;

    if (e->out_norm || s->residual_scale != 1)
        return add_result(run, tf_linear(ctx, x, w, TF_ACT_NONE, NULL),
                          residual, e);
    if (!e->post_norm && !e->passing)
        begin_result(run);
    return end_sum(
        run, tf_linear_dropout(ctx, x, w, dropout_of(run, e), residual), e);
}

/* Of x those rows that go on. */
static struct tf_tensor *keep_rows(struct tf_run *run, struct tf_tensor *x)
{
    return run->rows
               ? tf_gather_rows(run->ctx, x, run->rows, run->row_seqs->count)
               : x;
}

/* Attention of layer i and what is added around it. `in` gets its normed
 * input, of the rows that go on. */
static struct tf_tensor *attention_part(struct tf_run *run, size_t i,
                                        struct tf_layer *layer,
                                        struct tf_tensor *x,
                                        struct tf_tensor **in)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct ending e = { have(&layer->attn_out_norm),
                        have(&layer->attn_post_norm), s->parallel };
    struct tf_tensor *normed = tf_norm(run->ctx, x, have(&layer->attn_norm));
    struct tf_tensor *rows = keep_rows(run, normed), *y;

    x = x == normed ? rows : keep_rows(run, x);
    y = tf_norm(run->ctx, tf_attend(run, i, layer, rows, normed, normed),
                have(&layer->attn_sub_norm));
    *in = rows;
    return add_branch(run, y, &layer->o, s->residual_normed ? rows : x, &e);
}

static struct tf_tensor *cross_part(struct tf_run *run, size_t i,
                                    struct tf_layer *layer, struct tf_tensor *x)
{
    struct ending e = { .post_norm = have(&layer->cross_post_norm) };
    struct tf_tensor *in = tf_norm(run->ctx, x, have(&layer->cross_norm));

    return add_branch(run, tf_attend_cross(run, i, layer, in), &layer->cross_o,
                      x, &e);
}

static struct tf_tensor *ssm_part(struct tf_run *run, size_t i,
                                  struct tf_layer *layer, struct tf_tensor *x)
{
    struct ending e = { .post_norm = NULL };
    struct tf_tensor *in = tf_norm(run->ctx, x, have(&layer->attn_norm));

    return add_branch(run, tf_ssm_run(run, i, layer, in), &layer->ssm->out, x,
                      &e);
}

/* What the last product of the feed-forward reads. */
static struct tf_tensor *
feed_forward(struct tf_run *run, struct tf_layer *layer, struct tf_tensor *x)
{
    x = tf_norm(run->ctx, tf_feed_forward(run, layer, x),
                have(&layer->mlp_sub_norm));
    return tf_dropout(run->ctx, x, (float)run->stack->spec->ffn_dropout);
}

/* Tokens mixed by a Fourier transform, in attention's place. */
static struct tf_tensor *
fourier_part(struct tf_run *run, struct tf_layer *layer, struct tf_tensor *x)
{
    struct ending e = { .post_norm = have(&layer->attn_post_norm),
                        .undropped = true };
    struct tf_tensor *y = tf_mix_by_fourier(run, x);

    return add_result(run, keep_rows(run, y), keep_rows(run, x), &e);
}

/* The feed-forwards before the last. */
static struct tf_tensor *extra_parts(struct tf_run *run, struct tf_layer *layer,
                                     struct tf_tensor *h)
{
    const struct tf_stack_spec *s = run->stack->spec;

    for (size_t i = 0; layer->narrow && i + 1 < s->feed_forwards; i++) {
        struct tf_extra *extra = &layer->narrow->extra[i];
        struct ending e = { .post_norm = &extra->norm,
                            .undropped = true,
                            .passing = true };
        struct tf_tensor *y = tf_linear(run->ctx, h, &extra->up, s->act, NULL);

        h = add_branch(run, y, &extra->down, h, &e);
    }
    return h;
}

/* A layer that works in a narrower width (MobileBertLayer). */
static struct tf_tensor *narrow_layer(struct tf_run *run, size_t i,
                                      struct tf_layer *layer,
                                      struct tf_tensor *x)
{
    struct tf_narrow *n = layer->narrow;
    struct tf_ctx *ctx = run->ctx;
    struct ending inside = { .post_norm = have(&layer->attn_post_norm),
                             .undropped = true,
                             .passing = true };
    struct ending out = { .post_norm = have(&n->out_norm) };
    struct tf_tensor *in = tf_norm(
        ctx, tf_linear(ctx, x, &n->in, TF_ACT_NONE, NULL), have(&n->in_norm));
    bool own = n->qk.w.data && !run->stack->spec->bottleneck_values;
    struct tf_tensor *all = run->stack->spec->bottleneck_values ? in : x;
    struct tf_tensor *qk = all, *h;

    if (own)
        qk = tf_norm(ctx, tf_linear(ctx, x, &n->qk, TF_ACT_NONE, NULL),
                     have(&n->qk_norm));
    h = tf_attend(run, i, layer, keep_rows(run, qk), qk, all);
    h = add_branch(run, h, &layer->o, keep_rows(run, in), &inside);
    h = extra_parts(run, layer, h);
    inside.post_norm = have(&layer->mlp_post_norm);
    h = add_branch(run, feed_forward(run, layer, h), &layer->down, h, &inside);
    return add_branch(run, h, &n->out, keep_rows(run, x), &out);
}

static struct tf_tensor *run_layer(struct tf_run *run, size_t i,
                                   struct tf_tensor *x)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_layer *layer = tf_stack_layer(run->stack, i);
    struct tf_norm *norm = have(&layer->mlp_norm);
    struct ending e = { .out_norm = have(&layer->mlp_out_norm),
                        .post_norm = have(&layer->mlp_post_norm) };
    struct tf_tensor *in = x, *h;

    if (layer->ssm)
        return ssm_part(run, i, layer, x);
    if (s->bottleneck)
        return narrow_layer(run, i, layer, x);
    h = s->fourier ? fourier_part(run, layer, x)
                   : attention_part(run, i, layer, x, &in);
    if (layer->cross_o.w.data)
        h = cross_part(run, i, layer, h);
    h = extra_parts(run, layer, h);
    if (!s->parallel)
        in = tf_norm(run->ctx, h, norm);
    else if (norm)
        in = tf_norm(run->ctx, keep_rows(run, x), norm);
    if (s->residual_normed)
        h = in;
    if (layer->experts)
        return add_result(run, tf_run_experts(run, layer, in), h, &e);
    return add_branch(run, feed_forward(run, layer, in), &layer->down, h, &e);
}

/* Tokens of sequence q that were read before the batch. */
static size_t past(const struct tf_run *run, size_t q)
{
    return run->batch->caches ? run->batch->caches[q]->tokens : 0;
}

/* Table rows of learned positions, one for each token. */
static int32_t *position_rows(struct tf_run *run)
{
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    size_t tokens = seqs->start[seqs->count];
    int32_t *rows = tf_scratch(run->ctx, tokens, sizeof(*rows));

    if (!rows || !s->position_after_pad) {
        for (size_t i = 0; rows && i < tokens; i++)
            rows[i] = run->places[i] + (int32_t)s->position_offset;
        return rows;
    }
    /* fairseq's way: pads stand at their own id and are not counted */
    for (size_t q = 0; q < seqs->count; q++) {
        int32_t pad = (int32_t)s->pad;
        int32_t next = pad + 1 + (int32_t)past(run, q);

        for (size_t i = seqs->start[q]; i < seqs->start[q + 1]; i++)
            rows[i] = run->batch->ids[i] == pad ? pad : next++;
    }
    return rows;
}

/* Token types as table rows. */
static int32_t *type_rows(struct tf_run *run, size_t tokens)
{
    int32_t *rows = tf_scratch(run->ctx, tokens, sizeof(*rows));
    const uint8_t *types = run->batch->type_ids;

    for (size_t i = 0; rows && i < tokens; i++)
        rows[i] = types ? types[i] : 0;
    return rows;
}

static struct tf_tensor *add_rows(struct tf_run *run, struct tf_tensor *x,
                                  struct tf_tensor *table, const int32_t *rows)
{
    return x && rows ? tf_embedding(run->ctx, table, rows, x->dim[0], 1, x)
                     : NULL;
}

static struct tf_tensor *project(struct tf_run *run, struct tf_tensor *x,
                                 enum tf_projection here)
{
    struct tf_stack *stack = run->stack;

    if (stack->spec->projection != here || !stack->embedding_projection.w.data)
        return x;
    if (stack->spec->trigrams)
        x = tf_unfold(run->ctx, x, &run->batch->seqs, 3, true);
    return tf_linear(run->ctx, x, &stack->embedding_projection, TF_ACT_NONE,
                     NULL);
}

/* What the adapter of the table of tokens adds. */
static struct tf_tensor *adapt_tokens(struct tf_run *run, struct tf_tensor *x,
                                      const int32_t *ids, size_t n, float scale)
{
    struct tf_token_adapter *t = run->stack->token_adapter;
    struct tf_tensor *h =
        tf_embedding(run->ctx, &t->a, ids, n, scale * t->scale, NULL);

    return tf_linear(run->ctx, h, &t->b, TF_ACT_NONE, x);
}

/* ESM's token dropout: embeddings of the mask are zeros, those of the other
 * tokens scaled from the share of masks in training, 0.15 * 0.8, to that of the
 * sequence. */
static struct tf_tensor *drop_tokens(struct tf_run *run, struct tf_tensor *x)
{
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    const int32_t *ids = run->batch->ids;
    struct tf_tensor *weight, *y;

    if (!s->token_dropout || !x)
        return x;
    weight = tf_new(run->ctx, x->dim[0], 1);
    y = tf_new(run->ctx, x->dim[0], x->dim[1]);
    if (!weight || !y)
        return NULL;
    for (size_t q = 0; q < seqs->count; q++) {
        size_t first = seqs->start[q], end = seqs->start[q + 1], masks = 0;
        float *scale = weight->data;

        for (size_t i = first; i < end; i++)
            masks += (size_t)ids[i] == s->mask;
        for (size_t i = first; i < end; i++)
            scale[i] = (size_t)ids[i] == s->mask
                           ? 0
                           : (1 - 0.15f * 0.8f) /
                                 (1 - (float)masks / (float)(end - first));
    }
    memset(y->data, 0, tf_tensor_bytes(y));
    return tf_add_weighted(run->ctx, y, x, NULL, weight, NULL);
}

/* Task types are not asked for: every token's is the first. */
static int32_t *task_rows(struct tf_run *run, size_t tokens)
{
    int32_t *rows = tf_scratch(run->ctx, tokens, sizeof(*rows));

    if (rows)
        memset(rows, 0, tokens * sizeof(*rows));
    return rows;
}

static struct tf_tensor *embed(struct tf_run *run)
{
    struct tf_stack *stack = run->stack;
    const struct tf_stack_spec *s = stack->spec;
    const struct tf_batch *batch = run->batch;
    size_t tokens = batch->seqs.start[batch->seqs.count];
    struct tf_tensor *positions = stack->positions.data
                                      ? &stack->positions
                                      : &run->runner->positions.sines;
    float scale = (float)s->embedding_scale;
    struct tf_tensor *x;

    if (s->embedding_scale_sqrt)
        scale *= sqrtf((float)s->width);
    x = tf_embedding(run->ctx, &stack->tokens, batch->ids, tokens, scale, NULL);
    if (stack->token_adapter)
        x = adapt_tokens(run, x, batch->ids, tokens, scale);
    x = drop_tokens(run, x);
    x = project(run, x, TF_PROJECT_TOKENS);
    if (stack->types.data)
        x = add_rows(run, x, &stack->types, type_rows(run, tokens));
    if (stack->tasks.data)
        x = add_rows(run, x, &stack->tasks, task_rows(run, tokens));
    if (positions->data && !s->positions_after_norm)
        x = add_rows(run, x, positions, position_rows(run));
    x = project(run, x, TF_PROJECT_SUM);
    /* a convolution reads them after the first layer: there they stay */
    if (!stack->conv.w.data && have(&stack->embedding_norm))
        begin_result(run);
    x = tf_norm(run->ctx, x, have(&stack->embedding_norm));
    if (positions->data && s->positions_after_norm)
        x = add_rows(run, x, positions, position_rows(run));
    x = tf_dropout(run->ctx, x, (float)s->embedding_dropout);
    x = project(run, x, TF_PROJECT_LAST);
    if (run->ctx->arena != run->arena)
        return end_result(run, x);
    run->mark = tf_arena_mark(run->arena);
    return x;
}

/* A convolution over each sequence beside the first layer, whose output it is
 * added to (ConvLayer of DebertaV2). */
static struct tf_tensor *add_conv(struct tf_run *run, struct tf_tensor *x,
                                  struct tf_tensor *y)
{
    struct tf_stack *stack = run->stack;
    struct tf_ctx *ctx = run->ctx;
    struct tf_tensor *taps =
        tf_unfold(ctx, x, &run->batch->seqs, stack->spec->conv_kernel, false);

    taps = tf_linear(ctx, taps, &stack->conv, stack->spec->conv_act, y);
    begin_result(run);
    return end_result(run, tf_norm(ctx, taps, &stack->conv_norm));
}

/* The rows that the caller reads, as numbers of rows of the batch. */
static int pick_rows(struct tf_run *run, enum tf_rows rows)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    int32_t *picked = tf_scratch(run->ctx, seqs->count, sizeof(*picked));
    size_t *start = tf_scratch(run->ctx, seqs->count + 1, sizeof(*start));
    struct tf_seqs *single = tf_scratch(run->ctx, 1, sizeof(*single));

    if (!picked || !start || !single)
        return -1;
    for (size_t q = 0; q < seqs->count; q++)
        picked[q] = rows == TF_ROWS_FIRST  ? (int32_t)seqs->start[q]
                    : rows == TF_ROWS_LAST ? (int32_t)seqs->start[q + 1] - 1
                                           : run->batch->picked[q];
    for (size_t q = 0; q <= seqs->count; q++)
        start[q] = q;
    single->count = seqs->count;
    single->start = start;
    run->picked = picked;
    run->row_seqs = single;
    return 0;
}

/* May the last layer compute the picked rows alone? Behind a cache queries are
 * the last of their sequence. */
static bool last_layer_may_skip(const struct tf_run *run, size_t last)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    bool all_last = true;

    if ((last == 0 && run->stack->conv.w.data) || run->stack->layers[0].ssm ||
        run->stack->layers[0].span || run->sparse ||
        run->stack->spec->expert_capacity || run->stack->spec->global_block)
        return false;
    for (size_t q = 0; q < seqs->count; q++)
        all_last &= (size_t)run->picked[q] + 1 == seqs->start[q + 1];
    return all_last || !run->batch->caches;
}

/* A layer that runs again on the way back; lives in the arena until then. */
struct layer_again {
    struct tf_run run;
    struct tf_batch batch;
    size_t i;
};

static struct tf_tensor *run_again(struct tf_ctx *ctx, void *arg,
                                   struct tf_tensor *x)
{
    struct layer_again *l = arg;

    (void)ctx;
    return run_layer(&l->run, l->i, x);
}

/* Layer i, checkpointed where that is wanted and its result is like x. */
static struct tf_tensor *run_or_recompute(struct tf_run *run, size_t i,
                                          struct tf_tensor *x)
{
    struct layer_again *l;

    if (!run->ctx->tape || !run->runner->recompute || run->rows)
        return run_layer(run, i, x);
    l = tf_scratch(run->ctx, 1, sizeof(*l));
    if (!l)
        return NULL;
    l->run = *run;
    l->batch = *run->batch;
    l->run.batch = &l->batch;
    l->i = i;
    return tf_recompute(run->ctx, run_again, l, x);
}

static struct tf_tensor *run_layers(struct tf_run *run, struct tf_tensor *x,
                                    size_t layers)
{
    struct tf_stack *stack = run->stack;
    const struct tf_stack_spec *s = stack->spec;
    size_t all = s->layers * s->inner_layers;
    size_t n = layers < all ? layers : all;
    bool skipped = false;

    for (size_t i = 0; i < n && x; i++) {
        struct tf_tensor *y;

        if (i + 1 == n && run->picked && last_layer_may_skip(run, i)) {
            run->rows = run->picked;
            skipped = true;
        }
        y = run_or_recompute(run, i, x);
        x = i == 0 && stack->conv.w.data ? add_conv(run, x, y) : y;
    }
    if (run->picked && !skipped)
        x = tf_gather_rows(run->ctx, x, run->picked, run->row_seqs->count);
    if (layers >= all) {
        x = tf_norm(run->ctx, x, have(&stack->final_norm));
        x = tf_dropout(run->ctx, x, (float)s->final_dropout);
        if (stack->output_projection.w.data)
            x = tf_linear(run->ctx, x, &stack->output_projection, TF_ACT_NONE,
                          NULL);
    }
    return x;
}

/* Where each token stands in its sequence. */
static int place_tokens(struct tf_run *run)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    int32_t *places =
        tf_scratch(run->ctx, seqs->start[seqs->count], sizeof(*places));

    if (!places)
        return -1;
    for (size_t q = 0; q < seqs->count; q++)
        for (size_t i = seqs->start[q]; i < seqs->start[q + 1]; i++)
            places[i] = (int32_t)(past(run, q) + i - seqs->start[q]);
    run->places = places;
    return 0;
}

static int reach_positions(struct tf_run *run)
{
    const struct tf_seqs *seqs = &run->batch->seqs;
    size_t longest = 0, n;

    for (size_t q = 0; q < seqs->count; q++) {
        n = past(run, q) + seqs->start[q + 1] - seqs->start[q];
        if (n > longest)
            longest = n;
    }
    return tf_positions_reach(&run->runner->positions, run->stack->spec,
                              longest, run->ctx->err);
}

struct tf_tensor *tf_stack_run(struct tf_ctx *ctx, struct tf_runner *r,
                               struct tf_stack *stack,
                               const struct tf_batch *batch, enum tf_rows rows,
                               size_t layers)
{
    struct tf_run run = { .ctx = ctx,
                          .runner = r,
                          .stack = stack,
                          .batch = batch,
                          .arena = ctx->arena };
    struct tf_tensor *x;

    if (ctx->failed)
        return NULL;
    if (reach_positions(&run)) {
        ctx->failed = true;
        return NULL;
    }
    if (place_tokens(&run) || tf_sparse_plan(&run) ||
        (rows != TF_ROWS_ALL && pick_rows(&run, rows)))
        return NULL;
    run.mark = tf_arena_mark(ctx->arena);
    ctx->records = &batch->seqs;
    ctx->place =
        (struct tf_pass){ batch->seqs.start[batch->seqs.count],
                          batch->seqs.rows_before, batch->seqs.seqs_before };
    x = run_layers(&run, embed(&run), layers);
    ctx->records = NULL;
    for (size_t q = 0; x && batch->caches && q < batch->seqs.count; q++)
        tf_cache_advance(batch->caches[q],
                         batch->seqs.start[q + 1] - batch->seqs.start[q]);
    return x;
}

void tf_runner_release(struct tf_runner *r)
{
    if (r->encoder)
        tf_runner_release(r->encoder);
    free(r->encoder);
    tf_positions_release(&r->positions);
    for (size_t i = 0; i < r->layers; i++) {
        free(r->c2p[i]);
        free(r->p2c[i]);
    }
    free(r->fourier);
    free(r->c2p);
    free(r->p2c);
    tf_arena_release(&r->out[0]);
    tf_arena_release(&r->out[1]);
    memset(r, 0, sizeof(*r));
}

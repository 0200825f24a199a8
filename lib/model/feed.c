#include "model/attend.h"

#include <string.h>

struct tf_tensor *tf_feed_forward(struct tf_run *run, struct tf_layer *layer,
                                  struct tf_tensor *x)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    enum tf_act act = tf_act_before(ctx, &layer->down, s->act);
    struct tf_tensor *gate, *up;

    if (layer->gate_up.w.data) {
        struct tf_tensor *both =
            tf_linear(ctx, x, &layer->gate_up, TF_ACT_NONE, NULL);

        gate = tf_columns(ctx, both, s->gate_first ? 0 : s->ffn, s->ffn);
        up = tf_columns(ctx, both, s->gate_first ? s->ffn : 0, s->ffn);
        return tf_act_mul(ctx, gate, up, act);
    }
    if (!layer->gate.w.data)
        return tf_linear(ctx, x, &layer->up, act, NULL);
    gate = tf_linear(ctx, x, &layer->gate, TF_ACT_NONE, NULL);
    up = tf_linear(ctx, x, &layer->up, TF_ACT_NONE, NULL);
    return tf_act_mul(ctx, gate, up, act);
}

/* The gate and what it opens, out of one product or of two. */
static void gate_and_up(struct tf_run *run, struct tf_expert *e,
                        struct tf_tensor *x, struct tf_tensor **gate,
                        struct tf_tensor **up)
{
    struct tf_ctx *ctx = run->ctx;
    size_t n = e->gate_up.out / 2;
    struct tf_tensor *both;

    if (!e->gate_up.w.data) {
        *gate = tf_linear(ctx, x, &e->gate, TF_ACT_NONE, NULL);
        *up = tf_linear(ctx, x, &e->up, TF_ACT_NONE, NULL);
        return;
    }
    both = tf_linear(ctx, x, &e->gate_up, TF_ACT_NONE, NULL);
    if (run->stack->spec->experts_interleaved) {
        *gate = tf_pick_columns(ctx, both, 0, 1, 2, n);
        *up = tf_pick_columns(ctx, both, 1, 1, 2, n);
    } else {
        *gate = tf_columns(ctx, both, 0, n);
        *up = tf_columns(ctx, both, n, n);
    }
}

static struct tf_tensor *run_expert(struct tf_run *run, struct tf_expert *e,
                                    struct tf_tensor *x)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    enum tf_act act = tf_act_before(ctx, &e->down, s->act);
    struct tf_tensor *gate, *y;

    if (!e->gate.w.data && !e->gate_up.w.data) {
        y = tf_linear(ctx, x, &e->up, act, NULL);
    } else {
        gate_and_up(run, e, x, &gate, &y);
        y = s->glu_limit > 0 ? tf_clamped_glu(ctx, gate, y, (float)s->glu_alpha,
                                              (float)s->glu_limit)
                             : tf_act_mul(ctx, gate, y, act);
    }
    y = tf_dropout(ctx, y, (float)s->ffn_dropout);
    return tf_linear(ctx, y, &e->down, TF_ACT_NONE, NULL);
}

/* Expert e on the tokens that chose it, added to y under their weights. */
static struct tf_tensor *add_expert(struct tf_run *run, struct tf_layer *layer,
                                    const struct tf_routes *routes, size_t e,
                                    struct tf_tensor *x, struct tf_tensor *y)
{
    size_t tokens = x->dim[0], k = routes->k, n = 0;
    int32_t *rows = tf_scratch(run->ctx, tokens, sizeof(*rows));
    int32_t *slots = tf_scratch(run->ctx, tokens, sizeof(*slots));
    struct tf_tensor *mine;

    if (!rows || !slots)
        return NULL;
    for (size_t i = 0; i < tokens * k; i++)
        if (routes->expert[i] == (int32_t)e) {
            rows[n] = (int32_t)(i / k);
            slots[n++] = (int32_t)(i % k);
        }
    if (!n)
        return y;
    mine = run_expert(run, &layer->experts[e],
                      tf_gather_rows(run->ctx, x, rows, n));
    return tf_add_weighted(run->ctx, y, mine, rows, routes->weight, slots);
}

/* Experts take so many tokens of a text, and none of those behind
 * (SwitchTransformersTop1Router). */
static int drop_overflow(struct tf_run *run, struct tf_routes *routes)
{
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    size_t *taken = tf_scratch(run->ctx, s->experts, sizeof(*taken));

    if (!taken)
        return -1;
    for (size_t q = 0; q < seqs->count; q++) {
        memset(taken, 0, s->experts * sizeof(*taken));
        for (size_t i = seqs->start[q] * routes->k;
             i < seqs->start[q + 1] * routes->k; i++)
            if (++taken[routes->expert[i]] > s->expert_capacity)
                routes->expert[i] = -1;
    }
    return 0;
}

struct tf_tensor *tf_run_experts(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *x)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_tensor *logits =
        tf_linear(ctx, x, &layer->router, TF_ACT_NONE, NULL);
    struct tf_tensor *y = x ? tf_new(ctx, x->dim[0], s->width) : NULL, *shared;
    const struct tf_router router = { .k = s->experts_per_token,
                                      .renormed = s->experts_renormed,
                                      .sigmoid = s->router_sigmoid,
                                      .sparse_mixer = s->router_mixes,
                                      .jitter = (float)s->router_jitter,
                                      .scale = (float)s->experts_scale,
                                      .bias = layer->router_bias.data,
                                      .groups = s->expert_groups,
                                      .groups_kept = s->expert_groups_kept,
                                      .groups_by_best =
                                          s->expert_groups_by_best };
    struct tf_routes routes;

    if (!y || tf_route(ctx, logits, &router, &routes) ||
        (s->expert_capacity && drop_overflow(run, &routes)))
        return NULL;
    memset(y->data, 0, tf_tensor_bytes(y));
    for (size_t e = 0; e < s->experts && y; e++)
        y = add_expert(run, layer, &routes, e, x, y);
    if (!layer->shared.down.w.data)
        return y;
    shared = run_expert(run, &layer->shared, x);
    if (!layer->shared_router.w.data)
        return tf_add(ctx, y, shared);
    return tf_add_weighted(
        ctx, y, shared, NULL,
        tf_linear(ctx, x, &layer->shared_router, TF_ACT_SIGMOID, NULL), NULL);
}

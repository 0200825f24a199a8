#include "model/latent.h"

#include <string.h>
#include "base/mem.h"

static int bind_norm(struct tf_norm *norm, const struct tf_stack_spec *s,
                     const char *pattern, struct tf_place at, size_t n,
                     struct tf_bind *bind, struct tf_err *err)
{
    norm->kind = TF_RMS_NORM;
    norm->eps = (float)s->latent_eps;
    return tf_bind_vector(bind, &norm->w, pattern, at, ".weight", n, err);
}

static int bind_queries(struct tf_layer *layer, const struct tf_stack_spec *s,
                        struct tf_place at, struct tf_bind *bind,
                        struct tf_err *err)
{
    struct tf_latent *l = layer->latent;
    size_t rank = s->query_rank;

    if (rank &&
        (tf_bind_weight(bind, &l->q_down, s->names.q_down, at, rank, s->width,
                        s->latent_bias, false, err) ||
         bind_norm(&l->q_norm, s, s->names.q_down_norm, at, rank, bind, err)))
        return -1;
    return tf_bind_weight(bind, &layer->q, s->names.q, at,
                          s->heads * s->head_size, rank ? rank : s->width,
                          s->attention_bias, false, err);
}

int tf_latent_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                   struct tf_place at, struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    size_t rank = spec->latent_rank, each;
    struct tf_latent *l = tf_arena_alloc(bind->memory, 1, sizeof(*l));

    if (!l)
        return tf_no_memory(err, sizeof(*l));
    memset(l, 0, sizeof(*l));
    layer->latent = l;
    if (!n->q || !n->kv_down || !n->kv_down_norm || !n->kv ||
        (spec->query_rank && (!n->q_down || !n->q_down_norm)))
        return tf_fail(err, "names: not all of q, kv_down, kv_down_norm, kv, "
                            "and with a query_rank q_down and q_down_norm, are "
                            "given");
    each = spec->unrotated_size + spec->value_size;
    return bind_queries(layer, spec, at, bind, err) ||
                   tf_bind_weight(bind, &l->kv_down, n->kv_down, at,
                                  rank + spec->rotary_dims, spec->width,
                                  spec->latent_bias, false, err) ||
                   bind_norm(&l->kv_norm, spec, n->kv_down_norm, at, rank, bind,
                             err) ||
                   tf_bind_weight(bind, &l->kv, n->kv, at, spec->heads * each,
                                  rank, false, false, err)
               ? -1
               : 0;
}

/* The positions' part of the keys, of all heads. */
static struct tf_tensor *turn_shared(struct tf_run *run, struct tf_tensor *x)
{
    struct tf_rope *rope = tf_scratch(run->ctx, 1, sizeof(*rope));

    if (!rope)
        return NULL;
    *rope = run->runner->positions.rope;
    rope->first = 0;
    return tf_rotary(run->ctx, x, rope->dims, rope, run->places);
}

void tf_latent_project(struct tf_run *run, struct tf_layer *layer,
                       struct tf_tensor *rows, struct tf_tensor *all,
                       struct tf_qkv *p)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_latent *l = layer->latent;
    size_t own = s->unrotated_size, each = own + s->value_size;
    const int32_t *places = tf_query_places(run);
    struct tf_tensor *q = rows, *down, *both;

    if (l->q_down.w.data)
        q = tf_norm(ctx, tf_linear(ctx, q, &l->q_down, TF_ACT_NONE, NULL),
                    &l->q_norm);
    q = tf_linear(ctx, q, &layer->q, TF_ACT_NONE, NULL);
    down = tf_linear(ctx, all, &l->kv_down, TF_ACT_NONE, NULL);
    both = tf_norm(ctx, tf_columns(ctx, down, 0, s->latent_rank), &l->kv_norm);
    both = tf_linear(ctx, both, &l->kv, TF_ACT_NONE, NULL);
    down = tf_columns(ctx, down, s->latent_rank, s->rotary_dims);
    if (!places || !down)
        return;
    p->q =
        tf_rotary(ctx, q, s->head_size, &run->runner->positions.rope, places);
    p->k = tf_share_columns(ctx, both, own, each, s->heads,
                            turn_shared(run, down));
    p->v = tf_pick_columns(ctx, both, own, s->value_size, each, s->heads);
}

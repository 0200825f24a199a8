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

/* [rows][H D], turned. */
static struct tf_tensor *queries(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *rows)
{
    struct tf_ctx *ctx = run->ctx;
    struct tf_latent *l = layer->latent;
    const int32_t *places = tf_query_places(run);
    struct tf_tensor *q = rows;

    if (l->q_down.w.data)
        q = tf_norm(ctx, tf_linear(ctx, q, &l->q_down, TF_ACT_NONE, NULL),
                    &l->q_norm);
    q = tf_linear(ctx, q, &layer->q, TF_ACT_NONE, NULL);
    return places ? tf_rotary(ctx, q, run->stack->spec->head_size,
                              &run->runner->positions.rope, places)
                  : NULL;
}

/* The latents, normed [T][R], and the keys' shared part, turned. */
static struct tf_tensor *latents(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *all,
                                 struct tf_tensor **shared)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_latent *l = layer->latent;
    struct tf_tensor *down =
        tf_linear(ctx, all, &l->kv_down, TF_ACT_NONE, NULL);

    *shared = NULL;
    if (!down)
        return NULL;
    *shared =
        turn_shared(run, tf_columns(ctx, down, s->latent_rank, s->rotary_dims));
    return tf_norm(ctx, tf_columns(ctx, down, 0, s->latent_rank), &l->kv_norm);
}

void tf_latent_project(struct tf_run *run, struct tf_layer *layer,
                       struct tf_tensor *rows, struct tf_tensor *all,
                       struct tf_qkv *p)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    size_t own = s->unrotated_size, each = own + s->value_size;
    struct tf_tensor *shared, *both = latents(run, layer, all, &shared);

    both = tf_linear(ctx, both, &layer->latent->kv, TF_ACT_NONE, NULL);
    p->q = queries(run, layer, rows);
    p->k = tf_share_columns(ctx, both, own, each, s->heads, shared);
    p->v = tf_pick_columns(ctx, both, own, s->value_size, each, s->heads);
}

bool tf_latent_absorbs(const struct tf_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct tf_latent *l = stack->layers[i].latent;

        if (!l || l->kv.adapters || l->kv.w.scale ||
            tf_dtype_info(l->kv.w.dtype)->block > 1)
            return false;
    }
    return stack->count > 0;
}

/* `n` rows of the weight of keys and values: [n][R], or turned, what makes R
 * columns of n. */
static struct tf_weight part_of(const struct tf_weight *kv, size_t first,
                                size_t n, bool turned)
{
    struct tf_weight w = { .name = kv->name, .w = kv->w };
    size_t bytes = tf_dtype_info(kv->w.dtype)->bytes;

    w.in = turned ? n : kv->in;
    w.out = turned ? kv->in : n;
    w.transposed = turned;
    w.w.dim[0] = n;
    w.w.data = (char *)kv->w.data + first * kv->w.ld * bytes;
    return w;
}

/* y's columns from `first` on become x. */
static void put_columns(struct tf_tensor *y, size_t first,
                        const struct tf_tensor *x)
{
    for (size_t t = 0; x && t < y->dim[0]; t++)
        memcpy((float *)y->data + t * y->ld + first,
               (const float *)x->data + t * x->ld, x->dim[1] * sizeof(float));
}

/* Queries against latents: [rows][H (R + D')]. */
static struct tf_tensor *absorb_keys(struct tf_run *run, struct tf_latent *l,
                                     struct tf_tensor *q)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    size_t own = s->unrotated_size, rank = s->latent_rank;
    size_t each = rank + s->rotary_dims;
    struct tf_tensor *y = q ? tf_new(ctx, q->dim[0], s->heads * each) : NULL;

    for (size_t h = 0; y && h < s->heads; h++) {
        struct tf_weight w =
            part_of(&l->kv, h * (own + s->value_size), own, true);
        size_t first = h * s->head_size;

        put_columns(y, h * each,
                    tf_linear(ctx, tf_columns(ctx, q, first, own), &w,
                              TF_ACT_NONE, NULL));
        put_columns(y, h * each + rank,
                    tf_columns(ctx, q, first + own, s->rotary_dims));
    }
    return y;
}

/* Values of what was read of latents: [rows][H Dv]. */
static struct tf_tensor *absorb_values(struct tf_run *run, struct tf_latent *l,
                                       struct tf_tensor *x)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    size_t own = s->unrotated_size, size = s->value_size;
    size_t rank = s->latent_rank;
    struct tf_tensor *y = x ? tf_new(ctx, x->dim[0], s->heads * size) : NULL;

    for (size_t h = 0; y && h < s->heads; h++) {
        struct tf_weight w =
            part_of(&l->kv, h * (own + size) + own, size, false);

        put_columns(y, h * size,
                    tf_linear(ctx, tf_columns(ctx, x, h * rank, rank), &w,
                              TF_ACT_NONE, NULL));
    }
    return y;
}

struct tf_tensor *tf_latent_attend(struct tf_run *run, size_t i,
                                   struct tf_layer *layer,
                                   struct tf_tensor *rows,
                                   struct tf_tensor *all,
                                   const struct tf_attention *spec)
{
    const struct tf_stack_spec *s = run->stack->spec;
    struct tf_attention one = *spec;
    struct tf_tensor *shared, *kept = latents(run, layer, all, &shared);
    struct tf_qkv p = { NULL, NULL, NULL };

    one.kv_heads = 1;
    one.head_size = s->latent_rank + s->rotary_dims;
    one.v_head_size = s->latent_rank;
    p.q = absorb_keys(run, layer->latent, queries(run, layer, rows));
    p.k = tf_join_columns(run->ctx, kept, shared);
    return absorb_values(run, layer->latent,
                         tf_attend_cached(run, i, &p, &one));
}

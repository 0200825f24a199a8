#include "model/narrow.h"

#include <string.h>
#include "model/bind_norm.h"

/* A norm behind a linear layer of these sizes. */
struct normed {
    const char *weight, *norm;
    size_t out, in;
};

static int bind_normed(struct tf_weight *w, struct tf_norm *norm,
                       const struct normed *n, const struct tf_stack_spec *spec,
                       struct tf_place at, struct tf_bind *bind,
                       struct tf_err *err)
{
    if (!n->weight || !n->norm)
        return tf_fail(err, "names: a layer of a bottleneck, or of many "
                            "feed-forwards, is not given, or has no norm");
    return tf_bind_weight(bind, w, n->weight, at, n->out, n->in, spec->mlp_bias,
                          false, err) ||
           tf_bind_norm(bind, spec, norm, n->norm, at, n->out, err);
}

static int bind_bottleneck(struct tf_narrow *t,
                           const struct tf_stack_spec *spec, struct tf_place at,
                           struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    size_t inner = spec->bottleneck, width = spec->width;
    const struct normed in = { n->narrow, n->narrow_norm, inner, width };
    const struct normed qk = { n->narrow_qk, n->narrow_qk_norm, inner, width };
    const struct normed out = { n->widen, n->widen_norm, width, inner };

    if (bind_normed(&t->in, &t->in_norm, &in, spec, at, bind, err) ||
        bind_normed(&t->out, &t->out_norm, &out, spec, at, bind, err))
        return -1;
    return n->narrow_qk
               ? bind_normed(&t->qk, &t->qk_norm, &qk, spec, at, bind, err)
               : 0;
}

static int bind_extra(struct tf_narrow *t, const struct tf_stack_spec *spec,
                      struct tf_place at, struct tf_bind *bind,
                      struct tf_err *err)
{
    size_t count = spec->feed_forwards - 1;
    size_t inner = spec->bottleneck ? spec->bottleneck : spec->width;
    const struct normed down = { spec->names.extra_down, spec->names.extra_norm,
                                 inner, spec->ffn };

    t->extra = tf_arena_alloc(bind->memory, count, sizeof(t->extra[0]));
    if (!t->extra)
        return tf_no_memory(err, count * sizeof(t->extra[0]));
    memset(t->extra, 0, count * sizeof(t->extra[0]));
    for (at.part = 0; at.part < count; at.part++) {
        struct tf_extra *e = &t->extra[at.part];

        if (!spec->names.extra_up)
            return tf_fail(err, "names: extra_up is not given");
        if (tf_bind_weight(bind, &e->up, spec->names.extra_up, at, spec->ffn,
                           inner, spec->mlp_bias, false, err) ||
            bind_normed(&e->down, &e->norm, &down, spec, at, bind, err))
            return -1;
    }
    return 0;
}

int tf_narrow_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                   struct tf_place at, struct tf_bind *bind, struct tf_err *err)
{
    struct tf_narrow *t = tf_arena_alloc(bind->memory, 1, sizeof(*t));

    if (!t)
        return tf_no_memory(err, sizeof(*t));
    memset(t, 0, sizeof(*t));
    /* norms and parts in between that no such layer has */
    if (spec->bottleneck &&
        (layer->attn_norm.w.data || layer->attn_out_norm.w.data ||
         layer->mlp_norm.w.data || layer->mlp_out_norm.w.data ||
         layer->qkv.w.data || layer->cross_q.w.data || spec->parallel ||
         spec->names.router))
        return tf_fail(err, "names: a bottleneck stands with q, k, v, o, up, "
                            "down, attn_post_norm and mlp_post_norm alone");
    if ((spec->bottleneck && bind_bottleneck(t, spec, at, bind, err)) ||
        bind_extra(t, spec, at, bind, err))
        return -1;
    layer->narrow = t;
    return 0;
}

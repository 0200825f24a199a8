#include "model/experts.h"

#include <stddef.h>
#include <string.h>
#include "base/mem.h"
#include "model/packed.h"

struct work {
    const struct tf_stack_spec *spec;
    struct tf_bind *bind;
    struct tf_place at;
    struct tf_err *err;
};

/* One of the matrices that every expert has. */
struct part {
    size_t weight;    /* its place in struct tf_expert */
    const char *name; /* or NULL: there is none */
    const char *bias; /* in full, or NULL */
    size_t out, in;
};

static struct tf_weight *weight_of(struct tf_layer *layer, size_t expert,
                                   const struct part *p)
{
    return (void *)((char *)&layer->experts[expert] + p->weight);
}

/* Part `i` of a tensor that holds one for each expert. */
static struct tf_tensor part_of(struct tf_tensor *all, size_t i)
{
    struct tf_tensor t = *all;
    size_t bytes = tf_tensor_bytes(all) / all->dim[0];

    t.ndim = all->ndim - 1;
    memmove(t.dim, t.dim + 1, t.ndim * sizeof(t.dim[0]));
    t.data = (char *)all->data + i * bytes;
    t.base = all->needs_grad || all->base ? all : NULL;
    t.needs_grad = false;
    return t;
}

/* Weights of all experts in one tensor. */
static int bind_stack(struct work *w, struct tf_layer *layer,
                      const struct part *p)
{
    bool turned = w->spec->experts_transposed;
    size_t dim[3] = { w->spec->experts, turned ? p->in : p->out,
                      turned ? p->out : p->in };
    char name[TF_BIND_NAME];
    struct tf_tensor *all =
        tf_bind_stack(w->bind, p->name, w->at, dim, name, w->err);

    for (size_t e = 0; all && e < w->spec->experts; e++) {
        struct tf_weight *weight = weight_of(layer, e, p);

        weight->in = p->in;
        weight->out = p->out;
        weight->transposed = turned;
        weight->w = part_of(all, e);
        if (tf_bind_part(w->bind, weight, name, w->err))
            return -1;
    }
    return all ? 0 : -1;
}

/* The same as 4-bit floats, if the files have it so: 1, else 0. */
static int bind_packed(struct work *w, struct tf_layer *layer,
                       const struct part *p)
{
    struct tf_place at = w->at;
    char name[TF_BIND_NAME];
    int read = 0;

    for (at.part = 0; at.part < w->spec->experts; at.part++) {
        struct tf_weight *weight = weight_of(layer, at.part, p);

        weight->in = p->in;
        weight->out = p->out;
        read = tf_packed_mxfp4(w->bind, &weight->w, p->name, at,
                               w->spec->experts, p->out, p->in, name, w->err);
        if (read <= 0)
            return read;
        if (tf_bind_part(w->bind, weight, name, w->err))
            return -1;
    }
    return read;
}

static int bind_apart(struct work *w, struct tf_layer *layer,
                      const struct part *p)
{
    struct tf_place at = w->at;

    for (at.part = 0; at.part < w->spec->experts; at.part++)
        if (tf_bind_weight(w->bind, weight_of(layer, at.part, p), p->name, at,
                           p->out, p->in, false, false, w->err))
            return -1;
    return 0;
}

static int bind_biases(struct work *w, struct tf_layer *layer,
                       const struct part *p)
{
    struct tf_tensor *all = tf_arena_alloc(w->bind->memory, 1, sizeof(*all));

    if (!all)
        return tf_no_memory(w->err, sizeof(*all));
    memset(all, 0, sizeof(*all));
    if (tf_bind_numbers(w->bind, all, p->bias, w->at, "", w->spec->experts,
                        p->out, w->err))
        return -1;
    for (size_t e = 0; e < w->spec->experts; e++)
        weight_of(layer, e, p)->bias = part_of(all, e);
    return 0;
}

static int bind_part(struct work *w, struct tf_layer *layer,
                     const struct part *p)
{
    int done;

    if (!p->name)
        return 0;
    if (strstr(p->name, "{e")) {
        done = bind_apart(w, layer, p);
    } else {
        done = bind_packed(w, layer, p);
        if (!done)
            done = bind_stack(w, layer, p);
    }
    if (done < 0 || !p->bias)
        return done < 0 ? -1 : 0;
    return bind_biases(w, layer, p);
}

static int bind_matrices(struct work *w, struct tf_layer *layer)
{
    const struct tf_stack_names *n = &w->spec->names;
    size_t width = w->spec->width, ffn = w->spec->expert_ffn;
    const struct part parts[] = {
        { offsetof(struct tf_expert, up), n->expert_up, n->expert_up_bias, ffn,
          width },
        { offsetof(struct tf_expert, gate), n->expert_gate, n->expert_gate_bias,
          ffn, width },
        { offsetof(struct tf_expert, gate_up), n->expert_gate_up,
          n->expert_gate_up_bias, 2 * ffn, width },
        { offsetof(struct tf_expert, down), n->expert_down, n->expert_down_bias,
          width, ffn },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (bind_part(w, layer, &parts[i]))
            return -1;
    if (!layer->router.w.data ||
        (!layer->experts[0].up.w.data && !layer->experts[0].gate_up.w.data) ||
        !layer->experts[0].down.w.data)
        return tf_fail(w->err, "names: router, expert_up (or expert_gate_up) "
                               "or expert_down is not given");
    return 0;
}

/* A weight of the layer's, where the row has a name for it. */
static int bind_named(struct work *w, struct tf_weight *weight,
                      const char *name, size_t out, size_t in, bool bias)
{
    return name ? tf_bind_weight(w->bind, weight, name, w->at, out, in, bias,
                                 false, w->err)
                : 0;
}

/* What routes loses too much in int8. */
static int bind_router(struct work *w, struct tf_layer *layer)
{
    const struct tf_stack_spec *s = w->spec;
    int failed;

    w->bind->exact = true;
    failed = bind_named(w, &layer->router, s->names.router, s->experts,
                        s->width, s->router_biased) ||
             bind_named(w, &layer->shared_router, s->names.shared_router, 1,
                        s->width, false);
    w->bind->exact = false;
    if (failed || !s->names.router_bias)
        return failed ? -1 : 0;
    if (tf_bind_vector(w->bind, &layer->router_bias, s->names.router_bias,
                       w->at, "", s->experts, w->err))
        return -1;
    /* a buffer of Transformers' */
    if (w->bind->params)
        tf_parameters_keep(w->bind->params, &layer->router_bias);
    return 0;
}

static int bind_shared(struct work *w, struct tf_expert *e)
{
    const struct tf_stack_names *n = &w->spec->names;
    size_t width = w->spec->width, ffn = w->spec->shared_ffn;
    bool bias = w->spec->mlp_bias;

    return bind_named(w, &e->up, n->shared_up, ffn, width, bias) ||
                   bind_named(w, &e->gate, n->shared_gate, ffn, width, bias) ||
                   bind_named(w, &e->gate_up, n->shared_gate_up, 2 * ffn, width,
                              bias) ||
                   bind_named(w, &e->down, n->shared_down, width, ffn, bias)
               ? -1
               : 0;
}

static int bind_all(struct work *w, struct tf_layer *layer)
{
    size_t n = w->spec->experts, bytes = n * sizeof(layer->experts[0]);

    if (w->bind->params && w->spec->router_mixes)
        return tf_fail(w->err, "a sparse mixer of experts can't be trained "
                               "here: Transformers draws its choices at "
                               "random then");
    if (bind_router(w, layer) || bind_shared(w, &layer->shared))
        return -1;
    layer->experts =
        tf_arena_alloc(w->bind->memory, n, sizeof(layer->experts[0]));
    if (!layer->experts)
        return tf_no_memory(w->err, bytes);
    memset(layer->experts, 0, bytes);
    return bind_matrices(w, layer);
}

int tf_experts_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                    struct tf_place at, struct tf_bind *bind,
                    struct tf_err *err)
{
    struct work w = { .spec = spec, .bind = bind, .at = at, .err = err };
    int failed;

    /* Transformers' experts and routers are no linear layers */
    bind->linear = false;
    failed = bind_all(&w, layer);
    bind->linear = true;
    return failed;
}

#include "model/ssm.h"

#include <string.h>
#include "model/bind_grouped.h"

size_t tf_ssm_past(const struct tf_stack_spec *spec)
{
    return spec->names.ssm_in ? (spec->ssm_kernel - 1) * spec->ffn : 0;
}

size_t tf_ssm_state(const struct tf_stack_spec *spec)
{
    return spec->names.ssm_in ? spec->ffn * spec->ssm_state : 0;
}

static int bind_conv(struct tf_ssm *m, const struct tf_stack_spec *s,
                     struct tf_place at, struct tf_bind *bind,
                     struct tf_err *err)
{
    if (tf_bind_depthwise(bind, &m->conv, s->names.ssm_conv, at, s->ffn,
                          s->ssm_kernel, err))
        return -1;
    return s->ssm_conv_bias
               ? tf_bind_vector(bind, &m->conv_bias, s->names.ssm_conv, at,
                                ".bias", s->ffn, err)
               : 0;
}

int tf_ssm_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                struct tf_place at, struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    size_t inner = spec->ffn, rank = spec->ssm_rank, state = spec->ssm_state;
    struct tf_ssm *m = tf_arena_alloc(bind->memory, 1, sizeof(*m));

    if (!m)
        return tf_no_memory(err, sizeof(*m));
    memset(m, 0, sizeof(*m));
    if (!n->ssm_conv || !n->ssm_x || !n->ssm_dt || !n->ssm_out || !n->ssm_a ||
        !n->ssm_d)
        return tf_fail(err, "names: not all of ssm_in, ssm_conv, ssm_x, "
                            "ssm_dt, ssm_a, ssm_d and ssm_out are given");
    if (tf_bind_weight(bind, &m->in, n->ssm_in, at, 2 * inner, spec->width,
                       spec->ssm_bias, false, err) ||
        bind_conv(m, spec, at, bind, err) ||
        tf_bind_weight(bind, &m->x, n->ssm_x, at, rank + 2 * state, inner,
                       false, false, err) ||
        tf_bind_weight(bind, &m->dt, n->ssm_dt, at, inner, rank, true, false,
                       err) ||
        tf_bind_numbers(bind, &m->a_log, n->ssm_a, at, "", inner, state, err) ||
        tf_bind_vector(bind, &m->d, n->ssm_d, at, "", inner, err) ||
        tf_bind_weight(bind, &m->out, n->ssm_out, at, spec->width, inner,
                       spec->ssm_bias, false, err))
        return -1;
    m->norm.kind = TF_RMS_NORM;
    m->norm.eps = (float)spec->ssm_norm_eps;
    layer->ssm = m;
    return 0;
}

/* Where each sequence's rows before the batch and its state are kept, or
 * false. */
static bool kept(struct tf_run *run, size_t i, float ***past, float ***state)
{
    const struct tf_batch *batch = run->batch;
    size_t n = batch->seqs.count;

    *past = *state = NULL;
    if (!batch->caches)
        return true;
    *past = tf_scratch(run->ctx, n, sizeof(**past));
    *state = tf_scratch(run->ctx, n, sizeof(**state));
    for (size_t q = 0; *past && *state && q < n; q++) {
        (*past)[q] = batch->caches[q]->layers[i].state;
        (*state)[q] = (*past)[q] + tf_ssm_past(run->stack->spec);
    }
    return *past && *state;
}

static struct tf_tensor *norm_part(struct tf_ctx *ctx, struct tf_ssm *m,
                                   struct tf_tensor *x)
{
    return m->norm.eps > 0 ? tf_norm(ctx, x, &m->norm) : x;
}

struct tf_tensor *tf_ssm_run(struct tf_run *run, size_t i,
                             struct tf_layer *layer, struct tf_tensor *x)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    struct tf_ssm *m = layer->ssm;
    struct tf_tensor *both, *u, *gate, *mixed;
    struct tf_scan scan = { .a_log = &m->a_log, .d = &m->d };
    float **past;

    if (!kept(run, i, &past, &scan.state))
        return NULL;
    both = tf_linear(ctx, x, &m->in, TF_ACT_NONE, NULL);
    u = tf_columns(ctx, both, 0, s->ffn);
    gate = tf_columns(ctx, both, s->ffn, s->ffn);
    u = tf_causal_conv(ctx, u, seqs, &m->conv,
                       s->ssm_conv_bias ? &m->conv_bias : NULL, past);
    u = tf_act(ctx, u, s->act);
    mixed = tf_linear(ctx, u, &m->x, TF_ACT_NONE, NULL);
    scan.x = u;
    scan.z = norm_part(ctx, m, tf_columns(ctx, mixed, 0, s->ssm_rank));
    scan.z = tf_linear(ctx, scan.z, &m->dt, TF_ACT_NONE, NULL);
    scan.b =
        norm_part(ctx, m, tf_columns(ctx, mixed, s->ssm_rank, s->ssm_state));
    scan.c = norm_part(
        ctx, m,
        tf_columns(ctx, mixed, s->ssm_rank + s->ssm_state, s->ssm_state));
    return tf_act_mul(ctx, gate, tf_selective_scan(ctx, &scan, seqs), s->act);
}

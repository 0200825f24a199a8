#include "model/ssm.h"

#include <string.h>
#include "model/bind_grouped.h"

/* Columns that the convolution is over: in Mamba 2 also inputs and outputs of
 * the states. */
static size_t conv_columns(const struct tf_stack_spec *s)
{
    return s->ffn + (s->names.ssm_norm ? 2 * s->ssm_groups * s->ssm_state : 0);
}

size_t tf_ssm_past(const struct tf_stack_spec *spec)
{
    return spec->names.ssm_in ? (spec->ssm_kernel - 1) * conv_columns(spec) : 0;
}

size_t tf_ssm_state(const struct tf_stack_spec *spec)
{
    return spec->names.ssm_in ? spec->ffn * spec->ssm_state : 0;
}

static int bind_conv(struct tf_ssm *m, const struct tf_stack_spec *s,
                     struct tf_place at, struct tf_bind *bind,
                     struct tf_err *err)
{
    if (tf_bind_depthwise(bind, &m->conv, s->names.ssm_conv, at,
                          conv_columns(s), s->ssm_kernel, err))
        return -1;
    return s->ssm_conv_bias
               ? tf_bind_vector(bind, &m->conv_bias, s->names.ssm_conv, at,
                                ".bias", conv_columns(s), err)
               : 0;
}

/* What Mamba 2 has. */
static int bind_heads(struct tf_ssm *m, const struct tf_stack_spec *s,
                      struct tf_place at, struct tf_bind *bind,
                      struct tf_err *err)
{
    const struct tf_stack_names *n = &s->names;
    size_t heads = s->ssm_heads;

    if (!n->ssm_dt_bias)
        return tf_fail(err, "names: ssm_dt_bias is not given");
    if (tf_bind_weight(bind, &m->in, n->ssm_in, at,
                       s->ffn + conv_columns(s) + heads, s->width, s->ssm_bias,
                       false, err) ||
        tf_bind_vector(bind, &m->dt_bias, n->ssm_dt_bias, at, "", heads, err) ||
        tf_bind_vector(bind, &m->a_log, n->ssm_a, at, "", heads, err) ||
        tf_bind_vector(bind, &m->d, n->ssm_d, at, "", heads, err) ||
        tf_bind_vector(bind, &m->norm_weight, n->ssm_norm, at, ".weight",
                       s->ffn, err))
        return -1;
    m->gated_norm.kind = TF_RMS_NORM;
    m->gated_norm.eps = (float)s->norm_eps;
    m->gated_norm.w = m->norm_weight;
    m->gated_norm.w.base =
        m->norm_weight.base ? m->norm_weight.base : &m->norm_weight;
    m->gated_norm.w.ndim = 2;
    m->gated_norm.w.dim[0] = s->ssm_groups;
    m->gated_norm.w.dim[1] = m->gated_norm.w.ld = s->ffn / s->ssm_groups;
    return 0;
}

static int bind_ranks(struct tf_ssm *m, const struct tf_stack_spec *s,
                      struct tf_place at, struct tf_bind *bind,
                      struct tf_err *err)
{
    const struct tf_stack_names *n = &s->names;
    size_t inner = s->ffn, rank = s->ssm_rank, state = s->ssm_state;

    if (!n->ssm_x || !n->ssm_dt)
        return tf_fail(err, "names: ssm_x or ssm_dt is not given");
    return tf_bind_weight(bind, &m->in, n->ssm_in, at, 2 * inner, s->width,
                          s->ssm_bias, false, err) ||
                   tf_bind_weight(bind, &m->x, n->ssm_x, at, rank + 2 * state,
                                  inner, false, false, err) ||
                   tf_bind_weight(bind, &m->dt, n->ssm_dt, at, inner, rank,
                                  true, false, err) ||
                   tf_bind_numbers(bind, &m->a_log, n->ssm_a, at, "", inner,
                                   state, err) ||
                   tf_bind_vector(bind, &m->d, n->ssm_d, at, "", inner, err)
               ? -1
               : 0;
}

int tf_ssm_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                struct tf_place at, struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_stack_names *n = &spec->names;
    struct tf_ssm *m = tf_arena_alloc(bind->memory, 1, sizeof(*m));

    if (!m)
        return tf_no_memory(err, sizeof(*m));
    memset(m, 0, sizeof(*m));
    if (!n->ssm_conv || !n->ssm_out || !n->ssm_a || !n->ssm_d)
        return tf_fail(err, "names: not all of ssm_in, ssm_conv, ssm_a, ssm_d "
                            "and ssm_out are given");
    if (bind_conv(m, spec, at, bind, err) ||
        (n->ssm_norm ? bind_heads : bind_ranks)(m, spec, at, bind, err) ||
        tf_bind_weight(bind, &m->out, n->ssm_out, at, spec->width, spec->ffn,
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

/* Mamba 2: the gate, what is convolved, and the steps of the heads come out of
 * one product. */
static struct tf_tensor *run_heads(struct tf_run *run, struct tf_ssm *m,
                                   struct tf_tensor *both, struct tf_scan *scan,
                                   float **past)
{
    struct tf_ctx *ctx = run->ctx;
    const struct tf_stack_spec *s = run->stack->spec;
    const struct tf_seqs *seqs = &run->batch->seqs;
    size_t columns = conv_columns(s), ends = s->ssm_groups * s->ssm_state;
    struct tf_tensor *gate = tf_columns(ctx, both, 0, s->ffn), *u, *y;

    u = tf_causal_conv(ctx, tf_columns(ctx, both, s->ffn, columns), seqs,
                       &m->conv, s->ssm_conv_bias ? &m->conv_bias : NULL, past);
    u = tf_act(ctx, u, s->act);
    scan->share = s->ffn / s->ssm_heads;
    scan->groups = s->ssm_groups;
    scan->x = tf_columns(ctx, u, 0, s->ffn);
    scan->b = tf_columns(ctx, u, s->ffn, ends);
    scan->c = tf_columns(ctx, u, s->ffn + ends, ends);
    /* a copy, to add to */
    scan->z = tf_pick_columns(ctx, both, s->ffn + columns, s->ssm_heads,
                              s->ssm_heads, 1);
    tf_add_vector(ctx, scan->z, &m->dt_bias);
    y = tf_act_mul(ctx, gate, tf_selective_scan(ctx, scan, seqs), TF_ACT_SILU);
    return tf_norm_heads(ctx, y, &m->gated_norm);
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
    if (s->names.ssm_norm)
        return run_heads(run, m, both, &scan, past);
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

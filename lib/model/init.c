#include "model/init.h"

#include <math.h>
#include <string.h>
#include "base/rng.h"

#define INIT_KEY 0x696e697400000000u /* apart from the draws of new heads */

static const struct tf_parameter *fresh_one(const struct tf_model *m,
                                            const struct tf_tensor *t)
{
    for (size_t i = 0; t->data && i < m->params.count; i++)
        if (m->params.v[i].tensor == t && m->params.v[i].fresh)
            return &m->params.v[i];
    return NULL;
}

static void fill(const struct tf_model *m, const struct tf_tensor *t,
                 float value)
{
    size_t n = fresh_one(m, t) ? tf_tensor_count(t) : 0;
    float *data = t->data;

    for (size_t i = 0; i < n; i++)
        data[i] = value;
}

/* Numbers that were drawn with the model's deviation get another one. */
static void deviate(const struct tf_model *m, const struct tf_tensor *t,
                    double std)
{
    size_t n = fresh_one(m, t) ? tf_tensor_count(t) : 0;
    float *data = t->data;

    for (size_t i = 0; i < n; i++)
        data[i] *= (float)(std / m->params.std);
}

/* Uniform numbers in [-bound, bound). */
static void spread(const struct tf_model *m, const struct tf_tensor *t,
                   double bound)
{
    const struct tf_parameter *p = fresh_one(m, t);
    size_t n = p ? tf_tensor_count(t) : 0;
    float *data = t->data;

    for (size_t i = 0; i < n; i++) {
        uint32_t w[4];

        tf_philox(m->params.seed ^ INIT_KEY, (uint64_t)(p - m->params.v), i, w);
        data[i] = (float)(bound * (2 * tf_uniform(w[0], w[1]) - 1));
    }
}

static json_t *given(const struct tf_model *m, const char *key)
{
    json_t *v = tf_config_get(m->config.json, key);

    return v ? v
             : json_object_get(json_object_get(m->arch.row, "defaults"), key);
}

static double number(const struct tf_model *m, const char *key, double absent)
{
    json_t *v = given(m, key);

    return json_is_number(v) ? json_number_value(v) : absent;
}

/* MambaMixer.init_mamba_weights() and MambaPreTrainedModel._init_weights(), and
 * those of Mamba2. */
static void init_ssm(const struct tf_model *m, const struct tf_ssm *ssm,
                     size_t layers)
{
    const struct tf_tensor *bias =
        ssm->dt_bias.data ? &ssm->dt_bias : &ssm->dt.bias;
    size_t state = ssm->a_log.dim[ssm->a_log.ndim - 1];
    size_t rates = fresh_one(m, &ssm->a_log) ? tf_tensor_count(&ssm->a_log) : 0;
    size_t steps = fresh_one(m, bias) ? tf_tensor_count(bias) : 0;
    double scale = json_is_true(given(m, "rescale_prenorm_residual"))
                       ? sqrt((double)layers)
                       : 1;
    double least = log(number(m, "time_step_min", 0.001));
    double most = log(number(m, "time_step_max", 0.1));
    double floor_ = number(m, "time_step_floor", 1e-4);
    double dt_std =
        number(m, "time_step_scale", 1) / sqrt(fmax((double)ssm->dt.in, 1));
    const char *scheme = json_string_value(given(m, "time_step_init_scheme"));
    float *a = ssm->a_log.data, *dt = bias->data;

    for (size_t i = 0; i < rates; i++)
        a[i] = logf((float)(i % state + 1));
    fill(m, &ssm->d, 1);
    spread(m, &ssm->conv, 1 / sqrt((double)ssm->conv.dim[1]));
    spread(m, &ssm->out.w, 1 / sqrt((double)ssm->out.in) / scale);
    spread(m, &ssm->dt.w, dt_std);
    if (scheme && !strcmp(scheme, "constant"))
        fill(m, &ssm->dt.w, (float)dt_std);
    /* softplus of the bias is log-uniform between the two */
    spread(m, bias, 1);
    for (size_t i = 0; i < steps; i++) {
        double u = ((double)dt[i] + 1) / 2;
        double step = fmax(exp(least + u * (most - least)), floor_);

        dt[i] = (float)(step + log(-expm1(-step)));
    }
}

/* T5PreTrainedModel._init_weights(): the fan-in of each product. */
static void init_by_width(const struct tf_model *m,
                          const struct tf_stack *stack, double factor)
{
    const struct tf_stack_spec *s = stack->spec;
    double narrow = factor / sqrt((double)s->width);
    double q = narrow / sqrt((double)s->head_size);

    deviate(m, &stack->position_bias, narrow);
    for (size_t i = 0; i < stack->count; i++) {
        const struct tf_layer *l = &stack->layers[i];
        const struct tf_weight *in[] = { &l->k,       &l->v,  &l->cross_k,
                                         &l->cross_v, &l->up, &l->gate };
        const struct tf_weight *out[] = { &l->o, &l->cross_o, &l->down };

        deviate(m, &l->position_bias, narrow);
        deviate(m, &l->q.w, q);
        deviate(m, &l->cross_q.w, q);
        for (size_t k = 0; k < sizeof(in) / sizeof(in[0]); k++)
            deviate(m, &in[k]->w, narrow);
        for (size_t k = 0; k < sizeof(out) / sizeof(out[0]); k++)
            if (out[k]->w.data)
                deviate(m, &out[k]->w, factor / sqrt((double)out[k]->in));
    }
}

/* GPT2PreTrainedModel._init_weights(): what is added to the residual, twice a
 * layer, is smaller with depth. */
static void init_by_depth(const struct tf_model *m,
                          const struct tf_stack *stack)
{
    double std = m->params.std / sqrt(2 * (double)stack->spec->layers);

    for (size_t i = 0; i < stack->count; i++) {
        deviate(m, &stack->layers[i].o.w, std);
        deviate(m, &stack->layers[i].down.w, std);
    }
}

static void init_stack(const struct tf_model *m, const struct tf_stack *stack)
{
    const struct tf_stack_spec *s = stack->spec;
    const struct tf_tensor *t = &stack->tokens;
    float *tokens = t->data;

    for (size_t i = 0; i < stack->count; i++) {
        const struct tf_layer *l = &stack->layers[i];

        if (l->q_norm.w.ndim == 2) /* else known as a norm */
            fill(m, &l->q_norm.w, 1);
        if (l->k_norm.w.ndim == 2)
            fill(m, &l->k_norm.w, 1);
        if (l->ssm)
            init_ssm(m, l->ssm, s->layers);
    }
    if (s->init == TF_INIT_BY_DEPTH)
        init_by_depth(m, stack);
    if (s->init == TF_INIT_BY_WIDTH)
        init_by_width(m, stack, number(m, "initializer_factor", 1));
    if (t->fixed_row && fresh_one(m, t))
        memset(tokens + (t->fixed_row - 1) * t->ld, 0, t->ld * sizeof(*tokens));
}

/* T5's heads are as narrow as its layers, but for the one of tokens. */
static void init_head(const struct tf_model *m)
{
    const struct tf_stack_spec *s = m->stack.spec;
    double std = number(m, "initializer_factor", 1) / sqrt((double)s->width);

    if (s->init != TF_INIT_BY_WIDTH || m->task == TF_TOKEN_CLASSIFICATION ||
        m->task == TF_CAUSAL_LM)
        return;
    deviate(m, &m->head.dense.w, std);
    deviate(m, &m->head.out.w, std);
}

void tf_init_fresh(struct tf_model *m)
{
    double offset = m->stack.spec->norm_offset;

    for (size_t i = 0; offset != 0 && i < m->params.count; i++)
        if (m->params.v[i].norm)
            fill(m, m->params.v[i].tensor, (float)(1 - offset));
    init_stack(m, &m->stack);
    if (m->encoder)
        init_stack(m, m->encoder);
    init_head(m);
}

struct tf_model *tf_model_init(const char *path,
                               const struct tf_model_opts *opts,
                               struct tf_err *err)
{
    struct tf_model_opts mine = *opts;

    mine.fresh = true;
    return tf_model_open(path, &mine, err);
}

/* The task whose class has this name's end. */
static enum tf_task task_of(const char *name)
{
    static const struct {
        const char *end;
        enum tf_task task;
    } ends[] = {
        { "ForSequenceClassification", TF_SEQUENCE_CLASSIFICATION },
        { "ForTokenClassification", TF_TOKEN_CLASSIFICATION },
        { "ForQuestionAnswering", TF_QUESTION_ANSWERING },
        { "ForMaskedLM", TF_MASKED_LM },
        { "ForCausalLM", TF_CAUSAL_LM },
        { "LMHeadModel", TF_CAUSAL_LM },
        { "ForConditionalGeneration", TF_CAUSAL_LM },
        { "MTModel", TF_CAUSAL_LM },
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t n = strlen(ends[i].end);

        if (len >= n && !strcmp(name + len - n, ends[i].end))
            return ends[i].task;
    }
    return TF_TASK_NONE;
}

int tf_model_task(const char *path, enum tf_task *task, struct tf_err *err)
{
    static const enum tf_task usual[] = { TF_CAUSAL_LM, TF_MASKED_LM };
    struct tf_config config = { 0 };
    struct tf_arch arch = { 0 };
    const char *name;
    int failed = tf_config_read(&config, path, err);

    *task = TF_TASK_NONE;
    name = json_string_value(
        json_array_get(json_object_get(config.json, "architectures"), 0));
    if (name)
        *task = task_of(name);
    else if (!failed &&
             !(failed = tf_arch_resolve(&arch, &config, path, NULL, err)))
        for (size_t i = 2; i-- > 0;)
            if (arch.heads[usual[i]].present)
                *task = usual[i];
    tf_arch_release(&arch);
    tf_config_release(&config);
    return failed;
}

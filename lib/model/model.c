#include "model/model.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "model/init.h"
#include "model/latent.h"
#include "model/packed.h"

/* What the head of a task gives for a row. */
static size_t outputs_of(const struct tf_model *m, enum tf_task task)
{
    switch (task) {
    case TF_QUESTION_ANSWERING:
        return 2; /* start and end */
    case TF_MASKED_LM:
    case TF_CAUSAL_LM:
        return m->stack.spec->vocab;
    default:
        return m->config.label_count;
    }
}

/* As many labels as the head has that the adapter brings. */
static int count_labels(struct tf_model *m, enum tf_task task,
                        struct tf_bind *bind, struct tf_err *err)
{
    const char *out = m->arch.heads[task].out;
    const struct tf_tensor *t = NULL;
    struct tf_spelling s;

    if (!out || task == TF_QUESTION_ANSWERING || task == TF_MASKED_LM ||
        task == TF_CAUSAL_LM)
        return 0;
    tf_spelling_init(&s, out, bind->prefix, (struct tf_place){ 0 });
    while (!t && tf_spelling_next(&s))
        t = tf_adapters_find(bind->adapters, s.name, ".weight");
    if (!t || t->ndim != 2 || t->dim[0] == m->config.label_count)
        return 0;
    return tf_config_count_labels(&m->config, t->dim[0], err);
}

/* A weight that no model without this head has, or NULL. */
static const char *own_weight(const struct tf_head_spec *spec)
{
    if (!spec->tied)
        return spec->out;
    return spec->dense_in_base ? NULL : spec->dense;
}

static int bind_head(struct tf_model *m, enum tf_task task,
                     struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_head_spec *spec = &m->arch.heads[task];
    const char *own = own_weight(spec);
    const char *type = m->arch.name ? m->arch.name : "this architecture";

    if (task == TF_TASK_NONE)
        return 0;
    if (!spec->present)
        return tf_fail(err, "%s has no head for %s", type, tf_task_name(task));
    if (bind->adapters && count_labels(m, task, bind, err))
        return -1;
    bind->inside = false;
    bind->fresh = bind->params != NULL;
    if (!bind->fresh && own && !tf_bind_has(bind, own, ".weight"))
        return tf_fail(err,
                       "no head for %s: tensor \"%s.weight\" is missing; this "
                       "model was saved without one, fine-tune it first",
                       tf_task_name(task), own);
    m->task = task;
    m->head.pad = tf_config_id(&m->config, "pad_token_id");
    m->head.eos = tf_config_id(&m->config, "eos_token_id");
    return tf_head_bind(&m->head, spec, &m->stack, outputs_of(m, task), bind,
                        err);
}

static int list_unexpected(struct tf_model *m, struct tf_err *err)
{
    size_t n = tf_weights_count(m->weights);
    const char *name;

    m->unexpected = tf_arena_alloc(&m->memory, n, sizeof(name));
    if (!m->unexpected)
        return tf_no_memory(err, n * sizeof(name));
    for (size_t i = 0; i < n; i++)
        if (m->roles[i] == TF_ROLE_UNUSED) {
            tf_weights_at(m->weights, i, &name);
            m->unexpected[m->unexpected_count++] = name;
        }
    return 0;
}

/* Without a task an encoder-decoder is its encoder, which some folders hold
 * alone. */
static int bind_stacks(struct tf_model *m, enum tf_task task,
                       struct tf_bind *bind, struct tf_err *err)
{
    const struct tf_arch *a = &m->arch;

    if (!a->has_decoder || (a->has_encoder && task == TF_TASK_NONE))
        return tf_stack_bind(&m->stack, &a->encoder, 0, bind, err);
    if (a->has_encoder) {
        m->encoder = tf_arena_alloc(&m->memory, 1, sizeof(*m->encoder));
        if (!m->encoder)
            return tf_no_memory(err, sizeof(*m->encoder));
        if (tf_stack_bind(m->encoder, &a->encoder, 0, bind, err))
            return -1;
    }
    if (tf_stack_bind(&m->stack, &a->decoder, a->encoder.width, bind, err))
        return -1;
    m->arch.decoder.latent_cached = tf_latent_absorbs(&m->stack);
    /* one table of tokens for both: its gradients add up */
    if (m->encoder && m->encoder->tokens.data == m->stack.tokens.data)
        m->stack.tokens.base = &m->encoder->tokens;
    m->decoder_start = tf_config_id(&m->config, "decoder_start_token_id");
    return 0;
}

/* As Transformers' PreTrainedModel._init_weights looks for it. */
static double initializer_std(const struct tf_model *m)
{
    static const char keys[] = "initializer_range|init_std|initializer_factor";
    json_t *v = tf_config_get(m->config.json, keys);
    json_t *defaults = json_object_get(m->arch.row, "defaults");
    double std = json_number_value(v ? v : tf_config_get(defaults, keys));

    return std > 0 ? std : 0.02;
}

/* Transformers' BitsAndBytesConfig, and its default. Others' int8 knows of no
 * outliers. */
static float int8_threshold(const struct tf_config *config)
{
    json_t *t =
        tf_config_get(config->json, "quantization_config.llm_int8_threshold");
    const char *method = json_string_value(
        tf_config_get(config->json, "quantization_config.quant_method"));
    double threshold = json_is_number(t) ? json_number_value(t) : 6.0;

    if (method && strcmp(method, "bitsandbytes") != 0)
        return 0;
    return threshold > 0 ? (float)threshold : 0;
}

static int bind_model(struct tf_model *m, const struct tf_model_opts *opts,
                      struct tf_err *err)
{
    struct tf_bind bind = { .weights = m->weights,
                            .prefix = m->arch.heads[opts->task].prefix
                                          ? m->arch.heads[opts->task].prefix
                                          : m->arch.prefix,
                            .convert = opts->convert,
                            .dtype = opts->dtype,
                            .int8 = opts->int8,
                            .int8_tables = opts->int8 && !m->arch.has_decoder &&
                                           !m->arch.heads[opts->task].tied,
                            .threshold = int8_threshold(&m->config),
                            .quantization = tf_config_get(
                                m->config.json, "quantization_config"),
                            .pool = opts->pool,
                            .memory = &m->memory,
                            .inside = true,
                            .bare = m->arch.heads[opts->task].no_prefix,
                            .look = opts->look,
                            .adapters = m->adapters,
                            .linear = true,
                            .gguf = tf_weights_gguf(m->weights) != NULL };
    size_t n = tf_weights_count(m->weights);

    if (bind.gguf)
        bind.moved = tf_gguf_rows(tf_weights_gguf(m->weights));
    if (opts->train) {
        bind.fresh = opts->fresh;
        m->params.memory = &m->memory;
        m->params.seed = opts->train->seed;
        m->params.std = initializer_std(m);
        bind.params = &m->params;
    }
    if (tf_packed_check(bind.quantization, err))
        return -1;
    m->roles = bind.used = tf_arena_alloc(&m->memory, n, 1);
    if (!m->roles)
        return tf_no_memory(err, n);
    memset(m->roles, TF_ROLE_UNUSED, n);
    if (bind_stacks(m, opts->task, &bind, err) ||
        bind_head(m, opts->task, &bind, err) || list_unexpected(m, err))
        return -1;
    if (m->adapters &&
        tf_adapters_check(m->adapters, opts->task == TF_TASK_NONE, err))
        return -1;
    if (opts->train)
        tf_init_fresh(m);
    /* the Trainer knows torch's LayerNorm, other norms by their names alone */
    if (m->stack.spec->norm != TF_LAYER_NORM)
        for (size_t i = 0; i < m->params.count; i++)
            m->params.v[i].norm = false;
    m->int8_count = bind.int8_count;
    return 0;
}

/* The configuration of a folder, or of a GGUF, whose weights are opened too. */
static int open_config(struct tf_model *m, const char *path, bool fresh,
                       struct tf_err *err)
{
    const struct tf_gguf *gguf;

    if (fresh) {
        m->weights = tf_weights_none(err);
        return m->weights ? tf_config_read(&m->config, path, err) : -1;
    }
    if (tf_dir_exists(path))
        return tf_config_open(&m->config, path, err);
    m->weights = tf_weights_open(path, err);
    if (!m->weights)
        return -1;
    gguf = tf_weights_gguf(m->weights);
    if (!gguf)
        return tf_fail(err,
                       "%.300s: weights alone; name the folder that has the "
                       "config.json too",
                       path);
    if (!tf_config_of_gguf(&m->config, gguf, err))
        return 0;
    tf_err_at(err, path);
    return -1;
}

/* The adapter to lay over the model, with the labels that its folder has; or
 * one to be trained. */
static int open_adapters(struct tf_model *m, const struct tf_model_opts *opts,
                         struct tf_err *err)
{
    if (opts->train && opts->train->lora)
        m->adapters = tf_adapters_new(opts->train->lora, m->config.model_type,
                                      opts->train->seed, err);
    else if (opts->adapter)
        m->adapters = tf_adapters_open(opts->adapter, err);
    else
        return 0;
    if (!m->adapters)
        return -1;
    return opts->adapter ? tf_config_take_labels(&m->config, opts->adapter, err)
                         : 0;
}

static int open_parts(struct tf_model *m, const char *dir,
                      const struct tf_model_opts *opts, struct tf_err *err)
{
    if (open_config(m, dir, opts->fresh, err) || open_adapters(m, opts, err) ||
        (opts->train && opts->train->label_count &&
         tf_config_set_labels(&m->config, opts->train->labels,
                              opts->train->label_count, opts->train->problem,
                              err)) ||
        tf_arch_resolve(&m->arch, &m->config, dir, opts->arch, err))
        return -1;
    if (tf_config_labels(&m->config, json_object_get(m->arch.row, "defaults"),
                         err))
        return -1;
    if (!m->weights)
        m->weights = tf_weights_open(dir, err);
    if (!m->weights)
        return -1;
    if (bind_model(m, opts, err)) {
        tf_err_at(err, dir);
        return -1;
    }
    return 0;
}

struct tf_model *tf_model_open(const char *dir,
                               const struct tf_model_opts *opts,
                               struct tf_err *err)
{
    struct tf_model *m = tf_alloc(1, sizeof(*m), err);

    if (!m)
        return NULL;
    tf_arena_init(&m->memory);
    if (open_parts(m, dir, opts, err)) {
        tf_model_close(m);
        return NULL;
    }
    return m;
}

void tf_model_close(struct tf_model *m)
{
    if (!m)
        return;
    tf_parameters_release(&m->params);
    tf_adapters_free(m->adapters);
    tf_weights_close(m->weights);
    tf_arch_release(&m->arch);
    tf_config_release(&m->config);
    tf_arena_release(&m->memory);
    free(m);
}

const char *tf_model_dtype(const struct tf_model *m)
{
    if (m->int8_count)
        return "int8";
    switch (m->stack.tokens.dtype) {
    case TF_BF16:
        return "bf16";
    case TF_F16:
        return "f16";
    default:
        return "f32";
    }
}

/* The stack that reads the input. */
static const struct tf_stack *reader(const struct tf_model *m)
{
    return m->encoder ? m->encoder : &m->stack;
}

/* Rows of a table of positions that tokens can have. */
static size_t positions_of(const struct tf_stack *stack)
{
    const struct tf_stack_spec *s = stack->spec;
    size_t taken = s->position_after_pad ? s->pad + 1 : 0;

    if (!s->max_positions)
        return SIZE_MAX;
    return s->max_positions > taken ? s->max_positions - taken : 0;
}

size_t tf_model_made_for(const struct tf_model *m)
{
    return positions_of(reader(m));
}

size_t tf_model_max_tokens(const struct tf_model *m)
{
    return reader(m)->positions.data ? tf_model_made_for(m) : SIZE_MAX;
}

/* Can the stack read these? */
static int check_ids(const struct tf_stack *stack, const int32_t *ids,
                     const uint8_t *type_ids, size_t n, struct tf_err *err)
{
    const struct tf_stack_spec *s = stack->spec;
    size_t most = stack->positions.data ? positions_of(stack) : SIZE_MAX;

    if (!n)
        return tf_fail_code(err, "bad_ids", "no tokens");
    if (n > most)
        return tf_fail_code(err, "too_long",
                            "%zu tokens, but the model has %zu positions", n,
                            most);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= s->vocab)
            return tf_fail_code(err, "bad_ids",
                                "token id %d is outside the model's "
                                "vocabulary of %zu",
                                ids[i], s->vocab);
    for (size_t i = 0; type_ids && stack->types.data && i < n; i++)
        if (type_ids[i] >= s->types)
            return tf_fail_code(err, "bad_ids",
                                "token type id %d, but the model has %zu types",
                                type_ids[i], s->types);
    return 0;
}

int tf_model_check(const struct tf_model *m, const int32_t *ids,
                   const uint8_t *type_ids, size_t n, struct tf_err *err)
{
    return check_ids(reader(m), ids, type_ids, n, err);
}

int tf_model_check_target(const struct tf_model *m, const int32_t *ids,
                          size_t n, struct tf_err *err)
{
    return check_ids(&m->stack, ids, NULL, n, err);
}

struct tf_cross *tf_model_encode(struct tf_ctx *ctx, struct tf_runner *r,
                                 struct tf_model *m,
                                 const struct tf_batch *batch)
{
    struct tf_tensor *x;

    if (!r->encoder)
        r->encoder = tf_alloc(1, sizeof(*r->encoder), ctx->err);
    if (!r->encoder) {
        ctx->failed = true;
        return NULL;
    }
    r->encoder->recompute = r->recompute;
    x = tf_stack_run(ctx, r->encoder, m->encoder, batch, TF_ROWS_ALL, SIZE_MAX);
    return tf_stack_cross(ctx, &m->stack, x, &batch->seqs);
}

/* The batch's own ids one token later, as what the decoder reads. */
static int shift_right(struct tf_ctx *ctx, const struct tf_model *m,
                       const struct tf_batch *batch, struct tf_batch *out)
{
    const struct tf_seqs *seqs = &batch->seqs;
    size_t tokens = seqs->start[seqs->count];
    int32_t *ids = tf_scratch(ctx, tokens, sizeof(*ids));

    if (!ids)
        return -1;
    if (m->decoder_start < 0) {
        tf_fail(ctx->err, "config.json has no decoder_start_token_id");
        ctx->failed = true;
        return -1;
    }
    for (size_t q = 0; q < seqs->count; q++)
        for (size_t i = seqs->start[q]; i < seqs->start[q + 1]; i++)
            ids[i] = i > seqs->start[q] ? batch->ids[i - 1] : m->decoder_start;
    *out = (struct tf_batch){ .ids = ids, .seqs = *seqs };
    return 0;
}

/* What the stack of the head reads of a batch. */
static int stack_batch(struct tf_ctx *ctx, struct tf_runner *r,
                       struct tf_model *m, const struct tf_batch *batch,
                       struct tf_batch *mine)
{
    struct tf_cross *cross;

    *mine = *batch;
    if (!m->encoder)
        return 0;
    cross = tf_model_encode(ctx, r, m, batch);
    if (!cross)
        return -1;
    if (batch->target)
        *mine = *batch->target;
    else if (shift_right(ctx, m, batch, mine))
        return -1;
    mine->cross = cross;
    return 0;
}

struct tf_tensor *tf_model_logits(struct tf_ctx *ctx, struct tf_runner *r,
                                  struct tf_model *m,
                                  const struct tf_batch *batch)
{
    struct tf_batch mine;
    enum tf_rows rows;
    struct tf_tensor *x;

    if (stack_batch(ctx, r, m, batch, &mine))
        return NULL;
    rows = tf_head_rows(ctx, &m->head, &mine.seqs,
                        batch->target ? mine.ids : batch->ids, &mine.picked);
    if (ctx->failed || tf_head_mark(ctx, &m->head, &mine))
        return NULL;
    x = tf_stack_run(ctx, r, &m->stack, &mine, rows, SIZE_MAX);
    return tf_head_run(ctx, &m->head, x, &mine);
}

struct tf_tensor *tf_model_token_loss(struct tf_ctx *ctx, struct tf_runner *r,
                                      struct tf_model *m,
                                      const struct tf_batch *batch,
                                      const int32_t *labels,
                                      const struct tf_loss *spec)
{
    struct tf_batch mine;
    struct tf_tensor *x;

    if (stack_batch(ctx, r, m, batch, &mine))
        return NULL;
    if (tf_head_mark(ctx, &m->head, &mine))
        return NULL;
    x = tf_stack_run(ctx, r, &m->stack, &mine, TF_ROWS_ALL, SIZE_MAX);
    return tf_head_token_loss(ctx, &m->head, x, labels, spec);
}

#include "convert/gguf_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "convert/select.h"
#include "model/gguf_describe.h"
#include "model/model.h"
#include "text/gguf_vocab_write.h"
#include "text/tokenizer.h"

/* The last part of a path: what the model is called. */
static void put_name(struct tf_gguf_meta *m, const char *path)
{
    size_t end = strlen(path), begin;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin && path[begin - 1] != '/'; begin--)
        ;
    tf_gguf_put_string(m, "general.name",
                       (struct tf_str){ path + begin, end - begin });
}

static int32_t id_at(json_t *ids, size_t i)
{
    json_t *v = json_is_array(ids) ? json_array_get(ids, i) : i ? NULL : ids;
    json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;

    return id >= 0 && id <= INT32_MAX ? (int32_t)id : -1;
}

/* What config.json and generation_config.json say of special tokens. */
static struct tf_gguf_ids find_ids(const struct tf_source *s, const char *path)
{
    struct tf_err err;
    char *file = tf_path(path, "generation_config.json", &err);
    json_t *generation = file ? json_load_file(file, 0, NULL) : NULL, *eos;
    struct tf_gguf_ids ids;

    eos = tf_config_get(generation, "eos_token_id");
    if (!eos)
        eos = tf_config_get(s->config.json, "eos_token_id");
    ids.eos = id_at(eos, 0);
    ids.eot = id_at(eos, 1);
    ids.bos = tf_config_id(&s->config, "bos_token_id");
    ids.pad = tf_config_id(&s->config, "pad_token_id");
    json_decref(generation);
    free(file);
    return ids;
}

static int put_tokenizer(struct tf_gguf_plan *g, const struct tf_source *s,
                         const char *path, size_t rows, struct tf_err *err)
{
    struct tf_gguf_ids ids = find_ids(s, path);
    struct tf_tokenizer *tok;
    int failed;

    if (!tf_tokenizer_there(path)) {
        tf_gguf_put_string(&g->meta, "tokenizer.ggml.model",
                           (struct tf_str){ "none", 4 });
        return 0;
    }
    tok = tf_tokenizer_open(path, err);
    if (!tok)
        return -1;
    failed = tf_gguf_put_vocab(&g->meta, tok, rows, &ids, err);
    tf_tokenizer_close(tok);
    return failed;
}

/* How an encoder of sentences pools: 1_Pooling/config.json, as llama.cpp's
 * numbers. */
static void put_pooling(struct tf_gguf_meta *m, const struct tf_gguf_arch *k,
                        const char *path)
{
    static const char *const modes[] = { "pooling_mode_mean_tokens",
                                         "pooling_mode_cls_token",
                                         "pooling_mode_lasttoken" };
    struct tf_err err;
    char *file = tf_path(path, "1_Pooling/config.json", &err), key[64];
    json_t *config = file ? json_load_file(file, 0, NULL) : NULL;

    snprintf(key, sizeof(key), "%s.pooling_type", k->name);
    for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (json_is_true(json_object_get(config, modes[i]))) {
            tf_gguf_put_u32(m, key, i + 1);
            break;
        }
    json_decref(config);
    free(file);
}

static int add_factors(struct tf_gguf_plan *g, const struct tf_stack_spec *spec,
                       struct tf_err *err)
{
    int failed;

    g->factors = (struct tf_tensor){ .dtype = TF_F32, .ndim = 1 };
    g->factors.dim[0] = g->factors.ld = spec->rotary_dims / 2;
    g->factors.data = tf_gguf_rope_factors(spec, &failed, err);
    if (!g->factors.data)
        return failed;
    return tf_plan_add(&g->plan, "rope_freqs.weight", &g->factors, err) ? 0
                                                                        : -1;
}

/* Are the tensors there, in the shapes that config.json gives them? */
static int check(const char *path, struct tf_err *err)
{
    struct tf_model_opts opts = { .task = TF_TASK_NONE, .look = true };
    struct tf_model *m = tf_model_open(path, &opts, err);

    tf_model_close(m);
    return m ? 0 : -1;
}

static int describe(struct tf_gguf_plan *g, const struct tf_source *s,
                    const char *path, struct tf_err *err)
{
    const struct tf_stack_spec *spec;
    const struct tf_gguf_arch *k;

    if (!s->known) {
        *err = s->why;
        return -1;
    }
    k = tf_gguf_arch_of(s->arch.name);
    if (!k)
        return tf_fail(err,
                       "models of the type %s can't be written as a GGUF; "
                       "LLaMA, Mistral, Mixtral, Qwen 2 and 3, Gemma 1 to 3, "
                       "GPT-2 and BERT can",
                       s->arch.name);
    spec = tf_source_reader(s);
    g->mix.layers = spec->layers;
    g->mix.heads = spec->heads;
    g->mix.kv_heads = spec->kv_heads;
    g->mix.experts = spec->experts;
    if (tf_gguf_describe(&g->meta, k, &s->arch, err) ||
        tf_select_for_gguf(&g->plan, s, k, err) || add_factors(g, spec, err))
        return -1;
    put_name(&g->meta, path);
    put_pooling(&g->meta, k, path);
    return put_tokenizer(g, s, path, spec->vocab, err);
}

/* What a new file has otherwise. */
static bool is_replaced(struct tf_str key)
{
    return tf_str_is(key, "general.alignment") ||
           tf_str_is(key, "general.file_type") ||
           tf_str_is(key, "general.quantization_version") ||
           (key.len > 6 && !memcmp(key.s, "split.", 6));
}

static int copy(struct tf_gguf_plan *g, const struct tf_source *s,
                struct tf_err *err)
{
    const struct tf_stack_spec *spec;
    const char *name;

    for (size_t i = 0; i < tf_gguf_value_count(s->gguf); i++) {
        struct tf_str key, value = tf_gguf_value_at(s->gguf, i, &key);

        if (!is_replaced(key))
            tf_gguf_put_raw(&g->meta, key, value);
    }
    for (size_t i = 0; i < tf_gguf_count(s->gguf); i++) {
        const struct tf_tensor *t = tf_gguf_at(s->gguf, i, &name);
        struct tf_made *m = tf_plan_add(&g->plan, name, t, err);

        if (!m)
            return -1;
        m->source = name;
    }
    if (!s->known) {
        *err = s->why;
        return -1;
    }
    spec = tf_source_reader(s);
    g->mix.layers = spec->layers;
    g->mix.heads = spec->heads;
    g->mix.kv_heads = spec->kv_heads;
    g->mix.experts = spec->experts;
    return 0;
}

int tf_gguf_plan_make(struct tf_gguf_plan *g, const struct tf_source *s,
                      const char *path, struct tf_err *err)
{
    memset(g, 0, sizeof(*g));
    if (!s->gguf && s->known && check(path, err))
        return -1;
    if (s->gguf ? copy(g, s, err) : describe(g, s, path, err)) {
        tf_err_at(err, path);
        return -1;
    }
    g->mix.tied = true;
    for (size_t i = 0; i < g->plan.count; i++)
        if (!strcmp(g->plan.made[i].name, "output.weight"))
            g->mix.tied = false;
    return 0;
}

void tf_gguf_plan_release(struct tf_gguf_plan *g)
{
    for (size_t i = 0; g->packings && i < g->plan.count; i++)
        free(g->packings[i].owned);
    tf_gguf_meta_release(&g->meta);
    tf_plan_release(&g->plan);
    free(g->factors.data);
    free(g->packings);
    memset(g, 0, sizeof(*g));
}

/* A type that a GGUF has and models compute with. */
static enum tf_dtype stored(enum tf_dtype dtype)
{
    bool fine = dtype == TF_F32 || dtype == TF_F16 || dtype == TF_BF16 ||
                tf_dtype_info(dtype)->block > 1;

    return fine ? dtype : TF_F32;
}

/* The type of most numbers. */
static enum tf_dtype main_type(const struct tf_plan *plan)
{
    size_t numbers[TF_DTYPES] = { 0 };
    enum tf_dtype most = TF_F32;

    for (size_t i = 0; i < plan->count; i++) {
        const struct tf_tensor *t = &plan->made[i].to;

        numbers[t->dtype] += tf_tensor_count(t);
        if (numbers[t->dtype] > numbers[most])
            most = t->dtype;
    }
    return most;
}

int tf_gguf_plan_types(struct tf_gguf_plan *g, bool as_is,
                       bool (*keep)(void *arg, const struct tf_made *m),
                       void *arg, struct tf_pool *pool, struct tf_err *err)
{
    bool blocks = false;

    g->packings = tf_alloc(g->plan.count, sizeof(*g->packings), err);
    if (!g->packings)
        return -1;
    for (size_t i = 0; i < g->plan.count; i++) {
        struct tf_made *m = &g->plan.made[i];

        if (!tf_gguf_is_matrix(m->name, &m->to))
            m->to.dtype = tf_dtype_info(m->from->dtype)->block > 1
                              ? m->from->dtype
                              : TF_F32;
        else if (as_is || (keep && keep(arg, m)))
            m->to.dtype = m->times != 0 ? TF_F32 : stored(m->from->dtype);
        else
            m->to.dtype = tf_gguf_choose(&g->mix, m->name, &m->to);
        if (tf_dtype_info(m->to.dtype)->block == 1)
            continue;
        blocks = true;
        if (tf_made_is_copy(m))
            continue;
        g->packings[i].pool = pool;
        m->make = tf_made_pack;
        m->arg = &g->packings[i];
    }
    tf_gguf_put_u32(
        &g->meta, "general.file_type",
        tf_gguf_file_type(as_is ? main_type(&g->plan) : g->mix.dtype));
    if (blocks)
        tf_gguf_put_u32(&g->meta, "general.quantization_version", 2);
    return 0;
}

struct filling {
    const struct tf_named_tensor *tensors;
    const struct tf_plan *plan;
};

static int fill(void *arg, const struct tf_named_tensor *t, void *out,
                struct tf_err *err)
{
    const struct filling *f = arg;

    return tf_made_fill(&f->plan->made[t - f->tensors], out, err);
}

int tf_gguf_plan_write(struct tf_gguf_plan *g, const char *file,
                       struct tf_err *err)
{
    size_t n = g->plan.count;
    struct tf_named_tensor *tensors = tf_alloc(n, sizeof(*tensors), err);
    struct filling f = { tensors, &g->plan };
    int failed;

    if (!tensors)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct tf_made *m = &g->plan.made[i];

        tensors[i].name = m->name;
        tensors[i].tensor = m->to;
        if (tf_made_is_copy(m))
            tensors[i].tensor.data = m->from->data;
    }
    failed = tf_gguf_write(file, &g->meta, tensors, n, fill, &f, err);
    free(tensors);
    return failed;
}

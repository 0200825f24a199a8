#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "model/bind.h"
#include "model/config.h"
#include "task/embed.h"

#define JSON_BYTES ((size_t)64 << 20) /* the most of a configuration file */

void tf_embedder_release(struct tf_embedder *e)
{
    for (size_t i = 0; i < e->module_count; i++)
        tf_weights_close(e->modules[i].weights);
    for (size_t i = 0; i < e->prompt_count; i++) {
        free(e->prompts[i].name);
        free(e->prompts[i].text);
    }
    free(e->base);
    free(e->modules);
    free(e->prompts);
    free(e->out);
    tf_arena_release(&e->memory);
    tf_arena_release(&e->scratch);
    memset(e, 0, sizeof(*e));
}

/* Read DIR/NAME: 1, 0 when there is no such file, or -1. */
static int read_json(const char *dir, const char *name, json_t **out,
                     struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    struct tf_buf text = TF_BUF_INIT;
    json_error_t why;
    int found = -1;

    *out = NULL;
    if (!path)
        return -1;
    if (!tf_file_exists(path)) {
        found = 0;
    } else if (!tf_file_read(path, JSON_BYTES, &text, err)) {
        *out = json_loadb(text.data ? text.data : "", text.len, 0, &why);
        found = *out ? 1 : tf_fail(err, "%s:%d: %s", path, why.line, why.text);
    }
    tf_buf_release(&text);
    free(path);
    return found;
}

static struct tf_embed_module *
add_module(struct tf_embedder *e, enum tf_embed_kind kind, struct tf_err *err)
{
    struct tf_embed_module *grown =
        tf_grow(e->modules, e->module_count + 1, sizeof(*grown), err);

    if (!grown)
        return NULL;
    e->modules = grown;
    grown += e->module_count++;
    *grown = (struct tf_embed_module){ .kind = kind };
    return grown;
}

/* Names of 1_Pooling/config.json, old and new. */
static const struct {
    const char *flag, *name;
} pools[TF_EMBED_POOLS] = {
    [TF_EMBED_CLS] = { "pooling_mode_cls_token", "cls" },
    [TF_EMBED_MAX] = { "pooling_mode_max_tokens", "max" },
    [TF_EMBED_MEAN] = { "pooling_mode_mean_tokens", "mean" },
    [TF_EMBED_SQRT] = { "pooling_mode_mean_sqrt_len_tokens",
                        "mean_sqrt_len_tokens" },
    [TF_EMBED_WEIGHTED] = { "pooling_mode_weightedmean_tokens",
                            "weightedmean" },
    [TF_EMBED_LAST] = { "pooling_mode_lasttoken", "lasttoken" },
};

static int add_pool(struct tf_embed_module *m, json_t *name, struct tf_err *err)
{
    const char *s = json_string_value(name);
    size_t i = 0;

    while (i < TF_EMBED_POOLS && (!s || strcmp(pools[i].name, s)))
        i++;
    if (i == TF_EMBED_POOLS || m->pool_count == TF_EMBED_POOLS)
        return tf_fail(err, "pooling_mode \"%s\" is not known", s ? s : "");
    m->pools[m->pool_count++] = (enum tf_embed_pool)i;
    return 0;
}

static int read_pooling(struct tf_embed_module *m, json_t *config,
                        struct tf_err *err)
{
    json_t *mode = tf_config_get(config, "pooling_mode"), *item;
    size_t i;

    m->skips_prompt = json_is_false(json_object_get(config, "include_prompt"));
    if (json_is_array(mode)) {
        json_array_foreach (mode, i, item)
            if (add_pool(m, item, err))
                return -1;
    } else if (mode && add_pool(m, mode, err)) {
        return -1;
    }
    for (i = 0; i < TF_EMBED_POOLS && !mode; i++)
        if (json_is_true(json_object_get(config, pools[i].flag)))
            m->pools[m->pool_count++] = (enum tf_embed_pool)i;
    if (!m->pool_count)
        m->pools[m->pool_count++] = TF_EMBED_MEAN;
    return 0;
}

/* The activation that a class of torch names; tanh when it is none of torch's,
 * as in sentence-transformers. */
static int read_act(const char *name, enum tf_act *act, struct tf_err *err)
{
    static const struct {
        const char *name;
        enum tf_act act;
    } acts[] = {
        { "Identity", TF_ACT_NONE }, { "Tanh", TF_ACT_TANH },
        { "GELU", TF_ACT_GELU },     { "ReLU", TF_ACT_RELU },
        { "SiLU", TF_ACT_SILU },     { "Sigmoid", TF_ACT_SIGMOID },
    };
    const char *last = name ? strrchr(name, '.') : NULL;

    *act = TF_ACT_TANH;
    if (!name || strncmp(name, "torch.", 6))
        return 0;
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (!strcmp(acts[i].name, last + 1)) {
            *act = acts[i].act;
            return 0;
        }
    return tf_fail(err, "activation_function \"%s\" is not supported", name);
}

static int read_size(json_t *config, const char *key, size_t *out,
                     struct tf_err *err)
{
    json_int_t n = json_integer_value(tf_config_get(config, key));

    if (n < 1 || n > 1 << 24)
        return tf_fail(err, "\"%s\" is not a size", key);
    *out = (size_t)n;
    return 0;
}

/* What finds the module's tensors. */
static int open_bind(struct tf_embedder *e, struct tf_embed_module *m,
                     struct tf_bind *bind, struct tf_err *err)
{
    size_t n = tf_weights_count(m->weights) + 1;

    *bind = (struct tf_bind){ .weights = m->weights, .memory = &e->memory };
    bind->used = tf_arena_alloc(&e->memory, n, 1);
    return bind->used ? 0 : tf_no_memory(err, n);
}

static int read_dense(struct tf_embedder *e, struct tf_embed_module *m,
                      json_t *config, struct tf_err *err)
{
    struct tf_bind bind;
    struct tf_place none = { 0 };
    bool bias = !json_is_false(json_object_get(config, "bias"));
    json_t *act = tf_config_get(config, "activation_function");
    size_t in, out;

    if (open_bind(e, m, &bind, err) ||
        read_size(config, "in_features", &in, err) ||
        read_size(config, "out_features", &out, err) ||
        read_act(json_string_value(act), &m->act, err) ||
        tf_bind_weight(&bind, &m->linear, "linear", none, out, in, bias, false,
                       err))
        return -1;
    m->has_residual = json_is_true(json_object_get(config, "use_residual"));
    if (!m->has_residual || in == out)
        return 0;
    return tf_bind_weight(&bind, &m->residual, "residual", none, out, in, false,
                          false, err);
}

static int read_layer_norm(struct tf_embedder *e, struct tf_embed_module *m,
                           json_t *config, struct tf_err *err)
{
    struct tf_bind bind;
    struct tf_place none = { 0 };
    size_t n;

    m->norm.eps = 1e-5f;
    return open_bind(e, m, &bind, err) ||
                   read_size(config, "dimension", &n, err) ||
                   tf_bind_vector(&bind, &m->norm.w, "norm", none, ".weight", n,
                                  err) ||
                   tf_bind_vector(&bind, &m->norm.b, "norm", none, ".bias", n,
                                  err)
               ? -1
               : 0;
}

/* Read a module of the folder `path`. */
static int read_module(struct tf_embedder *e, enum tf_embed_kind kind,
                       const char *path, struct tf_err *err)
{
    static const char *const places[] = { "module_input_name",
                                          "module_output_name" };
    struct tf_embed_module *m = add_module(e, kind, err);
    json_t *config;
    int failed = !m || read_json(path, "config.json", &config, err) < 0;

    if (failed)
        return -1;
    for (size_t i = 0; i < 2 && !failed; i++) {
        const char *s = json_string_value(tf_config_get(config, places[i]));

        if (s && strcmp(s, "sentence_embedding"))
            failed = tf_fail(err, "%s \"%s\" is not supported", places[i], s);
    }
    if (!failed && (kind == TF_EMBED_DENSE || kind == TF_EMBED_LAYER_NORM))
        failed = !(m->weights = tf_weights_open(path, err));
    if (!failed && kind == TF_EMBED_POOLING)
        failed = read_pooling(m, config, err);
    else if (!failed && kind == TF_EMBED_DENSE)
        failed = read_dense(e, m, config, err);
    else if (!failed && kind == TF_EMBED_LAYER_NORM)
        failed = read_layer_norm(e, m, config, err);
    json_decref(config);
    if (failed)
        tf_err_at(err, path);
    return failed ? -1 : 0;
}

/* A path below the folder, and nowhere else. */
static bool stays_below(const char *path)
{
    if (*path == '/')
        return false;
    for (; *path; path += strcspn(path, "/")) {
        path += strspn(path, "/");
        if (!strncmp(path, "..", 2) && (!path[2] || path[2] == '/'))
            return false;
    }
    return true;
}

/* The kind that a class names: 0 with *kind, 1 the transformer, 2 one that does
 * nothing, -1 not known. */
static int kind_of(const char *type, enum tf_embed_kind *kind)
{
    static const struct {
        const char *name;
        int answer;
        enum tf_embed_kind kind;
    } kinds[] = {
        { "Transformer", 1, 0 },
        { "Pooling", 0, TF_EMBED_POOLING },
        { "Dense", 0, TF_EMBED_DENSE },
        { "LayerNorm", 0, TF_EMBED_LAYER_NORM },
        { "Normalize", 0, TF_EMBED_NORMALIZE },
        { "Dropout", 2, 0 },
    };
    const char *last = strrchr(type, '.');

    if (!last || strncmp(type, "sentence_transformers.", 22))
        return -1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(kinds[i].name, last + 1)) {
            *kind = kinds[i].kind;
            return kinds[i].answer;
        }
    return -1;
}

static int read_entry(struct tf_embedder *e, const char *dir, json_t *entry,
                      struct tf_err *err)
{
    const char *type = json_string_value(json_object_get(entry, "type"));
    const char *path = json_string_value(json_object_get(entry, "path"));
    enum tf_embed_kind kind = TF_EMBED_POOLING;
    int answer, failed = 0;
    char *full;

    if (!type || !path || !stays_below(path))
        return tf_fail(err, "a module has no good \"type\" and \"path\"");
    answer = kind_of(type, &kind);
    if (answer < 0)
        return tf_fail(err, "module %s is not supported", type);
    if (answer == 2)
        return 0;
    if (!(full = *path ? tf_path(dir, path, err)
                       : tf_strndup(dir, strlen(dir), err)))
        return -1;
    if (answer == 1 && !e->base && !e->module_count) {
        e->base = full;
        return 0;
    }
    if (answer == 1 || !e->base ||
        (kind == TF_EMBED_POOLING) != !e->module_count)
        failed = tf_fail(err, "its modules are not a Transformer, a Pooling "
                              "and what comes after them");
    else
        failed = read_module(e, kind, full, err);
    free(full);
    return failed;
}

/* modules.json, or what stands for it. */
static int read_modules(struct tf_embedder *e, const char *dir,
                        struct tf_err *err)
{
    json_t *list, *entry;
    struct tf_embed_module *m;
    int found = read_json(dir, "modules.json", &list, err), failed = found < 0;
    size_t i;

    json_array_foreach (list, i, entry)
        if (!failed)
            failed = read_entry(e, dir, entry, err);
    json_decref(list);
    if (failed)
        return -1;
    if (found && !e->module_count)
        return tf_fail(err, "modules.json has no Transformer and Pooling");
    if (!found) {
        if (!(m = add_module(e, TF_EMBED_POOLING, err)))
            return -1;
        m->pools[m->pool_count++] = TF_EMBED_MEAN;
    }
    if (!e->base)
        e->base = tf_strndup(dir, strlen(dir), err);
    return e->base ? 0 : -1;
}

static int read_settings(struct tf_embedder *e, struct tf_err *err)
{
    json_t *settings;
    json_int_t most;

    if (read_json(e->base, "sentence_bert_config.json", &settings, err) < 0)
        return -1;
    most = json_integer_value(json_object_get(settings, "max_seq_length"));
    if (most > 0)
        e->max_length = (size_t)most;
    e->lower_case = json_is_true(json_object_get(settings, "do_lower_case"));
    json_decref(settings);
    return 0;
}

static int read_prompts(struct tf_embedder *e, const char *dir,
                        struct tf_err *err)
{
    json_t *config, *prompts, *text;
    const char *name, *first;
    int failed = 0;

    if (read_json(dir, "config_sentence_transformers.json", &config, err) < 0)
        return -1;
    prompts = json_object_get(config, "prompts");
    first = json_string_value(json_object_get(config, "default_prompt_name"));
    e->prompts = tf_alloc(json_object_size(prompts), sizeof(*e->prompts), err);
    if (!e->prompts)
        failed = -1;
    json_object_foreach (prompts, name, text) {
        struct tf_prompt_text *p = e->prompts + e->prompt_count;

        if (failed || !json_is_string(text))
            continue;
        e->prompt_count++;
        p->name = tf_strndup(name, strlen(name), err);
        p->text =
            tf_strndup(json_string_value(text), json_string_length(text), err);
        failed = p->name && p->text ? 0 : -1;
        if (!failed && first && !strcmp(name, first))
            e->default_prompt = p->name;
    }
    json_decref(config);
    return failed;
}

int tf_embedder_open(struct tf_embedder *e, const char *dir, struct tf_err *err)
{
    memset(e, 0, sizeof(*e));
    tf_arena_init(&e->memory);
    tf_arena_init(&e->scratch);
    if (read_modules(e, dir, err) || read_settings(e, err) ||
        read_prompts(e, dir, err)) {
        tf_err_at(err, dir);
        return -1;
    }
    return 0;
}

const char *tf_embedder_prompt(const struct tf_embedder *e, const char *name)
{
    for (size_t i = 0; i < e->prompt_count; i++)
        if (!strcmp(e->prompts[i].name, name))
            return e->prompts[i].text;
    return NULL;
}

bool tf_embedder_skips_prompt(const struct tf_embedder *e)
{
    return e->module_count && e->modules[0].skips_prompt;
}

static void remove_module(struct tf_embedder *e, size_t i)
{
    tf_weights_close(e->modules[i].weights);
    e->module_count--;
    memmove(e->modules + i, e->modules + i + 1,
            (e->module_count - i) * sizeof(*e->modules));
}

static int apply(struct tf_embedder *e, const struct tf_embed_opts *opts,
                 struct tf_err *err)
{
    struct tf_embed_module *last;
    bool normalizes;

    if (opts->pool >= 0 && opts->pool < TF_EMBED_POOLS) {
        e->modules[0].pools[0] = (enum tf_embed_pool)opts->pool;
        e->modules[0].pool_count = 1;
    }
    last = &e->modules[e->module_count - 1];
    normalizes = opts->normalize < 0 ? last->kind == TF_EMBED_NORMALIZE
                                     : opts->normalize;
    /* vectors of tokens are what the transformer gives */
    for (size_t i = e->module_count; i-- > 0;)
        if (opts->pool == TF_EMBED_TOKENS ||
            (e->modules[i].kind == TF_EMBED_NORMALIZE &&
             (!opts->normalize || i + 1 == e->module_count)))
            remove_module(e, i);
    if (opts->pool == TF_EMBED_TOKENS)
        normalizes = opts->normalize == 1;
    return normalizes && !add_module(e, TF_EMBED_NORMALIZE, err) ? -1 : 0;
}

int tf_embedder_fit(struct tf_embedder *e, const struct tf_embed_opts *opts,
                    size_t width, struct tf_err *err)
{
    if (apply(e, opts, err))
        return -1;
    e->width = e->dim = width;
    for (size_t i = 0; i < e->module_count; i++) {
        const struct tf_embed_module *m = &e->modules[i];
        size_t in = e->dim, out = e->dim;

        if (m->kind == TF_EMBED_POOLING) {
            out = in * m->pool_count;
        } else if (m->kind == TF_EMBED_DENSE) {
            in = m->linear.in;
            out = m->linear.out;
        } else if (m->kind == TF_EMBED_LAYER_NORM) {
            in = out = m->norm.w.dim[0];
        }
        if (in != e->dim)
            return tf_fail(err,
                           "module %zu reads vectors of %zu numbers, but gets "
                           "%zu",
                           i + 1, in, e->dim);
        e->dim = out;
    }
    if (opts->dim > e->dim)
        return tf_fail(err, "an embedding has %zu numbers, not %zu", e->dim,
                       opts->dim);
    if (opts->dim)
        e->dim = opts->dim;
    return 0;
}

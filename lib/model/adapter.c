#include "model/adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/adapter_make.h"
#include "model/stack.h"

struct tf_weights *tf_adapter_tensors(const char *dir, struct tf_err *err)
{
    static const char *const files[] = { "adapter_model.safetensors",
                                         "adapter_model.bin" };
    struct tf_weights *w = NULL;

    for (size_t i = 0; i < 2 && !w; i++) {
        char *path = tf_path(dir, files[i], err);
        bool there = path && tf_file_exists(path);

        if (there)
            w = tf_weights_open(path, err);
        free(path);
        if (there)
            return w;
    }
    tf_fail(err, "%.300s: no adapter_model.safetensors", dir);
    return NULL;
}

struct tf_adapters *tf_adapters_open(const char *dir, struct tf_err *err)
{
    struct tf_adapters *set = tf_alloc(1, sizeof(*set), err);

    if (!set)
        return NULL;
    set->dir = tf_strndup(dir, strlen(dir), err);
    if (!set->dir || tf_lora_open(&set->lora, dir, err) ||
        !(set->weights = tf_adapter_tensors(dir, err)) ||
        !(set->used = tf_alloc(tf_weights_count(set->weights), 1, err))) {
        tf_adapters_free(set);
        return NULL;
    }
    return set;
}

static int set_targets(json_t *settings, const char *model_type,
                       struct tf_err *err)
{
    const char *names = tf_lora_default_targets(model_type);
    json_t *given = json_object_get(settings, "target_modules");
    json_t *list;

    if (given && !json_is_null(given))
        return 0;
    if (!names)
        return tf_fail(err,
                       "target_modules: there is no default for %.60s; name "
                       "some, or \"all-linear\"",
                       model_type ? model_type : "this architecture");
    list = json_array();
    for (size_t n; *names; names += n + (names[n] == '|')) {
        n = strcspn(names, "|");
        json_array_append_new(list, json_stringn(names, n));
    }
    return json_object_set_new(settings, "target_modules", list)
               ? tf_no_memory(err, 1)
               : 0;
}

struct tf_adapters *tf_adapters_new(const struct tf_lora *lora,
                                    const char *model_type, uint64_t seed,
                                    struct tf_err *err)
{
    struct tf_adapters *set = tf_alloc(1, sizeof(*set), err);
    json_t *copy = set ? json_deep_copy(lora->json) : NULL;
    int failed = !copy || set_targets(copy, model_type, err);

    if (set && !copy)
        tf_no_memory(err, sizeof(*set));
    if (copy && !failed)
        failed = tf_lora_read(&set->lora, copy, false, err);
    json_decref(copy);
    if (failed) {
        tf_adapters_free(set);
        return NULL;
    }
    set->seed = seed;
    return set;
}

void tf_adapters_free(struct tf_adapters *set)
{
    if (!set)
        return;
    tf_lora_release(&set->lora);
    tf_weights_close(set->weights);
    free(set->used);
    free(set->dir);
    free(set);
}

void tf_adapters_name(const struct tf_adapters *set, const char *module,
                      const char *suffix, char name[TF_NAME_MAX])
{
    bool inner = set->targeted && !strcmp(suffix, ".bias");

    snprintf(name, TF_NAME_MAX, TF_ADAPTER_BEFORE "%.440s%s%.40s", module,
             inner ? ".base_layer" : "", suffix);
}

const struct tf_tensor *tf_adapters_find(struct tf_adapters *set,
                                         const char *module, const char *suffix)
{
    char name[TF_NAME_MAX];
    const char *found;
    size_t i;

    if (!set->weights)
        return NULL;
    snprintf(name, sizeof(name), TF_ADAPTER_BEFORE "%.400s%.60s", module,
             suffix);
    i = tf_weights_index(set->weights, name);
    if (i == SIZE_MAX)
        return NULL;
    set->used[i] = 1;
    return tf_weights_at(set->weights, i, &found);
}

int tf_adapters_train(struct tf_adapters *set, const char *module,
                      const char *suffix, bool fresh, bool *trained,
                      struct tf_err *err)
{
    enum tf_lora_bias bias = set->lora.bias;
    bool is_bias = !strcmp(suffix, ".bias");

    *trained = tf_lora_saves(&set->lora, module) || fresh ||
               (is_bias && (bias == TF_BIAS_ALL ||
                            (bias == TF_BIAS_LORA_ONLY && set->targeted)));
    if (!fresh || tf_lora_saves(&set->lora, module))
        return 0;
    if (!set->lora.saved) {
        set->lora.saved = json_array();
        json_object_set_new(set->lora.json, "modules_to_save", set->lora.saved);
    }
    return json_array_append_new(set->lora.saved, json_string(module))
               ? tf_no_memory(err, strlen(module))
               : 0;
}

/* A tensor of the file as float32 numbers of its own. */
static int take(struct tf_bind *bind, struct tf_tensor *t,
                const struct tf_tensor *found, struct tf_err *err)
{
    const struct tf_dtype_info *info = tf_dtype_info(found->dtype);
    size_t n = tf_tensor_count(found);
    float *data = tf_arena_alloc(bind->memory, n, sizeof(*data));

    if (!data)
        return tf_no_memory(err, n * sizeof(*data));
    info->unpack(data, found->data, n);
    *t = *found;
    t->dtype = TF_F32;
    t->data = data;
    return 0;
}

static bool is_float(const struct tf_tensor *t)
{
    return t->dtype == TF_F32 || t->dtype == TF_F16 || t->dtype == TF_BF16 ||
           t->dtype == TF_F64;
}

/* Both matrices of a module, shapes checked: a [r][in], b [out][r]. */
static int take_pair(struct tf_bind *bind, const char *module,
                     const char *suffixes[2], size_t in, size_t out,
                     struct tf_tensor *a, struct tf_tensor *b,
                     struct tf_err *err)
{
    struct tf_adapters *set = bind->adapters;
    const struct tf_tensor *fa = tf_adapters_find(set, module, suffixes[0]);
    const struct tf_tensor *fb = tf_adapters_find(set, module, suffixes[1]);
    size_t rank;

    if (!fa || !fb)
        return tf_fail(err, "%.300s: %s is missing", module,
                       suffixes[fa ? 1 : 0] + 1);
    if (tf_lora_rank(&set->lora, module, &rank, err))
        return -1;
    if (fa->ndim != 2 || fb->ndim != 2 || !is_float(fa) || !is_float(fb))
        return tf_fail(err, "%.300s: its adapter is not two matrices", module);
    if (fa->dim[0] != rank || fa->dim[1] != in || fb->dim[0] != out ||
        fb->dim[1] != rank)
        return tf_fail(err,
                       "%.200s: A is [%zu, %zu] and B [%zu, %zu], but for rank "
                       "%zu and this model's layer they are [%zu, %zu] and "
                       "[%zu, %zu]",
                       module, fa->dim[0], fa->dim[1], fb->dim[0], fb->dim[1],
                       rank, rank, in, out, rank);
    return take(bind, a, fa, err) || take(bind, b, fb, err) ? -1 : 0;
}

/* Put rows of Transformers' order into that of the file of the base. */
static int reorder(const struct tf_bind *bind, struct tf_tensor *t, size_t rows,
                   struct tf_err *err)
{
    size_t n = tf_tensor_count(t), cols = n / rows;
    float *copy, *data = t->data;

    if (!bind->rows)
        return 0;
    copy = tf_alloc(n, sizeof(*copy), err);
    if (!copy)
        return -1;
    memcpy(copy, data, n * sizeof(*copy));
    for (size_t i = 0; i < rows; i++)
        memcpy(data + i * cols, copy + bind->rows[i] * cols,
               cols * sizeof(*copy));
    free(copy);
    return 0;
}

/* Numbers [n] of a module, or NULL in t->data when the file has none. */
static int take_vector(struct tf_bind *bind, struct tf_tensor *t,
                       const char *module, const char *suffix, size_t n,
                       struct tf_err *err)
{
    const struct tf_tensor *found =
        tf_adapters_find(bind->adapters, module, suffix);

    if (!found)
        return 0;
    if (tf_tensor_count(found) != n || !is_float(found))
        return tf_fail(err, "%.300s%s: %zu numbers, but the layer has %zu rows",
                       module, suffix, tf_tensor_count(found), n);
    if (take(bind, t, found, err))
        return -1;
    t->ndim = 1;
    t->dim[0] = t->ld = n;
    return reorder(bind, t, n, err);
}

/* lora_bias: scale times it is added to the layer's own. */
static int add_bias(struct tf_bind *bind, struct tf_weight *w,
                    const struct tf_adapter *a, const char *module,
                    struct tf_err *err)
{
    struct tf_tensor more = { .data = NULL };
    float *own;

    if (take_vector(bind, &more, module, ".lora_B.bias", w->out, err))
        return -1;
    if (!more.data)
        return 0;
    if (a->magnitude.data)
        return tf_fail(err, "%.300s: DoRA with lora_bias is not supported",
                       module);
    own = more.data;
    for (size_t i = 0; i < w->out; i++)
        own[i] *= a->scale;
    bind->adapters->bias = own;
    return 0;
}

static int read_adapter(struct tf_bind *bind, struct tf_weight *w,
                        const char *module, struct tf_err *err)
{
    struct tf_adapters *set = bind->adapters;
    const char *suffixes[2] = { ".lora_A.weight", ".lora_B.weight" };
    struct tf_adapter *a = tf_arena_alloc(bind->memory, 1, sizeof(*a));
    float *norms;

    if (!a)
        return tf_no_memory(err, sizeof(*a));
    memset(a, 0, sizeof(*a));
    if (take_pair(bind, module, suffixes, w->in, w->out, &a->a, &a->b, err) ||
        reorder(bind, &a->b, w->out, err) ||
        tf_lora_scale(&set->lora, module, a->a.dim[0], &a->scale, err) ||
        take_vector(bind, &a->magnitude, module, ".lora_magnitude_vector",
                    w->out, err) ||
        (!a->magnitude.data &&
         take_vector(bind, &a->magnitude, module,
                     ".lora_magnitude_vector.weight", w->out, err)) ||
        add_bias(bind, w, a, module, err))
        return -1;
    if (set->lora.dora && !a->magnitude.data)
        return tf_fail(err, "%.300s: lora_magnitude_vector is missing", module);
    if (a->magnitude.data) {
        norms = tf_arena_alloc(bind->memory, w->out, sizeof(*norms));
        if (!norms)
            return tf_no_memory(err, w->out * sizeof(*norms));
        if (tf_adapter_norms(NULL, w, a, norms, err))
            return -1;
        a->norms = norms;
    }
    w->adapters = a;
    set->count++;
    return 0;
}

/* The module under the name that the file of the adapter has for it. */
static bool find_module(struct tf_bind *bind, const char *pattern,
                        struct tf_place at, const char *suffix,
                        struct tf_spelling *s)
{
    tf_spelling_init(s, pattern, bind->prefix, at);
    while (tf_spelling_next(s))
        if (tf_adapters_find(bind->adapters, s->name, suffix))
            return true;
    return false;
}

/* Transformers' name for it. */
static void name_module(struct tf_bind *bind, const char *pattern,
                        struct tf_place at, const char *name,
                        char module[TF_NAME_MAX])
{
    char first[TF_NAME_MAX];

    tf_spell(first, pattern, strcspn(pattern, "|"), at);
    tf_bind_module(bind, pattern, at, name ? name : first, module);
}

int tf_adapters_attach(struct tf_bind *bind, struct tf_weight *w,
                       const char *pattern, struct tf_place at,
                       const char *name, struct tf_err *err)
{
    struct tf_adapters *set = bind->adapters;
    struct tf_spelling s;
    char module[TF_NAME_MAX];
    int found;

    set->targeted = false;
    if (set->weights)
        return find_module(bind, pattern, at, ".lora_A.weight", &s)
                   ? read_adapter(bind, w, s.name, err)
                   : 0;
    name_module(bind, pattern, at, name, module);
    if (bind->linear)
        snprintf(set->seen, sizeof(set->seen), "%s", module);
    found = tf_lora_targets(&set->lora, module, bind->linear, err);
    if (found <= 0)
        return found;
    set->targeted = true;
    set->count++;
    return tf_adapter_make(bind, w, module, err);
}

static int read_tokens(struct tf_bind *bind, struct tf_token_adapter *t,
                       const char *module, const struct tf_tensor *table,
                       struct tf_err *err)
{
    const char *suffixes[2] = { ".lora_embedding_A", ".lora_embedding_B" };
    size_t vocab = table->dim[0], rank;
    struct tf_tensor a;
    float *turned;

    if (take_pair(bind, module, suffixes, vocab, table->dim[1], &a, &t->b.w,
                  err))
        return -1;
    rank = a.dim[0];
    turned = tf_arena_alloc(bind->memory, vocab * rank, sizeof(*turned));
    if (!turned)
        return tf_no_memory(err, vocab * rank * sizeof(*turned));
    for (size_t i = 0; i < vocab; i++)
        for (size_t k = 0; k < rank; k++)
            turned[i * rank + k] = ((const float *)a.data)[k * vocab + i];
    t->a = a;
    t->a.dim[0] = vocab;
    t->a.dim[1] = t->a.ld = rank;
    t->a.data = turned;
    t->b.in = rank;
    t->b.out = table->dim[1];
    bind->adapters->count++;
    return tf_lora_scale(&bind->adapters->lora, module, rank, &t->scale, err);
}

int tf_adapters_attach_tokens(struct tf_bind *bind,
                              struct tf_token_adapter **out,
                              const struct tf_tensor *table,
                              const char *pattern, struct tf_err *err)
{
    struct tf_adapters *set = bind->adapters;
    struct tf_place none = { 0 };
    struct tf_token_adapter *t;
    char module[TF_NAME_MAX];
    struct tf_spelling s;
    int found = 0;

    if (set->weights) {
        found = find_module(bind, pattern, none, ".lora_embedding_A", &s);
    } else {
        name_module(bind, pattern, none, NULL, module);
        found = tf_lora_targets(&set->lora, module, false, err);
    }
    if (found <= 0)
        return found;
    t = tf_arena_alloc(bind->memory, 1, sizeof(*t));
    if (!t)
        return tf_no_memory(err, sizeof(*t));
    memset(t, 0, sizeof(*t));
    *out = t;
    if (set->weights)
        return read_tokens(bind, t, s.name, table, err);
    set->count++;
    return tf_adapter_make_tokens(bind, t, module, table, err);
}

void tf_adapters_attach_bias(struct tf_bind *bind, struct tf_weight *w)
{
    float *more = bind->adapters->bias, *own = w->bias.data;

    bind->adapters->bias = NULL;
    bind->adapters->targeted = false;
    if (!more)
        return;
    for (size_t i = 0; own && i < w->out; i++)
        more[i] += own[i];
    w->bias = (struct tf_tensor){ .ndim = 1, .dim = { w->out }, .ld = w->out };
    w->bias.data = more;
}

bool tf_adapter_is_copy(const char *name)
{
    return strstr(name, ".original_module.") ||
           strstr(name, ".modules_to_save.");
}

int tf_adapters_check(const struct tf_adapters *set, bool part,
                      struct tf_err *err)
{
    const char *name;

    if (!set->weights && !set->count)
        return tf_fail(err,
                       "target_modules: the model has no module of these "
                       "names; one of its own is \"%.300s\"",
                       set->seen);
    for (size_t i = 0; set->weights && i < tf_weights_count(set->weights); i++)
        if (!set->used[i]) {
            tf_weights_at(set->weights, i, &name);
            if ((part && !strstr(name, ".lora_")) || tf_adapter_is_copy(name))
                continue;
            return tf_fail(err,
                           "%.200s: \"%.200s\" is for a module that the model "
                           "has not; is it the adapter's base?",
                           set->dir, name);
        }
    return 0;
}

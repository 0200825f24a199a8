#include "convert/convert.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/companions.h"
#include "convert/select.h"
#include "format/safetensors_write.h"
#include "text/gguf_vocab.h"

#define SHARDS_MAX 99999 /* five digits in their names */

struct writing {
    struct tf_plan plan;
    struct tf_strmap by_name; /* name: number in the plan */
    size_t *shard;            /* [count]: of each tensor, from 0 */
    size_t shards;
    const char *dir;
};

static int check_new(const char *dir, struct tf_err *err)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool empty = true;

    if (!d && errno == ENOENT)
        return tf_dir_make(dir, err);
    if (!d)
        return tf_fail(err, "%.300s: %s", dir, strerror(errno));
    while (empty && (e = readdir(d)))
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    closedir(d);
    if (empty)
        return 0;
    return tf_fail(err,
                   "%.300s: not empty; name a new folder, so that no older "
                   "file mixes with the model",
                   dir);
}

/* The types that tf_made_fill() gives. */
static bool is_packed(enum tf_dtype dtype)
{
    return dtype == TF_F32 || dtype == TF_BF16 || dtype == TF_F16;
}

static void set_types(struct tf_plan *plan, const struct tf_convert_opts *opts)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct tf_made *m = &plan->made[i];
        enum tf_dtype dtype = m->from->dtype;

        if (opts->change && tf_dtype_is_float(dtype))
            m->to.dtype = opts->dtype;
        else if (tf_dtype_info(dtype)->block > 1 ||
                 (!tf_made_is_copy(m) && !is_packed(dtype)))
            m->to.dtype = TF_F32;
    }
}

/* Fill one file after the other, in order, as the hub's libraries do. */
static int cut(struct writing *w, size_t max, struct tf_err *err)
{
    size_t room = 0, i;

    w->shard = tf_alloc(w->plan.count, sizeof(*w->shard), err);
    if (!w->shard || tf_strmap_reserve(&w->by_name, w->plan.count, err))
        return -1;
    for (i = 0; i < w->plan.count; i++) {
        const struct tf_made *m = &w->plan.made[i];
        size_t bytes = tf_tensor_bytes(&m->to), len = strlen(m->name);

        if (tf_strmap_get(&w->by_name, m->name, len) != TF_STRMAP_NONE)
            return tf_fail(err, "%.300s: stands twice", m->name);
        if (tf_strmap_set(&w->by_name, m->name, len, (uint32_t)i, err))
            return -1;
        if (!i || (max && bytes > room)) {
            w->shards++;
            room = max;
        }
        room -= bytes < room ? bytes : room;
        w->shard[i] = w->shards - 1;
    }
    if (w->shards > SHARDS_MAX)
        return tf_fail(err,
                       "%zu files of weights are too many; allow larger "
                       "ones",
                       w->shards);
    return 0;
}

static char *file_name(char *out, size_t size, size_t i, size_t n)
{
    if (n == 1)
        snprintf(out, size, "model.safetensors");
    else
        snprintf(out, size, "model-%05zu-of-%05zu.safetensors", i + 1, n);
    return out;
}

static int fill(void *arg, const struct tf_named_tensor *t, void *out,
                struct tf_err *err)
{
    const struct writing *w = arg;

    return tf_made_fill(
        &w->plan.made[tf_strmap_get(&w->by_name, t->name, strlen(t->name))],
        out, err);
}

static int write_shard(struct writing *w, size_t shard, struct tf_err *err)
{
    struct tf_named_tensor *tensors =
        tf_alloc(w->plan.count, sizeof(*tensors), err);
    char name[64], *path;
    size_t n = 0;
    int failed;

    if (!tensors)
        return -1;
    for (size_t i = 0; i < w->plan.count; i++) {
        const struct tf_made *m = &w->plan.made[i];

        if (w->shard[i] != shard)
            continue;
        tensors[n].name = m->name;
        tensors[n].tensor = m->to;
        if (tf_made_is_copy(m))
            tensors[n].tensor.data = m->from->data;
        n++;
    }
    path =
        tf_path(w->dir, file_name(name, sizeof(name), shard, w->shards), err);
    failed = !path || tf_safetensors_write(path, tensors, n, fill, w, err);
    free(path);
    free(tensors);
    return failed ? -1 : 0;
}

static int write_index(const struct writing *w, size_t bytes,
                       struct tf_err *err)
{
    json_t *map = json_object(), *index;
    char name[64];
    int failed;

    for (size_t i = 0; i < w->plan.count; i++)
        json_object_set_new(
            map, w->plan.made[i].name,
            json_string(file_name(name, sizeof(name), w->shard[i], w->shards)));
    index = json_pack("{s:{s:I}, s:o}", "metadata", "total_size",
                      (json_int_t)bytes, "weight_map", map);
    failed = tf_write_json(w->dir, "model.safetensors.index.json", index, err);
    json_decref(index);
    return failed;
}

static int write_weights(struct writing *w, const struct tf_convert_opts *opts,
                         struct tf_convert_report *report, struct tf_err *err)
{
    if (!w->plan.count)
        return tf_fail(err, "no tensors");
    if (cut(w, opts->max_shard, err))
        return -1;
    for (size_t i = 0; i < w->plan.count; i++)
        report->bytes += tf_tensor_bytes(&w->plan.made[i].to);
    report->tensors = w->plan.count;
    report->files = w->shards;
    for (size_t i = 0; i < w->shards; i++)
        if (write_shard(w, i, err))
            return -1;
    return w->shards > 1 ? write_index(w, report->bytes, err) : 0;
}

/* The name that config.json has for a type. */
static const char *type_name(enum tf_dtype dtype)
{
    return dtype == TF_BF16  ? "bfloat16"
           : dtype == TF_F16 ? "float16"
                             : "float32";
}

/* The type of most numbers that are written. */
static enum tf_dtype main_type(const struct tf_plan *plan)
{
    size_t numbers[TF_DTYPES] = { 0 };
    enum tf_dtype most = TF_F32;

    for (size_t i = 0; i < plan->count; i++) {
        const struct tf_tensor *t = &plan->made[i].to;

        numbers[t->dtype] += tf_tensor_count(t);
        if (tf_dtype_is_float(t->dtype) && numbers[t->dtype] > numbers[most])
            most = t->dtype;
    }
    return most;
}

static int write_config(const struct writing *w, const struct tf_source *s,
                        struct tf_err *err)
{
    json_t *c = s->config.json;
    json_t *type = json_string(type_name(main_type(&w->plan)));
    bool has = json_object_get(c, "dtype") != NULL;

    if (!has || json_object_get(c, "torch_dtype"))
        json_object_set(c, "torch_dtype", type);
    if (has)
        json_object_set(c, "dtype", type);
    json_decref(type);
    return tf_write_json(w->dir, "config.json", c, err);
}

/* The tokenizer inside a GGUF, where it has one. */
static int write_tokenizer(const char *dir, const struct tf_gguf *g,
                           struct tf_err *err)
{
    struct tf_buf json = TF_BUF_INIT, config = TF_BUF_INIT;
    struct tf_str model;
    int failed = 0;

    if (tf_gguf_string(g, "tokenizer.ggml.model", &model))
        failed = tf_gguf_vocab(g, &json, &config, err) ||
                 tf_write_text(dir, "tokenizer.json", &json, err) ||
                 tf_write_text(dir, "tokenizer_config.json", &config, err);
    tf_buf_release(&json);
    tf_buf_release(&config);
    return failed ? -1 : 0;
}

static int check_source(const struct tf_source *s,
                        const struct tf_convert_opts *opts, struct tf_err *err)
{
    if (s->gguf && !s->known) {
        *err = s->why;
        return -1;
    }
    if (opts->change && s->config.json &&
        tf_config_get(s->config.json, "quantization_config"))
        return tf_fail(err, "the model is quantised (quantization_config in "
                            "config.json): its types can't be changed");
    return 0;
}

static int convert(struct writing *w, struct tf_source *s, const char *path,
                   const struct tf_convert_opts *opts,
                   struct tf_convert_report *report, struct tf_err *err)
{
    if (check_source(s, opts, err) ||
        (s->gguf ? tf_select_gguf(&w->plan, s, err)
                 : tf_select_weights(&w->plan, s, err))) {
        tf_err_at(err, path);
        return -1;
    }
    set_types(&w->plan, opts);
    report->dropped = tf_weights_count(s->weights) - w->plan.count;
    if (check_new(w->dir, err) || write_weights(w, opts, report, err))
        return -1;
    if (s->gguf)
        return write_tokenizer(w->dir, s->gguf, err) || write_config(w, s, err);
    if (!s->config.json)
        return 0;
    return tf_copy_companions(path, w->dir, err) ||
           (opts->change ? write_config(w, s, err)
                         : tf_copy_file(path, w->dir, "config.json", err));
}

int tf_convert(const char *path, const char *dir,
               const struct tf_convert_opts *opts,
               struct tf_convert_report *report, struct tf_err *err)
{
    struct writing w = { .dir = dir };
    struct tf_source s;
    int failed;

    memset(report, 0, sizeof(*report));
    failed = tf_source_open(&s, path, err) ||
             convert(&w, &s, path, opts, report, err);
    free(w.shard);
    tf_strmap_release(&w.by_name);
    tf_plan_release(&w.plan);
    tf_source_release(&s);
    return failed ? -1 : 0;
}

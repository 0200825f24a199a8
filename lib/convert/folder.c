#include "convert/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/companions.h"
#include "format/safetensors_write.h"

#define SHARDS_MAX 99999 /* five digits in their names */

struct writing {
    const struct tf_plan *plan;
    struct tf_strmap by_name; /* name: number in the plan */
    size_t *shard;            /* [count]: of each tensor, from 0 */
    size_t shards;
    const char *dir;
};

int tf_folder_new(const char *dir, struct tf_err *err)
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

/* Fill one file after the other, in order, as the hub's libraries do. */
static int cut(struct writing *w, size_t max, struct tf_err *err)
{
    size_t room = 0, i;

    w->shard = tf_alloc(w->plan->count, sizeof(*w->shard), err);
    if (!w->shard || tf_strmap_reserve(&w->by_name, w->plan->count, err))
        return -1;
    for (i = 0; i < w->plan->count; i++) {
        const struct tf_made *m = &w->plan->made[i];
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
        &w->plan->made[tf_strmap_get(&w->by_name, t->name, strlen(t->name))],
        out, err);
}

static int write_shard(struct writing *w, size_t shard, struct tf_err *err)
{
    struct tf_named_tensor *tensors =
        tf_alloc(w->plan->count, sizeof(*tensors), err);
    char name[64], *path;
    size_t n = 0;
    int failed;

    if (!tensors)
        return -1;
    for (size_t i = 0; i < w->plan->count; i++) {
        const struct tf_made *m = &w->plan->made[i];

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

    for (size_t i = 0; i < w->plan->count; i++)
        json_object_set_new(
            map, w->plan->made[i].name,
            json_string(file_name(name, sizeof(name), w->shard[i], w->shards)));
    index = json_pack("{s:{s:I}, s:o}", "metadata", "total_size",
                      (json_int_t)bytes, "weight_map", map);
    failed = tf_write_json(w->dir, "model.safetensors.index.json", index, err);
    json_decref(index);
    return failed;
}

int tf_folder_write(const char *dir, const struct tf_plan *plan,
                    size_t max_shard, struct tf_folder_sizes *sizes,
                    struct tf_err *err)
{
    struct writing w = { .plan = plan, .dir = dir };
    size_t i;
    int failed;

    if (!plan->count)
        return tf_fail(err, "no tensors");
    failed = cut(&w, max_shard, err);
    sizes->bytes = 0;
    sizes->files = w.shards;
    for (i = 0; i < plan->count; i++)
        sizes->bytes += tf_tensor_bytes(&plan->made[i].to);
    for (i = 0; i < w.shards && !failed; i++)
        failed = write_shard(&w, i, err);
    if (!failed && w.shards > 1)
        failed = write_index(&w, sizes->bytes, err);
    free(w.shard);
    tf_strmap_release(&w.by_name);
    return failed ? -1 : 0;
}

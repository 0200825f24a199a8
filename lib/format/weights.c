#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "format/container.h"

#define INDEX_MAX   100000000 /* bytes */
#define EXPERTS_MAX 65536     /* of a layer */

struct shard {
    char *name; /* its file in the index's folder */
    struct tf_container file;
};

struct tf_weights {
    struct shard *shards;
    size_t shard_count;
    const struct tf_tensor **tensors; /* borrowed from the shards */
    const char **names;
    size_t count;
    struct tf_strmap index; /* name: its place in tensors */
    /* One tensor of a GGUF for all experts is many here. */
    struct tf_tensor *views;
    char **view_names;
    size_t view_count;
};

/* One line of an index's weight_map. */
struct mapping {
    char *tensor;
    uint32_t shard;
};

struct index {
    struct mapping *maps;
    size_t count, cap;
    struct tf_strmap shards;  /* file name: shard number */
    struct tf_strmap tensors; /* tensor: mapping number */
};

static int add_shard(struct tf_weights *w, struct tf_str name,
                     struct tf_err *err)
{
    struct shard *grown;

    grown = tf_grow(w->shards, w->shard_count + 1, sizeof(*grown), err);
    if (!grown)
        return -1;
    w->shards = grown;
    grown[w->shard_count].file = (struct tf_container){ 0 };
    grown[w->shard_count].name = tf_strndup(name.s, name.len, err);
    if (!grown[w->shard_count].name)
        return -1;
    w->shard_count++;
    return 0;
}

/* A shard lies beside its index: a name with a path in it is an attack. */
static bool plain_name(struct tf_str s)
{
    return s.len && !memchr(s.s, '/', s.len) && !memchr(s.s, 0, s.len) &&
           !tf_str_is(s, ".") && !tf_str_is(s, "..");
}

static int shard_number(struct tf_weights *w, struct index *ix,
                        struct tf_str file, uint32_t *number,
                        struct tf_err *err)
{
    *number = tf_strmap_get(&ix->shards, file.s, file.len);
    if (*number != TF_STRMAP_NONE)
        return 0;
    if (!plain_name(file))
        return tf_fail(err, "weight_map: \"%.*s\" is not a plain file name",
                       (int)(file.len > 200 ? 200 : file.len), file.s);
    if (add_shard(w, file, err))
        return -1;
    *number = (uint32_t)(w->shard_count - 1);
    return tf_strmap_set(&ix->shards, w->shards[*number].name, file.len,
                         *number, err);
}

static int add_mapping(struct index *ix, struct tf_str tensor,
                       struct tf_err *err)
{
    struct mapping *m;

    if (ix->count == ix->cap) {
        size_t cap = ix->cap ? 2 * ix->cap : 256;
        struct mapping *grown = tf_grow(ix->maps, cap, sizeof(*m), err);

        if (!grown)
            return -1;
        ix->maps = grown;
        ix->cap = cap;
    }
    m = &ix->maps[ix->count];
    m->tensor = tf_strndup(tensor.s, tensor.len, err);
    if (!m->tensor)
        return -1;
    ix->count++;
    if (tf_strmap_get(&ix->tensors, tensor.s, tensor.len) != TF_STRMAP_NONE)
        return tf_fail(err, "weight_map: \"%.200s\" is given twice", m->tensor);
    return tf_strmap_set(&ix->tensors, m->tensor, tensor.len,
                         (uint32_t)(ix->count - 1), err);
}

static int read_map(struct tf_weights *w, struct index *ix, struct tf_json *j,
                    struct tf_err *err)
{
    struct tf_str key, file;

    if (!tf_json_object(j))
        return 0;
    while (tf_json_key(j, &key)) {
        if (add_mapping(ix, key, err))
            return -1;
        if (!tf_json_string(j, &file))
            return 0;
        if (shard_number(w, ix, file, &ix->maps[ix->count - 1].shard, err))
            return -1;
    }
    return 0;
}

static int read_index(struct tf_weights *w, struct index *ix, const char *path,
                      struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    struct tf_json j;
    struct tf_str key;
    int failed;

    if (tf_file_read(path, INDEX_MAX, &text, err)) {
        tf_buf_release(&text);
        return -1;
    }
    tf_json_init(&j, text.data, text.len);
    failed = 0;
    if (tf_json_object(&j))
        while (!failed && tf_json_key(&j, &key)) {
            if (tf_str_is(key, "weight_map"))
                failed = read_map(w, ix, &j, err);
            else
                tf_json_skip(&j, NULL);
        }
    if (!failed) {
        tf_json_done(&j);
        if (tf_json_failed(&j, err))
            failed = -1;
        else if (!ix->count)
            failed = tf_fail(err, "no weight_map");
    }
    if (failed)
        tf_err_at(err, path);
    tf_json_release(&j);
    tf_buf_release(&text);
    return failed;
}

static void index_release(struct index *ix)
{
    for (size_t i = 0; i < ix->count; i++)
        free(ix->maps[i].tensor);
    free(ix->maps);
    tf_strmap_release(&ix->shards);
    tf_strmap_release(&ix->tensors);
}

static int open_shards(struct tf_weights *w, const char *dir,
                       struct tf_err *err)
{
    for (size_t i = 0; i < w->shard_count; i++) {
        char *path = tf_path(dir, w->shards[i].name, err);
        int failed;

        if (!path)
            return -1;
        if (!tf_file_exists(path))
            failed = tf_fail(err,
                             "%.400s: the index names this shard, but it is "
                             "missing or can't be read",
                             path);
        else
            failed = tf_container_open(&w->shards[i].file, path, err);
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

/* Every tensor the index names must be in the shard it names. */
static int check_map(const struct tf_weights *w, const struct index *ix,
                     struct tf_err *err)
{
    for (size_t i = 0; i < ix->count; i++) {
        const struct mapping *m = &ix->maps[i];
        const struct shard *s = &w->shards[m->shard];

        if (!tf_container_find(&s->file, m->tensor))
            return tf_fail(err,
                           "%.150s: the index puts \"%.150s\" here, but it "
                           "has no such tensor",
                           s->name, m->tensor);
    }
    return 0;
}

/* In a GGUF the experts of a layer are one tensor, [experts][out][in], called
 * "x_exps.weight". Their number, or 0 when it is no such tensor. */
static size_t stacked(const struct tf_container *file, const char *name,
                      const struct tf_tensor *t)
{
    const char *end = strrchr(name, '.');

    if (!file->gguf || t->ndim != 3 || !end || end - name < 5 ||
        strncmp(end - 5, "_exps", 5) || t->dim[0] > EXPERTS_MAX ||
        !tf_tensor_bytes(t))
        return 0;
    return t->dim[0];
}

/* How many tensors all shards have, each expert's counted. */
static size_t count_all(const struct tf_weights *w, size_t *views)
{
    size_t total = 0;

    *views = 0;
    for (size_t s = 0; s < w->shard_count; s++)
        for (size_t i = 0; i < tf_container_count(&w->shards[s].file); i++) {
            const char *name;
            const struct tf_tensor *t =
                tf_container_at(&w->shards[s].file, i, &name);
            size_t n = stacked(&w->shards[s].file, name, t);

            *views += n;
            total += n ? n : 1;
        }
    return total;
}

static int add_tensor(struct tf_weights *w, const char *name,
                      const struct tf_tensor *t, struct tf_err *err)
{
    size_t len = strlen(name);

    if (tf_strmap_get(&w->index, name, len) != TF_STRMAP_NONE)
        return tf_fail(err, "%.200s: in two shards", name);
    if (tf_strmap_set(&w->index, name, len, (uint32_t)w->count, err))
        return -1;
    w->tensors[w->count] = t;
    w->names[w->count++] = name;
    return 0;
}

/* Expert e of "x_exps.weight" is "x_exps.e.weight", in place. */
static int add_experts(struct tf_weights *w, const char *name,
                       const struct tf_tensor *t, struct tf_err *err)
{
    size_t bytes = t->dim[0] ? tf_tensor_bytes(t) / t->dim[0] : 0;
    const char *end = strrchr(name, '.');
    size_t room = strlen(name) + 24;

    for (size_t e = 0; e < t->dim[0]; e++) {
        struct tf_tensor *view = &w->views[w->view_count];
        char *full = tf_alloc(room, 1, err);

        if (!full)
            return -1;
        snprintf(full, room, "%.*s.%zu%s", (int)(end - name), name, e, end);
        w->view_names[w->view_count++] = full;
        *view = *t;
        view->ndim = 2;
        view->dim[0] = t->dim[1];
        view->dim[1] = t->dim[2];
        view->data = (char *)t->data + e * bytes;
        if (add_tensor(w, full, view, err))
            return -1;
    }
    return 0;
}

/* Gather the shards' tensors under one index of names. With an index file, it
 * says which shard's tensor counts where two have the same name. */
static int gather(struct tf_weights *w, const struct index *ix,
                  struct tf_err *err)
{
    size_t views, total = count_all(w, &views);

    w->tensors = tf_alloc(total, sizeof(w->tensors[0]), err);
    w->names = tf_alloc(total, sizeof(w->names[0]), err);
    w->views = tf_alloc(views, sizeof(w->views[0]), err);
    w->view_names = tf_alloc(views, sizeof(w->view_names[0]), err);
    if (!w->tensors || !w->names || !w->views || !w->view_names ||
        tf_strmap_reserve(&w->index, total, err))
        return -1;
    for (size_t s = 0; s < w->shard_count; s++)
        for (size_t i = 0; i < tf_container_count(&w->shards[s].file); i++) {
            const char *name;
            const struct tf_tensor *t =
                tf_container_at(&w->shards[s].file, i, &name);
            uint32_t m = tf_strmap_get(&ix->tensors, name, strlen(name));

            if (m != TF_STRMAP_NONE && ix->maps[m].shard != s)
                continue;
            if (stacked(&w->shards[s].file, name, t)
                    ? add_experts(w, name, t, err)
                    : add_tensor(w, name, t, err))
                return -1;
        }
    return 0;
}

static int open_index(struct tf_weights *w, const char *dir, const char *path,
                      struct tf_err *err)
{
    struct index ix = { 0 };
    int failed = read_index(w, &ix, path, err);

    if (!failed)
        failed = open_shards(w, dir, err);
    if (!failed) {
        failed = check_map(w, &ix, err) || gather(w, &ix, err);
        if (failed)
            tf_err_at(err, path);
    }
    index_release(&ix);
    return failed;
}

static int open_single(struct tf_weights *w, const char *path,
                       struct tf_err *err)
{
    struct tf_str name = { path, strlen(path) };
    struct index none = { 0 };

    if (add_shard(w, name, err))
        return -1;
    return tf_container_open(&w->shards[0].file, path, err) ||
           gather(w, &none, err);
}

/* A folder without weights that can be read: name what stands there instead. */
static int explain(const char *dir, struct tf_err *err)
{
    static const char *const others[] = {
        "tf_model.h5",
        "flax_model.msgpack",
        "model.onnx",
    };
    char *path;
    int there;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        path = tf_path(dir, others[i], err);
        if (!path)
            return -1;
        there = tf_file_exists(path);
        free(path);
        if (there)
            return tf_fail(err,
                           "%.300s: weights only as %s, which can't be read "
                           "here; save the model as safetensors "
                           "(save_pretrained in Transformers does)",
                           dir, others[i]);
    }
    return tf_fail(err,
                   "%.300s: no weights: neither model.safetensors nor "
                   "pytorch_model.bin, nor an index of their shards",
                   dir);
}

static int open_folder(struct tf_weights *w, const char *dir,
                       struct tf_err *err)
{
    static const struct {
        const char *name;
        bool index;
    } files[] = { { "model.safetensors", false },
                  { "model.safetensors.index.json", true },
                  { "pytorch_model.bin", false },
                  { "pytorch_model.bin.index.json", true } };
    int failed;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = tf_path(dir, files[i].name, err);

        if (!path)
            return -1;
        if (!tf_file_exists(path)) {
            free(path);
            continue;
        }
        failed = files[i].index ? open_index(w, dir, path, err)
                                : open_single(w, path, err);
        free(path);
        return failed;
    }
    return explain(dir, err);
}

static int open_file(struct tf_weights *w, const char *path, struct tf_err *err)
{
    static const char suffix[] = ".index.json";
    const char *slash = strrchr(path, '/');
    size_t len = strlen(path);
    char *dir;
    int failed;

    if (len < sizeof(suffix) ||
        strcmp(path + len - (sizeof(suffix) - 1), suffix))
        return open_single(w, path, err);
    dir = slash ? tf_strndup(path, (size_t)(slash - path) + 1, err)
                : tf_strndup(".", 1, err);
    failed = !dir || open_index(w, dir, path, err);
    free(dir);
    return failed;
}

struct tf_weights *tf_weights_open(const char *path, struct tf_err *err)
{
    struct tf_weights *w = tf_alloc(1, sizeof(*w), err);

    if (!w)
        return NULL;
    if (tf_dir_exists(path) ? open_folder(w, path, err)
                            : open_file(w, path, err)) {
        tf_weights_close(w);
        return NULL;
    }
    return w;
}

struct tf_weights *tf_weights_none(struct tf_err *err)
{
    return tf_alloc(1, sizeof(struct tf_weights), err);
}

void tf_weights_close(struct tf_weights *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->shard_count; i++) {
        tf_container_close(&w->shards[i].file);
        free(w->shards[i].name);
    }
    for (size_t i = 0; i < w->view_count; i++)
        free(w->view_names[i]);
    free(w->view_names);
    free(w->views);
    free(w->shards);
    free(w->tensors);
    free(w->names);
    tf_strmap_release(&w->index);
    free(w);
}

size_t tf_weights_index(const struct tf_weights *w, const char *name)
{
    uint32_t i = tf_strmap_get(&w->index, name, strlen(name));

    return i == TF_STRMAP_NONE ? SIZE_MAX : i;
}

const struct tf_tensor *tf_weights_find(const struct tf_weights *w,
                                        const char *name)
{
    size_t i = tf_weights_index(w, name);

    return i == SIZE_MAX ? NULL : w->tensors[i];
}

size_t tf_weights_count(const struct tf_weights *w)
{
    return w->count;
}

const struct tf_tensor *tf_weights_at(const struct tf_weights *w, size_t i,
                                      const char **name)
{
    *name = w->names[i];
    return w->tensors[i];
}

const struct tf_gguf *tf_weights_gguf(const struct tf_weights *w)
{
    return w->shard_count ? w->shards[0].file.gguf : NULL;
}

size_t tf_weights_bytes(const struct tf_weights *w)
{
    size_t bytes = 0;

    for (size_t i = 0; i < w->count; i++)
        bytes += tf_tensor_bytes(w->tensors[i]);
    return bytes;
}

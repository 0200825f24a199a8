#include "convert/companions.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "text/gguf_vocab.h"

static int write_bytes(const char *dir, const char *name, const void *p,
                       size_t n, struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    int failed = !path || tf_file_write(path, p, n, err);

    free(path);
    return failed ? -1 : 0;
}

int tf_write_text(const char *dir, const char *name, const struct tf_buf *text,
                  struct tf_err *err)
{
    return write_bytes(dir, name, text->data, text->len, err);
}

static void put_indent(struct tf_buf *b, int depth)
{
    tf_buf_addc(b, '\n');
    for (int i = 0; i < 2 * depth; i++)
        tf_buf_addc(b, ' ');
}

/* As Python's json.dump with an indent of 2: jansson would spell numbers with
 * all 17 digits. The tree was parsed, so its depth is bounded. */
static void put_value(struct tf_buf *b, json_t *v, int depth)
{
    const char *key;
    json_t *item;
    size_t i = 0;

    if (json_is_object(v) && json_object_size(v)) {
        tf_buf_addc(b, '{');
        json_object_foreach (v, key, item) {
            tf_buf_adds(b, i++ ? "," : "");
            put_indent(b, depth + 1);
            tf_put_string(b, key, strlen(key));
            tf_buf_adds(b, ": ");
            put_value(b, item, depth + 1);
        }
        put_indent(b, depth);
        tf_buf_addc(b, '}');
    } else if (json_is_array(v) && json_array_size(v)) {
        tf_buf_addc(b, '[');
        json_array_foreach (v, i, item) {
            tf_buf_adds(b, i ? "," : "");
            put_indent(b, depth + 1);
            put_value(b, item, depth + 1);
        }
        put_indent(b, depth);
        tf_buf_addc(b, ']');
    } else if (json_is_object(v) || json_is_array(v)) {
        tf_buf_adds(b, json_is_object(v) ? "{}" : "[]");
    } else if (json_is_string(v)) {
        tf_put_string(b, json_string_value(v), json_string_length(v));
    } else if (json_is_real(v)) {
        tf_put_double(b, json_real_value(v));
    } else if (json_is_integer(v)) {
        tf_put_int(b, json_integer_value(v));
    } else {
        tf_buf_adds(b, json_is_true(v)    ? "true"
                       : json_is_false(v) ? "false"
                                          : "null");
    }
}

int tf_write_json(const char *dir, const char *name, json_t *value,
                  struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    int failed;

    if (!value)
        return tf_no_memory(err, sizeof(*value));
    put_value(&text, value, 0);
    tf_buf_addc(&text, '\n');
    failed = text.failed ? tf_no_memory(err, text.len)
                         : tf_write_text(dir, name, &text, err);
    tf_buf_release(&text);
    return failed;
}

int tf_copy_file(const char *from, const char *dir, const char *name,
                 struct tf_err *err)
{
    char *path = tf_path(from, name, err);
    struct tf_map map;
    int failed;

    if (!path)
        return -1;
    failed = tf_map_open(&map, path, err);
    if (!failed) {
        failed = write_bytes(dir, name, map.data, map.size, err);
        tf_map_close(&map);
    }
    free(path);
    return failed;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n >= m && !strcmp(name + n - m, end);
}

/* Weights in any form, and their indices. */
static bool is_weights(const char *name)
{
    static const char *const ends[] = {
        ".safetensors", ".safetensors.index.json",
        ".bin",         ".bin.index.json",
        ".pt",          ".pth",
        ".h5",          ".msgpack",
        ".onnx",        ".gguf",
        ".ot",
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (ends_in(name, ends[i]))
            return true;
    return false;
}

/* Copy the files of a folder, of a model's those that are not weights. */
static int copy_files(const char *from, const char *dir, bool model,
                      struct tf_err *err)
{
    DIR *d = opendir(from);
    struct dirent *e;
    int failed = 0;

    if (!d)
        return tf_fail(err, "%.300s: %s", from, strerror(errno));
    while (!failed && (e = readdir(d))) {
        const char *name = e->d_name;
        char *path;

        if (name[0] == '.' ||
            (model && (is_weights(name) || !strcmp(name, "config.json"))))
            continue;
        path = tf_path(from, name, err);
        failed = !path ||
                 (tf_file_exists(path) && tf_copy_file(from, dir, name, err));
        free(path);
    }
    closedir(d);
    return failed ? -1 : 0;
}

static int copy_module(const char *from, const char *dir, const char *name,
                       struct tf_err *err)
{
    char *path = tf_path(from, name, err), *to = tf_path(dir, name, err);
    int failed = !path || !to ||
                 (tf_dir_exists(path) &&
                  (tf_dir_make(to, err) || copy_files(path, to, false, err)));

    free(path);
    free(to);
    return failed ? -1 : 0;
}

/* The folders of a sentence-transformers model, by its modules.json. */
static int copy_modules(const char *from, const char *dir, struct tf_err *err)
{
    char *path = tf_path(from, "modules.json", err);
    json_t *modules, *module;
    int failed = 0;
    size_t i;

    if (!path)
        return -1;
    modules = json_load_file(path, 0, NULL);
    json_array_foreach (modules, i, module) {
        const char *name = json_string_value(json_object_get(module, "path"));

        if (name && *name && name[0] != '.' && !strchr(name, '/'))
            failed = copy_module(from, dir, name, err);
        if (failed)
            break;
    }
    json_decref(modules);
    free(path);
    return failed;
}

int tf_copy_companions(const char *from, const char *dir, struct tf_err *err)
{
    return copy_files(from, dir, true, err) || copy_modules(from, dir, err) ? -1
                                                                            : 0;
}

int tf_write_tokenizer(const char *dir, const struct tf_gguf *g,
                       struct tf_err *err)
{
    struct tf_buf json = TF_BUF_INIT, config = TF_BUF_INIT;
    int failed = 0;

    if (tf_gguf_has_vocab(g))
        failed = tf_gguf_vocab(g, NULL, &json, &config, err) ||
                 tf_write_text(dir, "tokenizer.json", &json, err) ||
                 tf_write_text(dir, "tokenizer_config.json", &config, err);
    tf_buf_release(&json);
    tf_buf_release(&config);
    return failed ? -1 : 0;
}

#include "cmd/cli_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "hub/cache.h"
#include "text/tokenizer.h"

#define INDEX_MAX ((size_t)64 << 20) /* bytes of a list of shards */

static bool has_file(const char *dir, const char *name)
{
    struct tf_err err;
    char *path = tf_path(dir, name, &err);
    bool there = path && tf_file_exists(path);

    free(path);
    return there;
}

/* True when every file that dir/name lists as holding weights is there. */
static bool has_shards(const char *dir, const char *name)
{
    struct tf_buf text = TF_BUF_INIT;
    struct tf_str key, file;
    struct tf_json j;
    struct tf_err err;
    bool all = true;
    char *s, *path = tf_path(dir, name, &err);

    if (!path || tf_file_read(path, INDEX_MAX, &text, &err)) {
        free(path);
        tf_buf_release(&text);
        return false;
    }
    free(path);
    tf_json_init(&j, text.data, text.len);
    tf_json_object(&j);
    while (tf_json_key(&j, &key)) {
        if (!tf_str_is(key, "weight_map") || !tf_json_object(&j)) {
            tf_json_skip(&j, NULL);
            continue;
        }
        while (tf_json_key(&j, &key) && tf_json_string(&j, &file)) {
            s = tf_strndup(file.s, file.len, &err);
            all = all && s && has_file(dir, s);
            free(s);
        }
    }
    all = all && !j.what;
    tf_json_release(&j);
    tf_buf_release(&text);
    return all;
}

bool cli_model_whole(const char *dir)
{
    return has_file(dir, "config.json") &&
           (has_file(dir, "model.safetensors") ||
            has_file(dir, "pytorch_model.bin") ||
            has_shards(dir, "model.safetensors.index.json") ||
            has_shards(dir, "pytorch_model.bin.index.json"));
}

static bool has_needed(const char *dir, enum cli_need need)
{
    switch (need) {
    case CLI_NEED_TOKENIZER:
        return tf_tokenizer_there(dir);
    case CLI_NEED_ADAPTER:
        return has_file(dir, "adapter_config.json") &&
               (has_file(dir, "adapter_model.safetensors") ||
                has_file(dir, "adapter_model.bin"));
    case CLI_NEED_MODEL:
        break;
    }
    return cli_model_whole(dir);
}

/* Does a GGUF file's name say this variant, as "Q4_K_M" or "q4_k_m"? */
static bool is_variant(const char *name, const char *variant)
{
    size_t n = strlen(variant);
    const char *p;

    for (p = name; *p; p++)
        if (!strncasecmp(p, variant, n) &&
            (p == name || strchr("-._", p[-1])) && (p[n] == '.' || p[n] == '-'))
            return true;
    return false;
}

/* A model in pieces, "...-00002-of-00003.gguf": the first stands for all. */
static bool is_later_piece(const char *name)
{
    size_t n = strlen(name);

    return n > 20 && !strncmp(name + n - 14, "-of-", 4) &&
           strncmp(name + n - 20, "-00001", 6) != 0;
}

/*
 * The GGUF file of a folder, of this variant when one is named. Several are no
 * answer: their names go to `names`. NULL when there is not exactly one.
 */
static char *find_gguf(const char *dir, const char *variant,
                       struct tf_buf *names)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *found = NULL;
    struct tf_err err;
    int count = 0;

    while (d && (e = readdir(d))) {
        size_t n = strlen(e->d_name);

        if (n < 6 || strcasecmp(e->d_name + n - 5, ".gguf") ||
            is_later_piece(e->d_name) ||
            (variant && !is_variant(e->d_name, variant)))
            continue;
        tf_buf_addf(names, "%s%s", count++ ? ", " : "", e->d_name);
        free(found);
        found = tf_path(dir, e->d_name, &err);
    }
    if (d)
        closedir(d);
    if (count == 1)
        return found;
    free(found);
    return NULL;
}

/* What a folder that stands for `spec` offers to open; NULL: not all of it is
 * there. Ends the tool when the user has to choose. */
static char *open_folder(const char *dir, const char *spec, const char *variant,
                         enum cli_need need)
{
    struct tf_buf names = TF_BUF_INIT;
    char *path = NULL;
    struct tf_err err;

    if (!variant && has_needed(dir, need))
        path = tf_strndup(dir, strlen(dir), &err);
    else if (need != CLI_NEED_ADAPTER)
        path = find_gguf(dir, variant, &names);
    if (!path && names.len)
        cli_die(CLI_USAGE,
                "%s has several GGUF files: %s; name one, as in \"%s:Q4_K_M\"",
                spec, tf_buf_cstr(&names), spec);
    tf_buf_release(&names);
    return path;
}

static char *from_hub(const char *spec, enum cli_need need)
{
    struct tf_hub_ref ref;
    struct tf_err err;
    char *dir, *path;

    if (tf_hub_ref_parse(&ref, TF_HUB_MODEL, spec, &err))
        cli_die(CLI_FILE,
                "%s: no such file or folder, nor a model of the hub: %s", spec,
                err.msg);
    dir = tf_hub_cache_find(cli.cache_dir, TF_HUB_MODEL, ref.repo, ref.revision,
                            &err);
    path = dir ? open_folder(dir, spec, ref.variant, need) : NULL;
    if (!path && cli.offline && dir)
        cli_die(CLI_FILE,
                "%s: only a part of it is in the cache; run tf-hub pull %s",
                spec, spec);
    if (!path && cli.offline)
        cli_die(CLI_FILE, "%s", err.msg);
    if (!path) {
        free(dir);
        /* a variant is a GGUF file, which holds its tokenizer */
        cli_pull(spec, ref.variant ? CLI_NEED_MODEL : need);
        dir = tf_hub_cache_find(cli.cache_dir, TF_HUB_MODEL, ref.repo,
                                ref.revision, &err);
        if (!dir)
            cli_die(CLI_FILE, "%s", err.msg);
        path = open_folder(dir, spec, ref.variant, need);
    }
    tf_hub_ref_release(&ref);
    if (!path)
        return dir; /* no form we know: the reader says what it misses */
    free(dir);
    return path;
}

/* Answers are never freed, and stay reachable. */
static const char *keep(char *path)
{
    static struct cli_strings kept;
    const char **v;
    struct tf_err err;

    v = tf_grow(kept.v, kept.n + 1, sizeof(*v), &err);
    if (!v)
        cli_die(CLI_FILE, "%s", err.msg);
    kept.v = v;
    kept.v[kept.n++] = path;
    return path;
}

/* Is it meant for a path, though nothing stands there? No repository has such a
 * name without an organisation before it. */
static bool is_path(const char *spec)
{
    const char *dot = strrchr(spec, '.');

    return *spec == '/' || *spec == '.' ||
           (dot && !strcmp(dot, ".gguf") && !strchr(spec, '/'));
}

const char *cli_model_path(const char *spec, enum cli_need need)
{
    struct stat st;
    char *path;

    if (!spec)
        return NULL;
    if (!*spec)
        cli_usage("the name of the model is empty");
    if (stat(spec, &st)) {
        if (errno != ENOENT && errno != ENOTDIR)
            cli_die(CLI_FILE, "%s: %s", spec, strerror(errno));
        if (is_path(spec))
            cli_die(CLI_FILE, "%s: no such file or folder", spec);
        return keep(from_hub(spec, need));
    }
    if (!S_ISDIR(st.st_mode) || has_file(spec, "config.json"))
        return spec;
    path = open_folder(spec, spec, NULL, need);
    return path ? keep(path) : spec;
}

#include "hub/gather.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"

#define DEPTH_MAX 100

static bool left_out(const char *name)
{
    return !strcmp(name, ".git") || !strcmp(name, ".cache/huggingface") ||
           !strcmp(name, ".DS_Store");
}

static int add(struct tf_hub_files *files, const char *path, const char *name,
               const struct stat *st, struct tf_err *err)
{
    struct tf_hub_local_file *f;

    if (!tf_hub_file_valid(name))
        return tf_fail(err, "%s: a repository cannot have a file of this name",
                       path);
    if (files->n == files->cap) {
        size_t cap = files->cap ? 2 * files->cap : 64;

        f = tf_grow(files->v, cap, sizeof(*f), err);
        if (!f)
            return -1;
        files->v = f;
        files->cap = cap;
    }
    f = &files->v[files->n];
    memset(f, 0, sizeof(*f));
    f->path = tf_strndup(path, strlen(path), err);
    f->name = tf_strndup(name, strlen(name), err);
    f->size = (uint64_t)st->st_size;
    files->n++;
    return f->path && f->name ? 0 : -1;
}

static int walk(struct tf_hub_files *files, const char *path, const char *name,
                const struct tf_hub_filter *filter, int depth,
                struct tf_err *err);

/* What the folder holds; `name` is "" at the top. */
static int walk_folder(struct tf_hub_files *files, const char *path,
                       const char *name, const struct tf_hub_filter *filter,
                       int depth, struct tf_err *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int status = 0;

    if (!dir)
        return tf_fail(err, "%s: %s", path, strerror(errno));
    while (!status && (entry = readdir(dir))) {
        struct tf_buf below = TF_BUF_INIT, full = TF_BUF_INIT;

        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        tf_buf_addf(&below, "%s%s%s", name, name[0] ? "/" : "", entry->d_name);
        tf_buf_addf(&full, "%s/%s", path, entry->d_name);
        if (below.failed || full.failed)
            status = tf_no_memory(err, full.len);
        else if (!left_out(tf_buf_cstr(&below)) && !left_out(entry->d_name))
            status = walk(files, tf_buf_cstr(&full), tf_buf_cstr(&below),
                          filter, depth + 1, err);
        tf_buf_release(&below);
        tf_buf_release(&full);
    }
    closedir(dir);
    return status;
}

static int walk(struct tf_hub_files *files, const char *path, const char *name,
                const struct tf_hub_filter *filter, int depth,
                struct tf_err *err)
{
    struct stat st;
    bool link;

    if (depth > DEPTH_MAX)
        return tf_fail(err, "%s: folders nest too deep", path);
    if (lstat(path, &st))
        return tf_fail(err, "%s: %s", path, strerror(errno));
    link = S_ISLNK(st.st_mode);
    if (link && stat(path, &st))
        return tf_fail(err, "%s: a link that leads nowhere", path);
    if (S_ISDIR(st.st_mode) && (!link || depth == 0))
        return walk_folder(files, path, name, filter, depth, err);
    if (!S_ISREG(st.st_mode) || !tf_hub_filter_match(filter, name))
        return 0;
    return add(files, path, name, &st, err);
}

static int by_name(const void *a, const void *b)
{
    const struct tf_hub_local_file *x = a, *y = b;

    return strcmp(x->name, y->name);
}

int tf_hub_gather(struct tf_hub_files *files, const char *path,
                  const struct tf_hub_filter *filter, struct tf_err *err)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    bool one = !stat(path, &st) && S_ISREG(st.st_mode);

    if (walk(files, path, one ? (slash ? slash + 1 : path) : "", filter, 0,
             err))
        return -1;
    if (files->n == 0)
        return tf_fail(err, "%s: there is no file to push", path);
    qsort(files->v, files->n, sizeof(files->v[0]), by_name);
    return 0;
}

void tf_hub_files_release(struct tf_hub_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->v[i].path);
        free(files->v[i].name);
        free(files->v[i].remote);
        json_decref(files->v[i].object.actions);
    }
    free(files->v);
    memset(files, 0, sizeof(*files));
}

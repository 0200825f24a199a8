#include "hub/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

#define DEPTH_MAX 100

/* Room for one more in an array of n: NULL when there is no memory. Arrays grow
 * at the powers of two. */
static void *one_more(void *array, size_t n, size_t size, struct tf_err *err)
{
    void *grown = array;

    if ((n & (n - 1)) == 0)
        grown = tf_grow(array, n ? 2 * n : 1, size, err);
    if (grown)
        memset((char *)grown + n * size, 0, size);
    return grown;
}

static char *join(const char *a, const char *b, struct tf_err *err)
{
    struct tf_buf out = TF_BUF_INIT;
    char *copy;

    tf_buf_addf(&out, "%s%s%s", a, a[0] ? "/" : "", b);
    copy = tf_strndup(tf_buf_cstr(&out), out.len, err);
    tf_buf_release(&out);
    return copy;
}

/* Call `each` for the names in a folder, until it fails. No folder: nothing. */
static int for_names(const char *path,
                     int (*each)(void *arg, const char *path, const char *name,
                                 struct tf_err *err),
                     void *arg, struct tf_err *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int status = 0;

    if (!dir)
        return 0;
    while (!status && (entry = readdir(dir))) {
        char *full;

        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        full = join(path, entry->d_name, err);
        status = full ? each(arg, full, entry->d_name, err) : -1;
        free(full);
    }
    closedir(dir);
    return status;
}

/* A walk through one snapshot. */
struct walk {
    struct tf_hub_cached_snapshot *snapshot;
    const char *below; /* "" at the top */
    int depth;
};

/* The last part of where a link leads. */
static char *link_blob(const char *path, struct tf_err *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    const char *slash;

    target[n > 0 ? n : 0] = '\0';
    slash = strrchr(target, '/');
    return tf_strndup(slash ? slash + 1 : target,
                      strlen(slash ? slash + 1 : target), err);
}

static int add_file(struct walk *walk, const char *path, char *name,
                    struct tf_err *err)
{
    struct tf_hub_cached_snapshot *s = walk->snapshot;
    struct tf_hub_cached_file *f =
        one_more(s->files, s->nfiles, sizeof(*f), err);
    struct stat st;

    if (!f) {
        free(name);
        return -1;
    }
    s->files = f;
    f += s->nfiles++;
    f->path = name;
    if (!lstat(path, &st) && S_ISLNK(st.st_mode)) {
        f->blob = link_blob(path, err);
        if (!f->blob)
            return -1;
    }
    f->missing = stat(path, &st) != 0;
    f->size = f->missing ? 0 : (uint64_t)st.st_size;
    return 0;
}

static int visit(void *arg, const char *path, const char *name,
                 struct tf_err *err)
{
    struct walk *walk = arg;
    char *below = join(walk->below, name, err);
    struct stat st;

    if (!below)
        return -1;
    if (!lstat(path, &st) && S_ISDIR(st.st_mode)) {
        struct walk deeper = { walk->snapshot, below, walk->depth + 1 };
        int status =
            deeper.depth < DEPTH_MAX ? for_names(path, visit, &deeper, err) : 0;

        free(below);
        return status;
    }
    return add_file(walk, path, below, err);
}

static int by_blob(const void *a, const void *b)
{
    const struct tf_hub_cached_file *x = a, *y = b;

    if (!x->blob || !y->blob)
        return x->blob ? 1 : y->blob ? -1 : 0;
    return strcmp(x->blob, y->blob);
}

static int by_path(const void *a, const void *b)
{
    const struct tf_hub_cached_file *x = a, *y = b;

    return strcmp(x->path, y->path);
}

static void sum_up(struct tf_hub_cached_snapshot *s)
{
    if (s->nfiles == 0)
        return;
    qsort(s->files, s->nfiles, sizeof(s->files[0]), by_blob);
    for (size_t i = 0; i < s->nfiles; i++)
        if (i == 0 || !s->files[i].blob ||
            by_blob(&s->files[i - 1], &s->files[i]))
            s->size += s->files[i].size;
    qsort(s->files, s->nfiles, sizeof(s->files[0]), by_path);
}

static int add_snapshot(void *arg, const char *path, const char *name,
                        struct tf_err *err)
{
    struct tf_hub_cached_repo *repo = arg;
    struct tf_hub_cached_snapshot *s;
    struct walk walk = { .below = "" };

    if (!tf_hub_is_commit(name))
        return 0;
    s = one_more(repo->snapshots, repo->nsnapshots, sizeof(*s), err);
    if (!s)
        return -1;
    repo->snapshots = s;
    s += repo->nsnapshots++;
    memcpy(s->commit, name, 41);
    s->path = tf_strndup(path, strlen(path), err);
    if (!s->path)
        return -1;
    walk.snapshot = s;
    if (for_names(path, visit, &walk, err))
        return -1;
    sum_up(s);
    return 0;
}

struct ref_walk {
    struct tf_hub_cached_repo *repo;
    const char *below;
    int depth;
};

static int add_ref(void *arg, const char *path, const char *name,
                   struct tf_err *err)
{
    struct ref_walk *walk = arg;
    struct tf_hub_cached_repo *repo = walk->repo;
    struct tf_hub_cached_ref *ref;
    char *below = join(walk->below, name, err);
    char commit[42] = { 0 };
    struct stat st;
    ssize_t n = 0;
    int fd, status = 0;

    if (!below)
        return -1;
    if (!lstat(path, &st) && S_ISDIR(st.st_mode)) {
        struct ref_walk deeper = { repo, below, walk->depth + 1 };

        if (deeper.depth < DEPTH_MAX)
            status = for_names(path, add_ref, &deeper, err);
        free(below);
        return status;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, commit, sizeof(commit) - 1);
        close(fd);
    }
    if (n > 0)
        commit[strcspn(commit, " \r\n")] = '\0';
    ref = tf_hub_is_commit(commit)
              ? one_more(repo->refs, repo->nrefs, sizeof(*ref), err)
              : NULL;
    if (!ref) {
        free(below);
        return tf_hub_is_commit(commit) ? -1 : 0;
    }
    repo->refs = ref;
    ref += repo->nrefs++;
    ref->name = below;
    memcpy(ref->commit, commit, 41);
    n = (ssize_t)strlen(below);
    ref->stale = n > 4 && !strcmp(below + n - 4, ".tmp");
    return 0;
}

/* "models--org--name" back to a type and "org/name". */
static char *repo_name(const char *folder, enum tf_hub_type *type,
                       struct tf_err *err)
{
    for (int t = 0; t < TF_HUB_TYPES; t++) {
        const char *word = tf_hub_type_name((enum tf_hub_type)t);
        size_t n = strlen(word);
        char *name, *dashes;

        if (strncmp(folder, word, n) || strncmp(folder + n, "s--", 3))
            continue;
        *type = (enum tf_hub_type)t;
        name = tf_strndup(folder + n + 3, strlen(folder + n + 3), err);
        dashes = name ? strstr(name, "--") : NULL;
        if (dashes) {
            *dashes = '/';
            memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
        }
        return name;
    }
    return NULL;
}

static int by_commit(const void *a, const void *b)
{
    const struct tf_hub_cached_snapshot *x = a, *y = b;

    return strcmp(x->commit, y->commit);
}

static int by_ref_name(const void *a, const void *b)
{
    const struct tf_hub_cached_ref *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int read_repo(struct tf_hub_cached_repo *repo, struct tf_err *err)
{
    struct ref_walk walk = { repo, "", 0 };
    char *snapshots = join(repo->path, "snapshots", err);
    char *refs = snapshots ? join(repo->path, "refs", err) : NULL;
    int status = -1;

    if (refs && !for_names(snapshots, add_snapshot, repo, err) &&
        !for_names(refs, add_ref, &walk, err))
        status = 0;
    free(snapshots);
    free(refs);
    if (repo->nsnapshots > 0)
        qsort(repo->snapshots, repo->nsnapshots, sizeof(repo->snapshots[0]),
              by_commit);
    if (repo->nrefs > 0)
        qsort(repo->refs, repo->nrefs, sizeof(repo->refs[0]), by_ref_name);
    return status;
}

static int add_repo(void *arg, const char *path, const char *name,
                    struct tf_err *err)
{
    struct tf_hub_scan *scan = arg;
    struct tf_hub_cached_repo *repo;
    enum tf_hub_type type;
    char *id = repo_name(name, &type, err);

    if (!id)
        return 0;
    repo = tf_hub_repo_valid(id)
               ? one_more(scan->repos, scan->count, sizeof(*repo), err)
               : NULL;
    if (!repo) {
        int status = tf_hub_repo_valid(id) ? -1 : 0;

        free(id);
        return status;
    }
    scan->repos = repo;
    repo += scan->count++;
    repo->type = type;
    repo->repo = id;
    repo->path = tf_strndup(path, strlen(path), err);
    repo->folder = tf_strndup(name, strlen(name), err);
    return repo->path && repo->folder ? read_repo(repo, err) : -1;
}

static int by_repo(const void *a, const void *b)
{
    const struct tf_hub_cached_repo *x = a, *y = b;

    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return strcmp(x->repo, y->repo);
}

int tf_hub_scan(struct tf_hub_scan *scan, const char *cache_dir,
                struct tf_err *err)
{
    memset(scan, 0, sizeof(*scan));
    scan->cache = tf_hub_cache_dir(cache_dir, err);
    if (!scan->cache || for_names(scan->cache, add_repo, scan, err)) {
        tf_hub_scan_release(scan);
        return -1;
    }
    if (scan->count > 0)
        qsort(scan->repos, scan->count, sizeof(scan->repos[0]), by_repo);
    return 0;
}

static void release_repo(struct tf_hub_cached_repo *repo)
{
    for (size_t i = 0; i < repo->nsnapshots; i++) {
        struct tf_hub_cached_snapshot *s = &repo->snapshots[i];

        for (size_t k = 0; k < s->nfiles; k++) {
            free(s->files[k].path);
            free(s->files[k].blob);
        }
        free(s->files);
        free(s->path);
    }
    for (size_t i = 0; i < repo->nrefs; i++)
        free(repo->refs[i].name);
    free(repo->snapshots);
    free(repo->refs);
    free(repo->repo);
    free(repo->path);
    free(repo->folder);
}

void tf_hub_scan_release(struct tf_hub_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        release_repo(&scan->repos[i]);
    free(scan->repos);
    free(scan->cache);
    memset(scan, 0, sizeof(*scan));
}

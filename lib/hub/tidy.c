#include "hub/tidy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/strmap.h"
#include "hub/hash.h"

#define DEPTH_MAX 100

/* Remove what `name` is in the folder, with all below it; links are removed,
 * not followed. What is not there is no error. */
static int remove_all(int dir, const char *name, int depth, struct tf_err *err)
{
    struct dirent *entry;
    int status = 0, fd;
    DIR *d;

    if (!unlinkat(dir, name, 0) || errno == ENOENT)
        return 0;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    d = fd < 0 || depth > DEPTH_MAX ? NULL : fdopendir(fd);
    if (!d) {
        tf_fail(err, "%s cannot be removed: %s", name, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    while (!status && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            status = remove_all(dirfd(d), entry->d_name, depth + 1, err);
    closedir(d);
    if (!status && unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOENT)
        status =
            tf_fail(err, "%s cannot be removed: %s", name, strerror(errno));
    return status;
}

/* The blobs that the snapshots that stay lead to. */
static int find_needed(const struct tf_hub_cached_repo *repo,
                       const bool *removed, struct tf_strmap *needed,
                       struct tf_err *err)
{
    for (size_t i = 0; i < repo->nsnapshots; i++) {
        const struct tf_hub_cached_snapshot *s = &repo->snapshots[i];

        for (size_t k = 0; k < s->nfiles && !removed[i]; k++) {
            const char *blob = s->files[k].blob;

            if (blob && tf_strmap_set(needed, blob, strlen(blob), 1, err))
                return -1;
        }
    }
    return 0;
}

/* Remove blobs/NAME unless another process has its lock, and the lock. */
static void remove_blob(int dir, int locks, const char *name, size_t hash_len,
                        struct tf_hub_freed *freed)
{
    char path[512], lock[300];
    struct stat st;
    int fd;

    snprintf(lock, sizeof(lock), "%.*s.lock", (int)hash_len, name);
    fd = openat(locks, lock, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        freed->busy++;
        close(fd);
        return;
    }
    snprintf(path, sizeof(path), "blobs/%s", name);
    if (!fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) &&
        !unlinkat(dir, path, 0)) {
        freed->blobs++;
        freed->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    }
    if (fd >= 0) {
        unlinkat(locks, lock, 0); /* those who wait for it look again */
        close(fd);
    }
}

/* Remove the blobs that are not needed; parts of downloads, too, if asked. */
static void sweep_blobs(const struct tf_hub_scan *scan,
                        const struct tf_hub_cached_repo *repo, int dir,
                        const struct tf_strmap *needed, bool parts,
                        struct tf_hub_freed *freed)
{
    struct tf_buf locks = TF_BUF_INIT;
    struct dirent *entry;
    int fd = openat(dir, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC), locks_fd;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (!d) { /* it never had any */
        if (fd >= 0)
            close(fd);
        return;
    }
    tf_buf_addf(&locks, "%s/.locks/%s", scan->cache, repo->folder);
    locks_fd = open(tf_buf_cstr(&locks), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tf_buf_release(&locks);
    while ((entry = readdir(d))) {
        const char *name = entry->d_name;
        size_t len = strcspn(name, ".");
        bool part = name[len] != '\0';

        if (name[0] == '.' || (part && !parts) ||
            tf_strmap_get(needed, name, strlen(name)) != TF_STRMAP_NONE)
            continue;
        remove_blob(dir, locks_fd, name, len, freed);
    }
    closedir(d);
    if (locks_fd >= 0)
        close(locks_fd);
}

static int remove_refs(const struct tf_hub_cached_repo *repo, int dir,
                       const char *commit, struct tf_err *err)
{
    int status = 0;

    for (size_t i = 0; i < repo->nrefs && !status; i++) {
        struct tf_buf path = TF_BUF_INIT;

        if (strcmp(repo->refs[i].commit, commit))
            continue;
        tf_buf_addf(&path, "refs/%s", repo->refs[i].name);
        if (unlinkat(dir, tf_buf_cstr(&path), 0) && errno != ENOENT)
            status = tf_fail(err, "%s/%s: %s", repo->path, tf_buf_cstr(&path),
                             strerror(errno));
        tf_buf_release(&path);
    }
    return status;
}

static int remove_snapshot(const struct tf_hub_cached_repo *repo, int dir,
                           const char *commit, struct tf_hub_freed *freed,
                           struct tf_err *err)
{
    static const char *const with_it[][2] = { { "snapshots/", "" },
                                              { "trees/", ".json" },
                                              { ".no_exist/", "" } };
    char path[80];

    if (remove_refs(repo, dir, commit, err))
        return -1; /* first, since a ref leads to a snapshot */
    for (size_t i = 0; i < sizeof(with_it) / sizeof(with_it[0]); i++) {
        snprintf(path, sizeof(path), "%s%s%s", with_it[i][0], commit,
                 with_it[i][1]);
        if (remove_all(dir, path, 0, err)) {
            tf_err_at(err, repo->path);
            return -1;
        }
    }
    freed->snapshots++;
    return 0;
}

/* Nothing of the repository is left: its folders go, if they are empty. */
static void remove_folders(const struct tf_hub_scan *scan,
                           const struct tf_hub_cached_repo *repo)
{
    static const char *const names[] = { "refs", "trees", ".no_exist" };
    struct tf_buf path = TF_BUF_INIT;
    struct tf_err ignored;
    int cache = open(scan->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int dir = open(repo->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (cache >= 0 && dir >= 0 &&
        (!unlinkat(dir, "blobs", AT_REMOVEDIR) || errno == ENOENT) &&
        (!unlinkat(dir, "snapshots", AT_REMOVEDIR) || errno == ENOENT)) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            remove_all(dir, names[i], 0, &ignored);
        unlinkat(cache, repo->folder, AT_REMOVEDIR);
        tf_buf_addf(&path, ".locks/%s", repo->folder);
        remove_all(cache, tf_buf_cstr(&path), 0, &ignored);
        tf_buf_release(&path);
    }
    if (cache >= 0)
        close(cache);
    if (dir >= 0)
        close(dir);
}

/* Remove the snapshots marked in `removed`, then what only they needed. */
static int remove_marked(const struct tf_hub_scan *scan,
                         const struct tf_hub_cached_repo *repo,
                         const bool *removed, bool parts,
                         struct tf_hub_freed *freed, struct tf_err *err)
{
    struct tf_strmap needed = { 0 };
    int dir = open(repo->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = find_needed(repo, removed, &needed, err);
    size_t left = 0;

    if (dir < 0)
        status = tf_fail(err, "%s: %s", repo->path, strerror(errno));
    for (size_t i = 0; i < repo->nsnapshots && !status; i++) {
        left += !removed[i];
        if (removed[i])
            status = remove_snapshot(repo, dir, repo->snapshots[i].commit,
                                     freed, err);
    }
    if (!status)
        sweep_blobs(scan, repo, dir, &needed, parts, freed);
    if (!status && left == 0)
        remove_folders(scan, repo);
    if (dir >= 0)
        close(dir);
    tf_strmap_release(&needed);
    return status;
}

int tf_hub_cache_rm(const struct tf_hub_scan *scan,
                    const struct tf_hub_cached_repo *repo, const char *commit,
                    struct tf_hub_freed *freed, struct tf_err *err)
{
    bool *removed = tf_alloc(repo->nsnapshots, sizeof(*removed), err);
    int status;

    if (!removed)
        return -1;
    for (size_t i = 0; i < repo->nsnapshots; i++)
        removed[i] = !commit || !strcmp(repo->snapshots[i].commit, commit);
    status = remove_marked(scan, repo, removed, !commit, freed, err);
    free(removed);
    return status;
}

static bool has_ref(const struct tf_hub_cached_repo *repo, const char *commit)
{
    for (size_t i = 0; i < repo->nrefs; i++)
        if (!repo->refs[i].stale && !strcmp(repo->refs[i].commit, commit))
            return true;
    return false;
}

int tf_hub_cache_prune(const struct tf_hub_scan *scan,
                       struct tf_hub_freed *freed, struct tf_err *err)
{
    int status = 0;

    for (size_t i = 0; i < scan->count && !status; i++) {
        const struct tf_hub_cached_repo *repo = &scan->repos[i];
        bool *removed = tf_alloc(repo->nsnapshots, sizeof(*removed), err);

        if (!removed)
            return -1;
        for (size_t k = 0; k < repo->nsnapshots; k++)
            removed[k] = !has_ref(repo, repo->snapshots[k].commit);
        status = remove_marked(scan, repo, removed, true, freed, err);
        free(removed);
    }
    return status;
}

long tf_hub_cache_verify(const struct tf_hub_cached_snapshot *snapshot,
                         void (*bad)(void *arg,
                                     const struct tf_hub_cached_file *file,
                                     const char *found),
                         void *arg, struct tf_err *err)
{
    long wrong = 0;

    for (size_t i = 0; i < snapshot->nfiles; i++) {
        const struct tf_hub_cached_file *f = &snapshot->files[i];
        enum tf_hash_kind kind =
            f->blob ? tf_hash_kind_of(f->blob) : TF_HASH_NONE;
        struct tf_buf path = TF_BUF_INIT;
        char hex[TF_HASH_HEX];
        int fd, status = 0;

        tf_buf_addf(&path, "%s/%s", snapshot->path, f->path);
        fd = open(tf_buf_cstr(&path), O_RDONLY | O_CLOEXEC);
        tf_buf_release(&path);
        if (fd < 0) {
            bad(arg, f, NULL);
            wrong++;
            continue;
        }
        if (kind != TF_HASH_NONE)
            status = tf_hash_fd(fd, kind, f->size, hex, err);
        close(fd);
        if (status) {
            tf_err_at(err, f->path);
            return -1;
        }
        if (kind != TF_HASH_NONE && strcmp(hex, f->blob)) {
            bad(arg, f, hex);
            wrong++;
        }
    }
    return wrong;
}

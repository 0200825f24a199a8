#include "hub/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"
#include "hub/beneath.h"

/* See https://bford.info/cachedir/: backups may leave the cache out. */
#define CACHE_TAG                                                              \
    "Signature: 8a477f597d28d172789f06886806bc55\n"                            \
    "# Models and data sets that can be fetched again.\n"
#define PARTIAL ".tfhub.incomplete"

static void tag_cache(int cache)
{
    struct tf_err ignored;

    if (faccessat(cache, "CACHEDIR.TAG", F_OK, 0) && errno == ENOENT)
        tf_beneath_write(cache, "CACHEDIR.TAG", CACHE_TAG, false, &ignored);
}

static int open_folders(struct tf_hub_store *s, const char *cache_dir,
                        const char *name, bool make, struct tf_err *err)
{
    if (!make) {
        s->cache = open(cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->cache >= 0)
            s->dir = openat(s->cache, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return 0;
    }
    s->cache = tf_beneath_open(cache_dir, err);
    if (s->cache < 0)
        return -1;
    tag_cache(s->cache);
    s->dir = tf_beneath_folder(s->cache, name, err);
    if (s->dir >= 0)
        return 0;
    tf_err_at(err, cache_dir);
    return -1;
}

int tf_hub_store_open(struct tf_hub_store *s, const char *cache_dir,
                      enum tf_hub_type type, const char *repo, bool make,
                      struct tf_err *err)
{
    struct tf_buf name = TF_BUF_INIT, path = TF_BUF_INIT;
    int status = -1;

    memset(s, 0, sizeof(*s));
    s->cache = s->dir = -1;
    tf_hub_folder(&name, type, repo);
    tf_buf_addf(&path, "%s/%s", cache_dir, tf_buf_cstr(&name));
    s->path = tf_strndup(tf_buf_cstr(&path), path.len, err);
    tf_buf_reset(&path);
    tf_buf_addf(&path, ".locks/%s", tf_buf_cstr(&name));
    s->locks = tf_strndup(tf_buf_cstr(&path), path.len, err);
    if (s->path && s->locks)
        status = open_folders(s, cache_dir, tf_buf_cstr(&name), make, err);
    tf_buf_release(&name);
    tf_buf_release(&path);
    if (status)
        tf_hub_store_close(s);
    return status;
}

void tf_hub_store_close(struct tf_hub_store *s)
{
    if (s->dir >= 0)
        close(s->dir);
    if (s->cache >= 0)
        close(s->cache);
    free(s->path);
    free(s->locks);
    memset(s, 0, sizeof(*s));
    s->dir = s->cache = -1;
}

/* The lock's file is still the one of that name: somebody may tidy up. */
static bool is_current(int folder, const char *name, int fd)
{
    struct stat a, b;

    return !fstat(fd, &a) && !fstatat(folder, name, &b, 0) &&
           a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Try once: a descriptor, -1 with `err`, or BUSY. */
#define BUSY (-2)
static int try_lock(int folder, const char *name, struct tf_err *err)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0664);

    if (fd < 0)
        return tf_beneath_fail(err, name);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (is_current(folder, name, fd))
            return fd;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
        /* a file system without locks: a clash is found by the hash */
        return fd;
    }
    close(fd);
    return BUSY;
}

int tf_hub_lock(int folder, const char *name, const atomic_bool *stop,
                struct tf_err *err)
{
    struct timespec step = { 0, 20000000 };
    int fd;

    while ((fd = try_lock(folder, name, err)) == BUSY) {
        if (stop && atomic_load(stop))
            return tf_fail_code(err, "network", "stopped");
        nanosleep(&step, NULL);
    }
    return fd;
}

int tf_hub_store_lock(struct tf_hub_store *s, const char *blob,
                      const atomic_bool *stop, struct tf_err *err)
{
    char name[TF_HUB_BLOB + 8];
    int locks = tf_beneath_folder(s->cache, s->locks, err);
    int fd;

    if (locks < 0)
        return -1;
    snprintf(name, sizeof(name), "%s.lock", blob);
    fd = tf_hub_lock(locks, name, stop, err);
    close(locks);
    return fd;
}

static void blob_path(char out[TF_HUB_BLOB + 32], const char *blob,
                      const char *end)
{
    snprintf(out, TF_HUB_BLOB + 32, "blobs/%s%s", blob, end);
}

static bool is_file(int dir, const char *path, const struct tf_hub_file *file)
{
    struct stat st;

    return !fstatat(dir, path, &st, 0) && S_ISREG(st.st_mode) &&
           (!file->has_size || (uint64_t)st.st_size == file->size);
}

bool tf_hub_store_has(const struct tf_hub_store *s,
                      const struct tf_hub_file *file)
{
    char path[TF_HUB_BLOB + 32];

    blob_path(path, file->blob, "");
    return is_file(s->dir, path, file);
}

int tf_hub_store_blob(const struct tf_hub_store *s, const char *blob)
{
    char path[TF_HUB_BLOB + 32];

    blob_path(path, blob, "");
    return openat(s->dir, path, O_RDONLY | O_CLOEXEC);
}

int tf_hub_store_partial(struct tf_hub_store *s, const char *blob,
                         struct tf_err *err)
{
    char path[TF_HUB_BLOB + 32];
    int fd;

    if (mkdirat(s->dir, "blobs", 0777) && errno != EEXIST)
        return tf_beneath_fail(err, s->path);
    blob_path(path, blob, PARTIAL);
    fd = openat(s->dir, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    return fd < 0 ? tf_beneath_fail(err, s->path) : fd;
}

uint64_t tf_hub_store_partial_size(const struct tf_hub_store *s,
                                   const char *blob)
{
    char path[TF_HUB_BLOB + 32];
    struct stat st;

    blob_path(path, blob, PARTIAL);
    if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    return (uint64_t)st.st_size;
}

void tf_hub_store_drop_empty(struct tf_hub_store *s, const char *blob)
{
    char path[TF_HUB_BLOB + 32];

    blob_path(path, blob, PARTIAL);
    if (tf_hub_store_partial_size(s, blob) == 0)
        unlinkat(s->dir, path, 0);
}

int tf_hub_store_finish(struct tf_hub_store *s, const char *blob, int fd,
                        struct tf_err *err)
{
    char from[TF_HUB_BLOB + 32], to[TF_HUB_BLOB + 32];

    blob_path(from, blob, PARTIAL);
    blob_path(to, blob, "");
    if (fsync(fd) || renameat(s->dir, from, s->dir, to))
        return tf_beneath_fail(err, s->path);
    return 0;
}

/* "snapshots/COMMIT/path" */
static void snapshot_path(struct tf_buf *out, const char *commit,
                          const char *path)
{
    tf_buf_addf(out, "snapshots/%s/%s", commit, path);
}

bool tf_hub_store_linked(const struct tf_hub_store *s, const char *commit,
                         const struct tf_hub_file *file)
{
    struct tf_buf path = TF_BUF_INIT;
    bool found;

    snapshot_path(&path, commit, file->path);
    found = is_file(s->dir, tf_buf_cstr(&path), file);
    tf_buf_release(&path);
    return found;
}

/* Make a link of this name, whatever it was before. */
static int make_link(const char *target, int parent, const char *name)
{
    char aside[256];

    if (!symlinkat(target, parent, name))
        return 0;
    if (errno != EEXIST)
        return -1;
    tf_beneath_aside(aside, sizeof(aside), name, "tmp");
    if (symlinkat(target, parent, aside))
        return -1;
    if (!renameat(parent, aside, parent, name))
        return 0;
    unlinkat(parent, aside, 0);
    return -1;
}

static int copy_blob(struct tf_hub_store *s, int snapshot,
                     const struct tf_hub_file *file, struct tf_err *err)
{
    int from = tf_hub_store_blob(s, file->blob);
    int status;

    if (from < 0)
        return tf_beneath_fail(err, file->path);
    status = tf_beneath_copy(from, snapshot, file->path, err);
    close(from);
    return status;
}

int tf_hub_store_snapshot(struct tf_hub_store *s, const char *commit,
                          struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT;
    int fd;

    tf_buf_addf(&path, "snapshots/%s", commit);
    fd = tf_beneath_folder(s->dir, tf_buf_cstr(&path), err);
    tf_buf_release(&path);
    return fd;
}

int tf_hub_store_link(struct tf_hub_store *s, const char *commit,
                      const struct tf_hub_file *file, struct tf_err *err)
{
    struct tf_buf target = TF_BUF_INIT;
    const char *name;
    int snapshot = tf_hub_store_snapshot(s, commit, err);
    int parent = -1, status = -1;

    if (snapshot < 0)
        return -1;
    tf_buf_adds(&target, "../../");
    for (const char *p = file->path; (p = strchr(p, '/')); p++)
        tf_buf_adds(&target, "../");
    tf_buf_addf(&target, "blobs/%s", file->blob);
    if (target.failed)
        tf_no_memory(err, target.len);
    else
        parent = tf_beneath_parent(snapshot, file->path, &name, err);
    if (parent >= 0) {
        errno = 0;
        if (!tf_hub_env_true("HF_HUB_DISABLE_SYMLINKS") &&
            !make_link(tf_buf_cstr(&target), parent, name))
            status = 0;
        else if (errno == EISDIR || errno == ENOSPC || errno == EDQUOT)
            tf_beneath_fail(err, file->path);
        else
            status = copy_blob(s, snapshot, file, err);
        close(parent);
    }
    close(snapshot);
    tf_buf_release(&target);
    return status;
}

int tf_hub_store_set_ref(struct tf_hub_store *s, const char *revision,
                         const char *commit, struct tf_err *err)
{
    char now[41] = { 0 };
    int refs, fd, status;
    ssize_t n = 0;

    if (!strcmp(revision, commit))
        return 0;
    refs = tf_beneath_folder(s->dir, "refs", err);
    if (refs < 0)
        return -1;
    fd = openat(refs, revision, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        n = read(fd, now, sizeof(now));
        close(fd);
    }
    status = n == 40 && !memcmp(now, commit, 40)
                 ? 0
                 : tf_beneath_write(refs, revision, commit, true, err);
    close(refs);
    return status;
}

void tf_hub_store_no_exist(struct tf_hub_store *s, const char *commit,
                           const char *path)
{
    struct tf_buf full = TF_BUF_INIT;
    struct tf_err ignored;

    tf_buf_addf(&full, ".no_exist/%s/%s", commit, path);
    tf_beneath_write(s->dir, tf_buf_cstr(&full), "", false, &ignored);
    tf_buf_release(&full);
}

#include "hub/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/strmap.h"
#include "hub/beneath.h"
#include "hub/hash.h"
#include "hub/store.h"

#define NOTES ".cache/huggingface/"

int tf_hub_local_open(const char *path, struct tf_err *err)
{
    int dir = tf_beneath_open(path, err);

    if (dir < 0)
        return -1;
    if (faccessat(dir, NOTES ".gitignore", F_OK, 0) &&
        tf_beneath_write(dir, NOTES ".gitignore", "*", false, err)) {
        tf_err_at(err, path);
        close(dir);
        return -1;
    }
    return dir;
}

/* ".cache/huggingface/download/" path end */
static void note_path(struct tf_buf *out, const char *path, const char *end)
{
    tf_buf_addf(out, NOTES "download/%s%s", path, end);
}

int tf_hub_local_lock(int dir, const char *path, const atomic_bool *stop,
                      struct tf_err *err)
{
    struct tf_buf full = TF_BUF_INIT;
    const char *name;
    int parent, fd = -1;

    note_path(&full, path, ".lock");
    parent = tf_beneath_parent(dir, tf_buf_cstr(&full), &name, err);
    if (parent >= 0) {
        fd = tf_hub_lock(parent, name, stop, err);
        close(parent);
    }
    tf_buf_release(&full);
    return fd;
}

/* Open a file beneath the folder, no link followed. */
static int open_file(int dir, const char *path, int flags, struct tf_err *err)
{
    const char *name;
    int parent = tf_beneath_parent(dir, path, &name, err);
    int fd;

    if (parent < 0)
        return -1;
    fd = openat(parent, name, flags | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        tf_beneath_fail(err, path);
    close(parent);
    return fd;
}

/* The notes say that this blob was there, and when. */
static bool read_note(int dir, const struct tf_hub_file *file, double *when)
{
    struct tf_buf path = TF_BUF_INIT;
    struct tf_err ignored;
    char text[512], *etag, *stamp = NULL;
    ssize_t n = -1;
    int fd;

    note_path(&path, file->path, ".metadata");
    fd = open_file(dir, tf_buf_cstr(&path), O_RDONLY, &ignored);
    tf_buf_release(&path);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    if (n <= 0)
        return false;
    text[n] = '\0';
    etag = strchr(text, '\n');
    if (etag)
        stamp = strchr(++etag, '\n');
    if (!stamp)
        return false;
    *stamp++ = '\0';
    *when = strtod(stamp, NULL);
    return !strcmp(etag, file->blob);
}

bool tf_hub_local_current(int dir, const struct tf_hub_file *file)
{
    struct tf_err ignored;
    struct stat st;
    enum tf_hash_kind kind = tf_hash_kind_of(file->blob);
    char hex[TF_HASH_HEX];
    double when;
    bool current = false;
    int fd = open_file(dir, file->path, O_RDONLY, &ignored);

    if (fd < 0)
        return false;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
        (!file->has_size || (uint64_t)st.st_size == file->size)) {
        /* a second of slack: some file systems keep no finer time */
        current =
            (read_note(dir, file, &when) && (double)st.st_mtime - 1 <= when) ||
            (kind != TF_HASH_NONE &&
             !tf_hash_fd(fd, kind, (uint64_t)st.st_size, hex, &ignored) &&
             !strcmp(hex, file->blob));
    }
    close(fd);
    return current;
}

static void partial_path(struct tf_buf *out, const struct tf_hub_file *file)
{
    tf_buf_addf(out, NOTES "download/%016llx.%s.tfhub.incomplete",
                (unsigned long long)tf_hash(file->path, strlen(file->path)),
                file->blob);
}

int tf_hub_local_partial(int dir, const struct tf_hub_file *file,
                         struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT;
    int fd;

    partial_path(&path, file);
    fd = open_file(dir, tf_buf_cstr(&path), O_RDWR | O_CREAT, err);
    tf_buf_release(&path);
    return fd;
}

int tf_hub_local_finish(int dir, const struct tf_hub_file *file, int fd,
                        struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT;
    const char *name;
    int parent = tf_beneath_parent(dir, file->path, &name, err);
    int bad;

    if (parent < 0)
        return -1;
    partial_path(&path, file);
    bad = fsync(fd) || renameat(dir, tf_buf_cstr(&path), parent, name);
    if (bad)
        tf_beneath_fail(err, file->path);
    tf_buf_release(&path);
    close(parent);
    return bad ? -1 : 0;
}

int tf_hub_local_note(int dir, const char *commit,
                      const struct tf_hub_file *file, struct tf_err *err)
{
    struct tf_buf path = TF_BUF_INIT, text = TF_BUF_INIT;
    struct timespec now;
    int status;

    clock_gettime(CLOCK_REALTIME, &now);
    note_path(&path, file->path, ".metadata");
    tf_buf_addf(&text, "%s\n%s\n%lld.%06ld\n", commit, file->blob,
                (long long)now.tv_sec, now.tv_nsec / 1000);
    status = tf_beneath_write(dir, tf_buf_cstr(&path), tf_buf_cstr(&text),
                              false, err);
    tf_buf_release(&path);
    tf_buf_release(&text);
    return status;
}

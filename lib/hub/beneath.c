#define _GNU_SOURCE /* sync_file_range, on Linux */
#include "hub/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/mem.h"

#define COPY_BLOCK (256 * 1024)

int tf_beneath_fail(struct tf_err *err, const char *what)
{
    int why = errno;

    if (why == ENOSPC || why == EDQUOT)
        return tf_fail_code(err, "no_room",
                            "%s: no room left on the disk; free some and run "
                            "the same command again, it goes on from here",
                            what);
    if (why == ELOOP)
        return tf_fail(err, "%s: a symbolic link is in the way", what);
    return tf_fail(err, "%s: %s", what, strerror(why));
}

/* Open the sub-folder `name`, made if needed. */
static int enter(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (mkdirat(dir, name, 0777) && errno != EEXIST)
        return -1;
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
}

/* Enter the first `len` bytes of `path`, folder by folder. */
static int enter_all(int top, const char *path, size_t len, int flags)
{
    char name[256];
    int dir = fcntl(top, F_DUPFD_CLOEXEC, 0);

    for (size_t i = 0; dir >= 0 && i < len;) {
        size_t n = strcspn(path + i, "/");
        int next, why;

        if (n > len - i)
            n = len - i;
        if (n == 0) {
            i++;
            continue;
        }
        if (n >= sizeof(name)) {
            errno = ENAMETOOLONG;
            next = -1;
        } else {
            memcpy(name, path + i, n);
            name[n] = '\0';
            next = enter(dir, name, flags);
        }
        why = errno;
        close(dir);
        errno = why;
        dir = next;
        i += n;
    }
    return dir;
}

/* By path, since a folder on the way may be one we can pass but not read. */
int tf_beneath_open(const char *path, struct tf_err *err)
{
    char *copy = tf_strndup(path, strlen(path), err);
    int fd;

    if (!copy)
        return -1;
    for (char *p = copy; (p = strchr(p + 1, '/')); *p = '/') {
        *p = '\0';
        (void)mkdir(copy, 0777); /* open() below tells what matters */
    }
    (void)mkdir(copy, 0777);
    fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    return fd < 0 ? tf_beneath_fail(err, path) : fd;
}

int tf_beneath_folder(int dir, const char *path, struct tf_err *err)
{
    int fd = enter_all(dir, path, strlen(path), 0);

    return fd < 0 ? tf_beneath_fail(err, path) : fd;
}

int tf_beneath_parent(int dir, const char *path, const char **name,
                      struct tf_err *err)
{
    const char *slash = strrchr(path, '/');
    int fd;

    *name = slash ? slash + 1 : path;
    fd = enter_all(dir, path, (size_t)(*name - path), O_NOFOLLOW);
    return fd < 0 ? tf_beneath_fail(err, path) : fd;
}

void tf_beneath_aside(char *out, size_t size, const char *name, const char *end)
{
    static atomic_uint count;
    struct timespec now;
    unsigned mix;

    clock_gettime(CLOCK_REALTIME, &now);
    mix = (unsigned)getpid() * 2654435761u ^ (unsigned)now.tv_nsec ^
          atomic_fetch_add(&count, 1) * 40503u;
    snprintf(out, size, "%.200s.%08x.%s", name, mix, end);
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Fill a file beside the name with `text`, else with what `from` holds. */
static int fill(int fd, const char *text, int from)
{
    static const size_t block = COPY_BLOCK;
    char *buf;
    ssize_t n = 0;
    off_t at = 0;
    int status = 0;

    if (text)
        return write_all(fd, text, strlen(text));
    buf = malloc(block);
    if (!buf)
        return -1;
    while (!status && (n = pread(from, buf, block, at)) > 0) {
        status = write_all(fd, buf, (size_t)n);
        at += n;
    }
    free(buf);
    return n < 0 ? -1 : status;
}

static int put(int dir, const char *path, const char *text, int from,
               bool synced, struct tf_err *err)
{
    const char *name;
    char aside[256];
    int parent = tf_beneath_parent(dir, path, &name, err);
    int fd, bad;

    if (parent < 0)
        return -1;
    tf_beneath_aside(aside, sizeof(aside), name, "tmp");
    fd = openat(parent, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bad = fd < 0 || fill(fd, text, from) || (synced && fsync(fd));
    if (fd >= 0)
        bad = close(fd) || bad;
    bad = bad || renameat(parent, aside, parent, name);
    if (bad) {
        tf_beneath_fail(err, path);
        if (fd >= 0)
            unlinkat(parent, aside, 0);
    }
    close(parent);
    return bad ? -1 : 0;
}

int tf_beneath_write(int dir, const char *path, const char *text, bool synced,
                     struct tf_err *err)
{
    return put(dir, path, text, -1, synced, err);
}

int tf_beneath_copy(int from, int dir, const char *path, struct tf_err *err)
{
    return put(dir, path, NULL, from, true, err);
}

void tf_beneath_flush_ahead(int fd, uint64_t from, uint64_t size)
{
#ifdef SYNC_FILE_RANGE_WRITE
    (void)sync_file_range(fd, (off_t)from, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
    (void)from;
    (void)size;
#endif
}

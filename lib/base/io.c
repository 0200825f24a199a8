#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

int tf_file_read(const char *path, size_t limit, struct tf_buf *out,
                 struct tf_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t step = 1 << 16, start = out->len;
    struct stat st;
    ssize_t n = -1;
    char *room;

    if (fd < 0 || fstat(fd, &st))
        goto fail;
    if (S_ISREG(st.st_mode) && st.st_size >= 0 && (uint64_t)st.st_size < limit)
        step = (size_t)st.st_size + 1;
    while ((room = tf_buf_room(out, step))) {
        n = read(fd, room, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
        if (out->len - start > limit) {
            close(fd);
            return tf_fail(err, "%s: larger than the %zu bytes allowed", path,
                           limit);
        }
        step = 1 << 16;
    }
    if (!room) {
        close(fd);
        return tf_no_memory(err, step);
    }
    if (n < 0)
        goto fail;
    close(fd);
    return 0;
fail:
    tf_fail(err, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int tf_file_exists(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, R_OK);
}

int tf_dir_exists(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int tf_dir_make(const char *path, struct tf_err *err)
{
    char *copy = tf_strndup(path, strlen(path), err), *slash;
    int why = 0; /* a folder above could not be made */

    if (!copy)
        return -1;
    for (slash = strchr(copy + (*copy == '/'), '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (!mkdir(copy, 0777) || errno == EEXIST)
            why = 0;
        else if (!why || errno != ENOENT)
            why = errno;
        *slash = '/';
    }
    free(copy);
    if (!mkdir(path, 0777))
        return 0;
    if (errno != ENOENT || !why)
        why = errno;
    if (!tf_dir_exists(path))
        return tf_fail(err, "%s: cannot make the folder: %s", path,
                       strerror(why));
    return 0;
}

char *tf_path(const char *dir, const char *name, struct tf_err *err)
{
    size_t n = strlen(dir), m = strlen(name);
    char *path = tf_alloc(n + m + 2, 1, err);

    if (!path)
        return NULL;
    memcpy(path, dir, n);
    if (n && dir[n - 1] != '/')
        path[n++] = '/';
    memcpy(path + n, name, m);
    return path;
}

/* Not mkstemp(): the file must get the mode that the umask allows. */
static int open_aside(const char *path, char *aside, size_t size)
{
    int fd, i;

    for (i = 0; i < 1000; i++) {
        snprintf(aside, size, "%s.tmp-%ld-%d", path, (long)getpid(), i);
        fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

int tf_replace_open(struct tf_replace *r, const char *path, struct tf_err *err)
{
    size_t size = strlen(path) + 48;
    struct stat st;
    int fd;

    *r = (struct tf_replace){ 0 };
    if (!lstat(path, &st) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return tf_fail(err, "%s: is there and not a regular file", path);
    r->path = tf_strndup(path, strlen(path), err);
    if (!r->path)
        return -1;
    r->aside = tf_alloc(size, 1, err);
    if (!r->aside)
        goto fail;
    fd = open_aside(path, r->aside, size);
    if (fd >= 0) {
        r->f = fdopen(fd, "wb");
        if (r->f)
            return 0;
        close(fd);
        unlink(r->aside);
    }
    tf_fail(err, "%s: can't write: %s", path, strerror(errno));
fail:
    free(r->path);
    free(r->aside);
    *r = (struct tf_replace){ 0 };
    return -1;
}

/* The rename itself must reach the disk. A file system that can't sync a
 * folder keeps its own promises, so a failure is no error. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    int fd;

    if (slash && slash != path)
        *slash = 0;
    fd = open(slash == path ? "/"
              : slash       ? path
                            : ".",
              O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

int tf_replace_commit(struct tf_replace *r, struct tf_err *err)
{
    FILE *f = r->f;
    int failed;

    failed = ferror(f) || fflush(f) || fsync(fileno(f));
    if (failed)
        tf_fail(err, "%s: can't write: %s", r->path, strerror(errno));
    r->f = NULL;
    if (fclose(f) && !failed)
        failed = tf_fail(err, "%s: can't write: %s", r->path, strerror(errno));
    if (!failed && rename(r->aside, r->path))
        failed =
            tf_fail(err, "%s: can't replace: %s", r->path, strerror(errno));
    if (failed) {
        tf_replace_abort(r);
        return -1;
    }
    sync_folder(r->path);
    free(r->path);
    free(r->aside);
    *r = (struct tf_replace){ 0 };
    return 0;
}

void tf_replace_abort(struct tf_replace *r)
{
    if (r->f)
        fclose(r->f);
    if (r->aside)
        unlink(r->aside);
    free(r->path);
    free(r->aside);
    *r = (struct tf_replace){ 0 };
}

int tf_file_write(const char *path, const void *p, size_t n, struct tf_err *err)
{
    struct tf_replace r;

    if (tf_replace_open(&r, path, err))
        return -1;
    if (!n || fwrite(p, 1, n, r.f) == n)
        return tf_replace_commit(&r, err);
    tf_fail(err, "%s: can't write: %s", path, strerror(errno));
    tf_replace_abort(&r);
    return -1;
}

#define _GNU_SOURCE /* madvise, MAP_ANONYMOUS */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"

/*
 * The mappings of this process, for the signal handler, which may run on any
 * thread at any time: places are never freed, only taken again.
 */
struct place {
    _Atomic(uintptr_t) begin, end; /* both 0: free */
    struct place *next;
};

static _Atomic(struct place *) places;
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static struct sigaction before;
static atomic_int broken;
static uintptr_t page_size;

/*
 * A read past the end of a file that was shrunk: zero pages take the place of
 * what is gone, and the computation goes on until somebody asks whether it was
 * worth anything.
 */
static bool cover(uintptr_t at)
{
    struct place *p;
    uintptr_t end;

    for (p = atomic_load(&places); p; p = p->next) {
        end = atomic_load(&p->end);
        if (at < atomic_load(&p->begin) || at >= end)
            continue;
        at &= ~(page_size - 1);
        if (mmap((void *)at, end - at, PROT_READ,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            return false;
        atomic_store(&broken, 1);
        return true;
    }
    return false;
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
    int saved = errno;

    if (!cover((uintptr_t)info->si_addr)) {
        if (before.sa_flags & SA_SIGINFO)
            before.sa_sigaction(sig, info, context);
        else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
            before.sa_handler(sig);
        else
            sigaction(sig, &before, NULL); /* the access repeats and kills */
    }
    errno = saved;
}

static void install_handler(void)
{
    struct sigaction sa = { 0 };

    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    sa.sa_sigaction = on_bus_error;
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&sa.sa_mask);
    sigaction(SIGBUS, NULL, &before); /* complete before the handler can run */
    sigaction(SIGBUS, &sa, NULL);
}

static int remember(const void *data, size_t size, struct tf_err *err)
{
    uintptr_t begin = (uintptr_t)data;
    struct place *p;

    pthread_mutex_lock(&places_lock);
    for (p = atomic_load(&places); p && atomic_load(&p->end); p = p->next)
        ;
    if (!p) {
        p = tf_alloc(1, sizeof(*p), err);
        if (!p) {
            pthread_mutex_unlock(&places_lock);
            return -1;
        }
        p->next = atomic_load(&places);
        atomic_store(&places, p);
    }
    atomic_store(&p->begin, begin);
    atomic_store(&p->end, (begin + size + page_size - 1) & ~(page_size - 1));
    pthread_mutex_unlock(&places_lock);
    return 0;
}

static void forget_place(const void *data)
{
    struct place *p;

    pthread_mutex_lock(&places_lock);
    for (p = atomic_load(&places); p; p = p->next)
        if (atomic_load(&p->begin) == (uintptr_t)data) {
            atomic_store(&p->end, 0);
            atomic_store(&p->begin, 0);
            break;
        }
    pthread_mutex_unlock(&places_lock);
}

int tf_map_open(struct tf_map *map, const char *path, struct tf_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *data;

    *map = (struct tf_map){ 0 };
    pthread_once(&handler_once, install_handler);
    if (fd < 0 || fstat(fd, &st)) {
        tf_fail(err, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > SIZE_MAX / 2) {
        close(fd);
        return tf_fail(err, "%s: %s", path,
                       S_ISDIR(st.st_mode)    ? "is a folder, not a file"
                       : !S_ISREG(st.st_mode) ? "not a regular file"
                                              : "too large to map");
    }
    if (st.st_size == 0) {
        close(fd);
        return 0;
    }
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return tf_fail(err, "%s: can't map: %s", path, strerror(errno));
    if (remember(data, (size_t)st.st_size, err)) {
        munmap(data, (size_t)st.st_size);
        return -1;
    }
    map->data = data;
    map->size = (size_t)st.st_size;
    return 0;
}

void tf_map_close(struct tf_map *map)
{
    if (map->data) {
        forget_place(map->data);
        munmap((void *)map->data, map->size);
    }
    *map = (struct tf_map){ 0 };
}

int tf_map_broken(void)
{
    return atomic_load(&broken);
}

static bool mapped(uintptr_t begin, uintptr_t end)
{
    struct place *p;

    for (p = atomic_load(&places); p; p = p->next)
        if (atomic_load(&p->begin) <= begin && end <= atomic_load(&p->end))
            return true;
    return false;
}

void tf_map_forget(const void *p, size_t n)
{
    uintptr_t begin = ((uintptr_t)p + page_size - 1) & ~(page_size - 1);
    uintptr_t end = ((uintptr_t)p + n) & ~(page_size - 1);

    if (page_size && begin < end && mapped(begin, end))
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

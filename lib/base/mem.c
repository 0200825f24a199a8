#define _GNU_SOURCE /* madvise */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define CHUNK_MIN ((size_t)64 << 10)
#define HUGE_PAGE ((uintptr_t)2 << 20)

void *tf_alloc(size_t n, size_t size, struct tf_err *err)
{
    void *p;
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        tf_no_memory(err, SIZE_MAX);
        return NULL;
    }
    p = calloc(1, bytes ? bytes : 1);
    if (!p)
        tf_no_memory(err, bytes);
    return p;
}

void *tf_alloc_table(size_t n, size_t size, struct tf_err *err)
{
    void *p = tf_alloc(n, size, err);
#if defined(MADV_HUGEPAGE)
    uintptr_t begin = ((uintptr_t)p + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)p + n * size) & ~(HUGE_PAGE - 1);

    if (p && begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
    return p;
}

void *tf_grow(void *p, size_t n, size_t size, struct tf_err *err)
{
    size_t bytes;
    void *q;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        tf_no_memory(err, SIZE_MAX);
        return NULL;
    }
    q = realloc(p, bytes ? bytes : 1);
    if (!q)
        tf_no_memory(err, bytes);
    return q;
}

char *tf_strndup(const char *s, size_t n, struct tf_err *err)
{
    char *copy = NULL;

    if (n < SIZE_MAX)
        copy = malloc(n + 1);
    if (!copy) {
        tf_no_memory(err, n);
        return NULL;
    }
    if (n)
        memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer sees what is touched past an allocation or after a rewind. */
enum { GUARD = TF_ARENA_ALIGN };

static void open_bytes(const void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
}

static void shut_bytes(const void *p, size_t n)
{
    ASAN_POISON_MEMORY_REGION(p, n);
}
#else
enum { GUARD = 0 };

static void open_bytes(const void *p, size_t n)
{
    (void)p, (void)n;
}

static void shut_bytes(const void *p, size_t n)
{
    (void)p, (void)n;
}
#endif

struct tf_arena_chunk {
    struct tf_arena_chunk *older;
    size_t size; /* bytes after the header, which fills TF_ARENA_ALIGN */
};

static char *bytes_of(struct tf_arena_chunk *c)
{
    return (char *)c + TF_ARENA_ALIGN;
}

static void free_chunk(struct tf_arena_chunk *c)
{
    if (c)
        open_bytes(bytes_of(c), c->size);
    free(c);
}

void tf_arena_init(struct tf_arena *a)
{
    *a = (struct tf_arena){ 0 };
}

static bool add_chunk(struct tf_arena *a, size_t need)
{
    struct tf_arena_chunk *c = a->spare;
    size_t size = need > CHUNK_MIN ? need : CHUNK_MIN;

    if (c && c->size >= need) {
        a->spare = NULL;
    } else {
        if (size < a->want)
            size = a->want;
        if (size < a->total / 4)
            size = a->total / 4 & ~(size_t)(TF_ARENA_ALIGN - 1);
        free_chunk(c);
        a->spare = NULL;
        if (size > SIZE_MAX - TF_ARENA_ALIGN)
            return false;
        c = aligned_alloc(TF_ARENA_ALIGN, size + TF_ARENA_ALIGN);
        if (!c)
            return false;
        c->size = size;
        a->want = 0;
    }
    shut_bytes(bytes_of(c), c->size);
    c->older = a->chunk;
    a->chunk = c;
    a->used = 0;
    return true;
}

void *tf_arena_alloc(struct tf_arena *a, size_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &bytes) ||
        bytes > SIZE_MAX - TF_ARENA_ALIGN - GUARD)
        return NULL;
    bytes = (bytes + TF_ARENA_ALIGN - 1) & ~(size_t)(TF_ARENA_ALIGN - 1);
    if (!a->chunk || bytes + GUARD > a->chunk->size - a->used)
        if (!add_chunk(a, bytes + GUARD))
            return NULL;
    p = bytes_of(a->chunk) + a->used;
    open_bytes(p, n * size);
    a->used += bytes + GUARD;
    a->total += bytes;
    if (a->total > a->peak)
        a->peak = a->total;
    return p;
}

struct tf_arena_mark tf_arena_mark(const struct tf_arena *a)
{
    return (struct tf_arena_mark){ a->chunk, a->used, a->total };
}

/*
 * One chunk stays as the spare. Several are freed, and the next chunk is made
 * as large as they were together, so that a steady load soon lives in one. A
 * chunk far above the need of the round that ends is freed too.
 */
void tf_arena_rewind(struct tf_arena *a, struct tf_arena_mark mark)
{
    size_t need = a->total - mark.total, freed = 0;
    struct tf_arena_chunk *c;

    while (a->chunk != mark.chunk) {
        c = a->chunk;
        a->chunk = c->older;
        freed += c->size;
        if (!a->spare && freed == c->size && c->size / 4 <= need + CHUNK_MIN) {
            a->spare = c;
            continue;
        }
        free_chunk(c);
        free_chunk(a->spare);
        a->spare = NULL;
        a->want = (need + TF_ARENA_ALIGN - 1) & ~(size_t)(TF_ARENA_ALIGN - 1);
    }
    a->used = mark.used;
    a->total = mark.total;
    if (a->chunk)
        shut_bytes(bytes_of(a->chunk) + a->used, a->chunk->size - a->used);
}

void tf_arena_release(struct tf_arena *a)
{
    struct tf_arena_chunk *c, *older;

    for (c = a->chunk; c; c = older) {
        older = c->older;
        free_chunk(c);
    }
    free_chunk(a->spare);
    tf_arena_init(a);
}

/*
 * Memory. A size may come from a file, so running out is an error like any
 * other: every call returns NULL when there is none.
 */
#ifndef TF_BASE_MEM_H
#define TF_BASE_MEM_H

#include <stddef.h>
#include "base/err.h"

/* n * size zeroed bytes (at least one), overflow checked; free() releases. */
void *tf_alloc(size_t n, size_t size, struct tf_err *err);

/* The same for a table that is read here and there: in huge pages as far as the
 * system lends them. */
void *tf_alloc_table(size_t n, size_t size, struct tf_err *err);

/* Grow an array that free() releases to n * size bytes; the new part is not
 * zeroed. On failure returns NULL, and `p` is still the caller's. */
void *tf_grow(void *p, size_t n, size_t size, struct tf_err *err);

/* A copy of n bytes of s with a NUL after them. */
char *tf_strndup(const char *s, size_t n, struct tf_err *err);

/*
 * A stack of chunks: allocations live until a release to an earlier mark.
 * Not thread safe: one per thread or per session.
 */
struct tf_arena {
    struct tf_arena_chunk *chunk; /* the newest */
    size_t used;                  /* bytes of it */
    size_t total, peak;           /* bytes handed out now, and at most */
    struct tf_arena_chunk *spare; /* kept by the last rewind, or NULL */
    size_t want;                  /* bytes that the next chunk should have */
};

struct tf_arena_mark {
    struct tf_arena_chunk *chunk;
    size_t used, total;
};

#define TF_ARENA_ALIGN 64

void tf_arena_init(struct tf_arena *a);
/* Uninitialised, aligned to TF_ARENA_ALIGN; NULL when there is no memory. */
void *tf_arena_alloc(struct tf_arena *a, size_t n, size_t size);
struct tf_arena_mark tf_arena_mark(const struct tf_arena *a);
/* Frees all that was allocated since `mark`; the chunks are kept for reuse
 * up to the size that was last needed. */
void tf_arena_rewind(struct tf_arena *a, struct tf_arena_mark mark);
/* Gives every chunk back; the arena is as after init. */
void tf_arena_release(struct tf_arena *a);
#endif

/* Files: read in place, read whole, replaced at once; and paths. */
#ifndef TF_BASE_IO_H
#define TF_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/err.h"

/*
 * A file mapped read-only and shared, so that processes share its pages. An
 * empty file has data NULL and size 0. When another process shrinks the file,
 * pages past its end read as zeros and tf_map_broken() says so.
 */
struct tf_map {
    const unsigned char *data;
    size_t size;
};

int tf_map_open(struct tf_map *map, const char *path, struct tf_err *err);
void tf_map_close(struct tf_map *map);
/* True once any mapping of this process was read past its file's end: what
 * was computed from it since is worthless. */
int tf_map_broken(void);
/* Tell the kernel that the pages of [p, p + n) are not needed any more (they
 * can be read again), e.g. after a weight was packed. Memory that is in no
 * mapping is left alone. */
void tf_map_forget(const void *p, size_t n);

/* Append a whole file to `out`; more than `limit` bytes is an error. */
int tf_file_read(const char *path, size_t limit, struct tf_buf *out,
                 struct tf_err *err);
int tf_file_exists(const char *path); /* a regular file that can be read */
int tf_dir_exists(const char *path);
/* Make a folder with those above it; that it is there already is no error. */
int tf_dir_make(const char *path, struct tf_err *err);

/* "dir/name", which free() releases; NULL when there is no memory. */
char *tf_path(const char *dir, const char *name, struct tf_err *err);

/*
 * Write a file so that its name never shows half of it: written aside in the
 * same folder, synced, renamed.
 */
struct tf_replace {
    FILE *f;
    char *path, *aside;
};

int tf_replace_open(struct tf_replace *r, const char *path, struct tf_err *err);
/* Sync and rename. On failure the old file is as it was. Ends `r`. */
int tf_replace_commit(struct tf_replace *r, struct tf_err *err);
void tf_replace_abort(struct tf_replace *r); /* ends `r`, removes the aside */
/* The same at once, of n bytes. */
int tf_file_write(const char *path, const void *p, size_t n,
                  struct tf_err *err);

static inline uint16_t tf_load_le16(const void *p)
{
    const unsigned char *b = p;

    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t tf_load_le32(const void *p)
{
    const unsigned char *b = p;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

static inline uint64_t tf_load_le64(const void *p)
{
    const unsigned char *b = p;

    return tf_load_le32(b) | (uint64_t)tf_load_le32(b + 4) << 32;
}
#endif

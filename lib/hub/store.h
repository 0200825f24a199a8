/*
 * The writing side of the cache: one repository's folder in it. Any number of
 * processes and threads may work on the same one, and each may be killed at
 * any moment: a blob gets its name when it is whole and checked, and what is
 * half there is kept aside under BLOB.tfhub.incomplete for the next try.
 */
#ifndef TF_HUB_STORE_H
#define TF_HUB_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include "hub/cache.h"
#include "hub/listing.h"

struct tf_hub_store {
    int cache;   /* -1: there is none */
    int dir;     /* models--org--name in it, or -1 */
    char *path;  /* of dir */
    char *locks; /* ".locks/models--org--name", in the cache */
};

/* Without `make` nothing is written, and `dir` is -1 when the cache has no
 * such repository; with it the folders are made. */
int tf_hub_store_open(struct tf_hub_store *s, const char *cache_dir,
                      enum tf_hub_type type, const char *repo, bool make,
                      struct tf_err *err);
void tf_hub_store_close(struct tf_hub_store *s);

/* Wait for the lock file `name` in a folder. Returns a descriptor whose closing
 * gives the lock back. Fails when *stop becomes true. */
int tf_hub_lock(int folder, const char *name, const atomic_bool *stop,
                struct tf_err *err);

/* tf_hub_lock for a blob, by which Python's library goes as well. */
int tf_hub_store_lock(struct tf_hub_store *s, const char *blob,
                      const atomic_bool *stop, struct tf_err *err);

/* The blob is there, with the file's size when that is known. */
bool tf_hub_store_has(const struct tf_hub_store *s,
                      const struct tf_hub_file *file);
/* The blob open for reading, or -1. */
int tf_hub_store_blob(const struct tf_hub_store *s, const char *blob);
/* Its part that is there, open for reading and writing; made when there is
 * none. The caller holds the lock. */
int tf_hub_store_partial(struct tf_hub_store *s, const char *blob,
                         struct tf_err *err);
/* How much of it is there; 0: nothing. */
uint64_t tf_hub_store_partial_size(const struct tf_hub_store *s,
                                   const char *blob);
/* Nothing came: remove the part, if it is empty. */
void tf_hub_store_drop_empty(struct tf_hub_store *s, const char *blob);
/* The part is whole: sync it and give it its name. */
int tf_hub_store_finish(struct tf_hub_store *s, const char *blob, int fd,
                        struct tf_err *err);

/* Make and open snapshots/COMMIT. */
int tf_hub_store_snapshot(struct tf_hub_store *s, const char *commit,
                          struct tf_err *err);
/* snapshots/COMMIT/path leads to a file of this size. */
bool tf_hub_store_linked(const struct tf_hub_store *s, const char *commit,
                         const struct tf_hub_file *file);
/* Make snapshots/COMMIT/path lead to the blob, by a relative link, or as a copy
 * where links do not work or HF_HUB_DISABLE_SYMLINKS says so. */
int tf_hub_store_link(struct tf_hub_store *s, const char *commit,
                      const struct tf_hub_file *file, struct tf_err *err);

/* refs/REVISION: 40 bytes. Nothing is written when it says so already. */
int tf_hub_store_set_ref(struct tf_hub_store *s, const char *revision,
                         const char *commit, struct tf_err *err);
/* Note that there is no such file at the commit; failures do not matter. */
void tf_hub_store_no_exist(struct tf_hub_store *s, const char *commit,
                           const char *path);
#endif

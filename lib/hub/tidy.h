/* Taking things out of the cache, and checking what is in it. */
#ifndef TF_HUB_TIDY_H
#define TF_HUB_TIDY_H

#include "hub/scan.h"

struct tf_hub_freed {
    uint64_t bytes;
    size_t snapshots, blobs;
    size_t busy; /* blobs left because another process works on them */
};

/* Remove a snapshot of a repository, or all of it when `commit` is NULL: its
 * refs, its folder, then the blobs that no other snapshot needs. */
int tf_hub_cache_rm(const struct tf_hub_scan *scan,
                    const struct tf_hub_cached_repo *repo, const char *commit,
                    struct tf_hub_freed *freed, struct tf_err *err);

/* Remove from the whole cache what nothing leads to: snapshots without a ref,
 * blobs without a snapshot, parts of downloads that nobody goes on with. */
int tf_hub_cache_prune(const struct tf_hub_scan *scan,
                       struct tf_hub_freed *freed, struct tf_err *err);

/*
 * Hash every file of a snapshot and compare with what its blob is called.
 * `bad` is told of each that differs (found: its hash) or is missing (found:
 * NULL). Returns how many, or -1.
 */
long tf_hub_cache_verify(const struct tf_hub_cached_snapshot *snapshot,
                         void (*bad)(void *arg,
                                     const struct tf_hub_cached_file *file,
                                     const char *found),
                         void *arg, struct tf_err *err);
#endif

/* What the cache holds. */
#ifndef TF_HUB_SCAN_H
#define TF_HUB_SCAN_H

#include <stdint.h>
#include "hub/cache.h"

struct tf_hub_cached_file {
    char *path;    /* in the repository */
    char *blob;    /* the name its link ends in; NULL: a file of its own */
    uint64_t size; /* 0 when it leads nowhere */
    bool missing;  /* the link leads nowhere */
};

struct tf_hub_cached_ref {
    char *name;
    char commit[41];
    bool stale; /* what a process that was killed left: "main.0a1b2c3d.tmp" */
};

struct tf_hub_cached_snapshot {
    char commit[41];
    char *path;
    struct tf_hub_cached_file *files;
    size_t nfiles;
    uint64_t size; /* of its files, a blob counted once */
};

struct tf_hub_cached_repo {
    enum tf_hub_type type;
    char *repo;
    char *path;   /* CACHE/models--org--name */
    char *folder; /* "models--org--name" */
    struct tf_hub_cached_snapshot *snapshots;
    size_t nsnapshots;
    struct tf_hub_cached_ref *refs;
    size_t nrefs;
};

struct tf_hub_scan {
    char *cache; /* the folder */
    struct tf_hub_cached_repo *repos;
    size_t count;
};

/* Read the cache; one that is not there is empty. Sorted by type, repository
 * and commit. What is not of the layout is passed over. */
int tf_hub_scan(struct tf_hub_scan *scan, const char *cache_dir,
                struct tf_err *err);
void tf_hub_scan_release(struct tf_hub_scan *scan);
#endif

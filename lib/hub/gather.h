/* The files of a folder that are to be pushed. */
#ifndef TF_HUB_GATHER_H
#define TF_HUB_GATHER_H

#include "hub/lfs.h"
#include "hub/select.h"

struct tf_hub_local_file {
    char *path; /* on this machine */
    char *name; /* in the repository */
    uint64_t size;
    char oid[65]; /* git's id, or sha256 for LFS */
    char *remote; /* the hub's oid of that name, or NULL */
    bool lfs;     /* the hub wants it so */
    bool skip;    /* ignored by the hub's rules, or unchanged */
    struct tf_hub_object object;
};

struct tf_hub_files {
    struct tf_hub_local_file *v;
    size_t n, cap;
};

/* Gather `path`, a folder or a file, sorted by name. */
int tf_hub_gather(struct tf_hub_files *files, const char *path,
                  const struct tf_hub_filter *filter, struct tf_err *err);
void tf_hub_files_release(struct tf_hub_files *files);
#endif

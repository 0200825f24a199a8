/* A repository's files from the hub into the cache, or into a folder. */
#ifndef TF_HUB_PULL_H
#define TF_HUB_PULL_H

#include "hub/client.h"
#include "hub/select.h"
#include "hub/workers.h"

struct tf_hub_pull {
    struct tf_hub_config config; /* its `stop` is not used */
    const char *cache_dir;       /* NULL: the environment's */
    const char *local_dir;       /* the user's folder, or NULL: the cache */
    struct tf_hub_filter filter;
    int jobs;                     /* files at once; 0: TF_HUB_JOBS */
    bool offline;                 /* only look into the cache */
    tf_hub_progress_fn *progress; /* or NULL */
    void *progress_arg;
};

/*
 * Fetch what the filter selects and is not there yet. Returns the path of the
 * snapshot's folder or of the user's, or, when the filter names one file, that
 * file's; free() releases. The commit is settled first, so that a branch that
 * moves meanwhile does not mix two. When the hub cannot be asked and the cache
 * has all that is selected, that is the answer, with a note.
 */
char *tf_hub_pull(const struct tf_hub_pull *p, const struct tf_hub_ref *ref,
                  struct tf_err *err);
#endif

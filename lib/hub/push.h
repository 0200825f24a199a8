/* A folder's files to a repository on the hub, as one commit. */
#ifndef TF_HUB_PUSH_H
#define TF_HUB_PUSH_H

#include "hub/client.h"
#include "hub/select.h"
#include "hub/workers.h"

struct tf_hub_push {
    struct tf_hub_config config; /* its `stop` is not used */
    const char *path;            /* a folder, or one file */
    struct tf_hub_filter filter; /* include and exclude only */
    const char *message;         /* of the commit: its first line */
    bool create_pr;
    int jobs;                     /* uploads at once; 0: TF_HUB_JOBS */
    tf_hub_progress_fn *progress; /* or NULL */
    void *progress_arg;
};

struct tf_hub_pushed {
    size_t files;     /* changed or new; 0: nothing to do, no commit */
    size_t unchanged; /* the repository has them as they are here */
    json_t *reply; /* {"commitUrl", "commitOid", "pullRequestUrl"}, or NULL */
};

/*
 * Upload what differs and commit it to ref's branch. Nothing is committed when
 * any upload fails. .git and .cache/huggingface are left out; links to files
 * are followed, links to folders are not. json_decref(pushed->reply).
 */
int tf_hub_push(const struct tf_hub_push *push, const struct tf_hub_ref *ref,
                struct tf_hub_pushed *pushed, struct tf_err *err);
#endif

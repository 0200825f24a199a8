/* Git LFS uploads, whole or in parts, as the hub's storage takes them. */
#ifndef TF_HUB_LFS_H
#define TF_HUB_LFS_H

#include "hub/client.h"
#include "hub/workers.h"

#define TF_HUB_BATCH 256 /* objects in one request */

struct tf_hub_object {
    char sha256[65];
    uint64_t size;
    const char *path; /* on this machine; borrowed */
    json_t *actions;  /* what the hub wants to be done; NULL: it has it */
};

/* Ask what is to be done for up to TF_HUB_BATCH objects. */
int tf_hub_lfs_batch(struct tf_hub *hub, const struct tf_hub_ref *ref,
                     struct tf_hub_object *const *objects, size_t n,
                     struct tf_err *err);

/* Do it for one. */
int tf_hub_lfs_upload(struct tf_hub_worker *w, const struct tf_hub_ref *ref,
                      const struct tf_hub_object *object, struct tf_err *err);
#endif

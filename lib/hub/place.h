/* Where a pulled file goes: into the cache, or into the user's folder. */
#ifndef TF_HUB_PLACE_H
#define TF_HUB_PLACE_H

#include "hub/listing.h"
#include "hub/store.h"
#include "hub/workers.h"

struct tf_hub_place {
    const struct tf_hub_ref *ref;
    char commit[41];
    struct tf_hub_store store; /* dir -1: the cache has nothing of it yet */
    int local;                 /* the user's folder, or -1: into the cache */
};

/* Fetch one file to its place, unless it is there. Its name is a safe one. */
int tf_hub_place_put(struct tf_hub_place *place, struct tf_hub_file *file,
                     struct tf_hub_worker *w, struct tf_err *err);
#endif

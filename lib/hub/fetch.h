/* One file over the network into one on disk, checked. */
#ifndef TF_HUB_FETCH_H
#define TF_HUB_FETCH_H

#include <stdatomic.h>
#include "hub/listing.h"

struct tf_hub_fetch {
    struct tf_hub *hub;
    const struct tf_hub_ref *ref;
    const char *commit;
    const struct tf_hub_file *file; /* its blob is known */
    int fd;                         /* what is already there, to be added to */
    _Atomic uint64_t *done;         /* bytes that are there, for onlookers */
};

/*
 * Read on from the end of what `fd` holds. A connection that breaks is made
 * anew, from where it broke, as long as bytes come; a server that ignores the
 * range is read from the start. At the end size and hash are as the file's, or
 * it fails: with "wrong_hash" nothing is kept, with others what came stays in
 * `fd` for the next time.
 */
int tf_hub_fetch(const struct tf_hub_fetch *f, struct tf_err *err);
#endif

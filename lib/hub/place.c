#include "hub/place.h"

#include <string.h>
#include <unistd.h>
#include "hub/beneath.h"
#include "hub/fetch.h"
#include "hub/local.h"

/* Fetch into the cache. The blob's lock is held. */
static int fetch_blob(struct tf_hub_place *p, const struct tf_hub_file *file,
                      struct tf_hub_worker *w, struct tf_err *err)
{
    struct tf_hub_fetch f = { w->hub, p->ref, p->commit, file, -1, &w->done };
    int status;

    if (tf_hub_store_has(&p->store, file))
        return 0; /* another path, or another process, had it */
    f.fd = tf_hub_store_partial(&p->store, file->blob, err);
    if (f.fd < 0)
        return -1;
    status = tf_hub_fetch(&f, err);
    if (!status)
        status = tf_hub_store_finish(&p->store, file->blob, f.fd, err);
    else
        tf_hub_store_drop_empty(&p->store, file->blob);
    close(f.fd);
    return status;
}

static int put_in_cache(struct tf_hub_place *p, const struct tf_hub_file *file,
                        struct tf_hub_worker *w, struct tf_err *err)
{
    int status, lock;

    if (tf_hub_store_linked(&p->store, p->commit, file))
        return 0;
    lock = tf_hub_store_lock(&p->store, file->blob, w->stop, err);
    if (lock < 0)
        return -1;
    status = fetch_blob(p, file, w, err);
    if (!status)
        status = tf_hub_store_link(&p->store, p->commit, file, err);
    close(lock);
    return status;
}

/* Fetch, or copy from the cache, into the user's folder. Its lock is held. */
static int fetch_local(struct tf_hub_place *p, const struct tf_hub_file *file,
                       struct tf_hub_worker *w, struct tf_err *err)
{
    struct tf_hub_fetch f = { w->hub, p->ref, p->commit, file, -1, &w->done };
    int status, blob = -1;

    if (p->store.dir >= 0 && tf_hub_store_has(&p->store, file))
        blob = tf_hub_store_blob(&p->store, file->blob);
    if (blob >= 0) {
        status = tf_beneath_copy(blob, p->local, file->path, err);
        close(blob);
        return status;
    }
    f.fd = tf_hub_local_partial(p->local, file, err);
    if (f.fd < 0)
        return -1;
    status = tf_hub_fetch(&f, err);
    if (!status)
        status = tf_hub_local_finish(p->local, file, f.fd, err);
    close(f.fd);
    return status;
}

static int put_in_folder(struct tf_hub_place *p, const struct tf_hub_file *file,
                         struct tf_hub_worker *w, struct tf_err *err)
{
    int status = 0;
    int lock = tf_hub_local_lock(p->local, file->path, w->stop, err);

    if (lock < 0)
        return -1;
    if (!tf_hub_local_current(p->local, file))
        status = fetch_local(p, file, w, err);
    if (!status)
        status = tf_hub_local_note(p->local, p->commit, file, err);
    close(lock);
    return status;
}

int tf_hub_place_put(struct tf_hub_place *p, struct tf_hub_file *file,
                     struct tf_hub_worker *w, struct tf_err *err)
{
    char commit[41];

    if (!file->blob[0]) { /* the listing did not say */
        memcpy(commit, p->commit, sizeof(commit));
        if (tf_hub_head(w->hub, p->ref, file, commit, err)) {
            if (err->code && !strcmp(err->code, "no_file") && p->local < 0)
                tf_hub_store_no_exist(&p->store, p->commit, file->path);
            return -1;
        }
        tf_hub_worker_size(w, file->size);
    }
    return p->local < 0 ? put_in_cache(p, file, w, err)
                        : put_in_folder(p, file, w, err);
}

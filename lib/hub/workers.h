/* Several threads, each with a client of its own, over a list of tasks. */
#ifndef TF_HUB_WORKERS_H
#define TF_HUB_WORKERS_H

#include <stdatomic.h>
#include "hub/client.h"

#define TF_HUB_JOBS 8 /* tasks at once, when the user does not say */

/* How far it is; called about ten times a second on the caller's thread. */
struct tf_hub_progress {
    const char *doing; /* "pull", "hash", "push" */
    size_t tasks, tasks_done;
    uint64_t bytes, bytes_done;
    struct tf_hub_active {
        const char *name;
        uint64_t size, done; /* size 0: not known */
    } * active;              /* on their way now */
    size_t nactive;
};
typedef void tf_hub_progress_fn(void *arg, const struct tf_hub_progress *p);

/* What a task works with. */
struct tf_hub_worker {
    struct tf_hub *hub;
    const atomic_bool *stop; /* another one failed: end soon */
    _Atomic uint64_t done;   /* bytes of this task, for onlookers */
    struct tf_hub_worker_private *p;
};

struct tf_hub_work {
    const char *doing;
    const struct tf_hub_config *config; /* its `stop` is not used */
    int jobs;                           /* at once; 0: TF_HUB_JOBS */
    size_t count;
    /* The name, which lives as long as the work, and size of task i. */
    const char *(*name)(void *arg, size_t i, uint64_t *size);
    int (*run)(void *arg, size_t i, struct tf_hub_worker *w,
               struct tf_err *err);
    void *arg;
    tf_hub_progress_fn *progress; /* or NULL */
    void *progress_arg;
};

/* Run all tasks, in order of their numbers. The first that fails stops the
 * others, and is what `err` tells. */
int tf_hub_work(const struct tf_hub_work *work, struct tf_err *err);

/* The running task turns out to be of this size. */
void tf_hub_worker_size(struct tf_hub_worker *w, uint64_t size);
#endif

#include "hub/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "base/mem.h"

#define TICK 100000000L /* nanoseconds between two calls of progress */

struct tf_hub_worker_private {
    struct crew *crew;
    pthread_t thread;
    const char *name; /* of the task; NULL: none */
    uint64_t size;
};

struct crew {
    const struct tf_hub_work *work;
    atomic_bool stop;
    pthread_mutex_t lock; /* of all below, and the workers' private parts */
    pthread_cond_t ended; /* a worker */
    size_t next, tasks_done, running;
    uint64_t bytes, bytes_done;
    bool failed;
    struct tf_err err;
    struct tf_hub_worker *workers;
    struct tf_hub_worker_private *privates;
    size_t count;
};

void tf_hub_worker_size(struct tf_hub_worker *w, uint64_t size)
{
    struct crew *crew = w->p->crew;

    pthread_mutex_lock(&crew->lock);
    crew->bytes += size - w->p->size;
    w->p->size = size;
    pthread_mutex_unlock(&crew->lock);
}

/* Take the next task; false: no more. */
static bool take_task(struct tf_hub_worker *w, size_t *i)
{
    struct crew *crew = w->p->crew;
    const struct tf_hub_work *work = crew->work;
    bool more;

    pthread_mutex_lock(&crew->lock);
    more = !crew->failed && crew->next < work->count;
    if (more) {
        *i = crew->next++;
        w->p->name = work->name(work->arg, *i, &w->p->size);
        atomic_store(&w->done, 0);
    }
    pthread_mutex_unlock(&crew->lock);
    return more;
}

static void end_task(struct tf_hub_worker *w, int status,
                     const struct tf_err *err)
{
    struct crew *crew = w->p->crew;

    pthread_mutex_lock(&crew->lock);
    if (!status) {
        crew->tasks_done++;
        crew->bytes_done += w->p->size;
    } else if (!crew->failed) {
        crew->failed = true;
        crew->err = *err;
        atomic_store(&crew->stop, true);
    }
    w->p->name = NULL;
    pthread_mutex_unlock(&crew->lock);
}

static void *run_worker(void *arg)
{
    struct tf_hub_worker *w = arg;
    struct crew *crew = w->p->crew;
    struct tf_err err;
    size_t i;

    while (take_task(w, &i))
        end_task(w, crew->work->run(crew->work->arg, i, w, &err), &err);
    pthread_mutex_lock(&crew->lock);
    crew->running--;
    pthread_cond_signal(&crew->ended);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* Under the lock, which is open while the caller looks at the numbers. */
static void report(struct crew *crew, struct tf_hub_active *active)
{
    const struct tf_hub_work *work = crew->work;
    struct tf_hub_progress now = { .doing = work->doing,
                                   .tasks = work->count,
                                   .tasks_done = crew->tasks_done,
                                   .bytes = crew->bytes,
                                   .bytes_done = crew->bytes_done,
                                   .active = active };

    for (size_t i = 0; i < crew->count; i++) {
        struct tf_hub_worker *w = &crew->workers[i];

        if (!w->p->name)
            continue;
        active[now.nactive].name = w->p->name;
        active[now.nactive].size = w->p->size;
        active[now.nactive].done = atomic_load(&w->done);
        now.bytes_done += active[now.nactive++].done;
    }
    pthread_mutex_unlock(&crew->lock);
    work->progress(work->progress_arg, &now);
    pthread_mutex_lock(&crew->lock);
}

static void wait_for_workers(struct crew *crew, struct tf_hub_active *active)
{
    struct timespec until;

    pthread_mutex_lock(&crew->lock);
    while (crew->running > 0) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&crew->ended, &crew->lock, &until);
        if (crew->work->progress)
            report(crew, active);
    }
    pthread_mutex_unlock(&crew->lock);
}

static int start_worker(struct crew *crew, struct tf_err *err)
{
    struct tf_hub_worker *w = &crew->workers[crew->count];
    struct tf_hub_config config = *crew->work->config;
    int failed;

    config.stop = &crew->stop;
    w->p = &crew->privates[crew->count];
    w->p->crew = crew;
    w->stop = &crew->stop;
    w->hub = tf_hub_open(&config, err);
    if (!w->hub)
        return -1;
    pthread_mutex_lock(&crew->lock);
    failed = pthread_create(&w->p->thread, NULL, run_worker, w);
    if (!failed) {
        crew->count++;
        crew->running++;
    }
    pthread_mutex_unlock(&crew->lock);
    if (!failed)
        return 0;
    tf_hub_close(w->hub);
    return tf_fail(err, "no thread can be started");
}

/* Start n workers, or as many as can be: one is enough. */
static int run_crew(struct crew *crew, size_t n, struct tf_hub_active *active,
                    struct tf_err *err)
{
    while (n > 0 && !start_worker(crew, err))
        n--;
    if (crew->count == 0)
        return -1;
    wait_for_workers(crew, active);
    for (size_t i = 0; i < crew->count; i++) {
        pthread_join(crew->workers[i].p->thread, NULL);
        tf_hub_close(crew->workers[i].hub);
    }
    if (crew->failed)
        *err = crew->err;
    return crew->failed ? -1 : 0;
}

int tf_hub_work(const struct tf_hub_work *work, struct tf_err *err)
{
    size_t n = work->jobs > 0 ? (size_t)work->jobs : TF_HUB_JOBS;
    struct crew crew = { .work = work };
    struct tf_hub_active *active;
    int status = -1;

    if (n > work->count)
        n = work->count;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < work->count; i++) {
        uint64_t size = 0;

        (void)work->name(work->arg, i, &size);
        crew.bytes += size;
    }
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.ended, NULL);
    crew.workers = tf_alloc(n, sizeof(crew.workers[0]), err);
    crew.privates = tf_alloc(n, sizeof(crew.privates[0]), err);
    active = tf_alloc(n, sizeof(*active), err);
    if (crew.workers && crew.privates && active)
        status = run_crew(&crew, n, active, err);
    free(active);
    free(crew.privates);
    free(crew.workers);
    pthread_mutex_destroy(&crew.lock);
    pthread_cond_destroy(&crew.ended);
    return status;
}

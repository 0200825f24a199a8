#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define SPINS                                                                  \
    2000 /* looks at the gate before sleeping: tens of microseconds            \
          */

/*
 * The gate holds, in one word, the number of the current job, whether workers
 * may still join it, and how many are inside. The job's fields are written only
 * while the gate is shut and nobody is inside, so who has joined reads them
 * safely, and a worker that wakes late finds the gate shut or a newer job.
 */
#define OPEN      ((uint64_t)1 << 31)
#define INSIDE(g) ((g) & (OPEN - 1))
#define JOB(g)    ((g) >> 32)

struct tf_pool {
    int threads;
    pthread_t *ids; /* threads - 1 of them */
    int started;

    _Atomic(uint64_t) gate;
    atomic_size_t next;
    size_t n;
    void (*fn)(void *arg, size_t i, int worker);
    void *arg;

    pthread_mutex_t turn; /* one caller at a time */
    pthread_mutex_t lock;
    pthread_cond_t wake, left;
    atomic_int sleeping; /* workers on `wake` */
    atomic_bool waiting; /* the caller on `left` */
    atomic_bool ending;
};

struct start {
    struct tf_pool *pool;
    int worker;
};

/* The worker that this thread is, while it runs a call of the pool. */
static _Thread_local int inside = -1;

static void rest(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void work(struct tf_pool *pool, int worker)
{
    size_t i;

    inside = worker;
    while ((i = atomic_fetch_add(&pool->next, 1)) < pool->n)
        pool->fn(pool->arg, i, worker);
    inside = -1;
}

static bool has_news(struct tf_pool *pool, uint64_t last)
{
    uint64_t gate = atomic_load(&pool->gate);

    return atomic_load(&pool->ending) || ((gate & OPEN) && JOB(gate) != last);
}

static void wait_for_news(struct tf_pool *pool, uint64_t last)
{
    int i;

    for (i = 0; i < SPINS; i++) {
        if (has_news(pool, last))
            return;
        rest();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleeping, 1);
    while (!has_news(pool, last))
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->lock);
}

static bool join(struct tf_pool *pool, uint64_t *last)
{
    uint64_t gate = atomic_load(&pool->gate);

    while ((gate & OPEN) && JOB(gate) != *last)
        if (atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) {
            *last = JOB(gate);
            return true;
        }
    return false;
}

static void leave(struct tf_pool *pool)
{
    uint64_t gate = atomic_fetch_sub(&pool->gate, 1) - 1;

    if (!(gate & OPEN) && !INSIDE(gate) && atomic_load(&pool->waiting)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->left);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *worker_main(void *arg)
{
    struct start *start = arg;
    struct tf_pool *pool = start->pool;
    int worker = start->worker;
    uint64_t last = 0;

    free(start);
    while (!atomic_load(&pool->ending)) {
        wait_for_news(pool, last);
        if (join(pool, &last)) {
            work(pool, worker);
            leave(pool);
        }
    }
    return NULL;
}

static int start_worker(struct tf_pool *pool, struct tf_err *err)
{
    struct start *start = tf_alloc(1, sizeof(*start), err);
    int failed;

    if (!start)
        return -1;
    start->pool = pool;
    start->worker = pool->started + 1;
    failed =
        pthread_create(&pool->ids[pool->started], NULL, worker_main, start);
    if (failed) {
        free(start);
        return tf_fail(err, "can't start thread %d of %d: %s",
                       pool->started + 2, pool->threads, strerror(failed));
    }
    pool->started++;
    return 0;
}

struct tf_pool *tf_pool_new(int threads, struct tf_err *err)
{
    struct tf_pool *pool = tf_alloc(1, sizeof(*pool), err);
    sigset_t all, old;
    int failed = 0;

    if (!pool)
        return NULL;
    pool->threads = threads > 1 ? threads : 1;
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->left, NULL);
    pool->ids = tf_alloc((size_t)pool->threads, sizeof(pool->ids[0]), err);
    if (!pool->ids) {
        tf_pool_free(pool);
        return NULL;
    }

    /* signals from outside are the first thread's */
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    while (!failed && pool->started < pool->threads - 1)
        failed = start_worker(pool, err);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed) {
        tf_pool_free(pool);
        return NULL;
    }
    return pool;
}

void tf_pool_free(struct tf_pool *pool)
{
    int i;

    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->ending, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (i = 0; i < pool->started; i++)
        pthread_join(pool->ids[i], NULL);
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool->ids);
    free(pool);
}

int tf_pool_threads(const struct tf_pool *pool)
{
    return pool ? pool->threads : 1;
}

static void open_gate(struct tf_pool *pool)
{
    uint64_t job = (JOB(atomic_load(&pool->gate)) + 1) & UINT32_MAX;
    int sleeping;

    atomic_store(&pool->gate, (job ? job : 1) << 32 | OPEN);
    sleeping = atomic_load(&pool->sleeping);
    if (!sleeping)
        return;
    pthread_mutex_lock(&pool->lock);
    if (pool->n > (size_t)sleeping)
        pthread_cond_broadcast(&pool->wake);
    else
        for (size_t i = 1; i < pool->n; i++)
            pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static void shut_gate(struct tf_pool *pool)
{
    int i;

    atomic_fetch_and(&pool->gate, ~OPEN);
    for (i = 0; i < SPINS; i++) {
        if (!INSIDE(atomic_load(&pool->gate)))
            return;
        rest();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->waiting, true);
    while (INSIDE(atomic_load(&pool->gate)))
        pthread_cond_wait(&pool->left, &pool->lock);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->lock);
}

void tf_pool_run(struct tf_pool *pool, size_t n,
                 void (*fn)(void *arg, size_t i, int worker), void *arg)
{
    int worker = pool && inside >= 0 ? inside : 0;
    size_t i;

    if (!pool || pool->threads == 1 || n < 2 || inside >= 0) {
        for (i = 0; i < n; i++)
            fn(arg, i, worker);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pool->n = n;
    pool->fn = fn;
    pool->arg = arg;
    atomic_store(&pool->next, 0);
    open_gate(pool);
    work(pool, 0);
    shut_gate(pool);
    pthread_mutex_unlock(&pool->turn);
}

/* One pool of threads for the whole process; the caller's thread works too. */
#ifndef TF_BASE_POOL_H
#define TF_BASE_POOL_H

#include <stddef.h>
#include "base/err.h"

struct tf_pool;

/* The cores this process may use: affinity and cgroup quota; at least 1. */
int tf_cpu_count(void);

/* `threads` in all, the caller's included (1: nothing is started). */
struct tf_pool *tf_pool_new(int threads, struct tf_err *err);
void tf_pool_free(struct tf_pool *pool);         /* NULL is allowed */
int tf_pool_threads(const struct tf_pool *pool); /* NULL counts as 1 */

/*
 * Call fn(arg, i, worker) once for every i in [0, n), in any order, and return
 * when all have ended. worker < tf_pool_threads() and no two calls run at once
 * with the same one, so it can index scratch. A NULL pool runs them in order.
 * Waiting threads spin for a short while before they sleep. A call from inside
 * fn runs in order on that thread.
 */
void tf_pool_run(struct tf_pool *pool, size_t n,
                 void (*fn)(void *arg, size_t i, int worker), void *arg);
#endif

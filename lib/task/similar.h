/* The nearest of many vectors to a few, by the cosine. */
#ifndef TF_TASK_SIMILAR_H
#define TF_TASK_SIMILAR_H

#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"
#include "task/logits.h"

/* Zeroed memory is empty. */
struct tf_similar {
    float *rows; /* [count][dim], each of length 1 */
    size_t count, cap, dim;
    float *queries, *scores;         /* scratch */
    struct tf_candidate *candidates; /* scratch */
    size_t query_cap, score_cap, candidate_cap;
};

/* Add a vector of dim numbers, the same at every call; it is copied. */
int tf_similar_add(struct tf_similar *s, const float *vector, size_t dim,
                   struct tf_err *err);
void tf_similar_release(struct tf_similar *s);

/*
 * For each of n vectors, queries[n][dim], the k nearest with their cosines, or
 * all when there are fewer: out[i * k] is the first of vector i. Returns how
 * many each has, or -1.
 */
long tf_similar_find(struct tf_similar *s, struct tf_pool *pool,
                     const float *queries, size_t n, size_t k,
                     struct tf_candidate *out, struct tf_err *err);
#endif

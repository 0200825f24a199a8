/* The nearest of many vectors to a few, by the cosine. */
#ifndef TF_TASK_SIMILAR_H
#define TF_TASK_SIMILAR_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "task/logits.h"

/* Zeroed memory is empty. */
struct tf_similar {
    float *rows; /* [count][dim], each of length 1 */
    size_t count, cap, dim;
    struct tf_buf texts;             /* JSON, one after the other */
    size_t *text_start;              /* [count + 1] */
    float *queries, *scores;         /* scratch */
    struct tf_candidate *candidates; /* scratch */
    size_t query_cap, score_cap, candidate_cap;
};

/* Add a vector of dim numbers, the same at every call, and the text that it is
 * of, a JSON string (empty: none); both are copied. */
int tf_similar_add(struct tf_similar *s, const float *vector, size_t dim,
                   struct tf_str text, struct tf_err *err);
void tf_similar_release(struct tf_similar *s);

/*
 * For each of n vectors, queries[n][dim], the k nearest with their cosines, or
 * all when there are fewer: out[i * k] is the first of vector i. Returns how
 * many each has, or -1.
 */
long tf_similar_find(struct tf_similar *s, struct tf_pool *pool,
                     const float *queries, size_t n, size_t k,
                     struct tf_candidate *out, struct tf_err *err);

/* Append [{"index", "score", "text"}, ...] of n that were found. */
void tf_put_neighbours(struct tf_buf *out, const struct tf_similar *s,
                       const struct tf_candidate *found, size_t n);
#endif

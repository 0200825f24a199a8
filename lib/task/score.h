/* How likely a causal model finds a text: its negative log-likelihood. */
#ifndef TF_TASK_SCORE_H
#define TF_TASK_SCORE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "model/step.h"

struct tf_score_opts {
    struct tf_pool *pool;
    size_t window; /* the most tokens the model sees at once, at least 2 */
    size_t stride; /* a longer text is read in windows that begin so many tokens
                      apart, each token judged once, by the first window that
                      holds it; at least 1, at most `window` */
};

struct tf_score {
    double nll;    /* natural log, summed */
    size_t tokens; /* that were judged: all but the first */
};

/* Judge ids[n], checked against the vocabulary; n of 0 or 1 scores nothing. */
int tf_score_ids(struct tf_stepper *d, const struct tf_score_opts *opts,
                 const int32_t *ids, size_t n, struct tf_score *out,
                 struct tf_err *err);
#endif

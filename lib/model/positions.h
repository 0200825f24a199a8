/*
 * How tokens know where they stand, as tables: rotary angles, distance buckets,
 * slopes, sines. Built for sequences up to some length and built anew when a
 * longer one comes.
 */
#ifndef TF_MODEL_POSITIONS_H
#define TF_MODEL_POSITIONS_H

#include "base/err.h"
#include "model/arch.h"
#include "nn/ops.h"

/* Zeroed memory serves no tokens yet. */
struct tf_positions {
    size_t tokens; /* of a sequence, at most */
    size_t length; /* that was asked for, for angles that depend on it */
    struct tf_rope rope, local_rope;
    struct tf_tensor sines;    /* [tokens + offset][width], when computed */
    struct tf_tensor relative; /* [rows][width] sines of distances, likewise */
    float *alibi;              /* [heads] */
    /* buckets of distances, as struct tf_attention wants them; for relative
     * embeddings they count from row `first` of the table, which is the first
     * of the `rows` rows in reach */
    int32_t *bucket_of;
    size_t bucket_span;
    size_t first, rows;
    unsigned generation; /* changes whenever the tables do */
};

/* Half the rows of the table of relative embeddings. */
size_t tf_relative_span(const struct tf_stack_spec *spec);

/* Have tables that serve sequences of n tokens. */
int tf_positions_reach(struct tf_positions *p, const struct tf_stack_spec *spec,
                       size_t n, struct tf_err *err);
void tf_positions_release(struct tf_positions *p);
#endif

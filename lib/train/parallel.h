/*
 * Processes that train one model together, under mpirun: each takes a share of
 * every batch, and their gradients are added up. Where the library was built
 * without MPI, or no mpirun has started it, there is one.
 */
#ifndef TF_TRAIN_PARALLEL_H
#define TF_TRAIN_PARALLEL_H

#include "base/buf.h"
#include "base/err.h"
#include <stddef.h>

/* Join the other processes, once, before anything else below; and part from
 * them. Fails under mpirun when there is no MPI. */
int tf_parallel_begin(struct tf_err *err);
void tf_parallel_end(void);

/* This one, from 0, of how many. */
int tf_parallel_rank(void);
int tf_parallel_size(void);

/* All processes get the sum of what they have, or what the first one has. They
 * make these calls in the same order. */
int tf_parallel_sum_floats(float *v, size_t n, struct tf_err *err);
int tf_parallel_sum(double *v, size_t n, struct tf_err *err);
int tf_parallel_share(void *v, size_t bytes, struct tf_err *err);
/* The first process gets the bytes of process `rank` in place of its own; for
 * the others nothing happens. */
int tf_parallel_hand_over(int rank, struct tf_buf *bytes, struct tf_err *err);
#endif

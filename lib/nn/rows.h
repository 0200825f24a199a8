/* Private to lib/nn: what every op starts with. */
#ifndef TF_NN_ROWS_H
#define TF_NN_ROWS_H

#include <stddef.h>
#include "nn/ops.h"

/* Ops see tensors as [rows][cols]; a row of them in memory. */
static inline size_t tf_cols(const struct tf_tensor *t)
{
    return t->dim[t->ndim - 1];
}

static inline float *tf_row(const struct tf_tensor *t, size_t i)
{
    return (float *)t->data + i * t->ld;
}

/* Rows of a float32 array, as A or B of a product; and that turned over. */
static inline struct tf_mat tf_rows_mat(const float *data, size_t ld)
{
    return (struct tf_mat){ data, TF_F32, ld, 1 };
}

static inline struct tf_mat tf_turn(struct tf_mat m)
{
    return (struct tf_mat){ m.data, m.dtype, m.cs, m.rs };
}

/*
 * Call fn(arg, first, end) on the pool over ranges that cover [0, rows), each
 * of enough rows of `cols` elements to be worth a task.
 */
typedef void tf_rows_fn(void *arg, size_t first, size_t end);
void tf_rows_run(struct tf_ctx *ctx, size_t rows, size_t cols, tf_rows_fn *fn,
                 void *arg);
#endif

/* Matrices of any type, by rows: read as float32, and made int8. */
#ifndef TF_NN_MATRIX_H
#define TF_NN_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"
#include "nn/tensor.h"

/*
 * Rows [first, first + n) of the matrix that `t` holds, or, `turned`, of its
 * transpose, as float32: dst [n][columns]. Turned, `column` has room for n
 * floats, and of a block type first and n are whole blocks.
 */
void tf_matrix_rows(const struct tf_tensor *t, bool turned, size_t first,
                    size_t n, float *dst, float *column);

/*
 * The matrix as LLM.int8 (Dettmers et al. 2022) and bitsandbytes keep it: each
 * row in int8, q[rows][columns] = round(127 w / most[row]), where most [rows]
 * (bitsandbytes' SCB) has the largest magnitudes. A row that is not finite gets
 * zeros and a NaN. `squares`, or NULL, gets |w - w'|^2 and |w|^2. Fails only
 * when there is no memory for scratch.
 */
int tf_matrix_int8(struct tf_pool *pool, const struct tf_tensor *t, bool turned,
                   int8_t *q, float *most, double *squares, struct tf_err *err);
/* The largest magnitudes alone. */
int tf_matrix_most(struct tf_pool *pool, const struct tf_tensor *t, bool turned,
                   float *most, struct tf_err *err);
#endif

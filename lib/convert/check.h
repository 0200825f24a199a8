/* Is a model whole; and how do two differ. */
#ifndef TF_CONVERT_CHECK_H
#define TF_CONVERT_CHECK_H

#include <jansson.h>
#include <stddef.h>
#include "base/err.h"

/* Called for each finding, a borrowed object. */
typedef void tf_finding_fn(void *arg, json_t *finding);

/*
 * Look at every number of the model's tensors (NaN and infinities are wrong),
 * and bind them to the architecture with each head that it has, which checks
 * names and shapes. Findings: {tensor, problem, count, of} and {problem}.
 * Returns how many there are, or -1 and `err` when the files can't be read;
 * `tensors` gets the number looked at.
 */
long tf_check(const char *path, tf_finding_fn *found, void *arg,
              size_t *tensors, struct tf_err *err);

/*
 * Compare two models tensor by tensor, by name. Findings, one for each tensor
 * that differs: {tensor, in: "a" or "b"} when the other has none; else {tensor,
 * shape: [a, b]} or {tensor, dtype: [a, b] when these differ, max_abs_diff,
 * different, of}: the largest absolute difference (null when it is no number)
 * and how many numbers differ. Returns how many tensors differ, or -1 and
 * `err`.
 */
long tf_diff(const char *a, const char *b, tf_finding_fn *found, void *arg,
             struct tf_err *err);
#endif

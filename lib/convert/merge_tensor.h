/* Private to lib/convert: one tensor with its adapter merged into it. */
#ifndef TF_CONVERT_MERGE_TENSOR_H
#define TF_CONVERT_MERGE_TENSOR_H

#include <stdbool.h>
#include "base/err.h"
#include "base/mem.h"
#include "convert/plan.h"

/* W + scale B A, with a magnitude each row of that scaled to it. Tensors are
 * borrowed from the adapter. */
struct tf_change {
    const struct tf_tensor *a, *b; /* [r][in], [out][r]; of a table of tokens
                                      [r][vocab], [E][r] */
    const struct tf_tensor *magnitude; /* [out], or NULL */
    float scale;
    bool table;
};

/* Make `m` write what it wrote with the change; `turned`: that is [in][out].
 * Shapes are checked. */
int tf_change_tensor(struct tf_arena *memory, struct tf_made *m,
                     const struct tf_change *change, bool turned,
                     struct tf_err *err);
/* The same for a bias that gets scale * more. */
int tf_change_bias(struct tf_arena *memory, struct tf_made *m,
                   const struct tf_tensor *more, float scale,
                   struct tf_err *err);
#endif

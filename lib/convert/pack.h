/* Private to lib/convert: a plan's tensor packed into blocks. */
#ifndef TF_CONVERT_PACK_H
#define TF_CONVERT_PACK_H

#include "base/pool.h"
#include "convert/plan.h"

struct tf_packing {
    struct tf_pool *pool;
    const float
        *importance; /* of each column, or NULL; see kernel/block_pack.h;
                        of a matrix for each of the first dims */
    float *owned; /* importance made for this, else NULL; the holder frees it */
    double wrong, all; /* then: |w - w'|^2 and |w|^2 */
};

/* The make() of a tensor whose `to` has a type that tf_pack_row() packs; its
 * arg is a struct tf_packing. */
int tf_made_pack(const struct tf_made *m, void *out, struct tf_err *err);
#endif

#include "nn/rows.h"

#include <string.h>

struct tf_tensor *tf_unfold(struct tf_ctx *ctx, struct tf_tensor *x,
                            const struct tf_seqs *seqs, size_t kernel)
{
    size_t cols = x ? tf_cols(x) : 0, half = kernel / 2;
    struct tf_tensor *y;

    if (!x || !(y = tf_new(ctx, tf_tensor_rows(x), kernel * cols)))
        return NULL;
    memset(y->data, 0, tf_tensor_bytes(y));
    for (size_t s = 0; s < seqs->count; s++)
        for (size_t t = seqs->start[s]; t < seqs->start[s + 1]; t++)
            for (size_t k = 0; k < kernel; k++) {
                size_t from = t + k; /* half less, below */

                if (from >= seqs->start[s] + half &&
                    from - half < seqs->start[s + 1])
                    memcpy(tf_row(y, t) + k * cols, tf_row(x, from - half),
                           cols * sizeof(float));
            }
    return y;
}

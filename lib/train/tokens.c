#include "train/tokens.h"

#include "base/rng.h"
#include "nn/ops.h"

#define MASK_KEY 0x6d61736b00000000u /* apart from the draws of dropout */

/* The token that stands in place of a masked one. */
static int32_t replacement(const struct tf_token_goals *g, int32_t id,
                           uint32_t which, uint32_t any)
{
    double u = tf_uniform(which, 0);

    if (u < 0.8)
        return tf_tokenizer_info(g->tokenizer)->mask;
    if (u < 0.9)
        return (int32_t)(tf_uniform(any, 0) * (double)g->vocab);
    return id;
}

static size_t mask(const struct tf_token_goals *g, const struct tf_input *in,
                   uint64_t step, size_t record, int32_t *labels, int32_t *ids)
{
    size_t count = 0;

    for (size_t i = 0; i < in->n; i++) {
        uint32_t w[4];
        bool chosen;

        tf_philox(g->seed ^ MASK_KEY, step, ((uint64_t)record << 24) + i, w);
        chosen = tf_uniform(w[0], w[1]) < g->probability &&
                 !tf_tokenizer_is_special(g->tokenizer, in->ids[i]);
        count += chosen;
        if (labels)
            labels[i] = chosen ? in->ids[i] : TF_IGNORE;
        if (ids && chosen)
            ids[i] = replacement(g, in->ids[i], w[2], w[3]);
    }
    return count;
}

size_t tf_token_goals(const struct tf_token_goals *g, const struct tf_input *in,
                      uint64_t step, size_t record, int32_t *labels,
                      int32_t *ids)
{
    if (g->masked)
        return mask(g, in, step, record, labels, ids);
    for (size_t i = 0; labels && i < in->n; i++)
        labels[i] = i + 1 < in->n ? in->ids[i + 1] : TF_IGNORE;
    return in->n - 1;
}

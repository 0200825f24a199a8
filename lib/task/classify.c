#include "task/classify.h"

#include <math.h>
#include "base/jsonl.h"

enum tf_function tf_function_auto(const struct tf_config *config)
{
    if (config->problem == TF_REGRESSION)
        return TF_FUNCTION_NONE;
    if (config->problem == TF_MULTI_LABEL || config->label_count == 1)
        return TF_FUNCTION_SIGMOID;
    return TF_FUNCTION_SOFTMAX;
}

static void softmax(const float *logits, float *scores, size_t n)
{
    float max = logits[0], sum = 0;

    for (size_t i = 1; i < n; i++)
        max = fmaxf(max, logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += scores[i] = expf(logits[i] - max);
    for (size_t i = 0; i < n; i++)
        scores[i] /= sum;
}

void tf_scores(enum tf_function function, const float *logits, float *scores,
               size_t n)
{
    if (function == TF_FUNCTION_SOFTMAX) {
        softmax(logits, scores, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        scores[i] = function == TF_FUNCTION_SIGMOID ? 1 / (1 + expf(-logits[i]))
                                                    : logits[i];
}

/* Does a come after b in the ranking? NaN stands last. */
static bool after(const float *scores, size_t a, size_t b, bool last_first)
{
    if (scores[a] == scores[b] || (isnan(scores[a]) && isnan(scores[b])))
        return last_first ? a < b : a > b;
    return isnan(scores[a]) || scores[a] < scores[b];
}

/* Let order[root] sink to its place in the heap of the first `end`, whose root
 * is the last of the ranking. */
static void sift(const float *scores, size_t *order, size_t root, size_t end,
                 bool last_first)
{
    size_t moved = order[root], child;

    while ((child = 2 * root + 1) < end) {
        if (child + 1 < end &&
            after(scores, order[child + 1], order[child], last_first))
            child++;
        if (!after(scores, order[child], moved, last_first))
            break;
        order[root] = order[child];
        root = child;
    }
    order[root] = moved;
}

void tf_rank(const float *scores, size_t n, bool last_first, size_t *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t root = n / 2; root-- > 0;)
        sift(scores, order, root, n, last_first);
    for (size_t end = n; end-- > 1;) {
        size_t last = order[0];

        order[0] = order[end];
        order[end] = last;
        sift(scores, order, 0, end, last_first);
    }
}

void tf_put_labels(struct tf_buf *out, const struct tf_str *labels,
                   const float *scores, const size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tf_str *label = &labels[order[i]];

        tf_buf_adds(out, i ? ", {\"label\": " : "[{\"label\": ");
        tf_put_string(out, label->s, label->len);
        tf_buf_adds(out, ", \"score\": ");
        tf_put_float(out, scores[order[i]]);
        tf_buf_addc(out, '}');
    }
    tf_buf_adds(out, n ? "]" : "[]");
}

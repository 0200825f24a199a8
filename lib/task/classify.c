#include "task/classify.h"

#include <math.h>
#include <string.h>
#include <strings.h>

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

int tf_hypothesis(struct tf_buf *out, const char *template, struct tf_str label,
                  struct tf_err *err)
{
    bool placed = false;

    for (const char *p = template; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            tf_buf_addc(out, *p++);
        } else if (*p == '{' && (p[1] == '}' || !strncmp(p, "{0}", 3))) {
            tf_buf_add(out, label.s, label.len);
            p += p[1] == '}' ? 1 : 2;
            placed = true;
        } else if (*p == '{' || *p == '}') {
            return tf_fail(err,
                           "\"%.200s\": a single %c; {} is the label's place, "
                           "{{ and }} are braces",
                           template, *p);
        } else {
            tf_buf_addc(out, *p);
        }
    }
    if (!placed)
        return tf_fail(err, "\"%.200s\" has no {} for the label", template);
    return out->failed ? tf_no_memory(err, out->len) : 0;
}

static bool entails(const char *label)
{
    return !strncasecmp(label, "entail", 6);
}

size_t tf_entailment(const struct tf_config *config, bool *found)
{
    json_t *ids = tf_config_get(config->json, "label2id"), *id;
    const char *label;

    *found = true;
    json_object_foreach (ids, label, id) {
        json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;

        if (entails(label) && i >= 0 && (size_t)i < config->label_count)
            return (size_t)i;
    }
    for (size_t i = 0; !ids && i < config->label_count; i++)
        if (entails(config->labels[i]))
            return i;
    *found = false;
    return config->label_count - 1;
}

void tf_zero_shot_scores(const float *logits, size_t n, size_t labels,
                         size_t entailment, bool independent, float *scores)
{
    size_t contradiction = entailment ? 0 : labels - 1;

    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * labels;
        float both[2] = { row[contradiction], row[entailment] };

        if (independent)
            softmax(both, both, 2);
        scores[i] = both[1];
    }
    if (!independent)
        softmax(scores, scores, n);
}

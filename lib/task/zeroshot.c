#include "task/zeroshot.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "task/classify.h"

/* Append the template with the label in its places. */
static int fill_template(struct tf_buf *out, const char *template,
                         struct tf_str label, struct tf_err *err)
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

/* The labels of the list: at most one for each of its bytes. */
static int split(struct tf_candidates *c, const char *list, struct tf_err *err)
{
    c->labels = tf_alloc(strlen(list) + 1, sizeof(c->labels[0]), err);
    if (!c->labels)
        return -1;
    for (const char *s = list;; s++) {
        struct tf_str label = { s, strcspn(s, ",") };

        s += label.len;
        while (label.len && strchr(" \t\n\r", *label.s)) {
            label.s++;
            label.len--;
        }
        while (label.len && strchr(" \t\n\r", label.s[label.len - 1]))
            label.len--;
        if (label.len)
            c->labels[c->count++] = label;
        if (!*s)
            break;
    }
    return c->count ? 0 : tf_fail(err, "no label is named");
}

int tf_candidates_make(struct tf_candidates *c, const char *list,
                       const char *template, struct tf_err *err)
{
    memset(c, 0, sizeof(*c));
    if (split(c, list, err))
        return -1;
    c->hypotheses = tf_alloc(c->count, sizeof(c->hypotheses[0]), err);
    if (!c->hypotheses)
        return -1;
    for (size_t i = 0; i < c->count; i++)
        if (fill_template(&c->hypotheses[i], template, c->labels[i], err))
            return -1;
    return 0;
}

void tf_candidates_release(struct tf_candidates *c)
{
    for (size_t i = 0; c->hypotheses && i < c->count; i++)
        tf_buf_release(&c->hypotheses[i]);
    free(c->hypotheses);
    free(c->labels);
    memset(c, 0, sizeof(*c));
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
            tf_scores(TF_FUNCTION_SOFTMAX, both, both, 2);
        scores[i] = both[1];
    }
    if (!independent)
        tf_scores(TF_FUNCTION_SOFTMAX, scores, scores, n);
}

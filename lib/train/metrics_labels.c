#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "train/metrics.h"

static bool contains(const struct tf_str *v, size_t n, struct tf_str x)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (tf_str_eq(v[i], x))
            return true;
    return false;
}

/* Count label v[i] once, however often the set names it. */
static int count(struct tf_label_metrics *m, const struct tf_str *v, size_t i,
                 bool in_other, bool is_reference, struct tf_err *err)
{
    uint32_t number;

    if (contains(v, i, v[i]))
        return 0;
    if (tf_names_add(&m->names, v[i], &number, err) ||
        tf_counts_reserve(&m->labels, &m->cap, number, err))
        return -1;
    if (!in_other && is_reference)
        m->labels[number].fn++;
    else if (!in_other)
        m->labels[number].fp++;
    else if (is_reference)
        m->labels[number].tp++;
    return 0;
}

int tf_label_metrics_add(struct tf_label_metrics *m,
                         const struct tf_str *references, size_t nr,
                         const struct tf_str *predictions, size_t np,
                         struct tf_err *err)
{
    bool equal = true, in_other;
    size_t i;

    for (i = 0; i < nr; i++) {
        in_other = contains(predictions, np, references[i]);
        equal = equal && in_other;
        if (count(m, references, i, in_other, true, err))
            return -1;
    }
    for (i = 0; i < np; i++) {
        in_other = contains(references, nr, predictions[i]);
        equal = equal && in_other;
        if (count(m, predictions, i, in_other, false, err))
            return -1;
    }
    m->n++;
    m->correct += equal;
    m->multi = m->multi || nr != 1 || np != 1;
    return 0;
}

/* Matthews' coefficient for many classes (Gorodkin 2004). */
static double mcc(const struct tf_label_metrics *m)
{
    double n = (double)m->n, both = 0, predicted = 0, true_ = 0, t, p;
    size_t i;

    for (i = 0; i < m->names.count; i++) {
        t = (double)(m->labels[i].tp + m->labels[i].fn);
        p = (double)(m->labels[i].tp + m->labels[i].fp);
        both += t * p;
        predicted += p * p;
        true_ += t * t;
    }
    t = (n * n - predicted) * (n * n - true_);
    return t > 0 ? ((double)m->correct * n - both) / sqrt(t) : 0;
}

/* Label numbers in the order of their names, as scikit-learn sorts them. */
static uint32_t *sorted(const struct tf_names *names, struct tf_err *err)
{
    uint32_t *order = tf_alloc(names->count, sizeof(*order), err);
    size_t i, k;

    for (i = 0; order && i < names->count; i++) {
        for (k = i; k > 0 && strcmp(names->v[order[k - 1]], names->v[i]) > 0;
             k--)
            order[k] = order[k - 1];
        order[k] = (uint32_t)i;
    }
    return order;
}

static int add_prf(struct tf_metrics *out, const char *const name[3],
                   const char *group, struct tf_prf r, struct tf_err *err)
{
    return tf_metrics_add(out, name[0], group, r.precision, err) ||
                   tf_metrics_add(out, name[1], group, r.recall, err) ||
                   tf_metrics_add(out, name[2], group, r.f1, err)
               ? -1
               : 0;
}

int tf_label_metrics_results(const struct tf_label_metrics *m,
                             struct tf_metrics *out, struct tf_err *err)
{
    static const char *const names[][3] = {
        { "precision_micro", "recall_micro", "f1_micro" },
        { "precision_macro", "recall_macro", "f1_macro" },
        { "precision_weighted", "recall_weighted", "f1_weighted" },
        { "precision", "recall", "f1" },
    };
    struct tf_label_counts all = { 0 };
    struct tf_prf macro = { 0 }, weighted = { 0 }, r;
    double support, total = 0, n = (double)m->names.count;
    uint32_t *order;
    size_t i;
    int failed;

    for (i = 0; i < m->names.count; i++) {
        const struct tf_label_counts *c = &m->labels[i];

        r = tf_prf(*c);
        support = (double)(c->tp + c->fn);
        total += support;
        all.tp += c->tp;
        all.fp += c->fp;
        all.fn += c->fn;
        macro.precision += r.precision / n;
        macro.recall += r.recall / n;
        macro.f1 += r.f1 / n;
        weighted.precision += r.precision * support;
        weighted.recall += r.recall * support;
        weighted.f1 += r.f1 * support;
    }
    if (total > 0) {
        weighted.precision /= total;
        weighted.recall /= total;
        weighted.f1 /= total;
    }
    failed =
        tf_metrics_add(out, "accuracy", NULL,
                       m->n ? (double)m->correct / (double)m->n : 0, err) ||
        add_prf(out, names[0], NULL, tf_prf(all), err) ||
        add_prf(out, names[1], NULL, macro, err) ||
        add_prf(out, names[2], NULL, weighted, err) ||
        (!m->multi && tf_metrics_add(out, "mcc", NULL, mcc(m), err));
    order = failed ? NULL : sorted(&m->names, err);
    for (i = 0; order && !failed && i < m->names.count; i++) {
        const char *label = m->names.v[order[i]];
        struct tf_label_counts c = m->labels[order[i]];

        failed =
            add_prf(out, names[3], label, tf_prf(c), err) ||
            tf_metrics_add(out, "support", label, (double)(c.tp + c.fn), err);
    }
    if (!order)
        failed = 1;
    free(order);
    return failed ? -1 : 0;
}

void tf_label_metrics_release(struct tf_label_metrics *m)
{
    tf_names_release(&m->names);
    free(m->labels);
    *m = (struct tf_label_metrics){ 0 };
}

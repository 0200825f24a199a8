#include "train/metrics.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

int tf_metrics_add(struct tf_metrics *m, const char *name, const char *group,
                   double value, struct tf_err *err)
{
    struct tf_metric *v;
    size_t cap;

    if (m->count == m->cap) {
        cap = m->cap ? 2 * m->cap : 32;
        v = tf_grow(m->v, cap, sizeof(*v), err);
        if (!v)
            return -1;
        m->v = v;
        m->cap = cap;
    }
    m->v[m->count++] = (struct tf_metric){ name, group, value };
    return 0;
}

void tf_metrics_release(struct tf_metrics *m)
{
    free(m->v);
    *m = (struct tf_metrics){ 0 };
}

bool tf_metrics_find(const struct tf_metrics *m, const char *name,
                     double *value)
{
    size_t i;

    for (i = 0; i < m->count; i++)
        if (!m->v[i].group && !strcmp(m->v[i].name, name)) {
            *value = m->v[i].value;
            return true;
        }
    return false;
}

int tf_names_add(struct tf_names *n, struct tf_str name, uint32_t *number,
                 struct tf_err *err)
{
    char **v, *copy;
    size_t cap;

    *number = tf_strmap_get(&n->map, name.s, name.len);
    if (*number != TF_STRMAP_NONE)
        return 0;
    if (n->count == n->cap) {
        cap = n->cap ? 2 * n->cap : 16;
        v = tf_grow(n->v, cap, sizeof(*v), err);
        if (!v)
            return -1;
        n->v = v;
        n->cap = cap;
    }
    copy = tf_strndup(name.s, name.len, err);
    if (!copy)
        return -1;
    n->v[n->count] = copy;
    *number = (uint32_t)n->count++;
    return tf_strmap_set(&n->map, copy, name.len, *number, err);
}

void tf_names_release(struct tf_names *n)
{
    size_t i;

    for (i = 0; i < n->count; i++)
        free(n->v[i]);
    free(n->v);
    tf_strmap_release(&n->map);
    *n = (struct tf_names){ 0 };
}

int tf_counts_reserve(struct tf_label_counts **counts, size_t *cap, size_t i,
                      struct tf_err *err)
{
    struct tf_label_counts *grown;
    size_t want;

    if (i < *cap)
        return 0;
    want = i < 8 ? 16 : 2 * i;
    grown = tf_grow(*counts, want, sizeof(*grown), err);
    if (!grown)
        return -1;
    memset(grown + *cap, 0, (want - *cap) * sizeof(*grown));
    *counts = grown;
    *cap = want;
    return 0;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

struct tf_prf tf_prf(struct tf_label_counts c)
{
    struct tf_prf r;

    r.precision = ratio((double)c.tp, (double)(c.tp + c.fp));
    r.recall = ratio((double)c.tp, (double)(c.tp + c.fn));
    r.f1 = ratio(2 * (double)c.tp, (double)(2 * c.tp + c.fp + c.fn));
    return r;
}

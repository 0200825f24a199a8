#include <stdlib.h>
#include "base/mem.h"
#include "text/utf8.h"
#include "train/metrics.h"

struct tag {
    char mark; /* B, I, O, E, S; another letter counts as none of them */
    struct tf_str type;
};

static struct tag parse(struct tf_str s)
{
    struct tag t = { 'O', { "_", 1 } };
    size_t len;

    if (!s.len)
        return t;
    t.mark = s.s[0];
    len = tf_utf8_len((unsigned char)s.s[0]);
    s.s += len;
    s.len -= len;
    if (s.len && s.s[0] == '-') {
        s.s++;
        s.len--;
    }
    if (s.len)
        t.type = s;
    return t;
}

static bool outside(char mark)
{
    return mark == 'O' || mark == '.';
}

static bool ends(struct tag prev, struct tag tag)
{
    if (prev.mark == 'E' || prev.mark == 'S')
        return true;
    if ((prev.mark == 'B' || prev.mark == 'I') &&
        (tag.mark == 'B' || tag.mark == 'S' || tag.mark == 'O'))
        return true;
    return !outside(prev.mark) && !tf_str_eq(prev.type, tag.type);
}

static bool begins(struct tag prev, struct tag tag)
{
    if (tag.mark == 'B' || tag.mark == 'S')
        return true;
    if ((prev.mark == 'E' || prev.mark == 'S' || prev.mark == 'O') &&
        (tag.mark == 'E' || tag.mark == 'I'))
        return true;
    return !outside(tag.mark) && !tf_str_eq(prev.type, tag.type);
}

/* The entities of n tags; `v` has room for n. */
static int find_entities(struct tf_entity_metrics *m, const struct tf_str *tags,
                         size_t n, struct tf_entity *v, size_t *count,
                         struct tf_err *err)
{
    struct tag prev = { 'O', { "", 0 } }, tag;
    size_t i, begin = 0;

    *count = 0;
    for (i = 0; i <= n; i++) {
        tag = parse(i < n ? tags[i] : (struct tf_str){ 0 });
        if (ends(prev, tag)) {
            struct tf_entity *e = &v[(*count)++];

            e->start = begin;
            e->end = i;
            if (tf_names_add(&m->types, prev.type, &e->type, err))
                return -1;
        }
        if (begins(prev, tag))
            begin = i;
        prev = tag;
    }
    return 0;
}

int tf_entity_metrics_add_tags(struct tf_entity_metrics *m,
                               const struct tf_str *references,
                               const struct tf_str *predictions, size_t n,
                               struct tf_err *err)
{
    struct tf_entity *r = tf_alloc(n, sizeof(*r), err);
    struct tf_entity *p = tf_alloc(n, sizeof(*p), err);
    size_t nr, np, i;
    int failed = !r || !p || find_entities(m, references, n, r, &nr, err) ||
                 find_entities(m, predictions, n, p, &np, err) ||
                 tf_entity_metrics_add_spans(m, r, nr, p, np, err);

    free(r);
    free(p);
    if (failed)
        return -1;
    for (i = 0; i < n; i++)
        m->correct += tf_str_eq(references[i], predictions[i]);
    m->tags += n;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct tf_entity *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

/* Sort, and drop what stands twice. */
static size_t sort_set(struct tf_entity *v, size_t n)
{
    size_t i, k = 0;

    if (n)
        qsort(v, n, sizeof(*v), compare);
    for (i = 0; i < n; i++)
        if (!k || compare(&v[k - 1], &v[i]))
            v[k++] = v[i];
    return k;
}

int tf_entity_metrics_add_spans(struct tf_entity_metrics *m,
                                struct tf_entity *references, size_t nr,
                                struct tf_entity *predictions, size_t np,
                                struct tf_err *err)
{
    size_t i = 0, k = 0;
    int order;

    if (m->types.count &&
        tf_counts_reserve(&m->counts, &m->cap, m->types.count - 1, err))
        return -1;
    nr = sort_set(references, nr);
    np = sort_set(predictions, np);
    while (i < nr || k < np) {
        order = i == nr   ? 1
                : k == np ? -1
                          : compare(&references[i], &predictions[k]);
        if (order == 0) {
            m->counts[references[i++].type].tp++;
            k++;
        } else if (order < 0) {
            m->counts[references[i++].type].fn++;
        } else {
            m->counts[predictions[k++].type].fp++;
        }
    }
    return 0;
}

static int add(struct tf_metrics *out, const char *group,
               struct tf_label_counts c, struct tf_err *err)
{
    struct tf_prf r = tf_prf(c);

    return tf_metrics_add(out, "precision", group, r.precision, err) ||
           tf_metrics_add(out, "recall", group, r.recall, err) ||
           tf_metrics_add(out, "f1", group, r.f1, err) ||
           tf_metrics_add(out, "number", group, (double)(c.tp + c.fn), err);
}

int tf_entity_metrics_results(const struct tf_entity_metrics *m,
                              struct tf_metrics *out, struct tf_err *err)
{
    struct tf_label_counts all = { 0 };
    size_t types = m->counts ? m->types.count : 0, i;

    for (i = 0; i < types; i++) {
        all.tp += m->counts[i].tp;
        all.fp += m->counts[i].fp;
        all.fn += m->counts[i].fn;
    }
    if (add(out, NULL, all, err) ||
        (m->tags && tf_metrics_add(out, "accuracy", NULL,
                                   (double)m->correct / (double)m->tags, err)))
        return -1;
    for (i = 0; i < types; i++)
        if (add(out, m->types.v[i], m->counts[i], err))
            return -1;
    return 0;
}

void tf_entity_metrics_release(struct tf_entity_metrics *m)
{
    tf_names_release(&m->types);
    free(m->counts);
    *m = (struct tf_entity_metrics){ 0 };
}

#include <math.h>
#include "base/strmap.h"
#include "train/metrics.h"
#include "train/words.h"

static bool equal(const struct tf_words *a, const struct tf_words *b)
{
    size_t i;

    for (i = 0; i < a->count && i < b->count; i++)
        if (!tf_str_eq(a->v[i], b->v[i]))
            return false;
    return a->count == b->count;
}

/* F1 of two bags of words; the empty answer equals only itself. */
static int bag_f1(const struct tf_words *a, const struct tf_words *b,
                  double *f1, struct tf_err *err)
{
    struct tf_strmap bag = { 0 };
    size_t common = 0, i;
    uint32_t left;
    double p, r;
    int failed;

    *f1 = a->count == b->count;
    if (!a->count || !b->count)
        return 0;
    failed = tf_words_ngrams(a, 1, &bag, err);
    for (i = 0; !failed && i < b->count; i++) {
        left = tf_strmap_get(&bag, b->v[i].s, b->v[i].len);
        if (left == TF_STRMAP_NONE || !left)
            continue;
        common++;
        failed = tf_strmap_set(&bag, b->v[i].s, b->v[i].len, left - 1, err);
    }
    tf_strmap_release(&bag);
    p = (double)common / (double)b->count;
    r = (double)common / (double)a->count;
    *f1 = common ? 2 * p * r / (p + r) : 0;
    return failed;
}

int tf_squad_metrics_add(struct tf_squad_metrics *m,
                         const struct tf_str *references, size_t n,
                         struct tf_str prediction, struct tf_err *err)
{
    static const struct tf_str no_answer = { "", 0 };
    struct tf_words p = { 0 }, r = { 0 };
    double exact = 0, best = 0, f1;
    size_t i;
    int failed;

    if (!n) {
        references = &no_answer;
        n = 1;
    }
    failed = tf_words_squad(&p, prediction, err);
    for (i = 0; !failed && i < n; i++) {
        failed =
            tf_words_squad(&r, references[i], err) || bag_f1(&r, &p, &f1, err);
        if (!failed) {
            exact = fmax(exact, equal(&p, &r));
            best = fmax(best, f1);
        }
    }
    tf_words_release(&p);
    tf_words_release(&r);
    if (failed)
        return -1;
    m->n++;
    m->exact += exact;
    m->f1 += best;
    return 0;
}

int tf_squad_metrics_results(const struct tf_squad_metrics *m,
                             struct tf_metrics *out, struct tf_err *err)
{
    double n = m->n ? (double)m->n : 1;

    return tf_metrics_add(out, "exact_match", NULL, 100 * m->exact / n, err) ||
                   tf_metrics_add(out, "f1", NULL, 100 * m->f1 / n, err)
               ? -1
               : 0;
}

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/strmap.h"
#include "train/metrics.h"
#include "train/words.h"

#define ORDER 4 /* of BLEU's n-grams */

/* Matches of n-grams in p, each counted at most as often as in the reference
 * that has it most often. */
static int bleu_matches(const struct tf_words *p, const struct tf_words *refs,
                        size_t n_refs, size_t n, uint64_t *matches,
                        struct tf_err *err)
{
    struct tf_strmap seen = { 0 }, *counts;
    uint32_t most, c, used;
    size_t i, k;
    int failed = 0;

    counts = tf_alloc(n_refs, sizeof(*counts), err);
    if (!counts)
        return -1;
    for (k = 0; !failed && k < n_refs; k++)
        failed = tf_words_ngrams(&refs[k], n, &counts[k], err);
    for (i = 0; !failed && i + n <= p->count; i++) {
        struct tf_str run = tf_words_run(p, i, n);

        for (k = 0, most = 0; k < n_refs; k++) {
            c = tf_strmap_get(&counts[k], run.s, run.len);
            if (c != TF_STRMAP_NONE && c > most)
                most = c;
        }
        used = tf_strmap_get(&seen, run.s, run.len);
        used = used == TF_STRMAP_NONE ? 0 : used;
        if (used < most)
            ++*matches;
        failed = tf_strmap_set(&seen, run.s, run.len, used + 1, err);
    }
    for (k = 0; k < n_refs; k++)
        tf_strmap_release(&counts[k]);
    tf_strmap_release(&seen);
    free(counts);
    return failed;
}

/* The reference length closest to the prediction's, the shorter of two. */
static size_t closest_length(const struct tf_words *refs, size_t n, size_t len)
{
    size_t best = refs[0].count, i, d, best_d;

    for (i = 1; i < n; i++) {
        d = refs[i].count > len ? refs[i].count - len : len - refs[i].count;
        best_d = best > len ? best - len : len - best;
        if (d < best_d || (d == best_d && refs[i].count < best))
            best = refs[i].count;
    }
    return best;
}

static int add_bleu(struct tf_text_metrics *m, const struct tf_str *references,
                    size_t n, struct tf_str prediction, struct tf_err *err)
{
    struct tf_words p = { 0 }, *refs = tf_alloc(n, sizeof(*refs), err);
    size_t i;
    int failed = !refs || tf_words_13a(&p, prediction, err);

    for (i = 0; !failed && i < n; i++)
        failed = tf_words_13a(&refs[i], references[i], err);
    for (i = 0; !failed && i < ORDER; i++) {
        m->totals[i] += p.count > i ? p.count - i : 0;
        failed = bleu_matches(&p, refs, n, i + 1, &m->matches[i], err);
    }
    if (!failed) {
        m->length += p.count;
        m->reference_length += closest_length(refs, n, p.count);
    }
    for (i = 0; refs && i < n; i++)
        tf_words_release(&refs[i]);
    free(refs);
    tf_words_release(&p);
    return failed;
}

static double f_measure(size_t common, size_t a, size_t b)
{
    return common ? 2 * (double)common / (double)(a + b) : 0;
}

/* F-measure of common n-grams. */
static int rouge_n(const struct tf_words *r, const struct tf_words *p, size_t n,
                   double *f, struct tf_err *err)
{
    size_t nr = r->count >= n ? r->count - n + 1 : 0;
    size_t np = p->count >= n ? p->count - n + 1 : 0;
    uint64_t common = 0;

    if (bleu_matches(p, r, 1, n, &common, err))
        return -1;
    *f = f_measure(common, nr, np);
    return 0;
}

/* F-measure of the longest common subsequence. */
static int rouge_l(const struct tf_words *r, const struct tf_words *p,
                   double *f, struct tf_err *err)
{
    size_t *row = tf_alloc(p->count + 1, sizeof(*row), err), i, k, diagonal;

    if (!row)
        return -1;
    for (i = 0; i < r->count; i++)
        for (k = 0, diagonal = 0; k < p->count; k++) {
            size_t above = row[k + 1];

            if (tf_str_eq(r->v[i], p->v[k]))
                row[k + 1] = diagonal + 1;
            else if (row[k] > above)
                row[k + 1] = row[k];
            diagonal = above;
        }
    *f = f_measure(row[p->count], r->count, p->count);
    free(row);
    return 0;
}

static int add_rouge(struct tf_text_metrics *m, const struct tf_str *references,
                     size_t n, struct tf_str prediction, struct tf_err *err)
{
    struct tf_words p = { 0 }, r = { 0 };
    double best[3] = { 0 }, f[3];
    size_t i, k;
    int failed = tf_words_rouge(&p, prediction, err);

    for (i = 0; !failed && i < n; i++) {
        failed = tf_words_rouge(&r, references[i], err) ||
                 rouge_n(&r, &p, 1, &f[0], err) ||
                 rouge_n(&r, &p, 2, &f[1], err) || rouge_l(&r, &p, &f[2], err);
        for (k = 0; !failed && k < 3; k++)
            best[k] = fmax(best[k], f[k]);
    }
    for (k = 0; !failed && k < 3; k++)
        m->rouge[k] += best[k];
    tf_words_release(&p);
    tf_words_release(&r);
    return failed;
}

int tf_text_metrics_add(struct tf_text_metrics *m,
                        const struct tf_str *references, size_t n,
                        struct tf_str prediction, struct tf_err *err)
{
    if (add_bleu(m, references, n, prediction, err) ||
        add_rouge(m, references, n, prediction, err))
        return -1;
    m->n++;
    return 0;
}

static double brevity(const struct tf_text_metrics *m)
{
    if (m->length >= m->reference_length)
        return 1;
    return m->length ? exp(1 - (double)m->reference_length / (double)m->length)
                     : 0;
}

/* Each order without a match counts as half the one before (Chen and Cherry
 * 2014, method 3). */
static double bleu(const struct tf_text_metrics *m)
{
    double sum = 0, smooth = 1;
    size_t i;

    for (i = 0; i < ORDER; i++)
        if (m->matches[i])
            break;
    if (i == ORDER)
        return 0;
    for (i = 0; i < ORDER; i++) {
        if (!m->totals[i])
            return 0;
        if (m->matches[i]) {
            sum += log(100 * (double)m->matches[i] / (double)m->totals[i]);
        } else {
            smooth *= 2;
            sum += log(100 / (smooth * (double)m->totals[i]));
        }
    }
    return brevity(m) * exp(sum / ORDER);
}

int tf_text_metrics_results(const struct tf_text_metrics *m,
                            struct tf_metrics *out, struct tf_err *err)
{
    double n = m->n ? (double)m->n : 1;

    return tf_metrics_add(out, "bleu", NULL, bleu(m), err) ||
                   tf_metrics_add(out, "bleu_bp", NULL, brevity(m), err) ||
                   tf_metrics_add(out, "bleu_sys_len", NULL, (double)m->length,
                                  err) ||
                   tf_metrics_add(out, "bleu_ref_len", NULL,
                                  (double)m->reference_length, err) ||
                   tf_metrics_add(out, "rouge1", NULL, m->rouge[0] / n, err) ||
                   tf_metrics_add(out, "rouge2", NULL, m->rouge[1] / n, err) ||
                   tf_metrics_add(out, "rougeL", NULL, m->rouge[2] / n, err)
               ? -1
               : 0;
}

/*
 * Metrics of predictions against references, one pair after the other. Each
 * accumulator is zeroed memory at the start; add() returns 0, or -1 with `err`
 * when there is no memory; results() appends named numbers; release() frees.
 * Strings are copied where they are kept and must be valid UTF-8.
 */
#ifndef TF_TRAIN_METRICS_H
#define TF_TRAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/strmap.h"

/* One number. An undefined one (a correlation with a constant) is NaN. */
struct tf_metric {
    const char *name;  /* a string literal */
    const char *group; /* the label or entity type it is of, owned by the
                          accumulator; NULL: of the whole */
    double value;
};

struct tf_metrics {
    struct tf_metric *v;
    size_t count, cap;
};

int tf_metrics_add(struct tf_metrics *m, const char *name, const char *group,
                   double value, struct tf_err *err);
void tf_metrics_release(struct tf_metrics *m);
/* The value of an overall metric; false when there is none of that name. */
bool tf_metrics_find(const struct tf_metrics *m, const char *name,
                     double *value);

/* Names, numbered as they come. */
struct tf_names {
    char **v;
    size_t count, cap;
    struct tf_strmap map;
};

/* The number of a name, added if need be; -1 when there is no memory. */
int tf_names_add(struct tf_names *n, struct tf_str name, uint32_t *number,
                 struct tf_err *err);
void tf_names_release(struct tf_names *n);

/*
 * Classification, single- and multi-label, as scikit-learn's accuracy_score,
 * precision_recall_fscore_support (micro, macro, weighted and per label, zero
 * where undefined) and matthews_corrcoef.
 */

struct tf_label_metrics {
    struct tf_names names;
    struct tf_label_counts *labels; /* by name's number */
    size_t cap;
    uint64_t n, correct;
    bool multi; /* some record had not just one label on each side */
};

/* A record's labels: sets, for single-label of one each. Accuracy of sets is
 * that of equal sets. */
int tf_label_metrics_add(struct tf_label_metrics *m,
                         const struct tf_str *references, size_t nr,
                         const struct tf_str *predictions, size_t np,
                         struct tf_err *err);
/* accuracy, precision, recall, f1 each _micro, _macro, _weighted, mcc (not for
 * multi-label), and precision, recall, f1, support per label. */
int tf_label_metrics_results(const struct tf_label_metrics *m,
                             struct tf_metrics *out, struct tf_err *err);
void tf_label_metrics_release(struct tf_label_metrics *m);

/* Regression: mse, rmse, mae, pearson, spearmanr (mean ranks for ties), as
 * scikit-learn and SciPy. */
struct tf_regression_metrics {
    double (*v)[2]; /* reference, prediction */
    size_t count, cap;
};

int tf_regression_metrics_add(struct tf_regression_metrics *m, double reference,
                              double prediction, struct tf_err *err);
int tf_regression_metrics_results(const struct tf_regression_metrics *m,
                                  struct tf_metrics *out, struct tf_err *err);
void tf_regression_metrics_release(struct tf_regression_metrics *m);

/*
 * Extractive question answering: exact_match and f1 in percent, the best over
 * the references, as the SQuAD 2.0 script (Rajpurkar et al. 2018): lower case,
 * no ASCII punctuation, no articles, single blanks. No references: the right
 * answer is the empty one.
 */
struct tf_squad_metrics {
    uint64_t n;
    double exact, f1;
};

int tf_squad_metrics_add(struct tf_squad_metrics *m,
                         const struct tf_str *references, size_t n,
                         struct tf_str prediction, struct tf_err *err);
int tf_squad_metrics_results(const struct tf_squad_metrics *m,
                             struct tf_metrics *out, struct tf_err *err);

/*
 * Entities, as seqeval in its default mode (conlleval's chunks; tags B, I, O,
 * E, S before the type): precision, recall, f1 and number over all entities and
 * per type, and accuracy of the tags.
 */
struct tf_entity {
    uint32_t type; /* number of its name */
    size_t start, end;
};

struct tf_entity_metrics {
    struct tf_names types;
    struct tf_label_counts *counts; /* by type's number */
    size_t cap;
    uint64_t tags, correct;
};

/* One sequence's tags, as many predicted as true ones. */
int tf_entity_metrics_add_tags(struct tf_entity_metrics *m,
                               const struct tf_str *references,
                               const struct tf_str *predictions, size_t n,
                               struct tf_err *err);
/* One text's entities as spans; `types` numbers come from tf_names_add on
 * m->types. Accuracy is not reported for spans. */
int tf_entity_metrics_add_spans(struct tf_entity_metrics *m,
                                struct tf_entity *references, size_t nr,
                                struct tf_entity *predictions, size_t np,
                                struct tf_err *err);
int tf_entity_metrics_results(const struct tf_entity_metrics *m,
                              struct tf_metrics *out, struct tf_err *err);
void tf_entity_metrics_release(struct tf_entity_metrics *m);

/*
 * Generated text. bleu: corpus BLEU (Papineni et al. 2002) as sacrebleu with
 * its defaults (13a tokens, exponential smoothing, 0 to 100), with bleu_bp and
 * the lengths. rouge1, rouge2, rougeL: mean F-measure (Lin 2004) as
 * rouge-score without stemming (0 to 1), the best over the references.
 */
struct tf_text_metrics {
    uint64_t n;
    uint64_t matches[4], totals[4]; /* n-grams of 1 to 4 */
    uint64_t length, reference_length;
    double rouge[3];
};

/* At least one reference. */
int tf_text_metrics_add(struct tf_text_metrics *m,
                        const struct tf_str *references, size_t n,
                        struct tf_str prediction, struct tf_err *err);
int tf_text_metrics_results(const struct tf_text_metrics *m,
                            struct tf_metrics *out, struct tf_err *err);

/* True and false positives, and false negatives of one label or type. */
struct tf_label_counts {
    uint64_t tp, fp, fn;
};

/* Grow counts to hold number `i`; new ones are zero. */
int tf_counts_reserve(struct tf_label_counts **counts, size_t *cap, size_t i,
                      struct tf_err *err);

struct tf_prf {
    double precision, recall, f1;
};

/* Zero where undefined. */
struct tf_prf tf_prf(struct tf_label_counts c);
#endif

#include "train/trainer_parts.h"

#include "base/mem.h"
#include "train/parallel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scores {
    struct tf_trainer *t;
    struct tf_session *session;
    double loss;
    struct tf_label_metrics labels;
    struct tf_regression_metrics numbers;
    struct tf_str *wanted, *found; /* [labels]: of one record */
    struct tf_err *err;
};

static struct tf_str name_of(const struct scores *s, size_t i)
{
    const char *name = s->t->labels.names[i];

    return (struct tf_str){ name, strlen(name) };
}

static void put_pair(struct scores *s, const float *logits, size_t wanted,
                     size_t found)
{
    bool multi = s->t->labels.problem == TF_MULTI_LABEL;
    struct tf_pair pair = { .predictions = s->found,
                            .references = s->wanted,
                            .prediction_count = found,
                            .reference_count = wanted,
                            .many_predictions = multi,
                            .many_references = multi,
                            .logits = logits,
                            .logit_count = s->t->labels.count };

    if (s->t->config->compute_metrics)
        tf_pair_put(&s->t->pairs, &pair);
}

static int add_single(struct scores *s, const float *logits, float target)
{
    size_t best = 0;

    for (size_t i = 1; i < s->t->labels.count; i++)
        if (logits[i] > logits[best])
            best = i;
    s->wanted[0] = name_of(s, (size_t)target);
    s->found[0] = name_of(s, best);
    put_pair(s, logits, 1, 1);
    return tf_label_metrics_add(&s->labels, s->wanted, 1, s->found, 1, s->err);
}

/* Labels whose probability is above a half. */
static int add_multi(struct scores *s, const float *logits, const float *target)
{
    size_t wanted = 0, found = 0;

    for (size_t i = 0; i < s->t->labels.count; i++) {
        if (target[i] > 0.5f)
            s->wanted[wanted++] = name_of(s, i);
        if (logits[i] > 0)
            s->found[found++] = name_of(s, i);
    }
    put_pair(s, logits, wanted, found);
    return tf_label_metrics_add(&s->labels, s->wanted, wanted, s->found, found,
                                s->err);
}

static int add_numbers(struct scores *s, const float *logits,
                       const float *target)
{
    if (s->t->config->compute_metrics)
        tf_pair_put_numbers(&s->t->pairs, logits, target, s->t->labels.count);
    for (size_t i = 0; i < s->t->labels.count; i++)
        if (tf_regression_metrics_add(&s->numbers, target[i], logits[i],
                                      s->err))
            return -1;
    return 0;
}

static int add_rows(struct scores *s, const struct tf_result *r, size_t first)
{
    const struct tf_dataset *d = &s->t->valid;

    for (size_t i = 0; i < r->rows; i++) {
        const float *logits = r->data + i * r->cols;
        const float *target = d->targets + (first + i) * d->cols;
        enum tf_problem problem = s->t->labels.problem;

        if (problem == TF_REGRESSION    ? add_numbers(s, logits, target)
            : problem == TF_MULTI_LABEL ? add_multi(s, logits, target)
                                        : add_single(s, logits, *target))
            return -1;
    }
    return 0;
}

/* The loss of a batch's logits, as a part of the whole. */
static int add_loss(struct tf_trainer *t, const struct tf_result *r,
                    size_t first, double *loss, struct tf_err *err)
{
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_ctx ctx = {
        .pool = t->pool, .arena = &t->arena, .bf16 = t->config->bf16, .err = err
    };
    struct tf_tensor logits = { .ndim = 2,
                                .dim = { r->rows, r->cols },
                                .ld = r->cols,
                                .data = (void *)(uintptr_t)r->data };
    struct tf_tensor *sum = tf_train_loss(
        &ctx, t, &logits, t->valid.targets + first * t->valid.cols,
        (float)(t->valid.count * t->valid.cols));

    if (sum)
        *loss += *(float *)sum->data;
    tf_arena_rewind(&t->arena, mark);
    return sum ? 0 : -1;
}

static int run_logits(void *arg, size_t first, size_t end, struct tf_buf *out,
                      struct tf_err *err)
{
    struct scores *s = arg;
    struct tf_trainer *t = s->t;
    struct tf_result r;

    tf_join_reset(&t->joined);
    for (size_t i = first; i < end; i++)
        if (tf_join_add(&t->joined, &t->valid.inputs[i], err))
            return -1;
    if (tf_session_logits(s->session, &t->joined.batch, &r, err))
        return -1;
    tf_buf_add(out, (const char *)r.data, r.rows * r.cols * sizeof(float));
    return 0;
}

static int take_logits(void *arg, size_t first, size_t end, const char *given,
                       size_t n, struct tf_err *err)
{
    struct scores *s = arg;
    struct tf_result r = { (const void *)given, end - first, 0 };

    r.cols = n / sizeof(float) / r.rows;
    return add_loss(s->t, &r, first, &s->loss, err) || add_rows(s, &r, first)
               ? -1
               : 0;
}

/* The loss of records [first, end), so many a pass. */
static int token_loss(struct tf_trainer *t, struct tf_runner *runner,
                      size_t first, size_t end, double *loss,
                      struct tf_err *err)
{
    struct tf_ctx ctx = {
        .pool = t->pool, .arena = &t->arena, .bf16 = t->config->bf16, .err = err
    };
    float denominator =
        tf_train_denominator(t, &t->valid, NULL, first, end, UINT64_MAX);

    while (first < end) {
        struct tf_arena_mark mark = tf_arena_mark(&t->arena);
        struct tf_tensor *sum = NULL;

        first = tf_train_join(t, &t->valid, NULL, first, end, UINT64_MAX, err);
        if (first)
            sum = tf_train_joined_loss(t, &ctx, runner, denominator);
        if (!sum)
            return -1;
        *loss += *(float *)sum->data;
        tf_arena_rewind(&t->arena, mark);
    }
    return 0;
}

struct perplexity {
    struct tf_trainer *t;
    struct tf_runner runner;
    double loss;
};

static int run_tokens(void *arg, size_t first, size_t end, struct tf_buf *out,
                      struct tf_err *err)
{
    struct perplexity *p = arg;
    double mean = 0;

    if (token_loss(p->t, &p->runner, first, end, &mean, err))
        return -1;
    tf_buf_add(out, (const char *)&mean, sizeof(mean));
    return 0;
}

static int take_tokens(void *arg, size_t first, size_t end, const char *given,
                       size_t n, struct tf_err *err)
{
    struct perplexity *p = arg;
    double mean;

    (void)n, (void)err;
    memcpy(&mean, given, sizeof(mean));
    p->loss += mean * (double)(end - first) / (double)p->t->valid.count;
    return 0;
}

/* Of a language model: Trainer's mean over the records of their batches' means,
 * and the perplexity that it gives. */
static int evaluate_tokens(struct tf_trainer *t, double *loss,
                           struct tf_metrics *metrics, struct tf_err *err)
{
    struct perplexity p = { .t = t };
    struct tf_evaluation e = { &p, run_tokens, take_tokens };
    int failed = tf_train_evaluate_parts(t, &e, err);

    tf_runner_release(&p.runner);
    *loss = p.loss;
    return failed
               ? -1
               : tf_metrics_add(metrics, "perplexity", NULL, exp(*loss), err);
}

static int label_results(const struct scores *s, struct tf_metrics *metrics)
{
    const struct tf_labels *l = &s->t->labels;

    if (l->problem == TF_REGRESSION)
        return tf_regression_metrics_results(&s->numbers, metrics, s->err);
    if (tf_label_metrics_results(&s->labels, metrics, s->err))
        return -1;
    return l->problem == TF_SINGLE_LABEL && l->count == 2
               ? tf_metrics_add_binary(metrics, l->names[1], s->err)
               : 0;
}

static int evaluate_labels(struct tf_trainer *t, double *loss,
                           struct tf_metrics *metrics, struct tf_err *err)
{
    struct scores s = { .t = t, .err = err };
    struct tf_evaluation e = { &s, run_logits, take_logits };
    int failed = 1;

    /* a new one: the old may remember what the weights were */
    s.session = tf_session_new(t->model, t->pool, err);
    s.wanted = tf_alloc(t->labels.count, sizeof(*s.wanted), err);
    s.found = tf_alloc(t->labels.count, sizeof(*s.found), err);
    if (s.session && s.wanted && s.found)
        failed = tf_train_evaluate_parts(t, &e, err);
    *loss = s.loss;
    failed = failed || label_results(&s, metrics);
    tf_label_metrics_release(&s.labels);
    tf_regression_metrics_release(&s.numbers);
    free(s.wanted);
    free(s.found);
    tf_session_free(s.session);
    return failed ? -1 : 0;
}

static int evaluate(struct tf_trainer *t, double *loss,
                    struct tf_metrics *metrics, struct tf_err *err)
{
    switch (t->config->task) {
    case TF_TRAIN_CLASSIFICATION:
        return evaluate_labels(t, loss, metrics, err);
    case TF_TRAIN_TOKEN_CLASSIFICATION:
        return tf_train_evaluate_tags(t, loss, metrics, err);
    case TF_TRAIN_QUESTION_ANSWERING:
        return tf_train_evaluate_answers(t, loss, metrics, err);
    case TF_TRAIN_SEQ2SEQ:
        return evaluate_tokens(t, loss, metrics, err) ||
                       (t->config->predict_with_generate &&
                        tf_train_evaluate_texts(t, metrics, err))
                   ? -1
                   : 0;
    default:
        return evaluate_tokens(t, loss, metrics, err);
    }
}

int tf_train_evaluate(struct tf_trainer *t, double *loss,
                      struct tf_metrics *metrics, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;

    tf_buf_reset(&t->pairs);
    if (evaluate(t, loss, metrics, err))
        return -1;
    if (tf_parallel_rank())
        return 0;
    if (c->loss_only) {
        metrics->count = 0;
        return 0;
    }
    if (c->compute_metrics)
        return tf_metrics_compute(metrics, c->compute_metrics, &t->pairs,
                                  &t->computed, err);
    return c->metrics ? tf_metrics_choose(metrics, c->metrics, err) : 0;
}

int tf_train_check_metrics(struct tf_trainer *t, struct tf_err *err)
{
    struct scores none = { .t = t, .err = err };
    struct tf_entity_metrics entities = { 0 };
    struct tf_squad_metrics answers = { 0 };
    struct tf_text_metrics texts = { 0 };
    struct tf_metrics m = { 0 };
    int failed;

    switch (t->config->task) {
    case TF_TRAIN_CLASSIFICATION:
        failed = label_results(&none, &m);
        break;
    case TF_TRAIN_TOKEN_CLASSIFICATION:
        entities.tags = true;
        failed = tf_entity_metrics_results(&entities, &m, err);
        break;
    case TF_TRAIN_QUESTION_ANSWERING:
        failed = tf_squad_metrics_results(&answers, &m, err);
        break;
    default:
        failed = tf_metrics_add(&m, "perplexity", NULL, 0, err);
    }
    if (t->config->predict_with_generate)
        failed = failed || tf_text_metrics_results(&texts, &m, err) ||
                 tf_metrics_add(&m, "gen_len", NULL, 0, err);
    failed = failed || tf_metrics_choose(&m, t->config->metrics, err);
    tf_metrics_release(&m);
    return failed;
}

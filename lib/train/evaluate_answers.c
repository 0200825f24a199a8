#include "train/trainer_parts.h"

#include "task/qa.h"
#include <math.h>

/* The questions of the validation data, window after window. */
struct judging {
    struct tf_trainer *t;
    struct tf_session *session;
    struct tf_qa_opts opts;
    struct tf_qa qa;
    size_t question; /* the one whose windows come */
    struct tf_squad_metrics metrics;
    double loss;
    struct tf_err *err;
};

/* A question's windows are all there: compare its best answer. */
static int end_question(struct judging *j, const struct tf_question *q)
{
    struct tf_pair pair = { .references = q->answers.v,
                            .reference_count = q->answers.count,
                            .prediction_count = 1,
                            .many_references = true };

    if (tf_qa_finish(&j->qa, j->err))
        return -1;
    pair.predictions = &j->qa.answers[0].text;
    if (j->t->config->compute_metrics)
        tf_pair_put(&j->t->pairs, &pair);
    if (tf_squad_metrics_add(&j->metrics, q->answers.v, q->answers.count,
                             j->qa.answers[0].text, j->err))
        return -1;
    j->question++;
    return 0;
}

/* Window i of all, with its logits [n][2]. */
static int add_window(struct judging *j, size_t i, const float *logits)
{
    const struct tf_question *q = &j->t->questions[j->question];
    const struct tf_window *w = &q->windows.windows[i - q->first];
    struct tf_str context = { q->context, q->context_len };

    for (size_t k = 0; k < 2 * w->n; k++)
        if (!isfinite(logits[k]))
            return tf_fail(j->err, "the model gives numbers that are not "
                                   "finite");
    if (i == q->first && tf_qa_begin(&j->qa, &j->opts, context, j->err))
        return -1;
    if (tf_qa_add(&j->qa, w, logits, j->err))
        return -1;
    return i + 1 == q->first + q->count ? end_question(j, q) : 0;
}

static int join(struct tf_trainer *t, size_t first, size_t end,
                struct tf_err *err)
{
    tf_join_reset(&t->joined);
    for (size_t i = first; i < end; i++)
        if (tf_join_add(&t->joined, &t->valid.inputs[i], err))
            return -1;
    return 0;
}

static int run(void *arg, size_t first, size_t end, struct tf_buf *out,
               struct tf_err *err)
{
    struct judging *j = arg;
    struct tf_result r;

    if (join(j->t, first, end, err) ||
        tf_session_logits(j->session, &j->t->joined.batch, &r, err))
        return -1;
    tf_buf_add(out, (const char *)r.data, r.rows * r.cols * sizeof(float));
    return 0;
}

static int add_loss(struct judging *j, size_t first, size_t end,
                    const float *given, struct tf_err *err)
{
    struct tf_trainer *t = j->t;
    struct tf_ctx ctx = {
        .pool = t->pool, .arena = &t->arena, .bf16 = t->config->bf16, .err = err
    };
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_tensor logits = { .ndim = 2, .ld = 2 }, *sum;

    if (join(t, first, end, err))
        return -1;
    logits.dim[0] = t->joined.batch.seqs.start[end - first];
    logits.dim[1] = 2;
    logits.data = (void *)(uintptr_t)given;
    sum = tf_train_span_loss(&ctx, &logits, &t->joined.batch.seqs,
                             t->valid.targets + 2 * first,
                             2 * (float)t->valid.count);
    if (sum)
        j->loss += *(float *)sum->data;
    tf_arena_rewind(&t->arena, mark);
    return sum ? 0 : -1;
}

static int take(void *arg, size_t first, size_t end, const char *given,
                size_t n, struct tf_err *err)
{
    struct judging *j = arg;
    const float *logits = (const void *)given;

    (void)n;
    if (add_loss(j, first, end, logits, err))
        return -1;
    for (size_t i = first; i < end; i++) {
        if (add_window(j, i, logits))
            return -1;
        logits += 2 * j->t->valid.inputs[i].n;
    }
    return 0;
}

int tf_train_evaluate_answers(struct tf_trainer *t, double *loss,
                              struct tf_metrics *metrics, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    const struct tf_tokenizer_info *info = tf_tokenizer_info(t->tokenizer);
    struct judging j = { .t = t, .err = err };
    struct tf_evaluation e = { &j, run, take };
    int failed;

    j.opts = (struct tf_qa_opts){
        .top_k = 1,
        .max_answer_length = (size_t)c->max_answer_length,
        .impossible = c->handle_impossible,
        .align = true,
        .cls = info->cls,
        .context = !info->pad_left,
    };
    j.session = tf_session_new(t->model, t->pool, err);
    failed = !j.session || tf_train_evaluate_parts(t, &e, err) ||
             tf_squad_metrics_results(&j.metrics, metrics, err);
    *loss = j.loss;
    tf_qa_release(&j.qa);
    tf_session_free(j.session);
    return failed ? -1 : 0;
}

#include "train/trainer_parts.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "model/model.h"
#include "train/parallel.h"

/* Has each token a label? */
static bool reads_tokens(const struct tf_trainer *t)
{
    return t->config->task != TF_TRAIN_CLASSIFICATION &&
           t->config->task != TF_TRAIN_QUESTION_ANSWERING;
}

static int make_room(struct tf_trainer *t, size_t targets, size_t labels,
                     struct tf_err *err)
{
    if (targets > t->target_room) {
        float *grown = tf_grow(t->targets, targets, sizeof(*grown), err);

        if (!grown)
            return -1;
        t->targets = grown;
        t->target_room = targets;
    }
    if (labels > t->label_room) {
        size_t room = 2 * labels;
        int32_t *grown = tf_grow(t->token_labels, room, sizeof(*grown), err);

        if (!grown)
            return -1;
        t->token_labels = grown;
        t->label_room = room;
    }
    return 0;
}

/* Labels of record `record`, joined as the last: `at` of the part's labels come
 * before. */
static void token_labels(struct tf_trainer *t, const struct tf_dataset *d,
                         size_t record, uint64_t step, size_t at)
{
    const struct tf_input *in = &d->inputs[record];

    if (d->labels)
        memcpy(t->token_labels + at, d->labels[record],
               tf_dataset_label_count(d, record) * sizeof(t->token_labels[0]));
    else
        tf_token_goals(&t->goals, in, step, record, t->token_labels + at,
                       t->joined.ids + at);
}

/* Tokens that a record has for the model, its answer's included. */
static size_t count_tokens(const struct tf_dataset *d, size_t record)
{
    return d->inputs[record].n + (d->answers ? d->answers[record].n : 0);
}

/* Join one record as number `i` of the part. */
static int join_one(struct tf_trainer *t, const struct tf_dataset *d,
                    size_t record, uint64_t step, size_t i, size_t labels,
                    struct tf_err *err)
{
    size_t more = reads_tokens(t) ? tf_dataset_label_count(d, record) : 0;

    if (tf_join_add(&t->joined, &d->inputs[record], err) ||
        (d->answers && tf_join_add(&t->decoded, &d->answers[record], err)) ||
        make_room(t, (i + 1) * d->cols, labels + more, err))
        return -1;
    if (d->answers)
        t->joined.batch.target = &t->decoded.batch;
    if (more)
        token_labels(t, d, record, step, labels);
    else
        memcpy(t->targets + i * d->cols, d->targets + record * d->cols,
               d->cols * sizeof(float));
    return 0;
}

size_t tf_train_join(struct tf_trainer *t, const struct tf_dataset *d,
                     const uint32_t *records, size_t first, size_t n,
                     uint64_t step, struct tf_err *err)
{
    size_t tokens = 0, labels = 0, i;

    tf_join_reset(&t->joined);
    tf_join_reset(&t->decoded);
    for (i = first; i < n; i++) {
        size_t record = records ? records[i] : i;
        size_t more = count_tokens(d, record);

        if (i > first && (t->alone || tokens + more > TF_PART_TOKENS))
            break;
        if (join_one(t, d, record, step, i - first, labels, err))
            return 0;
        tokens += more;
        labels += tf_dataset_label_count(d, record);
    }
    return i;
}

static size_t count_labels(const struct tf_dataset *d, size_t record)
{
    size_t count = 0;

    for (size_t i = 0; i < tf_dataset_label_count(d, record); i++)
        count += d->labels[record][i] != TF_IGNORE;
    return count;
}

float tf_train_denominator(const struct tf_trainer *t,
                           const struct tf_dataset *d, const uint32_t *records,
                           size_t first, size_t end, uint64_t step)
{
    size_t count = 0;

    if (!reads_tokens(t))
        return (float)((end - first) * d->cols);
    for (size_t i = first; i < end; i++) {
        size_t record = records ? records[i] : i;

        count += d->labels ? count_labels(d, record)
                           : tf_token_goals(&t->goals, &d->inputs[record], step,
                                            record, NULL, NULL);
    }
    /* nothing to predict is no loss */
    return count ? (float)count : 1;
}

static struct tf_tensor *single_label_loss(struct tf_ctx *ctx,
                                           struct tf_tensor *logits,
                                           const float *targets,
                                           const struct tf_loss *spec)
{
    size_t rows = logits ? logits->dim[0] : 0;
    int32_t *ids = rows ? tf_scratch(ctx, rows, sizeof(*ids)) : NULL;

    for (size_t i = 0; ids && i < rows; i++)
        ids[i] = (int32_t)targets[i];
    return ids ? tf_cross_entropy(ctx, logits, ids, spec) : NULL;
}

struct tf_tensor *tf_train_loss(struct tf_ctx *ctx, const struct tf_trainer *t,
                                struct tf_tensor *logits, const float *targets,
                                float denominator)
{
    struct tf_loss spec = { .denominator = denominator,
                            .smoothing = (float)t->config->label_smoothing };

    switch (t->labels.problem) {
    case TF_REGRESSION:
        return tf_squared_error(ctx, logits, targets, &spec);
    case TF_MULTI_LABEL:
        return tf_binary_cross_entropy(ctx, logits, targets, &spec);
    default:
        return single_label_loss(ctx, logits, targets, &spec);
    }
}

struct tf_tensor *tf_train_span_loss(struct tf_ctx *ctx,
                                     struct tf_tensor *logits,
                                     const struct tf_seqs *seqs,
                                     const float *targets, float denominator)
{
    struct tf_loss spec = { .denominator = denominator };
    struct tf_tensor *ends[2];

    for (size_t k = 0; k < 2; k++) {
        int32_t *rows = tf_scratch(ctx, seqs->count, sizeof(*rows));

        for (size_t i = 0; rows && i < seqs->count; i++)
            rows[i] = (int32_t)targets[2 * i + k];
        if (!rows)
            return NULL;
        ends[k] = tf_span_cross_entropy(ctx, logits, k, seqs, rows, &spec);
    }
    return tf_add(ctx, ends[0], ends[1]);
}

struct tf_tensor *tf_train_joined_loss(struct tf_trainer *t, struct tf_ctx *ctx,
                                       struct tf_runner *runner,
                                       float denominator)
{
    struct tf_loss spec = { .denominator = denominator,
                            .smoothing = (float)t->config->label_smoothing };
    struct tf_tensor *logits;

    if (reads_tokens(t))
        return tf_model_token_loss(ctx, runner, t->model, &t->joined.batch,
                                   t->token_labels, &spec);
    logits = tf_model_logits(ctx, runner, t->model, &t->joined.batch);
    if (t->config->task == TF_TRAIN_QUESTION_ANSWERING)
        return tf_train_span_loss(ctx, logits, &t->joined.batch.seqs,
                                  t->targets, denominator);
    return tf_train_loss(ctx, t, logits, t->targets, denominator);
}

/* What stands before record `first` in the step, so that dropout is the same
 * however it is cut into parts and shared. */
static void place_part(struct tf_trainer *t, const uint32_t *records,
                       size_t first)
{
    struct tf_seqs *seqs[] = { &t->joined.batch.seqs, &t->decoded.batch.seqs };

    for (int k = 0; k < 2; k++) {
        seqs[k]->rows_before = 0;
        seqs[k]->seqs_before = first;
    }
    for (size_t i = 0; i < first; i++) {
        seqs[0]->rows_before += t->train.inputs[records[i]].n;
        if (t->train.answers)
            seqs[1]->rows_before += t->train.answers[records[i]].n;
    }
}

/* Forward and back with one part of the step's records. */
static int run_part(struct tf_trainer *t, struct tf_ctx *ctx, float denominator,
                    double *loss)
{
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_tensor *sum =
        tf_train_joined_loss(t, ctx, &t->runner, denominator);
    int failed;

    if (sum)
        *loss += *(float *)sum->data;
    failed = tf_backward(ctx, sum);
    tf_arena_rewind(&t->arena, mark);
    return failed;
}

/* Where the share of a process begins: contiguous shares of about as many
 * tokens each. */
static size_t share_begin(const struct tf_trainer *t, const uint32_t *records,
                          size_t n, int rank)
{
    uint64_t all = 0, before = 0;
    size_t i;

    for (i = 0; i < n; i++)
        all += count_tokens(&t->train, records[i]);
    for (i = 0;
         i < n && before * (uint64_t)tf_parallel_size() < all * (uint64_t)rank;
         i++)
        before += count_tokens(&t->train, records[i]);
    return i;
}

/* The loss and the gradients of all processes; each hears whether one of them
 * was told to stop. */
static int add_up(struct tf_trainer *t, double *loss, struct tf_err *err)
{
    double both[2] = { *loss, t->hooks->stop && *t->hooks->stop };

    if (tf_parallel_sum(both, 2, err) ||
        tf_parallel_sum_floats(t->grads, t->grad_count, err))
        return -1;
    *loss = both[0];
    t->told_to_stop = both[1] > 0;
    return 0;
}

int tf_train_step(struct tf_trainer *t, const uint32_t *records, size_t n,
                  double *loss, struct tf_err *err)
{
    struct tf_ctx ctx = { .pool = t->pool,
                          .arena = &t->arena,
                          .tape = &t->tape,
                          .err = err,
                          .bf16 = t->config->bf16,
                          .training = true,
                          .seed = (uint64_t)t->config->seed,
                          .step = (uint64_t)t->state.step };
    float denominator =
        tf_train_denominator(t, &t->train, records, 0, n, ctx.step);
    size_t first = share_begin(t, records, n, tf_parallel_rank());
    size_t end = share_begin(t, records, n, tf_parallel_rank() + 1);
    double norm;

    *loss = 0;
    while (first < end) {
        size_t begin = first;

        first = tf_train_join(t, &t->train, records, first, end, ctx.step, err);
        place_part(t, records, begin);
        ctx.draws = 0;
        if (!first || run_part(t, &ctx, denominator, loss))
            return -1;
    }
    if (add_up(t, loss, err))
        return -1;
    norm = tf_optimizer_norm(t->optimizer, t->pool);
    if (!isfinite(*loss) || !isfinite(norm))
        return tf_fail(err,
                       "step %lld: the loss is %g, the gradient's norm "
                       "%g; a lower learning_rate may help",
                       (long long)t->state.step + 1, *loss, norm);
    t->last_norm = norm;
    t->last_rate = tf_schedule_rate(&t->schedule, t->state.step);
    tf_optimizer_step(t->optimizer, t->pool, t->last_rate,
                      tf_clip_factor(norm, t->config->max_grad_norm));
    return 0;
}

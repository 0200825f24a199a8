#include "train/trainer_parts.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "model/model.h"

#define PART_TOKENS 1024 /* of one pass: it bounds what a step keeps */

static float *room_for_targets(struct tf_trainer *t, size_t n,
                               struct tf_err *err)
{
    if (n > t->target_room) {
        float *grown = tf_grow(t->targets, n, sizeof(*grown), err);

        if (!grown)
            return NULL;
        t->targets = grown;
        t->target_room = n;
    }
    return t->targets;
}

/* Join records from `first` on, up to so many tokens; returns the end. */
static size_t join_part(struct tf_trainer *t, const uint32_t *records,
                        size_t first, size_t n, struct tf_err *err)
{
    const struct tf_dataset *d = &t->train;
    size_t tokens = 0, i;
    float *targets = room_for_targets(t, n * d->cols, err);

    if (!targets)
        return 0;
    tf_join_reset(&t->joined);
    for (i = first; i < n; i++) {
        const struct tf_input *in = &d->inputs[records[i]];

        if (i > first && (t->alone || tokens + in->n > PART_TOKENS))
            break;
        tokens += in->n;
        if (tf_join_add(&t->joined, in, err))
            return 0;
        memcpy(targets + (i - first) * d->cols,
               d->targets + records[i] * d->cols, d->cols * sizeof(*targets));
    }
    return i;
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

/* Forward and back with one part of the step's records. */
static int run_part(struct tf_trainer *t, struct tf_ctx *ctx, float denominator,
                    double *loss)
{
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    struct tf_tensor *logits, *sum;
    int failed;

    logits = tf_model_logits(ctx, &t->runner, t->model, &t->joined.batch);
    sum = tf_train_loss(ctx, t, logits, t->targets, denominator);
    if (sum)
        *loss += *(float *)sum->data;
    failed = tf_backward(ctx, sum);
    tf_arena_rewind(&t->arena, mark);
    return failed;
}

int tf_train_step(struct tf_trainer *t, const uint32_t *records, size_t n,
                  double *loss, struct tf_err *err)
{
    struct tf_ctx ctx = { .pool = t->pool,
                          .arena = &t->arena,
                          .tape = &t->tape,
                          .err = err,
                          .training = true,
                          .seed = (uint64_t)t->config->seed,
                          .step = (uint64_t)t->state.step };
    float denominator = (float)(n * t->train.cols);
    double norm;

    *loss = 0;
    for (size_t first = 0; first < n;) {
        first = join_part(t, records, first, n, err);
        if (!first || run_part(t, &ctx, denominator, loss))
            return -1;
    }
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

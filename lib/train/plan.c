#include "train/trainer_parts.h"

#include <sys/resource.h>
#include "train/parallel.h"

enum { SAMPLE = 256 }; /* tokens */

/* What gradients of activations take, beside the activations. */
#define GOING_BACK 1.1

static size_t count_tokens(const struct tf_dataset *d, size_t record)
{
    return d->inputs[record].n + (d->answers ? d->answers[record].n : 0);
}

/* The most tokens that go through the model at once. */
static size_t part_tokens(const struct tf_trainer *t)
{
    const struct tf_train_config *c = t->config;
    size_t longest = 0, all = 0;
    size_t width = (size_t)c->train_batch * (size_t)c->accumulation;

    for (size_t i = 0; i < t->train.count; i++) {
        size_t n = count_tokens(&t->train, i);

        all += n;
        longest = n > longest ? n : longest;
    }
    if (all > TF_PART_TOKENS)
        all = TF_PART_TOKENS;
    if (width < TF_PART_TOKENS && all > width * longest)
        all = width * longest;
    return t->alone || all < longest ? longest : all;
}

/* Bytes that a step keeps for its way back, beyond those of some records that
 * are run here. */
static int measure(struct tf_trainer *t, double *bytes, struct tf_err *err)
{
    struct tf_ctx ctx = { .pool = t->pool,
                          .arena = &t->arena,
                          .tape = &t->tape,
                          .err = err,
                          .bf16 = t->config->bf16,
                          .training = true };
    struct tf_arena_mark mark = tf_arena_mark(&t->arena);
    size_t n = 0, tokens = 0, end;
    struct tf_tensor *loss = NULL;

    while (n < t->train.count && tokens < SAMPLE)
        tokens += count_tokens(&t->train, n++);
    end = tf_train_join(t, &t->train, NULL, 0, n, 0, err);
    tokens = 0;
    for (size_t i = 0; i < end; i++)
        tokens += count_tokens(&t->train, i);
    if (end)
        loss = tf_train_joined_loss(t, &ctx, &t->runner, 1);
    *bytes =
        (double)t->arena.peak *
        ((double)part_tokens(t) / (double)(tokens ? tokens : 1) * GOING_BACK -
         1);
    tf_tape_clear(&t->tape);
    tf_arena_rewind(&t->arena, mark);
    return loss ? 0 : -1;
}

int tf_trainer_plan(struct tf_trainer *t, struct tf_buf *out,
                    struct tf_err *err)
{
    size_t n = 0, states = 0, tokens = 0;
    struct rusage usage;
    double activations;

    if (measure(t, &activations, err))
        return -1;
    /* now all is there but gradients and the optimizer's state */
    getrusage(RUSAGE_SELF, &usage);
    for (size_t i = 0; i < t->train.count; i++)
        tokens += t->train.inputs[i].n;
    for (size_t i = 0; i < t->param_count; i++) {
        const char *name;
        size_t count;

        n += tf_tensor_count(t->params[i].tensor);
        for (size_t k = 0;
             tf_optimizer_state(t->optimizer, i, k, &name, &count); k++)
            states += count;
    }
    tf_buf_addf(out,
                "{\"parameters\": %zu, \"labels\": %zu, \"train_records\": "
                "%zu, \"train_tokens\": %zu, \"validation_records\": %zu, "
                "\"steps_per_epoch\": %lld, \"max_steps\": %lld, "
                "\"warmup_steps\": %lld, \"state_bytes\": %zu, "
                "\"memory_bytes\": %.0f, \"processes\": %d}",
                n, t->labels.count, t->train.count, tokens, t->valid.count,
                (long long)t->steps_per_epoch, (long long)t->max_steps,
                (long long)t->schedule.warmup, (2 * n + states) * sizeof(float),
                (double)usage.ru_maxrss * 1024 + activations +
                    (double)((n + states) * sizeof(float)),
                tf_parallel_size());
    return out->failed ? tf_no_memory(err, out->len) : 0;
}

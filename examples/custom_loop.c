/*
 * A training loop of one's own, over libtf.a: what tf-train does for a text
 * classifier, step by step.
 *
 *     custom_loop MODEL TRAIN_FILE OUTPUT_DIR
 *
 * MODEL is a folder in Hugging Face's layout, TRAIN_FILE has the columns "text"
 * and "label", OUTPUT_DIR gets the trained model. Each step prints a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/model.h"
#include "nn/tape.h"
#include "train/checkpoint.h"
#include "train/dataset.h"
#include "train/labels.h"
#include "train/optimizer.h"
#include "train/schedule.h"

#define EPOCHS        3
#define BATCH         8
#define LEARNING_RATE 5e-5
#define WARMUP_STEPS  2
#define WEIGHT_DECAY  0.01
#define MAX_LENGTH    128
#define SEED          42

struct loop {
    struct tf_pool *pool;
    struct tf_tokenizer *tokenizer;
    struct tf_labels labels;
    struct tf_dataset data;
    struct tf_model *model;
    struct tf_param *params;
    float *grads;
    struct tf_optimizer *optimizer;
    struct tf_schedule schedule;
    int64_t steps; /* in all */

    /* of a step: results live in the arena, the tape goes back over them */
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_runner runner;
    struct tf_joined batch;
    int32_t targets[BATCH];
};

/* Rows of text and label become token ids and class ids. */
static int read_data(struct loop *l, const char *model_dir, const char *file,
                     struct tf_err *err)
{
    struct tf_table_opts how = { .numeric = "label" };
    struct tf_label_column column = { 0 };
    struct tf_table table = { 0 };
    struct tf_config config;
    struct tf_dataset_opts opts = { .pool = l->pool,
                                    .text = "text",
                                    .pair = "text_pair",
                                    .limit = MAX_LENGTH };
    int failed;

    l->tokenizer = tf_tokenizer_open(model_dir, err);
    if (!l->tokenizer || tf_config_open(&config, model_dir, err))
        return -1;
    opts.tokenizer = l->tokenizer;
    failed = tf_config_labels(&config, NULL, err) ||
             tf_table_read(&table, file, &how, err) ||
             tf_label_column_read(&column, &table, "label", err) ||
             tf_labels_find(&l->labels, &column, NULL, TF_SINGLE_LABEL, &config,
                            err) ||
             tf_dataset_encode(&l->data, &table, &opts, err);
    if (!failed)
        l->data.targets =
            tf_labels_targets(&l->labels, &column, &table, &l->data.cols, err);
    tf_config_release(&config);
    tf_label_column_release(&column);
    tf_table_release(&table);
    return failed || !l->data.targets ? -1 : 0;
}

/* The model with a new head for these labels, and gradients for all of it. */
static int open_model(struct loop *l, const char *dir, struct tf_err *err)
{
    struct tf_model_training training = {
        .labels = (const char *const *)l->labels.names,
        .label_count = l->labels.count,
        .problem = TF_SINGLE_LABEL,
        .seed = SEED,
    };
    struct tf_model_opts opts = { .task = TF_SEQUENCE_CLASSIFICATION,
                                  .train = &training };
    struct tf_parameters *p;
    size_t n = 0;

    l->model = tf_model_open(dir, &opts, err);
    if (!l->model)
        return -1;
    p = &l->model->params;
    for (size_t i = 0; i < p->count; i++)
        n += tf_tensor_count(p->v[i].tensor);
    l->grads = tf_alloc(n, sizeof(*l->grads), err);
    l->params = tf_alloc(p->count, sizeof(*l->params), err);
    if (!l->grads || !l->params)
        return -1;
    n = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct tf_tensor *t = p->v[i].tensor;

        t->grad = l->grads + n;
        n += tf_tensor_count(t);
        /* biases and norms do not decay */
        l->params[i] = (struct tf_param){ .name = p->v[i].name,
                                          .tensor = t,
                                          .decay = t->ndim == 2 };
    }
    return 0;
}

/* AdamW, and a learning rate that rises for some steps and falls to zero. */
static int make_optimizer(struct loop *l, struct tf_err *err)
{
    struct tf_optimizer_config adamw;

    l->steps = EPOCHS * (int64_t)((l->data.count + BATCH - 1) / BATCH);
    tf_optimizer_defaults(&adamw, TF_ADAMW);
    adamw.weight_decay = WEIGHT_DECAY;
    l->optimizer =
        tf_optimizer_new(&adamw, l->params, l->model->params.count, err);
    if (!l->optimizer)
        return -1;
    tf_optimizer_zero(l->optimizer, l->pool);
    return tf_schedule_init(&l->schedule, "linear", LEARNING_RATE, WARMUP_STEPS,
                            l->steps, err) ||
           tf_schedule_check(&l->schedule, err);
}

/* Lay up to BATCH records end to end, from `first` of the order on. */
static int next_batch(struct loop *l, const uint32_t *order, size_t first,
                      size_t *n, struct tf_err *err)
{
    tf_join_reset(&l->batch);
    for (*n = 0; *n < BATCH && first + *n < l->data.count; ++*n) {
        uint32_t record = order[first + *n];

        if (tf_join_add(&l->batch, &l->data.inputs[record], err))
            return -1;
        l->targets[*n] = (int32_t)l->data.targets[record];
    }
    return 0;
}

static int step(struct loop *l, int64_t number, size_t n, struct tf_err *err)
{
    struct tf_arena_mark mark = tf_arena_mark(&l->arena);
    struct tf_ctx ctx = { .pool = l->pool,
                          .arena = &l->arena,
                          .tape = &l->tape,
                          .err = err,
                          .training = true, /* with dropout, by seed and step */
                          .seed = SEED,
                          .step = (uint64_t)number };
    struct tf_loss mean = { .denominator = (float)n };
    double rate = tf_schedule_rate(&l->schedule, number);
    struct tf_tensor *logits, *loss;
    float value;

    logits = tf_model_logits(&ctx, &l->runner, l->model, &l->batch.batch);
    loss = logits ? tf_cross_entropy(&ctx, logits, l->targets, &mean) : NULL;
    if (!loss)
        return -1;
    value = *(float *)loss->data;
    if (tf_backward(&ctx, loss))
        return -1;
    tf_arena_rewind(&l->arena, mark);
    tf_optimizer_step(l->optimizer, l->pool, rate, 1); /* and zero_grad */
    printf("{\"step\": %lld, \"loss\": %.6g, \"learning_rate\": %.3e}\n",
           (long long)number + 1, (double)value, rate);
    return 0;
}

static int train(struct loop *l, struct tf_err *err)
{
    uint32_t *order = tf_alloc(l->data.count, sizeof(*order), err);
    int64_t number = 0;
    size_t n;

    for (uint64_t epoch = 0; order && epoch < EPOCHS; epoch++) {
        tf_order_shuffle(SEED, epoch, order, l->data.count);
        for (size_t first = 0; first < l->data.count; first += n)
            if (next_batch(l, order, first, &n, err) ||
                step(l, number++, n, err)) {
                free(order);
                return -1;
            }
    }
    free(order);
    return order ? 0 : -1;
}

static void release(struct loop *l)
{
    tf_join_release(&l->batch);
    tf_runner_release(&l->runner);
    tf_tape_release(&l->tape);
    tf_arena_release(&l->arena);
    tf_optimizer_free(l->optimizer);
    tf_dataset_release(&l->data);
    tf_labels_release(&l->labels);
    tf_model_close(l->model);
    tf_tokenizer_close(l->tokenizer);
    tf_pool_free(l->pool);
    free(l->params);
    free(l->grads);
}

int main(int argc, char **argv)
{
    struct loop l = { .steps = 0 };
    struct tf_err err;
    int failed;

    if (argc != 4) {
        fprintf(stderr, "usage: custom_loop MODEL TRAIN_FILE OUTPUT_DIR\n");
        return 2;
    }
    tf_arena_init(&l.arena);
    tf_tape_init(&l.tape);
    l.pool = tf_pool_new(tf_cpu_count(), &err);
    failed = !l.pool || read_data(&l, argv[1], argv[2], &err) ||
             open_model(&l, argv[1], &err) || make_optimizer(&l, &err) ||
             train(&l, &err) || tf_dir_make(argv[3], &err) ||
             tf_model_save(l.model, argv[3], &err) ||
             tf_checkpoint_copy(argv[1], argv[1], argv[3], &err);
    if (failed)
        fprintf(stderr, "custom_loop: %s\n", err.msg);
    release(&l);
    return failed ? 1 : 0;
}

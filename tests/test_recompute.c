/* Gradient checkpointing of whole models: the same gradients, bit by bit, with
 * dropout, in less memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/model.h"
#include "nn/tape.h"

enum { TOKENS = 40 };

struct net {
    struct tf_ctx ctx;
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_err err;
    struct tf_runner runner;
    struct tf_model *model;
    struct tf_batch batch;
    int32_t ids[TOKENS];
    float *target;
};

static const size_t start[] = { 0, 13, TOKENS };

/* The gradient of the table of tokens, which every layer passes on. */
static float *gradient(struct net *net, bool recompute, size_t *peak)
{
    static const struct tf_loss mean = { 0 };
    struct tf_tensor *table = net->model->encoder ? &net->model->encoder->tokens
                                                  : &net->model->stack.tokens;
    struct tf_arena_mark mark = tf_arena_mark(&net->arena);
    struct tf_tensor *y;

    table->needs_grad = true;
    table->grad = calloc(tf_tensor_count(table), sizeof(float));
    net->runner.recompute = recompute;
    net->ctx.draws = 0;
    net->arena.peak = net->arena.total;
    y = tf_model_logits(&net->ctx, &net->runner, net->model, &net->batch);
    if (!y)
        fail_msg("%s", net->err.msg);
    if (!net->target)
        net->target = calloc(tf_tensor_count(y), sizeof(float));
    y = tf_squared_error(&net->ctx, y, net->target, &mean);
    assert_int_equal(tf_backward(&net->ctx, y), 0);
    *peak = net->arena.peak;
    tf_arena_rewind(&net->arena, mark);
    return table->grad;
}

static void check_model(const char *dir, enum tf_task task)
{
    struct tf_model_opts opts = { .task = task };
    struct net net = { 0 };
    size_t peak[2], i, n;
    float *kept, *again;

    net.model = tf_model_open(dir, &opts, &net.err);
    if (!net.model)
        fail_msg("%s", net.err.msg);
    tf_arena_init(&net.arena);
    tf_tape_init(&net.tape);
    net.ctx.arena = &net.arena;
    net.ctx.tape = &net.tape;
    net.ctx.err = &net.err;
    net.ctx.training = true;
    for (i = 0; i < TOKENS; i++)
        net.ids[i] = (int32_t)(5 + i * 7 % 90);
    net.batch.ids = net.ids;
    net.batch.seqs.count = 2;
    net.batch.seqs.start = start;
    n = tf_tensor_count(&net.model->stack.tokens);
    kept = gradient(&net, false, &peak[0]);
    again = gradient(&net, true, &peak[1]);
    for (i = 0; i < n && kept[i] == 0; i++)
        ;
    assert_true(i < n);
    assert_memory_equal(kept, again, n * sizeof(float));
    assert_true(peak[1] < peak[0]);
    free(kept);
    free(again);
    free(net.target);
    tf_runner_release(&net.runner);
    tf_model_close(net.model);
    tf_arena_release(&net.arena);
    tf_tape_release(&net.tape);
}

static void encoders(void **state)
{
    (void)state;
    check_model("tests/golden/models/bert", TF_MASKED_LM);
    check_model("tests/golden/models/deberta-v3", TF_MASKED_LM);
    check_model("tests/golden/models/albert", TF_MASKED_LM);
}

static void decoders(void **state)
{
    (void)state;
    check_model("tests/golden/decoders/gpt2", TF_CAUSAL_LM);
    check_model("tests/golden/decoders/mixtral", TF_CAUSAL_LM);
    check_model("tests/golden/decoders/mamba", TF_CAUSAL_LM);
}

static void encoders_with_decoders(void **state)
{
    (void)state;
    check_model("tests/golden/decoders/bart", TF_CAUSAL_LM);
    check_model("tests/golden/decoders/t5", TF_CAUSAL_LM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoders),
        cmocka_unit_test(decoders),
        cmocka_unit_test(encoders_with_decoders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

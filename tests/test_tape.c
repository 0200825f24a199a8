#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "nn/tape.h"

/* A transformer layer of width 8 with 2 heads on two sequences of 5 and 9
 * tokens, adapters on its projections, a loss behind it. */
enum { TOKENS = 14, WIDTH = 8, INNER = 12, RANK = 3, PARAMETERS = 32 };

static const size_t start[] = { 0, 5, TOKENS };
static const struct tf_seqs seqs = { 2, start };

struct net {
    struct tf_ctx ctx;
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_err err;

    struct tf_tensor *parameter[PARAMETERS];
    size_t count;
    struct tf_tensor *x;
    struct tf_weight qkv, out, up, down;
    struct tf_adapter lora, more, dora;
    struct tf_norm norm;
    float dropout;
    float target[TOKENS * WIDTH];
    struct tf_arena_mark mark;
};

static void randomize(float *p, size_t n, uint64_t key)
{
    uint32_t word[4];
    size_t i;

    for (i = 0; i < n; i++) {
        tf_philox(key, 1, i, word);
        p[i] = (float)(tf_uniform(word[0], word[1]) - 0.5);
    }
}

static void parameter(struct net *net, struct tf_tensor *t, size_t rows,
                      size_t cols)
{
    *t = *tf_new(&net->ctx, rows, cols);
    randomize(t->data, rows * cols, net->count);
    t->needs_grad = true;
    t->grad = tf_arena_alloc(&net->arena, rows * cols, sizeof(float));
    net->parameter[net->count++] = t;
}

static void weight(struct net *net, struct tf_weight *w, size_t out, size_t in)
{
    parameter(net, &w->w, out, in);
    parameter(net, &w->bias, 1, out);
    w->in = in;
    w->out = out;
}

static void adapter(struct net *net, struct tf_weight *w, struct tf_adapter *a)
{
    parameter(net, &a->a, RANK, w->in);
    parameter(net, &a->b, w->out, RANK);
    a->scale = 0.7f;
    w->w.needs_grad = false;
    w->adapters = a;
}

static void open_net(struct net *net, struct tf_pool *pool)
{
    memset(net, 0, sizeof(*net));
    tf_arena_init(&net->arena);
    tf_tape_init(&net->tape);
    net->ctx.pool = pool;
    net->ctx.arena = &net->arena;
    net->ctx.err = &net->err;
    net->ctx.seed = 11;
    net->ctx.step = 3;
    net->x = tf_new(&net->ctx, TOKENS, WIDTH);
    parameter(net, net->x, TOKENS, WIDTH);
    weight(net, &net->qkv, 3 * WIDTH, WIDTH);
    weight(net, &net->out, WIDTH, WIDTH);
    weight(net, &net->up, INNER, WIDTH);
    weight(net, &net->down, WIDTH, INNER);
    parameter(net, &net->norm.w, 1, WIDTH);
    parameter(net, &net->norm.b, 1, WIDTH);
    net->norm.eps = 0.1f;
    randomize(net->target, TOKENS * WIDTH, 99);
    net->mark = tf_arena_mark(&net->arena);
}

static void close_net(struct net *net)
{
    tf_arena_release(&net->arena);
    tf_tape_release(&net->tape);
}

static struct tf_tensor *layer(struct tf_ctx *ctx, void *arg,
                               struct tf_tensor *x)
{
    struct net *net = arg;
    struct tf_attention spec = { .heads = 2, .kv_heads = 2, .head_size = 4 };
    struct tf_tensor *h, *q, *k, *v;

    spec.scale = 0.5f;
    spec.window_left = SIZE_MAX;
    spec.window_right = SIZE_MAX;
    spec.dropout = net->dropout;
    h = tf_linear(ctx, tf_norm(ctx, x, &net->norm), &net->qkv, TF_ACT_NONE,
                  NULL);
    q = tf_columns(ctx, h, 0, WIDTH);
    k = tf_columns(ctx, h, WIDTH, WIDTH);
    v = tf_columns(ctx, h, 2 * WIDTH, WIDTH);
    h = tf_attention(ctx, q, &seqs, k, v, &seqs, &spec);
    x = tf_linear_dropout(ctx, h, &net->out, net->dropout, x);
    h = tf_linear(ctx, tf_norm(ctx, x, &net->norm), &net->up, TF_ACT_GELU,
                  NULL);
    h = tf_dropout(ctx, h, net->dropout);
    return tf_linear_dropout(ctx, h, &net->down, net->dropout, x);
}

/* Two layers that share their weights; checkpointed or not. */
static struct tf_tensor *loss_of(struct net *net, bool recompute)
{
    static const struct tf_loss mean = { 0 };
    struct tf_ctx *ctx = &net->ctx;
    struct tf_tensor *x = net->x;
    int i;

    ctx->draws = 0;
    for (i = 0; i < 2; i++)
        x = recompute ? tf_recompute(ctx, layer, net, x) : layer(ctx, net, x);
    return tf_squared_error(ctx, x, net->target, &mean);
}

static double value(struct net *net)
{
    struct tf_tensor *loss;
    double v;

    net->ctx.tape = NULL;
    loss = loss_of(net, false);
    assert_non_null(loss);
    v = (double)*(float *)loss->data;
    tf_arena_rewind(&net->arena, net->mark);
    return v;
}

static void gradients(struct net *net, bool recompute)
{
    size_t i;

    for (i = 0; i < net->count; i++)
        memset(net->parameter[i]->grad, 0, tf_tensor_bytes(net->parameter[i]));
    net->ctx.tape = &net->tape;
    if (tf_backward(&net->ctx, loss_of(net, recompute)))
        fail_msg("%s", net->err.msg);
    tf_arena_rewind(&net->arena, net->mark);
}

/*
 * Along a random direction d the loss rises as the gradient says. The step is
 * large, since the loss is float32: 6e-8 / 2e-3 of rounding against the square
 * of the step.
 */
static void check_direction(struct net *net)
{
    static const float step = 4e-3f;
    float d[TOKENS * 3 * WIDTH];
    double want = 0, got, plus, minus;
    size_t p, i, n;
    int sign;

    gradients(net, false);
    for (sign = 1; sign >= -1; sign -= 2) {
        for (p = 0; p < net->count; p++) {
            float *x = net->parameter[p]->data;

            if (!net->parameter[p]->needs_grad)
                continue;
            n = tf_tensor_count(net->parameter[p]);
            randomize(d, n, 1000 + p);
            for (i = 0; i < n; i++) {
                x[i] += (sign > 0 ? step : -2 * step) * d[i];
                if (sign > 0)
                    want += (double)(d[i] * net->parameter[p]->grad[i]);
            }
        }
        if (sign > 0)
            plus = value(net);
        else
            minus = value(net);
    }
    got = (plus - minus) / (2 * (double)step);
    if (fabs(got - want) > 2e-3 * fabs(want))
        fail_msg("the loss rises by %g, not %g", got, want);
}

static void gradients_lead_uphill(void **state)
{
    struct net net;

    (void)state;
    open_net(&net, NULL);
    check_direction(&net);
    close_net(&net);
}

static void dropout_leads_back_as_it_came(void **state)
{
    struct tf_err err;
    struct tf_pool *pool = tf_pool_new(2, &err);
    struct net net;

    (void)state;
    open_net(&net, pool);
    net.dropout = 0.25f;
    net.ctx.training = true;
    check_direction(&net);
    close_net(&net);
    tf_pool_free(pool);
}

static void adapters_train_with_dropout(void **state)
{
    struct net net;

    (void)state;
    open_net(&net, NULL);
    adapter(&net, &net.up, &net.lora);
    adapter(&net, &net.up, &net.more);
    net.lora.dropout = 0.3f;
    net.more.next = &net.lora;
    net.dropout = 0.25f;
    net.ctx.training = true;
    net.mark = tf_arena_mark(&net.arena);
    check_direction(&net);
    close_net(&net);
}

/* The norms that DoRA divides by count as constants: A and B stay. */
static void magnitudes_train_with_dropout(void **state)
{
    struct net net;

    (void)state;
    open_net(&net, NULL);
    adapter(&net, &net.down, &net.dora);
    parameter(&net, &net.dora.magnitude, 1, WIDTH);
    net.dora.a.needs_grad = false;
    net.dora.b.needs_grad = false;
    net.dora.dropout = 0.3f;
    net.ctx.training = true;
    net.mark = tf_arena_mark(&net.arena);
    check_direction(&net);
    close_net(&net);
}

static void recomputed_layers_have_the_same_gradients(void **state)
{
    float kept[TOKENS * 3 * WIDTH];
    size_t plain, less, p;
    struct net net;

    (void)state;
    open_net(&net, NULL);
    net.dropout = 0.25f;
    net.ctx.training = true;
    gradients(&net, false);
    plain = net.arena.peak;
    for (p = 0; p < net.count; p++) {
        size_t bytes = tf_tensor_bytes(net.parameter[p]);

        gradients(&net, false);
        memcpy(kept, net.parameter[p]->grad, bytes);
        net.arena.peak = 0;
        gradients(&net, true);
        less = net.arena.peak;
        assert_memory_equal(kept, net.parameter[p]->grad, bytes);
    }
    assert_true(less < plain);
    close_net(&net);
}

static void dropout_repeats_under_its_key(void **state)
{
    enum { N = 4096 };
    struct tf_tensor *x, *y, *z;
    struct net net;
    size_t i, dropped = 0, same = 0;

    (void)state;
    open_net(&net, NULL);
    x = tf_new(&net.ctx, 1, N);
    for (i = 0; i < N; i++)
        ((float *)x->data)[i] = 1;
    assert_ptr_equal(tf_dropout(&net.ctx, x, 0.25f), x);
    net.ctx.training = true;
    y = tf_dropout(&net.ctx, x, 0.25f);
    z = tf_dropout(&net.ctx, x, 0.25f);
    for (i = 0; i < N; i++) {
        float a = ((float *)y->data)[i], b = ((float *)z->data)[i];

        assert_true(a == 0 || a == 4 / 3.0f);
        dropped += a == 0;
        same += a == b;
    }
    assert_in_range(dropped, N / 4 - 100, N / 4 + 100);
    assert_in_range(same, N * 5 / 8 - 120, N * 5 / 8 + 120);
    net.ctx.draws = 0;
    z = tf_dropout(&net.ctx, x, 0.25f);
    assert_memory_equal(y->data, z->data, N * sizeof(float));
    close_net(&net);
}

static void frozen_layers_leave_nothing_on_the_tape(void **state)
{
    struct net net;
    size_t p;

    (void)state;
    open_net(&net, NULL);
    net.ctx.tape = &net.tape;
    for (p = 0; p < net.count; p++)
        net.parameter[p]->needs_grad = false;
    assert_non_null(loss_of(&net, false));
    assert_null(net.tape.last);
    close_net(&net);
}

static void the_loss_of_a_head_may_not_be_scaled(void **state)
{
    static const int32_t labels[TOKENS] = { 1, 2, TF_IGNORE, 3 };
    static const struct tf_loss mean = { 0 };
    struct tf_tensor *loss;
    struct net net;

    (void)state;
    open_net(&net, NULL);
    net.ctx.tape = &net.tape;
    loss = tf_linear_cross_entropy(&net.ctx, net.x, &net.up, labels, &mean);
    assert_int_equal(tf_backward(&net.ctx, tf_scale(&net.ctx, loss, 2)), -1);
    assert_non_null(strstr(net.err.msg, "scaled by 2"));
    close_net(&net);
}

/* 40 rows of a vocabulary this large are more than one chunk of logits. */
static void a_large_head_is_cut_into_chunks(void **state)
{
    enum { ROWS = 40, V = 1 << 18, IN = 4 };
    static const struct tf_loss mean = { .smoothing = 0.1f };
    struct tf_weight head = { 0 };
    int32_t labels[ROWS];
    struct tf_tensor x, *whole;
    float *kept, dx[ROWS * IN];
    struct net net;
    float loss;
    size_t i;

    (void)state;
    open_net(&net, NULL);
    parameter(&net, &x, ROWS, IN);
    weight(&net, &head, V, IN);
    for (i = 0; i < ROWS; i++)
        labels[i] = i % 3 ? (int32_t)(i * 6000) : TF_IGNORE;
    labels[0] = V - 1;
    net.mark = tf_arena_mark(&net.arena);
    for (i = 0; i < net.count; i++)
        memset(net.parameter[i]->grad, 0, tf_tensor_bytes(net.parameter[i]));
    net.ctx.tape = &net.tape;
    whole = tf_cross_entropy(&net.ctx,
                             tf_linear(&net.ctx, &x, &head, TF_ACT_NONE, NULL),
                             labels, &mean);
    loss = *(float *)whole->data;
    assert_int_equal(tf_backward(&net.ctx, whole), 0);
    tf_arena_rewind(&net.arena, net.mark);
    kept = tf_arena_alloc(&net.arena, V * IN, sizeof(float));
    memcpy(kept, head.w.grad, V * IN * sizeof(float));
    memcpy(dx, x.grad, sizeof(dx));
    for (i = 0; i < net.count; i++)
        memset(net.parameter[i]->grad, 0, tf_tensor_bytes(net.parameter[i]));
    whole = tf_linear_cross_entropy(&net.ctx, &x, &head, labels, &mean);
    assert_float_equal(*(float *)whole->data, loss, 1e-5);
    assert_int_equal(tf_backward(&net.ctx, whole), 0);
    for (i = 0; i < V * IN; i++)
        assert_true(fabsf(head.w.grad[i] - kept[i]) <= 1e-7f);
    for (i = 0; i < ROWS * IN; i++)
        assert_true(fabsf(x.grad[i] - dx[i]) <= 1e-7f);
    close_net(&net);
}

/* A layer over 8-bit blocks or bfloat16 has the gradients of the same numbers
 * in float32: of x, and of an adapter beside it. */
static void adapters_train_over_weights_of_any_type(void **state)
{
    enum { IN = 64, OUT = 300, BLOCK = 34 };
    static unsigned char blocks[OUT * IN / 32 * BLOCK];
    static const struct tf_loss mean = { 0 };
    float dx[3][TOKENS * IN], da[3][RANK * IN], target[TOKENS * OUT] = { 0 };
    static uint16_t halves[OUT * IN];
    struct tf_weight w = { .in = IN, .out = OUT };
    struct tf_tensor x, *y;
    struct net net;
    size_t i;
    int way;

    (void)state;
    open_net(&net, NULL);
    for (i = 0; i < sizeof(blocks); i++)
        blocks[i] = (unsigned char)(i * 40503 >> 7);
    for (i = 0; i < sizeof(blocks); i += BLOCK)
        memcpy(blocks + i, "\0\x18", 2); /* a scale of 2^-9 */
    parameter(&net, &x, TOKENS, IN);
    adapter(&net, &w, &net.lora);
    w.w = *tf_new(&net.ctx, OUT, IN);
    tf_dtype_info(TF_Q8_0)->unpack(w.w.data, blocks, OUT * IN);
    tf_kernels()->pack_bf16(halves, w.w.data, OUT * IN);
    net.ctx.tape = &net.tape;
    for (way = 0; way < 3; way++) {
        memset(x.grad, 0, tf_tensor_bytes(&x));
        memset(net.lora.a.grad, 0, tf_tensor_bytes(&net.lora.a));
        y = tf_linear(&net.ctx, &x, &w, TF_ACT_NONE, NULL);
        y = tf_squared_error(&net.ctx, y, target, &mean);
        assert_int_equal(tf_backward(&net.ctx, y), 0);
        memcpy(dx[way], x.grad, sizeof(dx[way]));
        memcpy(da[way], net.lora.a.grad, sizeof(da[way]));
        w.w.data = way ? (void *)halves : blocks;
        w.w.dtype = way ? TF_BF16 : TF_Q8_0;
    }
    for (i = 0; i < TOKENS * IN; i++)
        assert_true(fabsf(dx[0][i] - dx[1][i]) <= 1e-6f &&
                    fabsf(dx[0][i] - dx[2][i]) <= 1e-6f);
    for (i = 0; i < RANK * IN; i++)
        assert_true(fabsf(da[0][i] - da[1][i]) <= 1e-6f &&
                    fabsf(da[0][i] - da[2][i]) <= 1e-6f);
    close_net(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_lead_uphill),
        cmocka_unit_test(dropout_leads_back_as_it_came),
        cmocka_unit_test(adapters_train_with_dropout),
        cmocka_unit_test(magnitudes_train_with_dropout),
        cmocka_unit_test(recomputed_layers_have_the_same_gradients),
        cmocka_unit_test(dropout_repeats_under_its_key),
        cmocka_unit_test(frozen_layers_leave_nothing_on_the_tape),
        cmocka_unit_test(the_loss_of_a_head_may_not_be_scaled),
        cmocka_unit_test(a_large_head_is_cut_into_chunks),
        cmocka_unit_test(adapters_train_over_weights_of_any_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

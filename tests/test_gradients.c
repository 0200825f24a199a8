/*
 * Losses and gradients of every op against PyTorch's in float64
 * (scripts/make-golden-gradients). A gradient is a sum in float32 of some
 * hundred terms, each with a rounding error of 6e-8 of its size: it has to be
 * within 1e-5 of the largest gradient of its tensor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/weights.h"
#include "nn/tape.h"

#define TOLERANCE 1e-5

static struct tf_weights *golden;

enum { LEAVES = 16 };

/* A case of the golden file: what was read from it so far. */
struct fixture {
    struct tf_ctx ctx;
    struct tf_arena arena;
    struct tf_tape tape;
    struct tf_err err;
    const char *name;
    size_t count;
    const char *leaf_name[LEAVES];
    struct tf_tensor *leaf[LEAVES];
};

static struct fixture f;

static int begin(void **state)
{
    static struct tf_pool *pool;

    (void)state;
    if (!pool)
        pool = tf_pool_new(2, &f.err);
    memset(&f, 0, sizeof(f));
    tf_arena_init(&f.arena);
    tf_tape_init(&f.tape);
    f.ctx.pool = pool;
    f.ctx.arena = &f.arena;
    f.ctx.tape = &f.tape;
    f.ctx.err = &f.err;
    return 0;
}

static int end(void **state)
{
    (void)state;
    tf_arena_release(&f.arena);
    tf_tape_release(&f.tape);
    return 0;
}

static const struct tf_tensor *find(const char *name, const char *more)
{
    const struct tf_tensor *t;
    char path[80];

    snprintf(path, sizeof(path), "%s.%s%s", f.name, name, more);
    t = tf_weights_find(golden, path);
    if (!t)
        fail_msg("%s is not in the golden file", path);
    return t;
}

/* A copy of what does not change, aligned. */
static void *given(const char *name)
{
    const struct tf_tensor *t = find(name, "");
    void *p = tf_arena_alloc(&f.arena, 1, tf_tensor_bytes(t));

    return memcpy(p, t->data, tf_tensor_bytes(t));
}

/* Fill a tensor that wants a gradient; check() compares it. */
static struct tf_tensor *fill(struct tf_tensor *t, const char *name)
{
    *t = *find(name, "");
    t->data = given(name);
    t->needs_grad = true;
    t->grad = tf_arena_alloc(&f.arena, tf_tensor_count(t), sizeof(float));
    memset(t->grad, 0, tf_tensor_bytes(t));
    f.leaf_name[f.count] = name;
    f.leaf[f.count++] = t;
    return t;
}

static void *zeroed(size_t size)
{
    return memset(tf_arena_alloc(&f.arena, 1, size), 0, size);
}

static struct tf_tensor *leaf(const char *name)
{
    return fill(zeroed(sizeof(struct tf_tensor)), name);
}

static struct tf_weight *weight(const char *w, const char *bias)
{
    struct tf_weight *l = zeroed(sizeof(*l));

    fill(&l->w, w);
    if (bias)
        fill(&l->bias, bias);
    l->out = l->w.dim[0];
    l->in = l->w.dim[1];
    return l;
}

static void compare(const char *name, const float *got,
                    const struct tf_tensor *want)
{
    const float *w = want->data;
    size_t n = tf_tensor_count(want), i;
    float largest = 0;

    for (i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(w[i]));
    for (i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)w[i]) <=
              TOLERANCE * (double)largest))
            fail_msg("%s.%s: element %zu is %.8g, not %.8g (of at most %g)",
                     f.name, name, i, (double)got[i], (double)w[i],
                     (double)largest);
}

static void check(struct tf_tensor *loss)
{
    size_t i;

    if (!loss)
        fail_msg("%s: %s", f.name, f.err.msg);
    compare("loss", loss->data, find("loss", ""));
    assert_int_equal(tf_backward(&f.ctx, loss), 0);
    for (i = 0; i < f.count; i++)
        compare(f.leaf_name[i], f.leaf[i]->grad, find(f.leaf_name[i], ".grad"));
}

static void check_distance(struct tf_tensor *y)
{
    static const struct tf_loss mean = { 0 };

    check(tf_squared_error(&f.ctx, y, given("target"), &mean));
}

static void linear_case(const char *name, enum tf_act act)
{
    struct tf_weight *w;
    struct tf_tensor *x, *residual;

    f.name = name;
    f.count = 0;
    w = weight("w", "b");
    x = leaf("x");
    residual = leaf("residual");
    check_distance(tf_linear(&f.ctx, x, w, act, residual));
}

static void linear_layers_with_every_activation(void **state)
{
    (void)state;
    linear_case("linear.gelu", TF_ACT_GELU);
    linear_case("linear.gelu_new", TF_ACT_GELU_TANH);
    linear_case("linear.quick_gelu", TF_ACT_QUICK_GELU);
    linear_case("linear.relu", TF_ACT_RELU);
    linear_case("linear.relu2", TF_ACT_RELU2);
    linear_case("linear.silu", TF_ACT_SILU);
    linear_case("linear.tanh", TF_ACT_TANH);
    linear_case("linear.sigmoid", TF_ACT_SIGMOID);
}

static void transposed_weights(void **state)
{
    struct tf_weight *w;

    (void)state;
    f.name = "linear.transposed";
    w = weight("w", "b");
    w->transposed = true;
    w->in = w->w.dim[0];
    w->out = w->w.dim[1];
    check_distance(
        tf_linear(&f.ctx, leaf("x"), w, TF_ACT_NONE, leaf("residual")));
}

static void norms(void **state)
{
    struct tf_norm n = { .kind = TF_LAYER_NORM, .eps = 1e-5f };

    (void)state;
    f.name = "norm.layer";
    fill(&n.w, "w");
    fill(&n.b, "b");
    check_distance(tf_norm(&f.ctx, leaf("x"), &n));
    f.name = "norm.rms";
    f.count = 0;
    n = (struct tf_norm){ .kind = TF_RMS_NORM, .eps = 1e-6f, .w_offset = 1 };
    fill(&n.w, "w");
    check_distance(tf_norm(&f.ctx, leaf("x"), &n));
    f.name = "norm.heads";
    f.count = 0;
    n.w_offset = 0;
    fill(&n.w, "w");
    check_distance(tf_norm_heads(&f.ctx, leaf("x"), &n));
}

static void heads_of_their_own(void **state)
{
    struct tf_norm n = { .kind = TF_LAYER_NORM, .eps = 1e-5f };

    (void)state;
    f.name = "norm.each_head";
    fill(&n.w, "w");
    fill(&n.b, "b");
    check_distance(tf_norm_heads(&f.ctx, leaf("x"), &n));
    f.name = "columns";
    f.count = 0;
    check_distance(tf_pick_columns(&f.ctx, leaf("x"), 2, 3, 8, 3));
}

static void route_case(const char *name, const struct tf_router *router)
{
    static const int32_t second[] = { 1, 1, 1, 1, 1 };
    struct tf_routes routes;
    struct tf_tensor *y;

    f.name = name;
    f.count = 0;
    assert_int_equal(tf_route(&f.ctx, leaf("logits"), router, &routes), 0);
    assert_memory_equal(routes.expert, given("expert"), 10 * sizeof(int32_t));
    y = tf_new(&f.ctx, 5, 8);
    memset(y->data, 0, tf_tensor_bytes(y));
    y = tf_add_weighted(&f.ctx, y, leaf("x"), NULL, routes.weight, NULL);
    check_distance(
        tf_add_weighted(&f.ctx, y, leaf("y"), NULL, routes.weight, second));
}

static void routes_to_experts(void **state)
{
    struct tf_router router = { .k = 2, .scale = 1 };

    (void)state;
    route_case("route", &router);
    router.renormed = true;
    route_case("route.renormed", &router);
    f.name = "route.sigmoid";
    router.sigmoid = true;
    router.scale = 1.5f;
    router.bias = given("bias");
    router.groups = 2;
    router.groups_kept = 1;
    route_case("route.sigmoid", &router);
    router.renormed = false;
    router.groups = 0;
    f.name = "route.free";
    router.bias = given("bias");
    route_case("route.free", &router);
}

static void rope_case(const char *name, bool interleaved)
{
    struct tf_rope rope = { .dims = 8, .interleaved = interleaved };

    f.name = name;
    f.count = 0;
    rope.cos = given("cos");
    rope.sin = given("sin");
    check_distance(tf_rotary(&f.ctx, leaf("x"), 10, &rope, given("positions")));
}

static void rotary_embeddings(void **state)
{
    (void)state;
    rope_case("rope.halves", false);
    rope_case("rope.neighbours", true);
}

static void causal_attention_of_grouped_heads(void **state)
{
    static const size_t start[] = { 0, 70, 73 };
    const struct tf_seqs seqs = { 2, start };
    struct tf_attention spec = { .heads = 4, .kv_heads = 2, .head_size = 6 };
    struct tf_tensor *x, *q, *k, *v;

    (void)state;
    f.name = "attention.causal";
    spec.v_head_size = 5;
    spec.scale = 0.4f;
    spec.causal = true;
    spec.window_left = 40;
    spec.window_right = SIZE_MAX;
    x = leaf("x");
    q = tf_columns(&f.ctx, x, 0, 24);
    k = tf_columns(&f.ctx, x, 24, 12);
    v = tf_columns(&f.ctx, x, 36, 10);
    check_distance(tf_attention(&f.ctx, q, &seqs, k, v, &seqs, &spec));
}

static void attention_with_a_cap_and_biases(void **state)
{
    static const size_t qstart[] = { 0, 5 }, kstart[] = { 0, 11 };
    const struct tf_seqs qs = { 1, qstart }, ks = { 1, kstart };
    struct tf_attention spec = { .heads = 2, .kv_heads = 2, .head_size = 8 };

    (void)state;
    f.name = "attention.biased";
    spec.scale = 1.25f;
    spec.soft_cap = 1.5f;
    spec.window_left = SIZE_MAX;
    spec.window_right = SIZE_MAX;
    spec.alibi = given("slopes");
    spec.bias = leaf("bias");
    spec.bucket_of = given("bucket_of");
    spec.bucket_span = 3;
    check_distance(
        tf_attention(&f.ctx, leaf("q"), &qs, leaf("k"), leaf("v"), &ks, &spec));
}

static void disentangled_attention(void **state)
{
    static const size_t start[] = { 0, 19 };
    const struct tf_seqs seqs = { 1, start };
    struct tf_attention spec = { .heads = 2, .kv_heads = 2, .head_size = 8 };
    struct tf_weight *wq, *wk, *wv;
    struct tf_tensor *x, *table, *q, *k, *v;

    (void)state;
    f.name = "attention.deberta";
    spec.scale = 1 / sqrtf(24);
    spec.window_left = SIZE_MAX;
    spec.window_right = SIZE_MAX;
    spec.bucket_of = given("bucket_of");
    spec.bucket_span = 18;
    wq = weight("query_proj.weight", "query_proj.bias");
    wk = weight("key_proj.weight", "key_proj.bias");
    wv = weight("value_proj.weight", "value_proj.bias");
    x = leaf("x");
    table = leaf("table");
    q = tf_linear(&f.ctx, x, wq, TF_ACT_NONE, NULL);
    k = tf_linear(&f.ctx, x, wk, TF_ACT_NONE, NULL);
    v = tf_linear(&f.ctx, x, wv, TF_ACT_NONE, NULL);
    spec.c2p = tf_linear(&f.ctx, table, wk, TF_ACT_NONE, NULL);
    spec.p2c = tf_linear(&f.ctx, table, wq, TF_ACT_NONE, NULL);
    check_distance(tf_attention(&f.ctx, q, &seqs, k, v, &seqs, &spec));
}

static void attention_as_in_t5(void **state)
{
    static const size_t start[] = { 0, 23 };
    const struct tf_seqs seqs = { 1, start };
    struct tf_attention spec = { .heads = 2, .kv_heads = 2, .head_size = 8 };
    struct tf_tensor *x, *q, *k, *v, *y;

    (void)state;
    f.name = "attention.t5";
    spec.scale = 1;
    spec.window_left = SIZE_MAX;
    spec.window_right = SIZE_MAX;
    spec.bias = leaf("relative_attention_bias.weight");
    spec.bucket_of = given("bucket_of");
    spec.bucket_span = 30;
    x = leaf("x");
    q = tf_linear(&f.ctx, x, weight("q.weight", NULL), TF_ACT_NONE, NULL);
    k = tf_linear(&f.ctx, x, weight("k.weight", NULL), TF_ACT_NONE, NULL);
    v = tf_linear(&f.ctx, x, weight("v.weight", NULL), TF_ACT_NONE, NULL);
    y = tf_attention(&f.ctx, q, &seqs, k, v, &seqs, &spec);
    check_distance(
        tf_linear(&f.ctx, y, weight("o.weight", NULL), TF_ACT_NONE, NULL));
}

/* Embedding, views, gates, products, means and gathered rows in one. */
static struct tf_tensor *pieces(struct tf_ctx *ctx, struct tf_tensor *table,
                                struct tf_tensor *x)
{
    struct tf_tensor *y, *z, *first;

    y = tf_embedding(ctx, table, given("ids"), 7, 1,
                     tf_embedding(ctx, table, given("ids"), 7, 1.5f, NULL));
    y = tf_add(ctx, y, x);
    first = tf_columns(ctx, y, 0, 4);
    z = tf_act_mul(ctx, first, tf_columns(ctx, y, 4, 4), TF_ACT_SILU);
    z = tf_add(ctx, z, tf_mul(ctx, tf_columns(ctx, y, 2, 4), first));
    return tf_add(ctx, z,
                  tf_scale(ctx,
                           tf_act(ctx, tf_columns(ctx, y, 1, 4), TF_ACT_GELU),
                           0.5f));
}

static void small_ops_together(void **state)
{
    static const size_t start[] = { 0, 3, 7 };
    const struct tf_seqs seqs = { 2, start };
    const struct tf_loss spec = { .denominator = 24 };
    struct tf_tensor *y, *means, *rows;
    float *target;

    (void)state;
    f.name = "pieces";
    y = pieces(&f.ctx, leaf("table"), leaf("x"));
    rows = tf_gather_rows(&f.ctx, y, given("rows"), 4);
    means = tf_mean_rows(&f.ctx, y, &seqs);
    target = given("target");
    check(tf_add(&f.ctx, tf_squared_error(&f.ctx, rows, target, &spec),
                 tf_squared_error(&f.ctx, means, target + 16, &spec)));
}

static void convolutions_over_tokens(void **state)
{
    static const size_t start[] = { 0, 1, 6 };
    const struct tf_seqs seqs = { 2, start };

    (void)state;
    f.name = "unfold";
    check_distance(tf_linear(&f.ctx, tf_unfold(&f.ctx, leaf("x"), &seqs, 3, false),
                             weight("w", NULL), TF_ACT_NONE, NULL));
}

static void scans_of_state_spaces(void **state)
{
    static const size_t start[] = { 0, 2, 7 };
    const struct tf_seqs seqs = { 2, start };
    struct tf_tensor *x, *w, *bias;
    struct tf_scan scan = { .state = NULL };

    (void)state;
    f.name = "conv";
    x = leaf("x");
    w = leaf("w");
    bias = leaf("b");
    check_distance(tf_causal_conv(&f.ctx, x, &seqs, w, bias, NULL));
    f.name = "scan";
    f.count = 0;
    scan.x = leaf("x");
    scan.z = leaf("z");
    scan.a_log = leaf("a_log");
    scan.d = leaf("d");
    scan.b = leaf("b");
    scan.c = leaf("c");
    check_distance(tf_selective_scan(&f.ctx, &scan, &seqs));
}

static void clamped_norms(void **state)
{
    struct tf_norm n = { .kind = TF_LAYER_NORM, .eps = 1e-5f, .w_offset = 1 };

    (void)state;
    f.name = "clamp";
    fill(&n.w, "w");
    fill(&n.b, "b");
    check_distance(tf_clamp(&f.ctx, tf_norm(&f.ctx, leaf("x"), &n), 0.8f));
}

static void label_losses(void **state)
{
    struct tf_loss spec = { 0 };

    (void)state;
    f.name = "loss.labels";
    check(tf_cross_entropy(&f.ctx, leaf("z"), given("labels"), &spec));
    f.name = "loss.smooth";
    f.count = 0;
    spec.smoothing = 0.1f;
    check(tf_cross_entropy(&f.ctx, leaf("z"), given("labels"), &spec));
}

static void losses_of_a_head(void **state)
{
    const struct tf_loss spec = { 7, 0.1f, 1.5f, 2 };
    struct tf_weight *w;

    (void)state;
    f.name = "loss.head";
    w = weight("w", "b");
    check(
        tf_linear_cross_entropy(&f.ctx, leaf("x"), w, given("labels"), &spec));
}

static void losses_of_spans_and_targets(void **state)
{
    static const size_t start[] = { 0, 2, 5, 9 };
    const struct tf_seqs seqs = { 3, start };
    const struct tf_loss spec = { 0 };

    (void)state;
    f.name = "loss.span";
    check(tf_span_cross_entropy(&f.ctx, leaf("z"), 1, &seqs, given("labels"),
                                &spec));
    f.name = "loss.binary";
    f.count = 0;
    check(tf_binary_cross_entropy(&f.ctx, leaf("z"), given("target"), &spec));
}

static void adapter_case(const char *name)
{
    struct tf_weight *w = zeroed(sizeof(*w));
    struct tf_adapter a = { .scale = 4 / 3.0f };

    f.name = name;
    f.count = 0;
    w->w = *find("w", "");
    w->w.data = given("w");
    w->bias = *find("bias", "");
    w->bias.data = given("bias");
    w->in = 6;
    w->out = 7;
    w->adapters = &a;
    fill(&a.a, "a");
    fill(&a.b, "b");
    if (!strcmp(name, "adapter.dora"))
        fill(&a.magnitude, "m");
    check_distance(
        tf_linear(&f.ctx, leaf("x"), w, TF_ACT_GELU, leaf("residual")));
}

static void adapters(void **state)
{
    (void)state;
    adapter_case("adapter.lora");
    adapter_case("adapter.dora");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(linear_layers_with_every_activation),
        TEST(transposed_weights),
        TEST(norms),
        TEST(heads_of_their_own),
        TEST(routes_to_experts),
        TEST(rotary_embeddings),
        TEST(causal_attention_of_grouped_heads),
        TEST(attention_with_a_cap_and_biases),
        TEST(disentangled_attention),
        TEST(attention_as_in_t5),
        TEST(small_ops_together),
        TEST(convolutions_over_tokens),
        TEST(scans_of_state_spaces),
        TEST(clamped_norms),
        TEST(label_losses),
        TEST(losses_of_a_head),
        TEST(losses_of_spans_and_targets),
        TEST(adapters),
    };
    struct tf_err err;
    int failed;

    golden = tf_weights_open("tests/golden/gradients.safetensors", &err);
    if (!golden) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tf_weights_close(golden);
    return failed;
}

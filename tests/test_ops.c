#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include "nn/ops.h"

struct fixture {
    struct tf_ctx ctx;
    struct tf_arena arena;
    struct tf_err err;
};

static int begin(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    tf_arena_init(&f.arena);
    f.ctx.arena = &f.arena;
    f.ctx.err = &f.err;
    *state = &f.ctx;
    return 0;
}

static int end(void **state)
{
    struct tf_ctx *ctx = *state;

    tf_arena_release(ctx->arena);
    return 0;
}

static struct tf_tensor view(const void *data, enum tf_dtype dtype, size_t rows,
                             size_t cols)
{
    struct tf_tensor t = { .dtype = dtype, .ndim = 2, .dim = { rows, cols } };

    t.ld = cols;
    t.data = (void *)(uintptr_t)data;
    return t;
}

static void expect(const struct tf_tensor *t, const float *want, size_t n)
{
    size_t i;

    assert_non_null(t);
    assert_int_equal(tf_tensor_count(t), n);
    for (i = 0; i < n; i++) {
        float got = ((float *)t->data)[i / t->dim[1] * t->ld + i % t->dim[1]];

        if (!(fabsf(got - want[i]) <= 1e-6f))
            fail_msg("element %zu is %g, not %g", i, (double)got,
                     (double)want[i]);
    }
}

static const float x23[] = { 1, 2, 3, -4, 5, -6 };

static void linear_reads_both_layouts_and_any_type(void **state)
{
    static const float w[] = { 1, 0, 2, -1, 3, 0.5f };  /* [2][3] */
    static const float wt[] = { 1, -1, 0, 3, 2, 0.5f }; /* [3][2] */
    static const uint16_t bf16[] = {
        0x3f80, 0, 0x4000, 0xbf80, 0x4040, 0x3f00
    };
    static const float bias[] = { 10, -20 }, res[] = { 1, 2, 3, 4 };
    static const float want[] = { 18, 2, 3, 4 };
    struct tf_tensor x = view(x23, TF_F32, 2, 3), r = view(res, TF_F32, 2, 2);
    struct tf_weight l = { .in = 3, .out = 2 };

    l.w = view(w, TF_F32, 2, 3);
    l.bias = view(bias, TF_F32, 1, 2);
    expect(tf_linear(*state, &x, &l, TF_ACT_RELU, &r), want, 4);
    l.w = view(bf16, TF_BF16, 2, 3);
    expect(tf_linear(*state, &x, &l, TF_ACT_RELU, &r), want, 4);
    l.w = view(wt, TF_F32, 3, 2);
    l.transposed = true;
    expect(tf_linear(*state, &x, &l, TF_ACT_RELU, &r), want, 4);
}

struct seen {
    const struct tf_weight *w;
    float sum;
    size_t rows;
};

static void see(void *arg, const struct tf_weight *w, const float *x, size_t ld,
                size_t rows)
{
    struct seen *seen = arg;

    seen->w = w;
    seen->rows = rows;
    for (size_t r = 0; r < rows; r++)
        seen->sum += x[r * ld];
}

static void a_watch_sees_what_linear_layers_read(void **state)
{
    static const float w[] = { 1, 0, 2, -1, 3, 0.5f };
    struct tf_tensor x = view(x23, TF_F32, 2, 3);
    struct tf_weight l = { .in = 3, .out = 2, .w = view(w, TF_F32, 2, 3) };
    struct seen seen = { 0 };
    struct tf_watch watch = { see, &seen };
    struct tf_ctx *ctx = *state;

    ctx->watch = &watch;
    assert_non_null(tf_linear(ctx, &x, &l, TF_ACT_NONE, NULL));
    ctx->watch = NULL;
    assert_ptr_equal(seen.w, &l);
    assert_int_equal(seen.rows, 2);
    assert_true(seen.sum == x23[0] + x23[3]);
}

static void norms_take_offsets_and_heads(void **state)
{
    static const float x[] = { 3, 4, 0, -2 }, w[] = { 1, 2 }, b[] = { 5, 6 };
    static const float layer[] = { 4, 8, 6, 4 };
    static const float r = 0.28284271f; /* 1 / sqrt((9 + 16) / 2) */
    static const float h = 0.70710678f; /* 1 / sqrt(4 / 2) */
    const float rms[] = { 6 * r, 12 * r, 0, -6 * h };
    struct tf_tensor t = view(x, TF_F32, 2, 2), heads = view(x, TF_F32, 1, 4);
    struct tf_norm n = { .kind = TF_LAYER_NORM };

    n.w = view(w, TF_F32, 1, 2);
    n.w.ndim = 1;
    n.w.dim[0] = 2;
    n.b = n.w;
    n.b.data = (void *)(uintptr_t)b;
    expect(tf_norm(*state, &t, &n), layer, 4);
    n.kind = TF_RMS_NORM;
    n.w_offset = 1;
    expect(tf_norm(*state, &t, &n), rms, 4);
    expect(tf_norm_heads(*state, &heads, &n), rms, 4);
    assert_ptr_equal(tf_norm(*state, &t, NULL), &t);
}

static void elementwise_ops_read_views(void **state)
{
    struct tf_tensor x = view(x23, TF_F32, 2, 3);
    struct tf_tensor *a = tf_columns(*state, &x, 0, 2);
    struct tf_tensor *b = tf_columns(*state, &x, 1, 2);

    expect(tf_add(*state, a, b), (const float[]){ 3, 5, 1, -1 }, 4);
    expect(tf_mul(*state, a, b), (const float[]){ 2, 6, -20, -30 }, 4);
    expect(tf_act_mul(*state, b, a, TF_ACT_RELU),
           (const float[]){ 2, 6, -20, 0 }, 4);
    expect(tf_scale(*state, a, 2), (const float[]){ 2, 4, -8, 10 }, 4);
    expect(tf_clamp(*state, a, 3), (const float[]){ 1, 2, -3, 3 }, 4);
}

static void embeddings_are_scaled_and_added(void **state)
{
    static const uint16_t table[] = { 0x3f80, 0x4000, 0xbf80, 0x3f00 };
    static const int32_t ids[] = { 1, 0 };
    struct tf_tensor t = view(table, TF_BF16, 2, 2);
    struct tf_tensor *y = tf_embedding(*state, &t, ids, 2, 2, NULL);

    expect(y, (const float[]){ -2, 1, 2, 4 }, 4);
    assert_ptr_equal(tf_embedding(*state, &t, ids, 2, 1, y), y);
    expect(y, (const float[]){ -3, 1.5f, 3, 6 }, 4);
}

static void rows_are_gathered_and_averaged(void **state)
{
    static const int32_t rows[] = { 1, 1, 0 };
    static const size_t start[] = { 0, 2, 2, 3 };
    const struct tf_seqs seqs = { 3, start };
    struct tf_tensor x = view(x23, TF_F32, 3, 2);
    struct tf_tensor *y = tf_gather_rows(*state, &x, rows, 3);

    expect(y, (const float[]){ 3, -4, 3, -4, 1, 2 }, 6);
    expect(tf_mean_rows(*state, &x, &seqs),
           (const float[]){ 2, -1, 0, 0, 5, -6 }, 6);
}

static void heads_turn_in_both_pairings(void **state)
{
    static const float cs[] = { 1, 1, 0, 0.6f }, sn[] = { 0, 0, 1, 0.8f };
    static const float x[] = { 1, 2, 3, 4, 9, 5, 6, 7, 8, 9 };
    static const int32_t positions[] = { 1, 1 };
    struct tf_rope rope = { .dims = 4, .cos = cs, .sin = sn };
    struct tf_tensor t = view(x, TF_F32, 2, 5);

    expect(tf_rotary(*state, &t, 5, &rope, positions),
           (const float[]){ -3, -2, 1, 4, 9, -7, -2.8f, 5, 9.6f, 9 }, 10);
    rope.interleaved = true;
    expect(tf_rotary(*state, &t, 5, &rope, positions),
           (const float[]){ -2, 1, -1.4f, 4.8f, 9, -6, 5, -2.2f, 10.4f, 9 },
           10);
}

static void a_failed_context_stays_failed(void **state)
{
    struct tf_ctx *ctx = *state;
    struct tf_tensor x = view(x23, TF_F32, 2, 3);

    assert_null(tf_new(ctx, SIZE_MAX / 2, 5));
    assert_true(ctx->failed);
    assert_string_equal(ctx->err->code, "no_memory");
    assert_null(tf_scale(ctx, &x, 2));
    assert_null(tf_act(ctx, NULL, TF_ACT_GELU));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(linear_reads_both_layouts_and_any_type),
        TEST(a_watch_sees_what_linear_layers_read),
        TEST(norms_take_offsets_and_heads),
        TEST(elementwise_ops_read_views),
        TEST(embeddings_are_scaled_and_added),
        TEST(rows_are_gathered_and_averaged),
        TEST(heads_turn_in_both_pairings),
        TEST(a_failed_context_stays_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

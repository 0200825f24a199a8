#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "nn/ops.h"

static struct tf_pool *pool;

struct fixture {
    struct tf_ctx ctx;
    struct tf_arena arena;
    struct tf_err err;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    tf_arena_init(&f->arena);
    f->ctx.arena = &f->arena;
    f->ctx.pool = pool;
    f->ctx.err = &f->err;
}

static void end(struct fixture *f)
{
    assert_false(f->ctx.failed);
    tf_arena_release(&f->arena);
}

/* Numbers in [-1, 1), the same for the same key. */
static struct tf_tensor *numbers(struct tf_ctx *ctx, size_t rows, size_t cols,
                                 uint64_t key)
{
    struct tf_tensor *t = tf_new(ctx, rows, cols);
    uint32_t word[4];
    size_t i;

    for (i = 0; i < rows * cols; i++) {
        tf_philox(key, 0, i, word);
        ((float *)t->data)[i] = (float)(2 * tf_uniform(word[0], word[1]) - 1);
    }
    return t;
}

static double at(const struct tf_tensor *t, size_t row, size_t col)
{
    return (double)((const float *)t->data)[row * t->ld + col];
}

/* The score of a query and a key as ops.h defines it; rows are of q and k. */
static double score(const struct tf_attention *a, const struct tf_tensor *q,
                    size_t qrow, const struct tf_tensor *k, size_t krow,
                    size_t head, ptrdiff_t distance)
{
    size_t d = a->head_size, kv = head / (a->heads / a->kv_heads), c;
    ptrdiff_t span = (ptrdiff_t)a->bucket_span, bucket = 0;
    double s = 0, scale = (double)a->scale, cap = (double)a->soft_cap;

    for (c = 0; c < d; c++)
        s += scale * at(q, qrow, head * d + c) * at(k, krow, kv * d + c);
    if (cap > 0)
        s = cap * tanh(s / cap);
    if (a->alibi)
        s += (double)a->alibi[head] * (double)distance;
    if (a->bucket_of) {
        bucket = distance < -span ? -span : distance > span ? span : distance;
        bucket = a->bucket_of[bucket + span];
    }
    if (a->bias)
        s += at(a->bias, (size_t)bucket, head);
    for (c = 0; c < d && a->c2p; c++)
        s += scale * at(q, qrow, head * d + c) *
             at(a->c2p, (size_t)bucket, head * d + c);
    for (c = 0; c < d && a->p2c; c++)
        s += scale * at(k, krow, kv * d + c) *
             at(a->p2c, (size_t)bucket, head * d + c);
    return s;
}

static int visible(const struct tf_attention *a, ptrdiff_t distance)
{
    if (a->causal && distance > 0)
        return 0;
    if (distance < 0 && (size_t)-distance > a->window_left)
        return 0;
    return !(distance > 0 && (size_t)distance > a->window_right);
}

/* One output row of one head by the definition, in double. */
static void attend_row(const struct tf_attention *a, const struct tf_tensor *q,
                       size_t qrow, const struct tf_tensor *k,
                       const struct tf_tensor *v, size_t first, size_t n,
                       ptrdiff_t pos, size_t head, double *out)
{
    size_t dv = a->v_head_size ? a->v_head_size : a->head_size;
    size_t kv = head / (a->heads / a->kv_heads), j, c;
    double sum = 0;

    memset(out, 0, dv * sizeof(*out));
    for (j = 0; j < n; j++) {
        ptrdiff_t distance = (ptrdiff_t)j - pos;
        double p;

        if (!visible(a, distance))
            continue;
        p = exp(score(a, q, qrow, k, first + j, head, distance));
        sum += p;
        for (c = 0; c < dv; c++)
            out[c] += p * at(v, first + j, kv * dv + c);
    }
    for (c = 0; c < dv && sum > 0; c++)
        out[c] /= sum;
}

static void check(const struct tf_attention *a, const struct tf_tensor *q,
                  const struct tf_seqs *qs, const struct tf_tensor *k,
                  const struct tf_tensor *v, const struct tf_seqs *ks,
                  const struct tf_tensor *y)
{
    size_t dv = a->v_head_size ? a->v_head_size : a->head_size;
    size_t s, i, h, c;
    double want[64];

    for (s = 0; s < qs->count; s++)
        for (i = qs->start[s]; i < qs->start[s + 1]; i++)
            for (h = 0; h < a->heads; h++) {
                size_t n = ks->start[s + 1] - ks->start[s];
                ptrdiff_t pos =
                    (ptrdiff_t)n - (ptrdiff_t)(qs->start[s + 1] - i);

                attend_row(a, q, i, k, v, ks->start[s], n, pos, h, want);
                for (c = 0; c < dv; c++)
                    if (fabs(at(y, i, h * dv + c) - want[c]) > 2e-5)
                        fail_msg("seq %zu row %zu head %zu: %g, not %g", s, i,
                                 h, at(y, i, h * dv + c), want[c]);
            }
}

static struct tf_attention plain(size_t heads, size_t kv_heads, size_t size)
{
    struct tf_attention a = { .heads = heads,
                              .kv_heads = kv_heads,
                              .head_size = size,
                              .window_left = SIZE_MAX,
                              .window_right = SIZE_MAX };

    a.scale = 1 / sqrtf((float)size);
    return a;
}

/* Self attention over a fused q|k|v tensor with sequences of 1, 25, 300 and 0
 * tokens: a short one, one of several blocks, and an empty one. */
static void check_self(const struct tf_attention *a)
{
    static const size_t start[] = { 0, 1, 26, 326, 326 };
    const struct tf_seqs seqs = { 4, start };
    size_t qw = a->heads * a->head_size, kw = a->kv_heads * a->head_size;
    size_t vw = a->kv_heads * (a->v_head_size ? a->v_head_size : a->head_size);
    struct tf_tensor *x, *q, *k, *v, *y;
    struct fixture f;

    begin(&f);
    x = numbers(&f.ctx, 326, qw + kw + vw, 1);
    q = tf_columns(&f.ctx, x, 0, qw);
    k = tf_columns(&f.ctx, x, qw, kw);
    v = tf_columns(&f.ctx, x, qw + kw, vw);
    y = tf_attention(&f.ctx, q, &seqs, k, v, &seqs, a);
    assert_non_null(y);
    check(a, q, &seqs, k, v, &seqs, y);
    end(&f);
}

static void attends_within_each_sequence(void **state)
{
    struct tf_attention a = plain(3, 3, 8);

    (void)state;
    check_self(&a);
    a.v_head_size = 5;
    check_self(&a);
}

static void groups_of_heads_share_keys(void **state)
{
    struct tf_attention a = plain(6, 2, 8);

    (void)state;
    a.causal = true;
    check_self(&a);
}

static void windows_and_causal_masks_cut(void **state)
{
    struct tf_attention a = plain(2, 2, 8);

    (void)state;
    a.causal = true;
    check_self(&a);
    a.window_left = 7;
    check_self(&a);
    a.causal = false;
    a.window_right = 70;
    check_self(&a);
    a.window_left = 0;
    a.window_right = 0;
    check_self(&a);
}

static void scores_are_capped_and_biased(void **state)
{
    static const float slopes[] = { 0.5f, 0.0625f };
    static const int32_t bucket_of[] = { 4, 3, 3, 2, 0, 1, 5, 6, 6 };
    struct tf_attention a = plain(2, 2, 8);
    struct fixture f;

    (void)state;
    begin(&f);
    a.scale = 2;
    a.soft_cap = 1.5f;
    check_self(&a);
    a.alibi = slopes;
    check_self(&a);
    a.bias = numbers(&f.ctx, 7, 2, 3);
    a.bucket_of = bucket_of;
    a.bucket_span = 4;
    check_self(&a);
    end(&f);
}

static void disentangled_terms_are_added(void **state)
{
    int32_t bucket_of[2 * 40 + 1];
    struct tf_attention a = plain(2, 2, 8);
    struct fixture f;
    size_t i;

    (void)state;
    begin(&f);
    for (i = 0; i < 81; i++)
        bucket_of[i] = (int32_t)(80 - i) / 3;
    a.bucket_of = bucket_of;
    a.bucket_span = 40;
    a.c2p = numbers(&f.ctx, 27, 16, 4);
    check_self(&a);
    a.p2c = numbers(&f.ctx, 27, 16, 5);
    check_self(&a);
    a.c2p = NULL;
    check_self(&a);
    end(&f);
}

static void queries_and_keys_have_their_own_sequences(void **state)
{
    static const size_t qstart[] = { 0, 3, 3, 10 };
    static const size_t kstart[] = { 0, 300, 304, 306 };
    const struct tf_seqs qs = { 3, qstart }, ks = { 3, kstart };
    struct tf_attention a = plain(2, 1, 16);
    struct tf_tensor *q, *k, *v, *y;
    struct fixture f;

    (void)state;
    begin(&f);
    q = numbers(&f.ctx, 10, 32, 1);
    k = numbers(&f.ctx, 306, 16, 2);
    v = numbers(&f.ctx, 306, 16, 3);
    y = tf_attention(&f.ctx, q, &qs, k, v, &ks, &a);
    check(&a, q, &qs, k, v, &ks, y);
    a.causal = true; /* the third sequence has queries before its keys */
    y = tf_attention(&f.ctx, q, &qs, k, v, &ks, &a);
    check(&a, q, &qs, k, v, &ks, y);
    end(&f);
}

/* One row of each sequence gives what it gives among all of them. */
static void single_queries_stand_where_they_are_placed(void **state)
{
    static const size_t start[] = { 0, 9, 12 }, single[] = { 0, 1, 2 };
    static const int32_t rows[] = { 4, 9 }, places[] = { 4, 0 };
    static const int32_t bucket_of[] = { 4, 3, 3, 2, 0, 1, 5, 6, 6 };
    const struct tf_seqs seqs = { 2, start }, one = { 2, single };
    struct tf_attention a = plain(2, 2, 8);
    struct tf_tensor *q, *k, *v, *all, *y;
    struct fixture f;
    size_t i, c;

    (void)state;
    begin(&f);
    q = numbers(&f.ctx, 12, 16, 1);
    k = numbers(&f.ctx, 12, 16, 2);
    v = numbers(&f.ctx, 12, 16, 3);
    a.bias = numbers(&f.ctx, 7, 2, 4);
    a.bucket_of = bucket_of;
    a.bucket_span = 4;
    a.window_left = 3;
    a.window_right = 2;
    all = tf_attention(&f.ctx, q, &seqs, k, v, &seqs, &a);
    a.places = places;
    y = tf_attention(&f.ctx, tf_gather_rows(&f.ctx, q, rows, 2), &one, k, v,
                     &seqs, &a);
    for (i = 0; i < 2; i++)
        for (c = 0; c < 16; c++)
            assert_float_equal(at(y, i, c), at(all, (size_t)rows[i], c), 1e-6);
    end(&f);
}

static void cached_pieces_read_as_one(void **state)
{
    static const size_t qstart[] = { 0, 2, 5 }, kstart[] = { 0, 100, 320 };
    const struct tf_seqs qs = { 2, qstart }, ks = { 2, kstart };
    struct tf_attention a = plain(4, 2, 8);
    struct tf_kv_piece piece[16];
    struct tf_kv kv[2] = { { 100, 4, piece }, { 220, 5, piece + 4 } };
    static const size_t rows[] = { 30, 0, 1, 69, 64, 64, 64, 20, 8 };
    struct tf_tensor *q, *k, *v, *y;
    struct fixture f;
    size_t i, row = 0;

    (void)state;
    begin(&f);
    q = numbers(&f.ctx, 5, 32, 1);
    k = numbers(&f.ctx, 320, 16, 2);
    v = numbers(&f.ctx, 320, 16, 3);
    for (i = 0; i < 9; row += rows[i++]) {
        piece[i] =
            (struct tf_kv_piece){ .rows = rows[i], .k_ld = 16, .v_ld = 16 };
        piece[i].k = (float *)k->data + row * 16;
        piece[i].v = (float *)v->data + row * 16;
    }
    a.causal = true;
    a.window_left = 90;
    y = tf_attention_cached(&f.ctx, q, &qs, kv, &a);
    check(&a, q, &qs, k, v, &ks, y);
    end(&f);
}

/* Keys and values that are kept as bfloat16 are read as these numbers. */
static void cached_pieces_may_be_of_16_bits(void **state)
{
    static const size_t qstart[] = { 0, 2 }, kstart[] = { 0, 50 };
    const struct tf_seqs qs = { 1, qstart }, ks = { 1, kstart };
    struct tf_attention a = plain(4, 2, 8);
    uint16_t k16[50 * 16], v16[50 * 16];
    struct tf_kv_piece piece = { TF_BF16, k16, v16, 50, 16, 16 };
    struct tf_kv kv = { 50, 1, &piece };
    const struct tf_kernels *kernels = tf_kernels();
    struct tf_tensor *q, *k, *v, *y;
    struct fixture f;

    (void)state;
    begin(&f);
    q = numbers(&f.ctx, 2, 32, 1);
    k = numbers(&f.ctx, 50, 16, 2);
    v = numbers(&f.ctx, 50, 16, 3);
    kernels->pack_bf16(k16, k->data, 50 * 16);
    kernels->pack_bf16(v16, v->data, 50 * 16);
    kernels->unpack_bf16(k->data, k16, 50 * 16);
    kernels->unpack_bf16(v->data, v16, 50 * 16);
    a.causal = true;
    y = tf_attention_cached(&f.ctx, q, &qs, &kv, &a);
    check(&a, q, &qs, k, v, &ks, y);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attends_within_each_sequence),
        cmocka_unit_test(groups_of_heads_share_keys),
        cmocka_unit_test(windows_and_causal_masks_cut),
        cmocka_unit_test(scores_are_capped_and_biased),
        cmocka_unit_test(disentangled_terms_are_added),
        cmocka_unit_test(queries_and_keys_have_their_own_sequences),
        cmocka_unit_test(single_queries_stand_where_they_are_placed),
        cmocka_unit_test(cached_pieces_read_as_one),
        cmocka_unit_test(cached_pieces_may_be_of_16_bits),
    };
    struct tf_err err;
    int failed;

    pool = tf_pool_new(2, &err);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tf_pool_free(pool);
    return failed;
}

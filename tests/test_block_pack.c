#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>
#include "kernel/block_pack.h"

#define N         4096
#define BYTES_MAX (N * 4)

static const enum tf_dtype block_types[] = {
    TF_Q8_0, TF_Q4_0, TF_Q4_1, TF_Q5_0, TF_Q5_1, TF_Q4_K, TF_Q5_K, TF_Q6_K
};
#define TYPES (sizeof(block_types) / sizeof(block_types[0]))

/* Numbers as weights are spread: sums of four uniform ones. */
static void fill_bell(float *x, size_t n, float scale)
{
    uint32_t s = 1;

    for (size_t i = 0; i < n; i++) {
        float sum = 0;

        for (int k = 0; k < 4; k++) {
            s = s * 1664525 + 1013904223;
            sum += (float)(s >> 8) / (1 << 24) - 0.5f;
        }
        x[i] = sum * scale;
    }
}

static void round_trip(enum tf_dtype type, const float *x, const float *w,
                       size_t n, float *back)
{
    unsigned char packed[BYTES_MAX];
    struct tf_err err;

    assert_int_equal(tf_pack_row(type, packed, x, n, w, &err), 0);
    tf_dtype_info(type)->unpack(back, packed, n);
}

static double relative_error(const float *x, const float *back, const float *w,
                             size_t n)
{
    double wrong = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        double e = (double)x[i] - (double)back[i];
        double weight = w ? (double)w[i] : 1;

        wrong += weight * e * e;
        all += weight * (double)x[i] * (double)x[i];
    }
    return sqrt(wrong / all);
}

/* The errors that llama.cpp's own quantisation of bell-shaped numbers has are
 * 0.0054, 0.086, 0.078, 0.043, 0.038, 0.071, 0.036 and 0.018. */
static void loses_little_of_bell_shaped_numbers(void **state)
{
    static const double most[TYPES] = { 0.0054, 0.082, 0.070, 0.041,
                                        0.034,  0.070, 0.035, 0.0175 };
    static float x[N], back[N];

    (void)state;
    fill_bell(x, N, 0.05f);
    for (size_t t = 0; t < TYPES; t++) {
        double e;

        round_trip(block_types[t], x, NULL, N, back);
        e = relative_error(x, back, NULL, N);
        if (!(e < most[t]))
            fail_msg("%s: an error of %g, at most %g is expected",
                     tf_dtype_info(block_types[t])->name, e, most[t]);
    }
}

/* Packed from what they hold, blocks hold nearly the same again. */
static void keeps_what_blocks_hold(void **state)
{
    static float x[N], once[N], twice[N];

    (void)state;
    fill_bell(x, N, 1);
    for (size_t t = 0; t < TYPES; t++) {
        round_trip(block_types[t], x, NULL, N, once);
        round_trip(block_types[t], once, NULL, N, twice);
        if (!(relative_error(once, twice, NULL, N) < 0.008))
            fail_msg("%s: an error of %g", tf_dtype_info(block_types[t])->name,
                     relative_error(once, twice, NULL, N));
    }
}

static void weighs_columns_by_their_importance(void **state)
{
    static float x[N], w[N], plain[N], weighed[N];

    (void)state;
    fill_bell(x, N, 1);
    for (size_t i = 0; i < N; i++)
        w[i] = i % 8 == 3 ? 100 : 0.01f;
    for (size_t t = 1; t < TYPES; t++) { /* Q8_0 is fine enough without */
        round_trip(block_types[t], x, NULL, N, plain);
        round_trip(block_types[t], x, w, N, weighed);
        if (!(relative_error(x, weighed, w, N) <
              0.8 * relative_error(x, plain, w, N)))
            fail_msg("%s: %g with weights, %g without",
                     tf_dtype_info(block_types[t])->name,
                     relative_error(x, weighed, w, N),
                     relative_error(x, plain, w, N));
    }
}

/* Every number within `bound` times the largest of its block. */
static void check_near(enum tf_dtype type, const float *x, double bound,
                       const char *what)
{
    float back[256], most = 0;

    for (int i = 0; i < 256; i++)
        most = fmaxf(most, fabsf(x[i]));
    round_trip(type, x, NULL, 256, back);
    for (int i = 0; i < 256; i++)
        if (!(fabs((double)back[i] - (double)x[i]) <= bound * (double)most))
            fail_msg("%s of %s: %g became %g", tf_dtype_info(type)->name, what,
                     (double)x[i], (double)back[i]);
}

static void takes_any_finite_numbers(void **state)
{
    float zeros[256] = { 0 }, ones[256], minus[256], alone[256] = { 0 };
    float large[256], importance[256] = { 0 }, back[256];

    (void)state;
    for (int i = 0; i < 256; i++) {
        ones[i] = 1;
        minus[i] = -0.3f;
        large[i] = i % 2 ? 65504 : -65504;
    }
    alone[77] = -5;
    for (size_t t = 0; t < TYPES; t++) {
        check_near(block_types[t], zeros, 0, "zeros");
        check_near(block_types[t], ones, 0.07, "ones");
        check_near(block_types[t], minus, 0.07, "constants");
        check_near(block_types[t], alone, 0.07, "one number");
        check_near(block_types[t], large, 0.15, "the largest numbers");
        round_trip(block_types[t], ones, importance, 256, back);
        for (int i = 0; i < 256; i++)
            assert_true(fabsf(back[i] - 1) < 0.2f);
    }
}

/* Scales are float16, which ends at 6e-8: below, numbers become 0 or the
 * nearest that is left, and nothing overflows. */
static void takes_numbers_below_its_scales(void **state)
{
    static const float sizes[] = { FLT_TRUE_MIN, 1e-40f, FLT_MIN, 1e-20f,
                                   1e-9f,        1e-7f,  1e-6f };
    float x[256], back[256];

    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        fill_bell(x, 256, sizes[s]);
        for (size_t t = 0; t < TYPES; t++) {
            round_trip(block_types[t], x, NULL, 256, back);
            for (int i = 0; i < 256; i++)
                if (!(fabsf(back[i] - x[i]) <= fmaxf(2 * sizes[s], 4e-6f)))
                    fail_msg("%s: %g became %g",
                             tf_dtype_info(block_types[t])->name, (double)x[i],
                             (double)back[i]);
        }
    }
}

static void refuses_what_is_not_finite(void **state)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY, 65505 * 2, -1e30f };
    unsigned char packed[BYTES_MAX];
    float x[256] = { 0 };
    struct tf_err err;

    (void)state;
    for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++)
        for (size_t t = 0; t < TYPES; t++) {
            x[200] = bad[b];
            assert_int_equal(
                tf_pack_row(block_types[t], packed, x, 256, NULL, &err), -1);
            assert_non_null(strstr(err.msg, "number 200"));
        }
    assert_int_equal(tf_pack_row(TF_F32, packed, x, 256, NULL, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loses_little_of_bell_shaped_numbers),
        cmocka_unit_test(keeps_what_blocks_hold),
        cmocka_unit_test(weighs_columns_by_their_importance),
        cmocka_unit_test(takes_any_finite_numbers),
        cmocka_unit_test(takes_numbers_below_its_scales),
        cmocka_unit_test(refuses_what_is_not_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/dtype.h"
#include "kernel/kernel.h"

static const char *const levels[] = { "ref",  "avx2", "avxvnni", "avx512",
                                      "vnni", "amx",  "neon" };

/* The next level of this CPU, or NULL: for (it = 0; k = next(&it);) */
static const struct tf_kernels *next(size_t *it)
{
    const struct tf_kernels *k = NULL;

    while (!k && *it < sizeof(levels) / sizeof(levels[0]))
        k = tf_kernels_at(levels[(*it)++]);
    return k;
}

static uint32_t seed;

static float draw(void)
{
    seed = seed * 1664525 + 1013904223;
    return (float)(int32_t)seed / 2147483648.0f;
}

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, 4);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, 4);
    return bits;
}

/* Every 16-bit pattern by its definition: sign, exponent, fraction. */
static double value_of(unsigned v, int exponent_bits, int fraction_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(v >> fraction_bits) & ((1 << exponent_bits) - 1);
    double fraction = v & ((1u << fraction_bits) - 1), x;

    if (exponent == (1 << exponent_bits) - 1)
        x = fraction != 0 ? NAN : INFINITY;
    else if (exponent)
        x = ldexp(fraction + (1 << fraction_bits),
                  exponent - bias - fraction_bits);
    else
        x = ldexp(fraction, 1 - bias - fraction_bits);
    return v >> (exponent_bits + fraction_bits) & 1 ? -x : x;
}

static int same(float a, double b)
{
    if (isnan(b))
        return isnan(a);
    return a == b && !signbit(a) == !signbit(b);
}

enum { ALL = 65536 };

static void reads_every_16_bit_number(void **state)
{
    uint16_t *bits = malloc(ALL * 2);
    char *odd = malloc(ALL * 2 + 1);
    float *out = malloc(ALL * 4);
    const struct tf_kernels *k;
    size_t i, it;

    (void)state;
    for (i = 0; i < ALL; i++)
        bits[i] = (uint16_t)i;
    memcpy(odd + 1, bits, ALL * 2);
    for (it = 0; (k = next(&it));) {
        k->unpack_f16(out, odd + 1, ALL);
        for (i = 0; i < ALL; i++)
            assert_true(same(out[i], value_of((unsigned)i, 5, 10)));
        k->unpack_bf16(out, odd + 1, ALL);
        for (i = 0; i < ALL; i++)
            assert_true(same(out[i], value_of((unsigned)i, 8, 7)));
    }
    free(bits);
    free(odd);
    free(out);
}

/* The neighbours of every 16-bit number and the middles between two. */
static void rounds_to_the_nearest_16_bit_number(void **state)
{
    static const int steps[] = { 0,      1,     0x7fff, 0x8000, 0x8001,
                                 0xffff, 0xfff, 0x1000, 0x1001 };
    const struct tf_kernels *k, *ref = tf_kernels_at("ref");
    float *x = malloc(ALL * 4), *half = malloc(ALL * 4);
    uint16_t *out = malloc(ALL * 2), *expected = malloc(ALL * 2);
    size_t i, s, it;

    (void)state;
    for (s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        for (i = 0; i < ALL; i++) {
            x[i] = from_bits((uint32_t)i << 16 | (uint32_t)steps[s]);
            half[i] = from_bits(to_bits((float)value_of((unsigned)i, 5, 10)) +
                                (uint32_t)steps[s]);
        }
        for (it = 0; (k = next(&it));) {
            k->pack_bf16(out, x, ALL);
            ref->pack_bf16(expected, x, ALL);
            assert_memory_equal(out, expected, ALL * 2);
            k->pack_f16(out, half, ALL);
            ref->pack_f16(expected, half, ALL);
            assert_memory_equal(out, expected, ALL * 2);
            k->pack_f16(out, x, ALL);
            ref->pack_f16(expected, x, ALL);
            assert_memory_equal(out, expected, ALL * 2);
        }
    }
    /* and ref by the definition: no other number is nearer */
    for (i = 0; i < 4 * ALL; i++) {
        float v = from_bits(to_bits(draw()) - (uint32_t)(i % 40 << 23));
        double error;
        uint16_t h;

        ref->pack_f16(&h, &v, 1);
        error = fabs(value_of(h, 5, 10) - (double)v);
        assert_true(error <= fabs(value_of(h + 1u, 5, 10) - (double)v));
        if (h & 0x7fff)
            assert_true(error <= fabs(value_of(h - 1u, 5, 10) - (double)v));
        ref->pack_bf16(&h, &v, 1);
        error = fabs(value_of(h, 8, 7) - (double)v);
        assert_true(error <= fabs(value_of(h + 1u, 8, 7) - (double)v));
        if (h & 0x7fff)
            assert_true(error <= fabs(value_of(h - 1u, 8, 7) - (double)v));
    }
    free(x);
    free(half);
    free(out);
    free(expected);
}

/* The nearest float16. */
static float half_of(float x)
{
    const struct tf_kernels *ref = tf_kernels_at("ref");
    uint16_t half;

    ref->pack_f16(&half, &x, 1);
    ref->unpack_f16(&x, &half, 1);
    return x;
}

static double exact(enum tf_act act, double x)
{
    switch (act) {
    case TF_ACT_GELU:
        return 0.5 * x * erfc(-x / sqrt(2));
    case TF_ACT_GELU_HALF:
        if (fabs(x) >= 10)
            return x < 0 ? 0 : x;
        return exact(TF_ACT_GELU_TANH, half_of((float)x));
    case TF_ACT_GELU_TANH:
        return 0.5 * x *
               (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case TF_ACT_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case TF_ACT_RELU:
        return x < 0 ? 0 : x;
    case TF_ACT_RELU2:
        return x < 0 ? 0 : x * x;
    case TF_ACT_SILU:
        return x / (1 + exp(-x));
    case TF_ACT_TANH:
        return tanh(x);
    case TF_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        return x;
    }
}

/* Numbers of every exponent, dense where the functions bend. */
static size_t numbers(float *x, size_t n)
{
    size_t i;

    for (i = 0; i < n / 2; i++)
        x[i] = 12 * ((float)i / (float)(n / 4) - 1);
    for (; i < n; i++)
        x[i] = from_bits((uint32_t)(i - n / 2) *
                         (uint32_t)(UINT32_MAX / (n - n / 2)));
    x[0] = -0.0f;
    x[1] = INFINITY;
    x[2] = -INFINITY;
    x[3] = NAN;
    x[4] = from_bits(1);
    return n;
}

static void computes_activations_to_a_millionth(void **state)
{
    enum { N = 200001 };
    float *x = malloc(N * 4), *y = malloc(N * 4);
    const struct tf_kernels *k;
    size_t i, it, n = numbers(x, N);
    int act;

    (void)state;
    for (it = 0; (k = next(&it));) {
        for (act = 0; act < TF_ACTS; act++) {
            double near = act == TF_ACT_GELU_HALF ? 0x1.1p-11 : 5e-7;

            k->act[act](y, x, n);
            for (i = 0; i < n; i++) {
                double e = exact((enum tf_act)act, x[i]);

                if (fabs(e) > 3e38)
                    e = e > 0 ? INFINITY : -INFINITY;
                if (isnan(e) || isinf(e)) {
                    /* 0 times infinity: a limit, or NaN as IEEE has it */
                    assert_true(isinf(x[i]) || isnan(x[i]) || isinf(y[i]) ||
                                fabsf(y[i]) > 3e38f);
                    assert_true(!isnan(x[i]) || isnan(y[i]));
                } else if (!(fabs(y[i] - e) <= near * fmax(1, fabs(e))) &&
                           !isinf(x[i])) {
                    fail_msg("%s: act %d of %.9g is %.9g, not %.9g", k->name,
                             act, x[i], y[i], e);
                }
            }
        }
    }
    free(x);
    free(y);
}

static void keeps_the_sign_of_zero_and_small_numbers(void **state)
{
    static const float x[4] = { -0.0f, 1e-30f, -1e-39f, 1e-4f };
    const struct tf_kernels *k;
    float y[4];
    size_t it, i;

    (void)state;
    for (it = 0; (k = next(&it));) {
        k->act[TF_ACT_TANH](y, x, 4);
        assert_true(signbit(y[0]) && y[0] == 0);
        for (i = 1; i < 4; i++)
            assert_true(fabsf(y[i] - tanhf(x[i])) <= fabsf(x[i]) * 2e-7f);
        k->act[TF_ACT_GELU](y, x, 4);
        assert_true(signbit(y[0]) && y[0] == 0);
    }
}

/* Softmax down to denormals, in pieces, masked, with NaN. */
static void sums_exponentials(void **state)
{
    enum { N = 30001 };
    float *x = malloc(N * 4), *y = malloc(N * 4), top, total;
    const struct tf_kernels *k;
    double sum;
    size_t i, it, n;

    (void)state;
    for (i = 0; i < N; i++)
        x[i] = -110 * (float)i / N;
    for (it = 0; (k = next(&it));) {
        top = -INFINITY;
        total = k->exp_sum(y, x, 1, &top, N);
        assert_true(top == 0);
        for (i = 0, sum = 0; i < N; i++) {
            double e = exp(x[i]);

            sum += e;
            if (!(fabs(y[i] - e) <= e * 2e-7 + 1.5e-45))
                fail_msg("%s: exp(%.9g) is %.9g, not %.9g", k->name, x[i], y[i],
                         e);
        }
        /* a chain of thousands loses its smallest terms */
        assert_true(fabs(total - sum) <= 4e-6 * sum);

        for (n = 1; n < 70; n++) {
            top = 0.5f;
            total = k->exp_sum(y, x, -2, &top, n);
            assert_true(top == fmaxf(0.5f, x[n - 1] * -2));
            for (i = 0, sum = 0; i < n; i++)
                sum += exp(x[i] * -2 - top);
            assert_true(fabs(total - sum) <= 1e-6 * sum);
        }
    }
    for (it = 0; (k = next(&it));) {
        for (i = 0; i < 37; i++)
            x[i] = -INFINITY;
        top = -INFINITY;
        assert_true(k->exp_sum(y, x, 1, &top, 37) == 0 && top == -INFINITY);
        for (i = 0; i < 37; i++)
            assert_true(y[i] == 0);
        assert_true(k->exp_sum(y, x, 1, &top, 0) == 0);
        x[3] = 2;
        assert_true(k->exp_sum(y, x, 1, &top, 37) == 1 && top == 2);
        assert_true(y[3] == 1 && y[4] == 0);
        x[35] = NAN;
        assert_true(isnan(k->exp_sum(y, x, 1, &top, 37)));
        assert_true(isnan(k->max(x, 37)));
        x[35] = 1;
        x[0] = NAN;
        assert_true(isnan(k->max(x, 37)));
        assert_true(k->max(x, 0) == -INFINITY && k->max(x + 1, 36) == 2);
    }
    free(x);
    free(y);
}

static void assert_close(const char *level, const float *found,
                         const float *expected, size_t n, float unit)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!(fabsf(found[i] - expected[i]) <= 1e-6f * unit))
            fail_msg("%s: [%zu] of %zu is %.9g, in ref %.9g", level, i, n,
                     found[i], expected[i]);
}

static void agrees_with_ref_at_every_length(void **state)
{
    enum { N = 150 };
    const struct tf_kernels *k, *ref = tf_kernels_at("ref");
    float a[N + 1], b[N + 1], w[N + 1], y[N + 1], e[N + 1];
    size_t n, it, i, off;

    (void)state;
    for (it = 0; (k = next(&it));) {
        for (n = 1; n < N; n++) {
            off = n % 2;
            for (i = 0; i < N + 1; i++) {
                a[i] = 3 + draw();
                b[i] = draw();
                w[i] = draw();
                y[i] = e[i] = 9;
            }
#define BOTH(name, ...)                                                        \
    do {                                                                       \
        float *out = y + off;                                                  \
                                                                               \
        k->name(out, __VA_ARGS__, n);                                          \
        out = e + off;                                                         \
        ref->name(out, __VA_ARGS__, n);                                        \
        assert_close(k->name == ref->name ? "ref" : #name, y, e, N + 1, 20);   \
    } while (0)
            BOTH(add, a + off, b);
            BOTH(mul, a, b + off);
            BOTH(axpy, 1.5f, b);
            BOTH(scale, 0.7f);
            BOTH(layer_norm, a, w, b, 1e-5f);
            BOTH(layer_norm, a + off, NULL, b, 1e-5f);
            BOTH(layer_norm, a, w, NULL, 1e-5f);
            BOTH(layer_norm, a, NULL, NULL, 1e-5f);
            BOTH(rms_norm, a, w, 1.0f, 1e-6f);
            BOTH(rms_norm, b, NULL, 0.0f, 1e-6f);
            y[0] = k->dot(a + off, b, n);
            e[0] = ref->dot(a + off, b, n);
            assert_close("dot", y, e, 1, 4 * sqrtf((float)n));
            assert_true(k->max(b + off, n) == ref->max(b + off, n));
            if (off)
                assert_true(y[n + 1 <= N ? n + 1 : N] == 9 || n + 1 > N);
        }
    }
}

static void transposes_every_shape(void **state)
{
    enum { LD = 60 };
    float src[40 * LD], dst[LD * LD];
    const struct tf_kernels *k;
    size_t rows, cols, i, j, it;

    (void)state;
    for (i = 0; i < 40 * LD; i++)
        src[i] = (float)i;
    for (it = 0; (k = next(&it));) {
        for (rows = 0; rows < 36; rows++) {
            for (cols = 0; cols < 50; cols++) {
                for (i = 0; i < LD * LD; i++)
                    dst[i] = -1;
                k->transpose(dst, LD, src, LD, rows, cols);
                for (j = 0; j < LD; j++)
                    for (i = 0; i < LD; i++)
                        assert_true(
                            dst[j * LD + i] ==
                            (i < rows && j < cols ? src[i * LD + j] : -1));
            }
        }
    }
}

static void reads_every_element_type(void **state)
{
    static const unsigned char e4m3[] = { 0x00, 0x80, 0x01, 0x08, 0x38,
                                          0xb8, 0x7e, 0xfe, 0x7f, 0xff };
    static const float of_e4m3[] = { 0,  -0.0f, 0x1p-9f, 0x1p-6f, 1,
                                     -1, 448,   -448,    NAN,     NAN };
    static const int64_t i64[] = { -5, (int64_t)1 << 60 };
    static const uint64_t u64[] = { UINT64_MAX };
    static const double f64[] = { 0.1, -1e300 };
    static const int8_t i8[] = { -128, 127 };
    static const unsigned char flags[] = { 0, 1, 255 };
    unsigned char all[256];
    enum tf_dtype type;
    float x[256];
    size_t i;
    int t;

    (void)state;
    tf_dtype_info(TF_F8_E4M3)->unpack(x, e4m3, 10);
    for (i = 0; i < 10; i++)
        assert_true(same(x[i], of_e4m3[i]));
    for (i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    tf_dtype_info(TF_F8_E5M2)->unpack(x, all, 256);
    for (i = 0; i < 256; i++)
        assert_true(same(x[i], value_of((unsigned)i, 5, 2)));
    tf_dtype_info(TF_I64)->unpack(x, i64, 2);
    assert_true(x[0] == -5 && x[1] == 0x1p60f);
    tf_dtype_info(TF_U64)->unpack(x, u64, 1);
    assert_true(x[0] == 0x1p64f);
    tf_dtype_info(TF_F64)->unpack(x, f64, 2);
    assert_true(x[0] == 0.1f && x[1] == -INFINITY);
    tf_dtype_info(TF_I8)->unpack(x, i8, 2);
    assert_true(x[0] == -128 && x[1] == 127);
    tf_dtype_info(TF_BOOL)->unpack(x, flags, 3);
    assert_true(x[0] == 0 && x[1] == 1 && x[2] == 1);
    for (t = 0; t < TF_DTYPES; t++) {
        const struct tf_dtype_info *info = tf_dtype_info((enum tf_dtype)t);

        assert_int_equal(tf_dtype_parse(&type, info->name), 0);
        assert_int_equal(type, t);
    }
    assert_int_equal(tf_dtype_parse(&type, "F33"), -1);
}

static void knows_its_levels(void **state)
{
    (void)state;
    assert_non_null(tf_kernels_at("ref"));
    assert_null(tf_kernels_at("abacus"));
    assert_string_equal(tf_kernels_at("ref")->name, "ref");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_levels),
        cmocka_unit_test(reads_every_element_type),
        cmocka_unit_test(reads_every_16_bit_number),
        cmocka_unit_test(rounds_to_the_nearest_16_bit_number),
        cmocka_unit_test(computes_activations_to_a_millionth),
        cmocka_unit_test(keeps_the_sign_of_zero_and_small_numbers),
        cmocka_unit_test(sums_exponentials),
        cmocka_unit_test(agrees_with_ref_at_every_length),
        cmocka_unit_test(transposes_every_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

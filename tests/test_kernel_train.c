/* The kernels for training at every level of this CPU, against ref. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "kernel/kernel.h"

static const char *const levels[] = { "ref", "avx2", "avx512", "neon" };

enum { LEVELS = sizeof(levels) / sizeof(levels[0]), N = 300 };

static const struct tf_kernels *ref;

/* Numbers in [-size, size), others for other keys. */
static void fill(float *p, size_t n, float size, uint64_t key)
{
    uint32_t word[4];
    size_t i;

    for (i = 0; i < n; i++) {
        tf_philox(key, 0, i, word);
        p[i] = size * (float)(2 * tf_uniform(word[0], word[1]) - 1);
    }
}

static void compare(const char *level, const char *what, const float *got,
                    const float *want, size_t n, float unit)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 1e-6f * unit))
            fail_msg("%s, %s: [%zu] of %zu is %.9g, in ref %.9g", level, what,
                     i, n, (double)got[i], (double)want[i]);
}

static void check_slopes(const struct tf_kernels *k)
{
    static float z[4000], dy[4000], got[4000], want[4000];
    size_t act, i;

    for (i = 0; i < 4000; i++) {
        z[i] = 20 * ((float)i / 2000 - 1);
        dy[i] = 1;
    }
    for (act = 0; act < TF_ACTS; act++) {
        float unit = act == TF_ACT_RELU2 ? 40 : 2;

        k->act_back[act](got, dy, z, 4000);
        ref->act_back[act](want, dy, z, 4000);
        compare(k->name, "act_back", got, want, 4000, unit);
        fill(dy, 4000, 1, 5);
        memcpy(got, dy, sizeof(got));
        k->act_back[act](got, got, z, 37);
        ref->act_back[act](want, dy, z, 37);
        compare(k->name, "act_back in place", got, want, 37, unit);
        for (i = 0; i < 4000; i++)
            dy[i] = 1;
    }
}

static void slopes_of_activations_agree(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < LEVELS; i++)
        if (tf_kernels_at(levels[i]))
            check_slopes(tf_kernels_at(levels[i]));
}

static void check_norm(const struct tf_kernels *k, struct tf_norm_back *norm,
                       size_t n)
{
    float x[N], dy[N], w[N], got[N], want[N], stats[2], right[2];
    size_t i;

    fill(x, n, 1, n);
    fill(dy, n, 1, n + 1000);
    fill(w, n, 1, n + 2000);
    fill(got, n, 1, n + 3000);
    for (i = 0; i < n; i++)
        x[i] += 2;
    memcpy(want, got, n * sizeof(*got));
    norm->w = norm->w_offset < 0 ? NULL : w;
    k->norm_back(norm, got, dy, x, stats, n);
    ref->norm_back(norm, want, dy, x, right, n);
    compare(k->name, "mean", &stats[0], &right[0], 1, 2);
    compare(k->name, "1 / deviation", &stats[1], &right[1], 1, right[1] * 5);
    compare(k->name, "norm_back", got, want, n, 5 * (1 + right[1] * right[1]));
    k->norm_back(norm, NULL, dy, x, stats, n);
    assert_true(fabsf(stats[0] - right[0]) <= 1e-5f);
}

static void norms_go_back_alike(void **state)
{
    static const float offsets[] = { -1, 0, 1 };
    struct tf_norm_back norm = { .eps = 0.01f };
    size_t i, o, n;
    int how;

    (void)state;
    for (i = 0; i < LEVELS; i++)
        for (o = 0; o < 3 && tf_kernels_at(levels[i]); o++)
            for (how = 0; how < 4; how++)
                for (n = 1; n < N; n += n < 40 ? 1 : 37) {
                    norm.w_offset = offsets[o];
                    norm.centred = how & 1;
                    norm.add = how & 2;
                    check_norm(tf_kernels_at(levels[i]), &norm, n);
                }
}

static void draws_are_the_same_everywhere(void **state)
{
    struct tf_draws d = { 0x123456789abcdef0, 0xfedcba9876543210,
                          0x00000007ffffff00, 20000, 1.5f };
    float x[N], whole[N], got[N];
    size_t i, first, n, dropped = 0;

    (void)state;
    fill(x, N, 1, 1);
    ref->dropout(&d, 0, whole, x, N);
    for (i = 0; i < N; i++) {
        assert_true(whole[i] == 0 || whole[i] == x[i] * 1.5f);
        dropped += whole[i] == 0;
    }
    assert_in_range(dropped, N * 20000 / 65536 - 30, N * 20000 / 65536 + 30);
    for (i = 0; i < LEVELS; i++)
        for (first = 0; first < 140 && tf_kernels_at(levels[i]); first += 7)
            for (n = 1; first + n < N; n += 23) {
                memcpy(got, x + first, n * sizeof(*got));
                tf_kernels_at(levels[i])->dropout(&d, first, got, got, n);
                assert_memory_equal(got, whole + first, n * sizeof(*got));
            }
}

static void check_adamw(const struct tf_kernels *k, size_t n, bool still)
{
    struct tf_adamw a = { 0.5f, 0.99f, 0.9f, 0.999f, 0.01f, 3, 1e-6f };
    float w[N], g[N], m[N], v[N], right_w[N], right_g[N], right_m[N];
    float right_v[N];
    size_t i;

    fill(w, n, 1, 1);
    fill(g, n, 1, 2);
    fill(m, n, still ? 1e-36f : 0.1f, 3);
    fill(v, n, still ? 1e-36f : 0.1f, 4);
    for (i = 0; i < n; i++)
        v[i] = fabsf(v[i]);
    memcpy(right_w, w, sizeof(w));
    memcpy(right_g, g, sizeof(g));
    memcpy(right_m, m, sizeof(m));
    memcpy(right_v, v, sizeof(v));
    assert_int_equal(k->adamw(&a, w, still ? NULL : g, m, v, n), !still);
    assert_int_equal(
        ref->adamw(&a, right_w, still ? NULL : right_g, right_m, right_v, n),
        !still);
    compare(k->name, "weights", w, right_w, n, 1);
    compare(k->name, "means", m, right_m, n, 1);
    compare(k->name, "squares", v, right_v, n, 1);
    for (i = 0; i < n; i++)
        assert_true(still ? m[i] == 0 && v[i] == 0 : g[i] == 0);
}

static void adamw_steps_alike(void **state)
{
    size_t i, n;

    (void)state;
    for (i = 0; i < LEVELS; i++)
        for (n = 1; n < N && tf_kernels_at(levels[i]); n += n < 40 ? 1 : 37) {
            check_adamw(tf_kernels_at(levels[i]), n, false);
            check_adamw(tf_kernels_at(levels[i]), n, true);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slopes_of_activations_agree),
        cmocka_unit_test(norms_go_back_alike),
        cmocka_unit_test(draws_are_the_same_everywhere),
        cmocka_unit_test(adamw_steps_alike),
    };

    ref = tf_kernels_at("ref");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Learning rates against Transformers' (scripts/make-golden-schedules). Both
 * compute in double, so they agree but for the last digits of cos(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "format/weights.h"
#include "train/schedule.h"

static struct tf_weights *golden;

struct option {
    const char *key, *value;
};

static const struct schedule_case {
    const char *golden, *type;
    int64_t warmup, total;
    struct option options[8];
} cases[] = {
    { "linear", "linear", 3, 11, { { 0 } } },
    { "linear.all_warmup", "linear", 5, 5, { { 0 } } },
    { "cosine", "cosine", 2, 12, { { "num_cycles", "1.3" } } },
    { "restarts", "cosine_with_restarts", 2, 15, { { "num_cycles", "3" } } },
    { "restart", "cosine_with_restarts", 0, 9, { { 0 } } },
    { "polynomial",
      "polynomial",
      2,
      9,
      { { "lr_end", "1e-5" }, { "power", "2" } } },
    { "constant", "constant", 4, 9, { { 0 } } },
    { "constant_with_warmup", "constant_with_warmup", 4, 9, { { 0 } } },
    { "inverse_sqrt", "inverse_sqrt", 4, 9, { { 0 } } },
    { "inverse_sqrt.timescale",
      "inverse_sqrt",
      0,
      9,
      { { "timescale", "7" } } },
    { "min_lr", "cosine_with_min_lr", 3, 12, { { "min_lr", "2e-5" } } },
    { "warmup_min_lr",
      "cosine_warmup_with_min_lr",
      3,
      12,
      { { "min_lr_rate", "0.1" } } },
    { "warmup_min_lr.from",
      "cosine_warmup_with_min_lr",
      3,
      12,
      { { "min_lr_rate", "0.1" }, { "warmup_lr_rate", "0.2" } } },
    { "wsd", "warmup_stable_decay", 3, 14, { { "num_decay_steps", "5" } } },
    { "wsd.sqrt",
      "warmup_stable_decay",
      3,
      14,
      { { "num_decay_steps", "5" },
        { "num_stable_steps", "4" },
        { "warmup_type", "1-sqrt" },
        { "decay_type", "1-sqrt" },
        { "min_lr_ratio", "0.1" } } },
    { "wsd.mixed",
      "warmup_stable_decay",
      4,
      14,
      { { "num_decay_steps", "6" },
        { "warmup_type", "cosine" },
        { "decay_type", "linear" } } },
    { "plateau",
      "reduce_lr_on_plateau",
      0,
      0,
      { { "factor", "0.5" }, { "patience", "2" }, { "cooldown", "1" } } },
    { "plateau.max",
      "reduce_lr_on_plateau",
      0,
      0,
      { { "mode", "max" },
        { "threshold_mode", "abs" },
        { "threshold", "0.05" },
        { "patience", "1" },
        { "min_lr", "5e-5" } } },
    { "greedy",
      "greedy",
      0,
      0,
      { { "patience", "1" },
        { "min_lr", "1e-4" },
        { "max_lr", "4e-4" },
        { "factor", "0.8" },
        { "reset_start", "3" },
        { "warmup", "1" } } },
    { "greedy.smooth",
      "greedy",
      0,
      0,
      { { "patience", "1" },
        { "min_lr", "1e-5" },
        { "smooth", "true" },
        { "window_size", "4" },
        { "mode", "max" },
        { "threshold_mode", "rel" },
        { "cooldown", "1" } } },
};

static double number(const struct tf_tensor *t, size_t i)
{
    double v;

    memcpy(&v, (const char *)t->data + i * sizeof(v), sizeof(v));
    return v;
}

static void check_case(const struct schedule_case *c)
{
    const struct tf_tensor *want = tf_weights_find(golden, c->golden);
    const struct tf_tensor *metric = tf_weights_find(golden, "metric");
    struct tf_schedule s;
    struct tf_err err;
    size_t i;

    assert_int_equal(
        tf_schedule_init(&s, c->type, 3e-4, c->warmup, c->total, &err), 0);
    for (i = 0; c->options[i].key; i++)
        assert_int_equal(tf_schedule_option(&s, c->options[i].key,
                                            c->options[i].value, &err),
                         0);
    assert_int_equal(tf_schedule_check(&s, &err), 0);
    assert_non_null(want);
    for (i = 0; i < tf_tensor_count(want); i++) {
        double got = tf_schedule_rate(&s, (int64_t)i);

        if (!(fabs(got - number(want, i)) <= 1e-14 * 3e-4 * 10))
            fail_msg("%s, step %zu: %.17g, not %.17g", c->golden, i, got,
                     number(want, i));
        tf_schedule_metric(&s, number(metric, i));
    }
}

static void rates_are_those_of_transformers(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_case(&cases[i]);
}

static void wrong_options_are_named(void **state)
{
    static const struct {
        const char *type, *key, *value, *message;
    } bad[] = {
        { "liner", NULL, NULL, "\"liner\" is unknown" },
        { "linear", "power", "2", "linear does not take \"power\"" },
        { "polynomial", "power", "2x", "power is \"2x\", not a number" },
        { "polynomial", "lr_end", "1", "lr_end is 1, not below" },
        { "warmup_stable_decay", "warmup_type", "sqrt",
          "not one of linear, cosine, 1-sqrt" },
        { "warmup_stable_decay", "num_cycles", "1", "needs num_decay_steps" },
        { "cosine_with_min_lr", "num_cycles", "1", "needs min_lr" },
        { "greedy", "factor", "1", "factor is 1, not below 1" },
    };
    struct tf_schedule s;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!tf_schedule_init(&s, bad[i].type, 0.1, 0, 10, &err) &&
            !tf_schedule_option(&s, bad[i].key, bad[i].value, &err))
            assert_int_equal(tf_schedule_check(&s, &err), -1);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("\"%s\" says not \"%s\"", err.msg, bad[i].message);
    }
}

static void warmup_is_steps_or_a_part(void **state)
{
    (void)state;
    assert_int_equal(tf_warmup_steps(50, 1000), 50);
    assert_int_equal(tf_warmup_steps(0.1, 101), 11);
    assert_int_equal(tf_warmup_steps(0, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_those_of_transformers),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(warmup_is_steps_or_a_part),
    };
    struct tf_err err;
    int failed;

    golden = tf_weights_open("tests/golden/schedules.safetensors", &err);
    if (!golden) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tf_weights_close(golden);
    return failed;
}

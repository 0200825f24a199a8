#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "task/logits.h"

#define MOST 64 /* ids or scores in the golden file's lists */

static size_t ids_of(const json_t *list, int32_t *out)
{
    size_t i;

    assert_true(json_array_size(list) <= MOST);
    for (i = 0; i < json_array_size(list); i++)
        out[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return i;
}

static void run_case(const json_t *c, size_t number)
{
    char *options = json_dumps(json_object_get(c, "options"), 0);
    const json_t *scores = json_object_get(c, "scores");
    const json_t *want = json_object_get(c, "want");
    struct tf_candidate scratch[MOST];
    int32_t ids[MOST], encoder[MOST];
    struct tf_logits_context lc = { 0 };
    struct tf_generation g;
    struct tf_err err;
    float s[MOST];
    size_t i, v = json_array_size(scores);

    tf_generation_init(&g);
    if (tf_generation_read(&g, options, strlen(options), &err))
        fail_msg("%s", err.msg);
    lc.generation = &g;
    lc.ids = ids;
    lc.n = ids_of(json_object_get(c, "ids"), ids);
    lc.encoder_ids = encoder;
    lc.encoder_n = ids_of(json_object_get(c, "encoder_ids"), encoder);
    lc.prompt_length =
        (size_t)json_integer_value(json_object_get(c, "prompt_length"));
    lc.max_length = (size_t)g.max_length;
    assert_true(v <= MOST);
    for (i = 0; i < v; i++)
        s[i] = (float)json_number_value(json_array_get(scores, i));
    tf_logits_process(&lc, s, v, scratch);
    if (g.do_sample)
        tf_logits_warp(&g, g.num_beams > 1 ? g.eos.n + 1 : 1, s, v, scratch);
    for (i = 0; i < v; i++) {
        const json_t *w = json_array_get(want, i);
        double expected = json_number_value(w);

        if (json_is_null(w) ? s[i] != -INFINITY
                            : !(fabs((double)s[i] - expected) <=
                                1e-5 * fmax(1, fabs(expected))))
            fail_msg("case %zu %s: token %zu is %g, expected %g", number,
                     options, i, (double)s[i],
                     json_is_null(w) ? -(double)INFINITY : expected);
    }
    free(options);
    tf_generation_release(&g);
}

static void processes_as_transformers(void **state)
{
    json_t *cases = json_load_file("tests/golden/logits.json", 0, NULL), *c;
    size_t i;

    (void)state;
    assert_non_null(cases);
    json_array_foreach (cases, i, c)
        run_case(c, i);
    json_decref(cases);
}

static void guides_by_the_difference_of_log_probabilities(void **state)
{
    float s[2] = { 1, 0 }, u[2] = { 0, 1 };
    double p = log(1 / (1 + exp(-1))), q = log(1 / (1 + exp(1)));

    (void)state;
    tf_logits_guide(1.5, s, u, 2);
    assert_true(fabs((double)s[0] - (1.5 * (p - q) + q)) < 1e-6);
    assert_true(fabs((double)s[1] - (1.5 * (q - p) + p)) < 1e-6);
}

/* Frequencies of 100,000 draws against the filtered distribution: chi-square
 * stays below the 99.9% point of 7 degrees of freedom. The seed is fixed, so
 * this fails always or never. */
static void draws_from_the_distribution_it_is_given(void **state)
{
    const float logits[10] = { 0.5f, 1, -1, 2, 0, -3, 1.5f, 0.2f, -0.7f, -9 };
    enum { DRAWS = 100000 };
    struct tf_candidate scratch[10];
    struct tf_generation g;
    size_t i, seen[10] = { 0 };
    double sum = 0, chi = 0;
    uint32_t r[4];
    float s[10];

    (void)state;
    tf_generation_init(&g);
    g.top_k = 8;
    memcpy(s, logits, sizeof(s));
    tf_logits_warp(&g, 1, s, 10, scratch);
    for (i = 0; i < DRAWS; i++) {
        tf_philox(42, 0, i, r);
        seen[tf_draw(s, 10, tf_uniform(r[0], r[1]))]++;
    }
    for (i = 0; i < 10; i++)
        sum += exp((double)s[i]);
    for (i = 0; i < 10; i++) {
        double e = DRAWS * exp((double)s[i]) / sum;

        if (s[i] == -INFINITY)
            assert_int_equal(seen[i], 0);
        else
            chi += ((double)seen[i] - e) * ((double)seen[i] - e) / e;
    }
    assert_true(chi < 24.32);
    tf_generation_release(&g);
}

static void names_what_a_config_has_wrong(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        { "{\"temperature\": 0}", "temperature is 0; it must be > 0" },
        { "{\"top_p\": 1.5}", "top_p is 1.5" },
        { "{\"num_beams\": \"four\"}", "num_beams: " },
        { "{\"num_beams\": 0}", "num_beams is 0" },
        { "{\"early_stopping\": \"soon\"}", "neither true" },
        { "{\"bad_words_ids\": [3]}", "not a list of token ids" },
        { "{\"bad_words_ids\": [[]]}", "an empty sequence" },
        { "{\"eos_token_id\": 1e99}", "eos_token_id: " },
        { "{\"sequence_bias\": [[[1]]]}", "pair of ids and bias" },
        { "{\"num_return_sequences\": 3}", "num_return_sequences is 3" },
        { "{\"top_k\": 5", "byte" },
        { "[]", "byte" },
    };
    struct tf_generation g;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tf_generation_init(&g);
        assert_int_equal(
            tf_generation_read(&g, cases[i].json, strlen(cases[i].json), &err),
            -1);
        if (!strstr(err.msg, cases[i].why))
            fail_msg("%s: %s", cases[i].json, err.msg);
        tf_generation_release(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_as_transformers),
        cmocka_unit_test(guides_by_the_difference_of_log_probabilities),
        cmocka_unit_test(draws_from_the_distribution_it_is_given),
        cmocka_unit_test(names_what_a_config_has_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

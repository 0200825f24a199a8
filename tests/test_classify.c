#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>
#include "task/classify.h"
#include "task/input.h"
#include "task/zeroshot.h"

static void scores_are_what_the_function_says(void **state)
{
    float logits[3] = { 1, 2, -3 }, scores[3];

    (void)state;
    tf_scores(TF_FUNCTION_NONE, logits, scores, 3);
    assert_memory_equal(scores, logits, sizeof(logits));
    tf_scores(TF_FUNCTION_SIGMOID, logits, scores, 3);
    assert_true(fabsf(scores[1] - 0.880797f) < 1e-6f);
    tf_scores(TF_FUNCTION_SOFTMAX, logits, scores, 3);
    assert_true(fabsf(scores[0] + scores[1] + scores[2] - 1) < 1e-6f);
    assert_true(fabsf(scores[0] / scores[1] - expf(-1)) < 1e-6f);
    logits[0] = 1000; /* no overflow */
    tf_scores(TF_FUNCTION_SOFTMAX, logits, scores, 3);
    assert_true(scores[0] == 1 && scores[1] == 0);
    logits[0] = -1000;
    tf_scores(TF_FUNCTION_SIGMOID, logits, scores, 1);
    assert_true(scores[0] == 0);
}

static void the_configuration_chooses_the_function(void **state)
{
    struct tf_config c = { .label_count = 2 };

    (void)state;
    assert_int_equal(tf_function_auto(&c), TF_FUNCTION_SOFTMAX);
    c.label_count = 1;
    assert_int_equal(tf_function_auto(&c), TF_FUNCTION_SIGMOID);
    c.problem = TF_REGRESSION;
    assert_int_equal(tf_function_auto(&c), TF_FUNCTION_NONE);
    c.label_count = 5;
    c.problem = TF_MULTI_LABEL;
    assert_int_equal(tf_function_auto(&c), TF_FUNCTION_SIGMOID);
}

static void ranks_by_score_and_keeps_ties_in_order(void **state)
{
    float scores[40];
    size_t order[40];

    (void)state;
    for (size_t i = 0; i < 40; i++)
        scores[i] = (float)(i * 7 % 5);
    scores[11] = NAN;
    for (int last_first = 0; last_first < 2; last_first++) {
        tf_rank(scores, 40, last_first, order);
        assert_int_equal(order[39], 11);
        for (size_t i = 1; i < 39; i++) {
            float a = scores[order[i - 1]], b = scores[order[i]];

            assert_true(a > b ||
                        (a == b && (order[i - 1] < order[i]) == !last_first));
        }
    }
}

static void makes_hypotheses_of_labels(void **state)
{
    static const char *const cases[][2] = {
        { "This example is {}.", "This example is a b." },
        { "{0} {}", "a b a b" },
        { "{{}} {}", "{} a b" },
    };
    static const char *const bad[] = { "none", "{", "}", "{x}", "{{}}", "" };
    struct tf_candidates c;
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            tf_candidates_make(&c, ",, x,a b\t, ", cases[i][0], &err), 0);
        assert_int_equal(c.count, 2);
        assert_true(tf_str_is(c.labels[1], "a b"));
        assert_string_equal(tf_buf_cstr(&c.hypotheses[1]), cases[i][1]);
        tf_candidates_release(&c);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tf_candidates_make(&c, "a", bad[i], &err), -1);
        tf_candidates_release(&c);
    }
    assert_int_equal(tf_candidates_make(&c, " , ", "{}", &err), -1);
    tf_candidates_release(&c);
}

static void finds_the_label_that_entails(void **state)
{
    static char a[] = "neutral", b[] = "Entailment", c[] = "other";
    char *labels[] = { a, b, c };
    struct tf_config config = { .label_count = 3, .labels = labels };
    bool found;

    (void)state;
    config.json = json_object();
    assert_int_equal(tf_entailment(&config, &found), 1);
    assert_true(found);
    json_object_set_new(config.json, "label2id",
                        json_pack("{s:i,s:i}", "x", 0, "ENTAILS", 2));
    assert_int_equal(tf_entailment(&config, &found), 2);
    assert_true(found);
    json_object_set_new(config.json, "label2id", json_pack("{s:i}", "x", 0));
    assert_int_equal(tf_entailment(&config, &found), 2);
    assert_false(found);
    json_decref(config.json);
}

static void scores_hypotheses_together_or_each_alone(void **state)
{
    float logits[6] = { 0, 9, 1, 1, 9, 3 }, scores[2];

    (void)state;
    tf_zero_shot_scores(logits, 2, 3, 2, false, scores);
    assert_true(fabsf(scores[0] - 1 / (1 + expf(2))) < 1e-6f);
    tf_zero_shot_scores(logits, 2, 3, 2, true, scores);
    assert_true(fabsf(scores[0] - 1 / (1 + expf(-1))) < 1e-6f);
    assert_true(fabsf(scores[1] - 1 / (1 + expf(-2))) < 1e-6f);
    /* entailment first: contradiction is the last */
    tf_zero_shot_scores(logits, 2, 3, 0, true, scores);
    assert_true(fabsf(scores[1] - 1 / (1 + expf(2))) < 1e-6f);
}

static int read_line(struct tf_input *in, const char *line, struct tf_err *err)
{
    struct tf_record rec = { 0 };
    int got;

    assert_int_equal(tf_record_parse(&rec, line, strlen(line), err), 0);
    got = tf_input_read(in, &rec, err);
    tf_record_release(&rec);
    return got;
}

static void reads_ids_and_drops_what_is_masked(void **state)
{
    struct tf_input in = { 0 };
    struct tf_joined j = { 0 };
    struct tf_err err;

    (void)state;
    assert_int_equal(read_line(&in, "{\"text\": \"a\"}", &err), 0);
    assert_int_equal(read_line(&in, "{\"input_ids\": null}", &err), 0);
    assert_int_equal(read_line(&in,
                               "{\"input_ids\": [5, 6, 7, 0],"
                               " \"attention_mask\": [1, 0, 1, 0],"
                               " \"token_type_ids\": [0, 1, 1, 0]}",
                               &err),
                     1);
    assert_int_equal(in.n, 2);
    assert_int_equal(in.ids[1], 7);
    assert_int_equal(in.type_ids[1], 1);
    tf_join_reset(&j);
    assert_int_equal(tf_join_add(&j, &in, &err), 0);
    assert_int_equal(read_line(&in, "{\"input_ids\": [9]}", &err), 1);
    assert_int_equal(tf_join_add(&j, &in, &err), 0);
    assert_int_equal(j.batch.seqs.count, 2);
    assert_int_equal(j.batch.seqs.start[2], 3);
    assert_int_equal(j.batch.ids[2], 9);
    assert_int_equal(j.batch.type_ids[2], 0);
    tf_join_release(&j);
    tf_input_release(&in);
}

static void says_which_member_is_bad(void **state)
{
    static const char *const cases[][2] = {
        { "{\"input_ids\": 5}", "bad_field" },
        { "{\"input_ids\": [1.5]}", "bad_field" },
        { "{\"input_ids\": [\"1\"]}", "bad_field" },
        { "{\"input_ids\": [99999999999999999999]}", "bad_field" },
        { "{\"input_ids\": [-1]}", "bad_ids" },
        { "{\"input_ids\": [4294967296]}", "bad_ids" },
        { "{\"input_ids\": [1], \"token_type_ids\": [256]}", "bad_ids" },
        { "{\"input_ids\": [1], \"token_type_ids\": [0, 0]}", "bad_field" },
        { "{\"input_ids\": [1, 2], \"attention_mask\": [1]}", "bad_field" },
        { "{\"input_ids\": [1], \"attention_mask\": {}}", "bad_field" },
    };
    struct tf_input in = { 0 };
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_line(&in, cases[i][0], &err), -1);
        assert_string_equal(err.code, cases[i][1]);
    }
    tf_input_release(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_what_the_function_says),
        cmocka_unit_test(the_configuration_chooses_the_function),
        cmocka_unit_test(ranks_by_score_and_keeps_ties_in_order),
        cmocka_unit_test(makes_hypotheses_of_labels),
        cmocka_unit_test(finds_the_label_that_entails),
        cmocka_unit_test(scores_hypotheses_together_or_each_alone),
        cmocka_unit_test(reads_ids_and_drops_what_is_masked),
        cmocka_unit_test(says_which_member_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

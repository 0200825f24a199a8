#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "task/input.h"
#include "task/tag.h"

static char names[][8] = { "O", "B-PER", "I-PER", "B-A-B", "I-A-B", "X" };
static char *labels[] = { names[0], names[1], names[2],
                          names[3], names[4], names[5] };
static struct tf_config config = { .label_count = 6, .labels = labels };
static struct tf_tokenizer *tokenizer;
static struct tf_tagging tagging;

static int open_tokenizer(void **state)
{
    struct tf_err err;

    (void)state;
    tokenizer = tf_tokenizer_open("tests/golden/pipelines/tag-bert", &err);
    return tokenizer ? 0 : -1;
}

static int close_tokenizer(void **state)
{
    (void)state;
    tf_tag_release(&tagging);
    tf_tokenizer_close(tokenizer);
    return 0;
}

/* A window of one-letter words "a a a ...", the labels of which are given. */
static void add_words(const int *label, size_t n, size_t first, float logit)
{
    int32_t ids[8];
    uint8_t special[8] = { 0 };
    uint32_t offsets[8][2];
    float logits[8][6] = { { 0 } };
    struct tf_window w = {
        .n = n, .ids = ids, .special = special, .offsets = offsets
    };
    struct tf_err err;

    for (size_t i = 0; i < n; i++) {
        ids[i] = tf_tokenizer_id(tokenizer, "a", 1);
        offsets[i][0] = (uint32_t)(2 * (first + i));
        offsets[i][1] = offsets[i][0] + 1;
        logits[i][label[i]] = logit;
    }
    assert_int_equal(tf_tag_add(&tagging, &w, &logits[0][0], &err), 0);
}

static void begin(enum tf_aggregation aggregation)
{
    static struct tf_str o = { "O", 1 };
    struct tf_tag_opts opts = { aggregation, &config, tokenizer, &o, 1 };
    struct tf_tag_text text = { { "a a a a a a a a", 15 }, NULL };
    struct tf_err err;

    assert_int_equal(tf_tag_begin(&tagging, &opts, &text, &err), 0);
}

static void expect(const char *const *wanted, size_t n)
{
    assert_int_equal(tagging.count, n);
    for (size_t i = 0; i < n; i++) {
        const struct tf_tagged *e = &tagging.found[i];
        char found[64];

        snprintf(found, sizeof(found), "%.*s %zu %zu", (int)e->label.len,
                 e->label.s, e->start, e->end);
        assert_string_equal(found, wanted[i]);
    }
}

static void neighbours_of_a_tag_are_one_until_it_begins_anew(void **state)
{
    static const int label[] = { 1, 2, 1, 4, 3, 5, 5, 0 };
    static const char *const wanted[] = { "PER 0 3", "PER 4 5", "A-B 6 7",
                                          "A-B 8 9", "X 10 13" };
    struct tf_err err;

    (void)state;
    begin(TF_AGGREGATE_SIMPLE);
    add_words(label, 8, 0, 9);
    assert_int_equal(tf_tag_finish(&tagging, &err), 0);
    expect(wanted, 5);
    assert_true(tf_str_is(tagging.found[0].word, "a a"));
}

static void tokens_alone_keep_their_labels(void **state)
{
    static const int label[] = { 1, 2, 0, 4 };
    static const char *const wanted[] = { "B-PER 0 1", "I-PER 2 3",
                                          "I-A-B 6 7" };
    struct tf_err err;

    (void)state;
    begin(TF_AGGREGATE_NONE);
    add_words(label, 4, 0, 9);
    assert_int_equal(tf_tag_finish(&tagging, &err), 0);
    expect(wanted, 3);
    assert_int_equal(tagging.found[2].index, 3);
    assert_true(fabs((double)tagging.found[0].score - exp(9) / (exp(9) + 5)) <
                1e-6);
}

static void of_windows_that_overlap_the_longer_entity_stays(void **state)
{
    static const int first[] = { 0, 1, 2, 5, 3 };
    static const int second[] = { 2, 5, 5, 0 }; /* from the third word on */
    static const char *const wanted[] = { "PER 2 5", "X 6 9" };
    struct tf_err err;

    (void)state;
    begin(TF_AGGREGATE_SIMPLE);
    add_words(first, 5, 0, 5);
    add_words(second, 4, 2, 9);
    assert_int_equal(tf_tag_finish(&tagging, &err), 0);
    expect(wanted, 2);
}

static void reads_the_offsets_that_a_record_carries(void **state)
{
    static const struct {
        const char *line;
        int result;
    } cases[] = {
        { "{\"input_ids\": [5, 6, 0], \"attention_mask\": [1, 1, 0], "
          "\"offsets\": [[0, 1], [2, 4], [0, 0]]}",
          1 },
        { "{\"input_ids\": [5, 6]}", 0 },
        { "{\"input_ids\": [5, 6], \"offsets\": [[0, 1]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[0, 1], [2, 3]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[2, 1]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[1, 2, 3]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[1]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[-1, 5]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": [[0, 4294967296]]}", -1 },
        { "{\"input_ids\": [5], \"offsets\": 7}", -1 },
    };
    struct tf_record rec = { 0 };
    struct tf_input in = { 0 };
    uint32_t(*offsets)[2] = NULL;
    struct tf_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            tf_record_parse(&rec, cases[i].line, strlen(cases[i].line), &err),
            0);
        assert_int_equal(tf_input_read(&in, &rec, &err), 1);
        assert_int_equal(tf_input_offsets(&in, &rec, &offsets, &err),
                         cases[i].result);
        if (cases[i].result > 0)
            assert_int_equal(offsets[1][1], 4);
        else if (cases[i].result < 0)
            assert_string_equal(err.code, "bad_field");
    }
    free(offsets);
    tf_input_release(&in);
    tf_record_release(&rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_of_a_tag_are_one_until_it_begins_anew),
        cmocka_unit_test(tokens_alone_keep_their_labels),
        cmocka_unit_test(of_windows_that_overlap_the_longer_entity_stays),
        cmocka_unit_test(reads_the_offsets_that_a_record_carries),
    };

    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include "task/qa.h"

/* [CLS] q [SEP] Na ples [SEP], where "Na" and "ples" are one word of the
 * context, then "é" and "NAPLES"; offsets in code points of the text below. */
static const char context[] = "Naples é NAPLES";
static int32_t ids[] = { 2, 9, 3, 10, 11, 12, 13, 3 };
static uint8_t sequence[] = { 2, 0, 2, 1, 1, 1, 1, 2 };
static uint32_t offsets[][2] = { { 0, 0 }, { 0, 1 }, { 0, 0 },  { 0, 2 },
                                 { 2, 6 }, { 7, 8 }, { 9, 15 }, { 0, 0 } };
static int32_t words[] = { -1, 0, -1, 0, 0, 1, 2, -1 };
static const struct tf_window window = {
    .n = 8,
    .ids = ids,
    .sequence = sequence,
    .offsets = offsets,
    .words = words,
};

static struct tf_qa qa;

/* Logits that put most on tokens 3, 6 and the CLS token. */
static void ask(const struct tf_qa_opts *opts)
{
    float logits[8][2] = { { 1, 1 } };
    struct tf_err err;

    logits[3][0] = 3;
    logits[3][1] = logits[4][1] = 2;
    logits[6][0] = logits[6][1] = 2.4f;
    logits[1][0] = logits[1][1] = 90; /* the question never answers */
    assert_int_equal(
        tf_qa_begin(&qa, opts, (struct tf_str){ context, sizeof(context) - 1 },
                    &err),
        0);
    assert_int_equal(tf_qa_add(&qa, &window, &logits[0][0], &err), 0);
    assert_int_equal(tf_qa_finish(&qa, &err), 0);
}

static void answers_are_whole_words_and_equal_ones_add_up(void **state)
{
    struct tf_qa_opts opts = { 9, 2, false, true, 2, 1 };
    double s, e;

    (void)state;
    ask(&opts);
    assert_true(tf_str_is(qa.answers[0].text, "Naples"));
    assert_int_equal(qa.answers[0].start, 0);
    assert_int_equal(qa.answers[0].end, 6);
    /* spans of at most two tokens: Na, Na+ples, ples; and NAPLES, which is
     * equal but for case. Sums over the CLS token and the context. */
    s = exp(1) + exp(3) + 2 + exp(2.4);
    e = exp(1) + 2 * exp(2) + 1 + exp(2.4);
    assert_true(fabs(qa.answers[0].score -
                     (2 * exp(5) + exp(2) + exp(4.8)) / (s * e)) < 1e-6);
}

static void answers_may_begin_inside_words(void **state)
{
    struct tf_qa_opts opts = { 20, 1, false, false, 2, 1 };

    (void)state;
    ask(&opts);
    assert_int_equal(qa.count, 4);
    assert_true(tf_str_is(qa.answers[0].text, "Na"));
    assert_true(tf_str_is(qa.answers[1].text, "NAPLES"));
    assert_true(tf_str_is(qa.answers[2].text, "ples"));
    assert_true(tf_str_is(qa.answers[3].text, "é"));
}

static void no_answer_is_one_when_asked(void **state)
{
    struct tf_qa_opts opts = { 20, 1, true, false, 2, 1 };
    size_t i;

    (void)state;
    ask(&opts);
    assert_int_equal(qa.count, 5);
    for (i = 0; i < 5 && qa.answers[i].text.len; i++)
        ;
    assert_int_not_equal(i, 5);
    assert_int_equal(qa.answers[i].end, 0);
    assert_true(qa.answers[i].score > 0);
    opts.top_k = 1;
    ask(&opts);
    assert_int_equal(qa.count, 1);
}

static void all_tokens_answer_where_the_context_comes_first(void **state)
{
    struct tf_qa_opts opts = { 1, 1, false, false, 2, 0 };

    (void)state;
    ask(&opts); /* as the pipeline: the question's offsets in the context */
    assert_true(tf_str_is(qa.answers[0].text, "N"));
    assert_true(qa.answers[0].score > 0.99);
}

static void a_context_without_tokens_has_the_empty_answer(void **state)
{
    struct tf_qa_opts opts = { 3, 15, false, true, 2, 1 };
    struct tf_window bare = window;
    float logits[6] = { 0 };
    struct tf_err err;

    (void)state;
    bare.n = 3;
    assert_int_equal(tf_qa_begin(&qa, &opts, (struct tf_str){ " ", 1 }, &err),
                     0);
    assert_int_equal(tf_qa_add(&qa, &bare, logits, &err), 0);
    assert_int_equal(tf_qa_finish(&qa, &err), 0);
    assert_int_equal(qa.count, 1);
    assert_int_equal(qa.answers[0].text.len, 0);
    assert_true(qa.answers[0].score == 0);
}

static void code_points_are_found_in_long_texts(void **state)
{
    struct tf_points p = { 0 };
    struct tf_buf text = TF_BUF_INIT;
    struct tf_str s;
    struct tf_err err;

    (void)state;
    for (int i = 0; i < 1000; i++)
        tf_buf_adds(&text, i % 3 ? "x" : "😀");
    s = (struct tf_str){ text.data, text.len };
    assert_int_equal(tf_points_read(&p, s, &err), 0);
    assert_int_equal(p.count, 1000);
    for (size_t i = 0; i <= 1000; i++)
        assert_int_equal(tf_points_byte(&p, i), i + 3 * ((i + 2) / 3));
    assert_true(tf_str_is(tf_points_slice(&p, 2, 5), "x😀x"));
    assert_int_equal(tf_points_slice(&p, 5, 2).len, 0);
    assert_int_equal(tf_points_slice(&p, 999, 5000).len, 4);
    tf_points_release(&p);
    tf_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_whole_words_and_equal_ones_add_up),
        cmocka_unit_test(answers_may_begin_inside_words),
        cmocka_unit_test(no_answer_is_one_when_asked),
        cmocka_unit_test(all_tokens_answer_where_the_context_comes_first),
        cmocka_unit_test(a_context_without_tokens_has_the_empty_answer),
        cmocka_unit_test(code_points_are_found_in_long_texts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    tf_qa_release(&qa);
    return failed;
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/jsonl.h"

static void reads_what_it_is_asked_for(void **state)
{
    static const char text[] =
        " { \"a\" : [1, -2.5e3, true , null, \"x\\n\\u00e9\\ud83d\\ude00\"],"
        "\"\\u0062\":{}, \"c\":[] , \"big\":{\"deep\":[[1],{\"k\":0}]}}\n";
    struct tf_str key, s;
    struct tf_json j;
    struct tf_err err;
    int64_t i;
    double d;
    bool b;

    (void)state;
    tf_json_init(&j, text, strlen(text));
    assert_true(tf_json_object(&j));
    assert_true(tf_json_key(&j, &key) && tf_str_is(key, "a"));
    assert_true(tf_json_array(&j));
    assert_true(tf_json_item(&j) && tf_json_int(&j, &i));
    assert_int_equal(i, 1);
    assert_true(tf_json_item(&j) && tf_json_double(&j, &d));
    assert_true(d == -2500);
    assert_true(tf_json_item(&j) && tf_json_bool(&j, &b) && b);
    assert_true(tf_json_item(&j) && tf_json_null(&j));
    assert_true(tf_json_item(&j) && !tf_json_null(&j));
    assert_int_equal(tf_json_peek(&j), TF_JSON_STRING);
    assert_true(tf_json_string(&j, &s));
    assert_true(tf_str_is(s, "x\n\xc3\xa9\xf0\x9f\x98\x80"));
    assert_false(tf_json_item(&j));
    assert_true(tf_json_key(&j, &key) && tf_str_is(key, "b"));
    assert_true(tf_json_object(&j) && !tf_json_key(&j, &key));
    assert_true(tf_json_key(&j, &key) && tf_str_is(key, "c"));
    assert_true(tf_json_array(&j) && !tf_json_item(&j));
    assert_true(tf_json_key(&j, &key) && tf_json_skip(&j, &s));
    assert_true(tf_str_is(s, "{\"deep\":[[1],{\"k\":0}]}"));
    assert_false(tf_json_key(&j, &key));
    assert_true(tf_json_done(&j));
    assert_false(tf_json_failed(&j, &err));
    tf_json_release(&j);
}

static void says_where_a_malformed_text_goes_wrong(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "", "byte 1: the text ends too early" },
        { "{\"a\":1,}", "byte 8: expected a string" },
        { "{\"a\":1 \"b\":2}", "byte 8: expected ',' or '}'" },
        { "{\"a\" 1}", "byte 6: expected ':'" },
        { "{a:1}", "byte 2: expected a string" },
        { "[1,2", "byte 5: the text ends too early" },
        { "[1,,2]", "byte 4: expected a value" },
        { "[1]]", "byte 4: more text" },
        { "[1}", "byte 3: expected ',' or ']'" },
        { "\"abc", "without an end" },
        { "\"a\tb\"", "byte 3: a control character" },
        { "\"a\\x\"", "byte 3: a bad escape" },
        { "\"\\u12g4\"", "a bad escape" },
        { "\"\\u12", "a bad escape" },
        { "\"\\", "a bad escape" },
        { "01", "expected a number" },
        { "-", "expected a number" },
        { "1.", "after its point" },
        { "1e+", "in its exponent" },
        { "nul", "byte 1: expected a value" },
        { "tru", "expected a value" },
        { "NaN", "expected a value" },
        { "'a'", "expected a value" },
    };
    struct tf_json j;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        /* a copy without NUL, so that a sanitizer sees a read too far */
        size_t len = strlen(bad[i].text);
        char *copy = malloc(len ? len : 1);

        memcpy(copy, bad[i].text, len);
        tf_json_init(&j, copy, len);
        tf_json_skip(&j, NULL);
        tf_json_done(&j);
        assert_true(tf_json_failed(&j, &err));
        if (!strstr(err.msg, bad[i].words))
            fail_msg("%s: %s", bad[i].text, err.msg);
        assert_int_equal(tf_json_peek(&j), TF_JSON_BAD);
        tf_json_release(&j);
        free(copy);
    }
}

static void depth_is_limited(void **state)
{
    static char text[100000];
    struct tf_json j;
    struct tf_err err;

    (void)state;
    memset(text, '[', sizeof(text));
    tf_json_init(&j, text, sizeof(text));
    assert_false(tf_json_skip(&j, NULL));
    assert_true(tf_json_failed(&j, &err));
    assert_string_equal(err.msg, "byte 129: nested too deep");
    memset(text + 128, ']', 128);
    tf_json_init(&j, text, 256);
    assert_true(tf_json_skip(&j, NULL) && tf_json_done(&j));
}

static bool number(const char *text, double *d)
{
    struct tf_json j;
    bool ok;

    tf_json_init(&j, text, strlen(text));
    ok = tf_json_double(&j, d) && tf_json_done(&j);
    tf_json_release(&j);
    return ok;
}

static bool integer(const char *text, int64_t *i)
{
    struct tf_json j;
    bool ok;

    tf_json_init(&j, text, strlen(text));
    ok = tf_json_int(&j, i) && tf_json_done(&j);
    tf_json_release(&j);
    return ok;
}

static void numbers_are_exact_or_refused(void **state)
{
    static const char *const exact[] = {
        "0",
        "-0",
        "0.1",
        "-7.25",
        "123456789012345",
        "1e-7",
        "1e22",
        "0.000001",
        "4.9e-324",
        "1.7976931348623157e308",
        "1e-400",
        "9007199254740993",
        "3.141592653589793238462643",
    };
    int64_t v;
    size_t i;
    double d;

    (void)state;
    for (i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        assert_true(number(exact[i], &d));
        assert_true(d == strtod(exact[i], NULL));
    }
    assert_true(number("-0", &d) && signbit(d));
    assert_false(number("1e999", &d));
    assert_true(integer("9223372036854775807", &v) && v == INT64_MAX);
    assert_true(integer("-9223372036854775808", &v) && v == INT64_MIN);
    assert_true(integer("1e3", &v) && v == 1000);
    assert_true(integer("512.0", &v) && v == 512);
    assert_false(integer("9223372036854775808", &v));
    assert_false(integer("-9223372036854775809", &v));
    assert_false(integer("1.5", &v));
    assert_false(integer("1e30", &v));
    assert_false(integer("\"1\"", &v));
}

static void half_a_surrogate_pair_is_no_string(void **state)
{
    static const char *const bad[] = { "\"\\ud800\"", "\"\\udc00\"",
                                       "\"\\ud800\\n\"", "\"\\ud800\\ud800\"",
                                       "\"\\ud800\\u\"" };
    struct tf_str s;
    struct tf_json j;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tf_json_init(&j, bad[i], strlen(bad[i]));
        assert_false(tf_json_string(&j, &s));
        tf_json_release(&j);
    }
    tf_json_init(&j, "\"\xff\"", 3);
    assert_false(tf_json_string(&j, &s));
    assert_string_equal(j.what, "invalid UTF-8 in a string");
    tf_json_release(&j);
    tf_json_init(&j, "\"a\\u0000b\"", 10);
    assert_true(tf_json_string(&j, &s));
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.s, "a\0b", 3);
    tf_json_release(&j);
}

static void a_record_keeps_its_bytes(void **state)
{
    static const char line[] = "{\"n\": 1E400 ,\"\\u0074ext\":\"a\\u0000\", "
                               "\"t\":null,\"x\":\"\\ud800\",\"n\":-0.0}";
    struct tf_buf b = TF_BUF_INIT;
    struct tf_record rec = { 0 };
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_record_parse(&rec, line, strlen(line), &err), 0);
    assert_int_equal(rec.count, 5);
    assert_true(tf_str_is(rec.members[0].raw, "\"n\": 1E400"));
    assert_true(tf_str_is(rec.members[1].raw, "\"\\u0074ext\":\"a\\u0000\""));
    assert_true(tf_str_is(rec.members[1].name, "text"));
    assert_true(tf_str_is(tf_record_get(&rec, "n"), "-0.0"));
    assert_null(tf_record_get(&rec, "t").s);
    assert_null(tf_record_get(&rec, "absent").s);
    assert_int_equal(tf_record_string(&rec, "text", &b, &err), 0);
    assert_int_equal(b.len, 2);
    assert_int_equal(tf_record_string(&rec, "t", &b, &err), -1);
    assert_string_equal(err.code, "no_field");
    assert_int_equal(tf_record_string(&rec, "n", &b, &err), -1);
    assert_string_equal(err.code, "bad_field");
    assert_string_equal(err.msg, "\"n\" must be a string: it is a number");
    assert_int_equal(tf_record_string(&rec, "x", &b, &err), -1);
    assert_string_equal(err.code, "bad_field");

    assert_int_equal(tf_record_parse(&rec, "[1]", 3, &err), -1);
    assert_string_equal(err.code, "not_object");
    assert_int_equal(tf_record_parse(&rec, "{\"a\":1", 6, &err), -1);
    assert_string_equal(err.code, "not_json");
    assert_int_equal(tf_record_parse(&rec, "{} x", 4, &err), -1);
    assert_string_equal(err.code, "not_json");
    assert_int_equal(tf_record_parse(&rec, "{\"a\":\"\xc0\x80\"}", 9, &err),
                     -1);
    assert_string_equal(err.code, "invalid_utf8");
    assert_int_equal(tf_record_parse(&rec, "{}", 2, &err), 0);
    assert_int_equal(rec.count, 0);
    tf_record_release(&rec);
    tf_buf_release(&b);
}

/* The right column is what Python prints: str(numpy.float32(x)), laid out as
 * repr(float). */
static void floats_print_shortest(void **state)
{
    static const struct {
        float v;
        const char *text;
    } known[] = {
        { 0.0f, "0.0" },
        { -0.0f, "-0.0" },
        { 1.0f, "1.0" },
        { -1.5f, "-1.5" },
        { 0.1f, "0.1" },
        { 1e-7f, "1e-07" },
        { 0.0001f, "0.0001" },
        { 0.00001f, "1e-05" },
        { 0.99981683f, "0.99981683" },
        { 16777216.0f, "16777216.0" },
        { 1e15f, "1000000000000000.0" },
        { 1e16f, "1e+16" },
        { 1e17f, "1e+17" },
        { 3.4028235e38f, "3.4028235e+38" },
        { 1.17549435e-38f, "1.1754944e-38" },
        { 1e-45f, "1e-45" },
        { 8.5e9f, "8500000000.0" },
        { 9.8607613e-32f, "9.8607613e-32" },
        { 33554432.0f, "33554432.0" },
        { NAN, "null" },
        { INFINITY, "null" },
    };
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        tf_buf_reset(&b);
        tf_put_float(&b, known[i].v);
        assert_string_equal(tf_buf_cstr(&b), known[i].text);
    }
    tf_buf_release(&b);
}

static void every_float_reads_back(void **state)
{
    struct tf_buf b = TF_BUF_INIT;
    uint64_t bits;
    uint32_t word;
    float v;

    (void)state;
    for (bits = 1; bits < 0x7f800000; bits += 77777) {
        word = (uint32_t)bits;
        memcpy(&v, &word, sizeof(v));
        tf_buf_reset(&b);
        tf_put_float(&b, v);
        assert_true(strtof(tf_buf_cstr(&b), NULL) == v);
        assert_true(strcspn(b.data, "e") <= 26);
    }
    tf_buf_release(&b);
}

static void doubles_and_integers_print_as_in_python(void **state)
{
    static const struct {
        double v;
        const char *text;
    } known[] = {
        { 0.1, "0.1" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0x1p-44, "5.684341886080802e-14" },
        { 1e16, "1e+16" },
        { 123456789012345680.0, "1.2345678901234568e+17" },
        { 9007199254740993.0, "9007199254740992.0" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { -2.5, "-2.5" },
    };
    struct tf_buf b = TF_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        tf_buf_reset(&b);
        tf_put_double(&b, known[i].v);
        assert_string_equal(tf_buf_cstr(&b), known[i].text);
    }
    tf_buf_reset(&b);
    tf_put_int(&b, INT64_MIN);
    tf_put_int(&b, 0);
    assert_string_equal(tf_buf_cstr(&b), "-92233720368547758080");
    tf_buf_release(&b);
}

static void strings_get_the_escapes_json_requires(void **state)
{
    static const char text[] = "a\"b\\c\n\t\r\b\f\x01\x1f\x7f/\xc3\xa9\0z";
    struct tf_buf b = TF_BUF_INIT;

    (void)state;
    tf_put_string(&b, text, sizeof(text) - 1);
    assert_string_equal(tf_buf_cstr(&b),
                        "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f\x7f/"
                        "\xc3\xa9\\u0000z\"");
    tf_buf_release(&b);
}

static void utf8_is_checked_and_repaired(void **state)
{
    static const struct {
        const char *in;
        size_t valid;
        const char *repaired; /* ? for U+FFFD */
    } known[] = {
        { "", 0, "" },
        { "plain text of more than thirty-two bytes", 40,
          "plain text of more than thirty-two bytes" },
        { "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" },
        { "a\xff", 1, "a?" },
        { "\xc0\x80", 0, "??" },
        { "\xe0\x9f\x80", 0, "???" },
        { "\xed\xa0\x80", 0, "???" },
        { "\xf4\x90\x80\x80", 0, "????" },
        { "\xe2\x82", 0, "?" },
        { "\xf0\x9f\x98z", 0, "?z" },
        { "\xf0\x9f\xe2\x82\xac", 0, "?\xe2\x82\xac" },
    };
    struct tf_buf b = TF_BUF_INIT, want = TF_BUF_INIT;
    const char *p;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t len = strlen(known[i].in);
        char *copy = malloc(len ? len : 1);

        memcpy(copy, known[i].in, len);
        assert_int_equal(tf_utf8_valid(copy, len), known[i].valid);
        tf_buf_reset(&b);
        tf_buf_reset(&want);
        tf_utf8_repair(&b, copy, len);
        for (p = known[i].repaired; *p; p++)
            if (*p == '?')
                tf_buf_adds(&want, "\xef\xbf\xbd");
            else
                tf_buf_addc(&want, *p);
        assert_string_equal(tf_buf_cstr(&b), tf_buf_cstr(&want));
        free(copy);
    }
    tf_buf_release(&b);
    tf_buf_release(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_is_asked_for),
        cmocka_unit_test(says_where_a_malformed_text_goes_wrong),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(numbers_are_exact_or_refused),
        cmocka_unit_test(half_a_surrogate_pair_is_no_string),
        cmocka_unit_test(a_record_keeps_its_bytes),
        cmocka_unit_test(floats_print_shortest),
        cmocka_unit_test(every_float_reads_back),
        cmocka_unit_test(doubles_and_integers_print_as_in_python),
        cmocka_unit_test(strings_get_the_escapes_json_requires),
        cmocka_unit_test(utf8_is_checked_and_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

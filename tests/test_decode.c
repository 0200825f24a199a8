#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "golden_text.h"
#include "text/decode.h"

#define TOKENS_MAX 32

static void decode_one(const struct tf_decoder *d, const json_t *tokens,
                       struct tf_buf *out)
{
    struct tf_str s[TOKENS_MAX];
    struct tf_err err;
    size_t i, n = json_array_size(tokens);

    assert_true(n <= TOKENS_MAX);
    for (i = 0; i < n; i++)
        s[i] = golden_str(json_array_get(tokens, i));
    tf_buf_reset(out);
    assert_int_equal(tf_decode(d, s, n, out, &err), 0);
}

static void decodes_as_the_tokenizers_library(void **state)
{
    json_t *all = golden("tests/golden/text/decode.json"), *c, *result;
    const json_t *tokens = json_object_get(all, "tokens");
    struct tf_buf out = TF_BUF_INIT;
    struct tf_decoder *d;
    struct tf_json j;
    struct tf_err err;
    size_t i, k;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        char *text = golden_component(json_object_get(c, "component"), &j);

        if (tf_decoder_read(&j, &d, &err))
            fail_msg("%s: %s", text, err.msg);
        tf_json_release(&j);
        json_array_foreach (json_object_get(c, "results"), k, result) {
            struct tf_str want = golden_str(result);

            decode_one(d, json_array_get(tokens, k), &out);
            if (out.len != want.len || memcmp(out.data, want.s, want.len))
                fail_msg("%s: \"%s\" instead of \"%s\"", text,
                         tf_buf_cstr(&out), want.s);
        }
        tf_decoder_free(d);
        free(text);
    }
    tf_buf_release(&out);
    json_decref(all);
}

static void joins_with_spaces_without_a_decoder(void **state)
{
    static const struct tf_str tokens[] = { { "a", 1 }, { "", 0 }, { "b", 1 } };
    struct tf_buf out = TF_BUF_INIT;
    struct tf_err err;

    (void)state;
    assert_int_equal(tf_decode(NULL, tokens, 3, &out, &err), 0);
    assert_string_equal(tf_buf_cstr(&out), "a  b");
    tf_buf_reset(&out);
    assert_int_equal(tf_decode(NULL, tokens, 0, &out, &err), 0);
    assert_string_equal(tf_buf_cstr(&out), "");
    tf_buf_release(&out);
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *words;
    } bad[] = {
        { "{\"type\":\"Bytes\"}", "unknown decoder type \"Bytes\"" },
        { "{\"type\":\"WordPiece\",\"prefix\":\"##\"}",
          "decoder WordPiece has no \"cleanup\"" },
        { "{\"type\":\"Strip\",\"content\":\"ab\",\"start\":1,\"stop\":0}",
          "wants one character" },
        { "{\"type\":\"Strip\",\"content\":\"a\",\"start\":-1,\"stop\":0}",
          "below 0" },
        { "{\"type\":\"Sequence\",\"decoders\":{}}", "byte" },
    };
    struct tf_decoder *d;
    struct tf_json j;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tf_json_init(&j, bad[i].json, strlen(bad[i].json));
        assert_int_equal(tf_decoder_read(&j, &d, &err), -1);
        if (!strstr(err.msg, bad[i].words))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, bad[i].words);
        tf_json_release(&j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_as_the_tokenizers_library),
        cmocka_unit_test(joins_with_spaces_without_a_decoder),
        cmocka_unit_test(says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

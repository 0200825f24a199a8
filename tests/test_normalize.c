#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "golden_text.h"
#include "text/charsmap.h"
#include "text/normalize.h"
#include "text/utf8.h"

static struct tf_normalizer *read_component(const json_t *component)
{
    struct tf_normalizer *n;
    struct tf_json j;
    struct tf_err err;
    char *text = golden_component(component, &j);

    if (tf_normalizer_read(&j, &n, &err))
        fail_msg("%.100s: %s", text, err.msg);
    tf_json_release(&j);
    free(text);
    return n;
}

/* result: the text, and [start, end] of each character's origin */
static void check(struct tf_pretext *pre, const json_t *component,
                  const json_t *result)
{
    struct tf_str want = golden_str(json_array_get(result, 0));
    const json_t *origins = json_array_get(result, 1);
    size_t at = 0, i = 0;

    if (pre->failed || !tf_str_eq(pre->text, want))
        fail_msg("%.150s: \"%.*s\" instead of \"%.*s\"",
                 json_dumps(component, 0), (int)pre->text.len, pre->text.s,
                 (int)want.len, want.s);
    while (at < pre->text.len) {
        size_t len = tf_utf8_len((unsigned char)pre->text.s[at]);
        struct tf_origin o =
            tf_pretext_origin(pre, (uint32_t)at, (uint32_t)(at + len));
        const json_t *pair = json_array_get(origins, i++);

        if (o.start != json_integer_value(json_array_get(pair, 0)) ||
            o.end != json_integer_value(json_array_get(pair, 1)))
            fail_msg("%.150s: origin of byte %zu is %u-%u",
                     json_dumps(component, 0), at, o.start, o.end);
        at += len;
    }
    assert_int_equal(i, json_array_size(origins));
}

static void normalizes_as_the_tokenizers_library(void **state)
{
    json_t *all = golden("tests/golden/text/normalize.json"), *c, *result;
    const json_t *texts = json_object_get(all, "texts"), *component;
    struct tf_pretext pre = { 0 };
    size_t i, k;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        struct tf_normalizer *n;

        component = json_object_get(c, "component");
        n = read_component(component);
        json_array_foreach (json_object_get(c, "results"), k, result) {
            tf_pretext_set(&pre, golden_str(json_array_get(texts, k)));
            tf_normalize(n, &pre, true);
            check(&pre, component, result);
            tf_pretext_set(&pre, golden_str(json_array_get(texts, k)));
            tf_normalize(n, &pre, false);
            assert_true(
                tf_str_eq(pre.text, golden_str(json_array_get(result, 0))));
        }
        tf_normalizer_free(n);
    }
    tf_pretext_release(&pre);
    json_decref(all);
}

static uint64_t hash_of(const struct tf_normalizer *n, struct tf_pretext *pre,
                        size_t first, size_t end)
{
    uint64_t h = GOLDEN_HASH;
    size_t i;
    char s[4];

    for (i = first; i < end && i < GOLDEN_CHARACTERS; i++) {
        struct tf_str c = { s, tf_utf8_put(s, golden_character(i)) };

        tf_pretext_set(pre, c);
        tf_normalize(n, pre, false);
        h = golden_hash(h, "\n", i > first);
        h = golden_hash(h, pre->text.s, pre->text.len);
    }
    return h;
}

static void knows_every_character(void **state)
{
    json_t *all = golden("tests/golden/text/characters.json"), *c, *hash;
    size_t chunk = (size_t)json_integer_value(json_object_get(all, "chunk"));
    struct tf_pretext pre = { 0 };
    size_t i, k;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        const json_t *component = json_object_get(c, "normalizer");
        struct tf_normalizer *n;

        if (!component)
            continue;
        n = read_component(component);
        json_array_foreach (json_object_get(c, "hashes"), k, hash) {
            char text[24];

            snprintf(text, sizeof(text), "%016llx",
                     (unsigned long long)hash_of(n, &pre, k * chunk,
                                                 (k + 1) * chunk));
            if (strcmp(text, json_string_value(hash)))
                fail_msg("%s: characters from %zX on", json_dumps(component, 0),
                         k * chunk);
        }
        tf_normalizer_free(n);
    }
    tf_pretext_release(&pre);
    json_decref(all);
}

static void leaves_added_tokens_alone(void **state)
{
    static const char json[] = "{\"type\":\"Lowercase\"}";
    struct tf_pretext pre = { 0 };
    struct tf_normalizer *n;
    struct tf_json j;
    struct tf_err err;

    (void)state;
    tf_json_init(&j, json, strlen(json));
    assert_int_equal(tf_normalizer_read(&j, &n, &err), 0);
    tf_json_release(&j);
    tf_pretext_set(&pre, (struct tf_str){ "ABC[CLS]DEF", 11 });
    tf_pretext_push(&pre, 0, 3, -1);
    tf_pretext_push(&pre, 3, 8, 101);
    tf_pretext_push(&pre, 8, 11, -1);
    tf_pretext_turn(&pre);
    tf_normalize(n, &pre, true);
    assert_true(tf_str_is(pre.text, "abc[CLS]def"));
    assert_int_equal(pre.pieces.count, 3);
    assert_int_equal(pre.pieces.at[1].id, 101);
    assert_int_equal(pre.pieces.at[2].start, 8);
    tf_normalizer_free(n);
    tf_pretext_release(&pre);
}

/* Sorting and composing must stay linear. */
static void survives_a_million_marks(void **state)
{
    static const char *const forms[] = { "{\"type\":\"NFC\"}",
                                         "{\"type\":\"NFD\"}" };
    struct tf_pretext pre = { 0 };
    struct tf_buf text = TF_BUF_INIT;
    struct tf_normalizer *n;
    struct tf_json j;
    struct tf_err err;
    size_t i;

    (void)state;
    tf_buf_adds(&text, "e");
    for (i = 0; i < 500000; i++)
        tf_buf_adds(&text, i % 2 ? "\xCC\x81" : "\xCC\xA7");
    for (i = 0; i < 2; i++) {
        tf_json_init(&j, forms[i], strlen(forms[i]));
        assert_int_equal(tf_normalizer_read(&j, &n, &err), 0);
        tf_json_release(&j);
        tf_pretext_set(&pre, (struct tf_str){ text.data, text.len });
        tf_normalize(n, &pre, true);
        assert_false(pre.failed);
        assert_memory_equal(pre.text.s + pre.text.len - 2, "\xCC\x81", 2);
        tf_normalizer_free(n);
    }
    tf_buf_release(&text);
    tf_pretext_release(&pre);
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *words;
    } bad[] = {
        { "{}", "unknown normalizer type \"\"" },
        { "{\"type\":\"Nfc\"}", "unknown normalizer type \"Nfc\"" },
        { "{\"type\":\"Strip\",\"strip_left\":true}",
          "normalizer Strip has no \"strip_right\"" },
        { "{\"type\":\"Strip\",\"strip_left\":1}", "byte" },
        { "{\"type\":\"Replace\",\"pattern\":{\"Glob\":\"*\"},\"content\":\"\"}",
          "unknown pattern \"Glob\"" },
        { "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a\"},"
          "\"content\":\"\"}",
          "a parenthesis is not closed" },
        { "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"X\"}]}",
          "unknown normalizer type \"X\"" },
        { "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}",
          "cut short: 3 bytes" },
        { "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A*AA\"}",
          "character 1 is not base64" },
        { "{\"type\":\"Precompiled\","
          "\"precompiled_charsmap\":\"/////wAAAABhAA==\"}",
          "trie is of 4294967292" },
    };
    struct tf_normalizer *n;
    struct tf_json j;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tf_json_init(&j, bad[i].json, strlen(bad[i].json));
        assert_int_equal(tf_normalizer_read(&j, &n, &err), -1);
        if (!strstr(err.msg, bad[i].words))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, bad[i].words);
        tf_json_release(&j);
    }
}

/* Units of the trie that point to nowhere must find nothing. */
static void survives_a_lying_charsmap(void **state)
{
    unsigned char bytes[4 + 4 * 64 + 8];
    struct tf_charsmap *map;
    struct tf_str out;
    struct tf_err err;
    uint32_t seed = 1;
    size_t round, i;

    (void)state;
    for (round = 0; round < 3000; round++) {
        for (i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (unsigned char)(seed >> 24);
        }
        memcpy(bytes, "\0\1\0\0", 4);
        memcpy(bytes + sizeof(bytes) - 8, "a\0\xC3\xA9\0bc", 8);
        map = tf_charsmap_new((struct tf_str){ (char *)bytes, sizeof(bytes) },
                              &err);
        assert_non_null(map);
        for (i = 1; i < 256; i++) {
            char s[4];
            size_t n = tf_utf8_put(s, (uint32_t)i * 37);

            if (tf_charsmap_get(map, (struct tf_str){ s, n }, &out))
                assert_true(out.len <= 4);
        }
        tf_charsmap_free(map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalizes_as_the_tokenizers_library),
        cmocka_unit_test(knows_every_character),
        cmocka_unit_test(leaves_added_tokens_alone),
        cmocka_unit_test(survives_a_million_marks),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(survives_a_lying_charsmap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>
#include "golden_text.h"
#include "text/regex.h"
#include "text/split.h"
#include "text/utf8.h"
#include "text/words.h"

static struct tf_splitter *read_component(const json_t *component)
{
    struct tf_splitter *s;
    struct tf_json j;
    struct tf_err err;
    char *text = golden_component(component, &j);

    if (tf_splitter_read(&j, &s, &err))
        fail_msg("%.150s: %s", text, err.msg);
    tf_json_release(&j);
    free(text);
    return s;
}

/* want: [text, start, end] of each piece, the bytes of the original */
static void check(const struct tf_pretext *pre, const json_t *component,
                  size_t text, const json_t *want)
{
    size_t i;

    if (pre->failed || pre->pieces.count != json_array_size(want))
        fail_msg("%.200s: text %zu: %zu pieces instead of %zu",
                 json_dumps(component, 0), text, pre->pieces.count,
                 json_array_size(want));
    for (i = 0; i < pre->pieces.count; i++) {
        struct tf_piece p = pre->pieces.at[i];
        const json_t *w = json_array_get(want, i);
        struct tf_str s = { pre->text.s + p.start, p.end - p.start };
        struct tf_origin o = tf_pretext_origin(pre, p.start, p.end);

        if (!tf_str_eq(s, golden_str(json_array_get(w, 0))) ||
            o.start != json_integer_value(json_array_get(w, 1)) ||
            o.end != json_integer_value(json_array_get(w, 2)))
            fail_msg("%.200s: text %zu: \"%.*s\" %u-%u",
                     json_dumps(component, 0), text, (int)s.len, s.s, o.start,
                     o.end);
    }
}

static void splits_as_the_tokenizers_library(void **state)
{
    json_t *all = golden("tests/golden/text/split.json"), *c, *result;
    const json_t *texts = json_object_get(all, "texts"), *component;
    struct tf_pretext pre = { 0 };
    size_t i, k;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        struct tf_splitter *s;

        component = json_object_get(c, "component");
        s = read_component(component);
        json_array_foreach (json_object_get(c, "results"), k, result) {
            tf_pretext_set(&pre, golden_str(json_array_get(texts, k)));
            tf_split(s, &pre, true);
            check(&pre, component, k, result);
        }
        tf_splitter_free(s);
    }
    tf_pretext_release(&pre);
    json_decref(all);
}

/* Into how many pieces "a" and each character are split, by hashes. */
static void knows_every_character(void **state)
{
    json_t *all = golden("tests/golden/text/characters.json"), *c, *hash;
    size_t chunk = (size_t)json_integer_value(json_object_get(all, "chunk"));
    struct tf_pretext pre = { 0 };
    struct tf_splitter *s;
    size_t i, k, n;
    char text[24] = "a", count;
    uint64_t h;

    (void)state;
    json_array_foreach (json_object_get(all, "cases"), i, c) {
        const json_t *component = json_object_get(c, "pre_tokenizer");

        if (!component)
            continue;
        s = read_component(component);
        json_array_foreach (json_object_get(c, "hashes"), k, hash) {
            h = GOLDEN_HASH;
            for (n = k * chunk; n < (k + 1) * chunk && n < GOLDEN_CHARACTERS;
                 n++) {
                size_t len = 1 + tf_utf8_put(text + 1, golden_character(n));

                tf_pretext_set(&pre, (struct tf_str){ text, len });
                tf_split(s, &pre, false);
                count = (char)pre.pieces.count;
                h = golden_hash(h, &count, 1);
            }
            snprintf(text + 1, sizeof(text) - 1, "%016llx",
                     (unsigned long long)h);
            if (strcmp(text + 1, json_string_value(hash)))
                fail_msg("%s: characters from %zX on", json_dumps(component, 0),
                         k * chunk);
        }
        tf_splitter_free(s);
    }
    tf_pretext_release(&pre);
    json_decref(all);
}

static uint32_t seed = 7;

static uint32_t next_random(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* A character of any category, each about as often. */
static uint32_t any_character(void)
{
    static uint32_t some[32][64];
    static size_t count[32];
    uint32_t c, k;

    for (c = 0; !count[UTF8PROC_CATEGORY_CO] && c < 0x110000; c += 3) {
        k = (uint32_t)utf8proc_category((utf8proc_int32_t)c);
        if (k != UTF8PROC_CATEGORY_CS && k != UTF8PROC_CATEGORY_CO &&
            count[k] < 64)
            some[k][count[k]++] = c;
    }
    count[UTF8PROC_CATEGORY_CO] = 1;
    some[UTF8PROC_CATEGORY_CO][0] = 0xE000;
    do
        k = next_random(32);
    while (!count[k]);
    return some[k][next_random((uint32_t)count[k])];
}

static size_t generate(char *out, size_t max)
{
    static const char *const bits[] = {
        " ",     " ",
        "\n",    "\r\n",
        "\t",    "'s",
        "'S",    "'\xC5\xBF",
        "'ll",   "'LL",
        "'re",   "'",
        "the",   "Hello",
        "WORLD", "12",
        "3",     "...",
        "/",     "e\xCC\x81",
        "  ",    "\xC2\xA0",
        "!",     "_",
        "-",     "\xE4\xB8\xAD",
    };
    size_t n = 0;

    while (n + 8 < max) {
        const char *bit = bits[next_random(sizeof(bits) / sizeof(bits[0]))];

        if (next_random(3)) {
            memcpy(out + n, bit, strlen(bit));
            n += strlen(bit);
        } else {
            n += tf_utf8_put(out + n, any_character());
        }
    }
    return n;
}

static void splits_by_hand_as_by_pcre2(void **state)
{
    struct tf_pretext pre = { 0 };
    const struct tf_words *words;
    struct tf_regex *re;
    struct tf_err err;
    char text[64];
    size_t i, round, at, len, start, end;

    (void)state;
    for (i = 0; tf_words_pattern(i); i++) {
        struct tf_str p = { tf_words_pattern(i), strlen(tf_words_pattern(i)) };

        words = tf_words_find(p);
        re = tf_regex_new(p, &err);
        assert_non_null(words);
        assert_non_null(re);
        for (round = 0; round < 20000; round++) {
            len = generate(text, 16 + next_random(48));
            for (at = 0; at < len; at = end) {
                if (!tf_regex_find(re, &pre, (struct tf_str){ text, len }, at,
                                   &start, &end))
                    start = end = len;
                for (; at < start; at += tf_utf8_len((unsigned char)text[at]))
                    assert_int_equal(tf_words_match(words, text, at, len), at);
                if (at < len && tf_words_match(words, text, at, len) != end)
                    fail_msg("pattern %zu: \"%.*s\" at %zu: %zu, not %zu", i,
                             (int)len, text, at,
                             tf_words_match(words, text, at, len), end);
            }
        }
        tf_regex_free(re);
    }
    tf_pretext_release(&pre);
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *json, *words;
    } bad[] = {
        { "{\"type\":\"Words\"}", "unknown pre_tokenizer type \"Words\"" },
        { "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"}}",
          "pre_tokenizer Split has no \"behavior\"" },
        { "{\"type\":\"Punctuation\",\"behavior\":\"Kept\"}",
          "unknown split behavior" },
        { "{\"type\":\"Metaspace\",\"replacement\":\"__\"}", "one character" },
        { "{\"type\":\"Metaspace\",\"replacement\":\"_\","
          "\"prepend_scheme\":\"twice\"}",
          "prepend_scheme" },
        { "{\"type\":\"FixedLength\",\"length\":0}", "at least 1" },
    };
    struct tf_splitter *s;
    struct tf_json j;
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tf_json_init(&j, bad[i].json, strlen(bad[i].json));
        assert_int_equal(tf_splitter_read(&j, &s, &err), -1);
        if (!strstr(err.msg, bad[i].words))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, bad[i].words);
        tf_json_release(&j);
    }
}

static void refuses_expressions_that_it_cannot_run(void **state)
{
    static const struct {
        const char *pattern, *words;
    } bad[] = {
        { "(?~ab)", "a kind of group" },
        { "(?s:a)", "a kind of group" },
        { "\\p{Klingon}", "property \"klingon\"" },
        { "\\p{In_Basic_Latin}", "property" },
        { "[a-\\d]", "this escape in a class" },
        { "[z-a]", "runs backwards" },
        { "[a", "without its closing bracket" },
        { "[]", "without its closing bracket" },
        { "(a", "not closed" },
        { "a)", "too many" },
        { "*a", "a quantifier of nothing" },
        { "a\\", "ends with a backslash" },
        { "\\y", "not supported" },
        { "\\xE2\\x28", "bytes that are no character" },
        { "\\x{110000}", "no character" },
        { "(?<=a+)b", "lookbehind" },
    };
    struct tf_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tf_str p = { bad[i].pattern, strlen(bad[i].pattern) };

        assert_null(tf_regex_new(p, &err));
        if (!strstr(err.msg, bad[i].words))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, bad[i].words);
    }
}

/* Patterns come from strangers: any bytes must end in an error or a regex. */
static void survives_any_pattern(void **state)
{
    static const char bits[] =
        "()[]{}\\^$|?*+.,-&:<>=!#pPLwsdbxukg019imaz \xC3";
    struct tf_pretext pre = { 0 };
    struct tf_regex *re;
    struct tf_err err;
    char text[24];
    size_t round, i, n, start, end;

    (void)state;
    for (round = 0; round < 20000; round++) {
        n = next_random(20);
        for (i = 0; i < n; i++) {
            text[i] = bits[next_random(sizeof(bits) - 1)];
            if (text[i] == '\xC3')
                text[++i] = '\xA9';
        }
        re = tf_regex_new((struct tf_str){ text, i }, &err);
        if (re && !pre.failed)
            tf_regex_find(re, &pre, (struct tf_str){ "ab \xC3\xA9(1)", 8 }, 0,
                          &start, &end);
        pre.failed = false;
        tf_regex_free(re);
    }
    tf_pretext_release(&pre);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_as_the_tokenizers_library),
        cmocka_unit_test(knows_every_character),
        cmocka_unit_test(splits_by_hand_as_by_pcre2),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(refuses_expressions_that_it_cannot_run),
        cmocka_unit_test(survives_any_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Golden files of tests/golden/text: cases of a component and what the
 * `tokenizers` library makes of texts with it. */
#ifndef TESTS_GOLDEN_TEXT_H
#define TESTS_GOLDEN_TEXT_H

#include <jansson.h>
#include <string.h>
#include "base/json.h"
#include "text/pretext.h"

static inline json_t *golden(const char *path)
{
    json_t *all = json_load_file(path, JSON_ALLOW_NUL, NULL);

    assert_non_null(all);
    return all;
}

static inline struct tf_str golden_str(const json_t *s)
{
    return (struct tf_str){ json_string_value(s), json_string_length(s) };
}

/* The component as a text for its reader, which is named in messages. */
static inline char *golden_component(const json_t *c, struct tf_json *j)
{
    char *text = json_dumps(c, JSON_ENCODE_ANY);

    assert_non_null(text);
    tf_json_init(j, text, strlen(text));
    return text;
}

static inline uint64_t golden_hash(uint64_t h, const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001B3);
    return h;
}
#define GOLDEN_HASH UINT64_C(0xCBF29CE484222325)

/* The i-th character: all but the surrogates, in order. */
static inline uint32_t golden_character(size_t i)
{
    return (uint32_t)(i < 0xD800 ? i : i + 0x800);
}
#define GOLDEN_CHARACTERS ((size_t)0x110000 - 0x800)
#endif

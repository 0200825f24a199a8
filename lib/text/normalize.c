#include "text/normalize.h"

#include <stdlib.h>
#include "base/mem.h"
#include "text/component.h"
#include "text/normalizers.h"

/* the members that a type must have */
enum {
    CLEAN_TEXT = 1 << 0,
    HANDLE_CHINESE_CHARS = 1 << 1,
    STRIP_ACCENTS = 1 << 2, /* may be missing: as lowercase */
    LOWERCASE = 1 << 3,
    STRIP_LEFT = 1 << 4,
    STRIP_RIGHT = 1 << 5,
    PATTERN = 1 << 6,
    CONTENT = 1 << 7,
    PREPEND = 1 << 8,
    CHARSMAP = 1 << 9,
    NORMALIZERS = 1 << 10,
};

static const char *const members[] = {
    "clean_text", "handle_chinese_chars", "strip_accents", "lowercase",
    "strip_left", "strip_right",          "pattern",       "content",
    "prepend",    "precompiled_charsmap", "normalizers",
};

static void sequence(const struct tf_normalizer *n, struct tf_pretext *pre,
                     bool origins)
{
    size_t i;

    for (i = 0; i < n->items.count; i++)
        tf_normalize(n->items.at[i], pre, origins);
}

static const struct type {
    struct tf_component_type type;
    tf_normalizer_run *run;
} types[] = {
    { { "BertNormalizer", CLEAN_TEXT | HANDLE_CHINESE_CHARS | LOWERCASE },
      tf_normalize_bert },
    { { "Strip", STRIP_LEFT | STRIP_RIGHT }, tf_normalize_strip },
    { { "StripAccents", 0 }, tf_normalize_accents },
    { { "NFC", 0 }, tf_normalize_nfc },
    { { "NFD", 0 }, tf_normalize_nfd },
    { { "NFKC", 0 }, tf_normalize_nfkc },
    { { "NFKD", 0 }, tf_normalize_nfkd },
    { { "Lowercase", 0 }, tf_normalize_lowercase },
    { { "Nmt", 0 }, tf_normalize_nmt },
    { { "Precompiled", CHARSMAP }, tf_normalize_precompiled },
    { { "Replace", PATTERN | CONTENT }, tf_normalize_replace },
    { { "Prepend", PREPEND }, tf_normalize_prepend },
    { { "ByteLevel", 0 }, tf_normalize_byte_level },
    { { "Sequence", NORMALIZERS }, sequence },
};

static int read_charsmap(struct tf_json *j, struct tf_normalizer *n,
                         struct tf_err *err)
{
    struct tf_buf bytes = TF_BUF_INIT;
    struct tf_str s;
    int failed = 0;

    if (!tf_json_string(j, &s))
        return 0;
    tf_charsmap_free(n->map);
    n->map = NULL;
    failed = tf_base64_decode(s, &bytes, err);
    if (!failed) {
        s.s = bytes.data;
        s.len = bytes.len;
        n->map = tf_charsmap_new(s, err);
        failed = n->map ? 0 : -1;
    }
    tf_buf_release(&bytes);
    if (failed)
        tf_err_at(err, "precompiled_charsmap");
    return failed;
}

static int read_item(struct tf_json *j, void **out, struct tf_err *err)
{
    struct tf_normalizer *item = NULL;
    int failed = tf_normalizer_read(j, &item, err);

    *out = item;
    return failed;
}

/* Read the value of a member that is known; errors of JSON stay in `j`. */
static int read_member(struct tf_json *j, unsigned member, void *object,
                       struct tf_err *err)
{
    struct tf_normalizer *n = object;

    switch (member) {
    case CLEAN_TEXT:
        tf_json_bool(j, &n->clean_text);
        return 0;
    case HANDLE_CHINESE_CHARS:
        tf_json_bool(j, &n->handle_chinese_chars);
        return 0;
    case STRIP_ACCENTS:
        tf_json_bool(j, &n->strip_accents);
        return 0;
    case LOWERCASE:
        tf_json_bool(j, &n->lowercase);
        return 0;
    case STRIP_LEFT:
        tf_json_bool(j, &n->strip_left);
        return 0;
    case STRIP_RIGHT:
        tf_json_bool(j, &n->strip_right);
        return 0;
    case PATTERN:
        return tf_pattern_read(j, &n->pattern, err);
    case CONTENT:
    case PREPEND:
        return tf_component_string(j, &n->text, err);
    case CHARSMAP:
        return read_charsmap(j, n, err);
    default:
        return tf_components_read(&n->items, j, read_item, err);
    }
}

static const struct tf_component component = {
    .what = "normalizer",
    .members = members,
    .member_count = sizeof(members) / sizeof(members[0]),
    .types = types,
    .type_size = sizeof(types[0]),
    .type_count = sizeof(types) / sizeof(types[0]),
    .read = read_member,
};

/* Once all members are there. */
static int prepare(struct tf_normalizer *n, unsigned seen, struct tf_err *err)
{
    if (!(seen & STRIP_ACCENTS))
        n->strip_accents = n->lowercase;
    if (n->run == tf_normalize_bert)
        tf_normalize_bert_prepare(n);
    if (n->run == tf_normalize_replace)
        return tf_pattern_compile(&n->pattern, err);
    return 0;
}

int tf_normalizer_read(struct tf_json *j, struct tf_normalizer **out,
                       struct tf_err *err)
{
    struct tf_normalizer *n;
    const struct type *type;
    unsigned seen;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    n = tf_alloc(1, sizeof(*n), err);
    if (!n)
        return -1;
    type = tf_component_read(&component, j, n, &seen, err);
    n->run = type ? type->run : NULL;
    if (!type || prepare(n, seen, err)) {
        tf_normalizer_free(n);
        return -1;
    }
    *out = n;
    return 0;
}

void tf_normalizer_free(struct tf_normalizer *n)
{
    size_t i;

    if (!n)
        return;
    for (i = 0; i < n->items.count; i++)
        tf_normalizer_free(n->items.at[i]);
    free(n->items.at);
    tf_pattern_release(&n->pattern);
    tf_charsmap_free(n->map);
    free((char *)n->text.s);
    free(n);
}

void tf_normalize(const struct tf_normalizer *n, struct tf_pretext *pre,
                  bool origins)
{
    if (n && !pre->failed && pre->pieces.count)
        n->run(n, pre, origins);
}

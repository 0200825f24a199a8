#include "text/normalize.h"

#include <stdlib.h>
#include "base/mem.h"
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

    for (i = 0; i < n->count; i++)
        tf_normalize(n->items[i], pre, origins);
}

static const struct type {
    const char *name;
    tf_normalizer_run *run;
    unsigned must;
} types[] = {
    { "BertNormalizer", tf_normalize_bert,
      CLEAN_TEXT | HANDLE_CHINESE_CHARS | LOWERCASE },
    { "Strip", tf_normalize_strip, STRIP_LEFT | STRIP_RIGHT },
    { "StripAccents", tf_normalize_accents, 0 },
    { "NFC", tf_normalize_nfc, 0 },
    { "NFD", tf_normalize_nfd, 0 },
    { "NFKC", tf_normalize_nfkc, 0 },
    { "NFKD", tf_normalize_nfkd, 0 },
    { "Lowercase", tf_normalize_lowercase, 0 },
    { "Nmt", tf_normalize_nmt, 0 },
    { "Precompiled", tf_normalize_precompiled, CHARSMAP },
    { "Replace", tf_normalize_replace, PATTERN | CONTENT },
    { "Prepend", tf_normalize_prepend, PREPEND },
    { "ByteLevel", tf_normalize_byte_level, 0 },
    { "Sequence", sequence, NORMALIZERS },
};

static int read_string(struct tf_json *j, struct tf_str *out,
                       struct tf_err *err)
{
    struct tf_str s;
    char *copy;

    if (!tf_json_string(j, &s))
        return 0;
    copy = tf_strndup(s.s, s.len, err);
    if (!copy)
        return -1;
    free((char *)out->s);
    out->s = copy;
    out->len = s.len;
    return 0;
}

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

static int read_items(struct tf_json *j, struct tf_normalizer *n,
                      struct tf_err *err)
{
    struct tf_normalizer **grown, *item;

    if (tf_json_array(j))
        while (tf_json_item(j)) {
            if (tf_normalizer_read(j, &item, err))
                return -1;
            if (!item)
                continue;
            grown = tf_grow(n->items, n->count + 1, sizeof(*grown), err);
            if (!grown) {
                tf_normalizer_free(item);
                return -1;
            }
            n->items = grown;
            n->items[n->count++] = item;
        }
    return 0;
}

/* Read the value of a member that is known; errors of JSON stay in `j`. */
static int read_member(struct tf_json *j, unsigned member,
                       struct tf_normalizer *n, struct tf_err *err)
{
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
        return read_string(j, &n->text, err);
    case CHARSMAP:
        return read_charsmap(j, n, err);
    default:
        return read_items(j, n, err);
    }
}

static int read_members(struct tf_json *j, struct tf_normalizer *n,
                        struct tf_buf *type, unsigned *seen, struct tf_err *err)
{
    const size_t count = sizeof(members) / sizeof(members[0]);
    struct tf_str key, s;
    size_t i;

    if (!tf_json_object(j))
        return 0;
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "type")) {
            tf_buf_reset(type);
            if (tf_json_string(j, &s))
                tf_buf_add(type, s.s, s.len);
            continue;
        }
        for (i = 0; i < count && !tf_str_is(key, members[i]); i++)
            ;
        if (i == count || tf_json_peek(j) == TF_JSON_NULL) {
            tf_json_skip(j, NULL);
            continue;
        }
        *seen |= 1u << i;
        if (read_member(j, 1u << i, n, err))
            return -1;
    }
    return 0;
}

/* Give the normalizer its type's function, once all members are there. */
static int finish(struct tf_normalizer *n, const char *name, unsigned seen,
                  struct tf_err *err)
{
    size_t i, k;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(name, types[i].name))
            break;
    if (i == sizeof(types) / sizeof(types[0]))
        return tf_fail(err, "unknown normalizer type \"%s\"", name);
    for (k = 0; k < sizeof(members) / sizeof(members[0]); k++)
        if (types[i].must & ~seen & 1u << k)
            return tf_fail(err, "normalizer %s has no \"%s\"", name,
                           members[k]);
    n->run = types[i].run;
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
    struct tf_buf type = TF_BUF_INIT;
    struct tf_normalizer *n;
    unsigned seen = 0;
    int failed;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    n = tf_alloc(1, sizeof(*n), err);
    if (!n)
        return -1;
    failed = read_members(j, n, &type, &seen, err);
    if (!failed && tf_json_failed(j, err))
        failed = -1;
    if (!failed)
        failed = finish(n, tf_buf_cstr(&type), seen, err);
    tf_buf_release(&type);
    if (failed) {
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
    for (i = 0; i < n->count; i++)
        tf_normalizer_free(n->items[i]);
    free(n->items);
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

#include "text/decode.h"

#include <stdlib.h>
#include "base/mem.h"
#include "text/decoders.h"

/* the members that a type must have */
enum {
    PREFIX = 1 << 0,
    CLEANUP = 1 << 1,
    REPLACEMENT = 1 << 2,
    PREPEND_SCHEME = 1 << 3,   /* may be missing */
    ADD_PREFIX_SPACE = 1 << 4, /* the older word for it */
    SUFFIX = 1 << 5,
    PAD_TOKEN = 1 << 6,
    WORD_DELIMITER = 1 << 7,
    CONTENT = 1 << 8,
    START = 1 << 9,
    STOP = 1 << 10,
    PATTERN = 1 << 11,
    DECODERS = 1 << 12,
};

static const char *const members[] = {
    "prefix",           "cleanup", "replacement", "prepend_scheme",
    "add_prefix_space", "suffix",  "pad_token",   "word_delimiter_token",
    "content",          "start",   "stop",        "pattern",
    "decoders",
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static const struct type {
    const char *name;
    tf_decoder_run *run;
    unsigned must;
} types[] = {
    { "ByteLevel", tf_decode_byte_level, 0 },
    { "WordPiece", tf_decode_wordpiece, PREFIX | CLEANUP },
    { "Metaspace", tf_decode_metaspace, REPLACEMENT },
    { "BPEDecoder", tf_decode_bpe, SUFFIX },
    { "CTC", tf_decode_ctc, PAD_TOKEN | WORD_DELIMITER | CLEANUP },
    { "ByteFallback", tf_decode_byte_fallback, 0 },
    { "Fuse", tf_decode_fuse, 0 },
    { "Strip", tf_decode_strip, CONTENT | START | STOP },
    { "Replace", tf_decode_replace, PATTERN | CONTENT },
    { "Sequence", NULL, DECODERS },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

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

static void read_count(struct tf_json *j, size_t *out)
{
    int64_t n;

    if (!tf_json_int(j, &n))
        return;
    if (n < 0)
        tf_json_bad(j, "a count below 0");
    else
        *out = (size_t)n;
}

static int read_items(struct tf_json *j, struct tf_decoder *d,
                      struct tf_err *err)
{
    struct tf_decoder **grown, *item;

    if (tf_json_array(j))
        while (tf_json_item(j)) {
            if (tf_decoder_read(j, &item, err))
                return -1;
            if (!item)
                continue;
            grown = tf_grow(d->items, d->count + 1, sizeof(*grown), err);
            if (!grown) {
                tf_decoder_free(item);
                return -1;
            }
            d->items = grown;
            d->items[d->count++] = item;
        }
    return 0;
}

/* Read the value of a member that is known; errors of JSON stay in `j`. */
static int read_member(struct tf_json *j, unsigned member, struct tf_decoder *d,
                       struct tf_err *err)
{
    struct tf_str s;

    switch (member) {
    case CLEANUP:
        tf_json_bool(j, &d->cleanup);
        return 0;
    case ADD_PREFIX_SPACE:
        tf_json_bool(j, &d->prefixed);
        return 0;
    case PREPEND_SCHEME:
        if (tf_json_string(j, &s))
            d->prefixed = !tf_str_is(s, "never");
        return 0;
    case WORD_DELIMITER:
        return read_string(j, &d->delimiter, err);
    case START:
        read_count(j, &d->start);
        return 0;
    case STOP:
        read_count(j, &d->stop);
        return 0;
    case PATTERN:
        return tf_pattern_read(j, &d->pattern, err);
    case DECODERS:
        return read_items(j, d, err);
    default: /* the types that have one have one of them */
        return read_string(j, &d->text, err);
    }
}

static int read_members(struct tf_json *j, struct tf_decoder *d,
                        struct tf_buf *type, unsigned *seen, struct tf_err *err)
{
    struct tf_str key, name;
    size_t i;

    if (!tf_json_object(j))
        return 0;
    while (tf_json_key(j, &key)) {
        if (tf_str_is(key, "type")) {
            tf_buf_reset(type);
            if (tf_json_string(j, &name))
                tf_buf_add(type, name.s, name.len);
            continue;
        }
        for (i = 0; i < MEMBERS && !tf_str_is(key, members[i]); i++)
            ;
        if (i == MEMBERS || tf_json_peek(j) == TF_JSON_NULL) {
            tf_json_skip(j, NULL);
            continue;
        }
        *seen |= 1u << i;
        if (read_member(j, 1u << i, d, err))
            return -1;
    }
    return 0;
}

/* Give the decoder its type's function, once all members are there. */
static int finish(struct tf_decoder *d, const char *name, unsigned seen,
                  struct tf_err *err)
{
    size_t i, k;

    for (i = 0; i < TYPES && strcmp(name, types[i].name); i++)
        ;
    if (i == TYPES)
        return tf_fail(err, "unknown decoder type \"%s\"", name);
    for (k = 0; k < MEMBERS; k++)
        if (types[i].must & ~seen & 1u << k)
            return tf_fail(err, "decoder %s has no \"%s\"", name, members[k]);
    d->run = types[i].run;
    if ((d->run == tf_decode_strip || d->run == tf_decode_metaspace) &&
        (!d->text.len ||
         tf_utf8_len((unsigned char)d->text.s[0]) != d->text.len))
        return tf_fail(err, "decoder %s wants one character, not \"%s\"", name,
                       d->text.s);
    if (d->run == tf_decode_replace)
        return tf_pattern_compile(&d->pattern, err);
    return 0;
}

int tf_decoder_read(struct tf_json *j, struct tf_decoder **out,
                    struct tf_err *err)
{
    struct tf_buf type = TF_BUF_INIT;
    struct tf_decoder *d;
    unsigned seen = 0;
    int failed;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    d = tf_alloc(1, sizeof(*d), err);
    if (!d)
        return -1;
    d->prefixed = true;
    failed = read_members(j, d, &type, &seen, err);
    if (!failed && tf_json_failed(j, err))
        failed = -1;
    if (!failed)
        failed = finish(d, tf_buf_cstr(&type), seen, err);
    tf_buf_release(&type);
    if (failed) {
        tf_decoder_free(d);
        return -1;
    }
    *out = d;
    return 0;
}

void tf_decoder_free(struct tf_decoder *d)
{
    size_t i;

    if (!d)
        return;
    for (i = 0; i < d->count; i++)
        tf_decoder_free(d->items[i]);
    free(d->items);
    tf_pattern_release(&d->pattern);
    free((char *)d->text.s);
    free((char *)d->delimiter.s);
    free(d);
}

#include "text/decode.h"

#include <stdlib.h>
#include "base/mem.h"
#include "text/component.h"
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

static const struct type {
    struct tf_component_type type;
    tf_decoder_run *run;
} types[] = {
    { { "ByteLevel", 0 }, tf_decode_byte_level },
    { { "WordPiece", PREFIX | CLEANUP }, tf_decode_wordpiece },
    { { "Metaspace", REPLACEMENT }, tf_decode_metaspace },
    { { "BPEDecoder", SUFFIX }, tf_decode_bpe },
    { { "CTC", PAD_TOKEN | WORD_DELIMITER | CLEANUP }, tf_decode_ctc },
    { { "ByteFallback", 0 }, tf_decode_byte_fallback },
    { { "Fuse", 0 }, tf_decode_fuse },
    { { "Strip", CONTENT | START | STOP }, tf_decode_strip },
    { { "Replace", PATTERN | CONTENT }, tf_decode_replace },
    { { "Sequence", DECODERS }, NULL },
};

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

static int read_item(struct tf_json *j, void **out, struct tf_err *err)
{
    struct tf_decoder *item = NULL;
    int failed = tf_decoder_read(j, &item, err);

    *out = item;
    return failed;
}

/* Read the value of a member that is known; errors of JSON stay in `j`. */
static int read_member(struct tf_json *j, unsigned member, void *object,
                       struct tf_err *err)
{
    struct tf_decoder *d = object;
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
        return tf_component_string(j, &d->delimiter, err);
    case START:
        read_count(j, &d->start);
        return 0;
    case STOP:
        read_count(j, &d->stop);
        return 0;
    case PATTERN:
        return tf_pattern_read(j, &d->pattern, err);
    case DECODERS:
        return tf_components_read(&d->items, j, read_item, err);
    default: /* the types that have one have one of them */
        return tf_component_string(j, &d->text, err);
    }
}

static const struct tf_component component = {
    .what = "decoder",
    .members = members,
    .member_count = sizeof(members) / sizeof(members[0]),
    .types = types,
    .type_size = sizeof(types[0]),
    .type_count = sizeof(types) / sizeof(types[0]),
    .read = read_member,
};

/* Once all members are there. */
static int prepare(struct tf_decoder *d, const char *name, struct tf_err *err)
{
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
    struct tf_decoder *d;
    const struct type *type;
    unsigned seen;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    d = tf_alloc(1, sizeof(*d), err);
    if (!d)
        return -1;
    d->prefixed = true;
    type = tf_component_read(&component, j, d, &seen, err);
    d->run = type ? type->run : NULL;
    if (!type || prepare(d, type->type.name, err)) {
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
    for (i = 0; i < d->items.count; i++)
        tf_decoder_free(d->items.at[i]);
    free(d->items.at);
    tf_pattern_release(&d->pattern);
    free((char *)d->text.s);
    free((char *)d->delimiter.s);
    free(d);
}

#include "text/split.h"

#include <stdlib.h>
#include "base/mem.h"
#include "text/component.h"
#include "text/splitters.h"

/* the members that a type must have, or may have */
enum {
    ADD_PREFIX_SPACE = 1 << 0,
    TRIM_OFFSETS = 1 << 1, /* the post-processor's business */
    USE_REGEX = 1 << 2,
    DELIMITER = 1 << 3,
    REPLACEMENT = 1 << 4,
    PREPEND_SCHEME = 1 << 5,
    SPLIT = 1 << 6,
    PATTERN = 1 << 7,
    BEHAVIOR = 1 << 8,
    INVERT = 1 << 9,
    INDIVIDUAL_DIGITS = 1 << 10,
    LENGTH = 1 << 11,
    PRETOKENIZERS = 1 << 12,
};

static const char *const members[] = {
    "add_prefix_space",
    "trim_offsets",
    "use_regex",
    "delimiter",
    "replacement",
    "prepend_scheme",
    "split",
    "pattern",
    "behavior",
    "invert",
    "individual_digits",
    "length",
    "pretokenizers",
};

static const char *const behaviors[] = {
    [TF_REMOVED] = "Removed",
    [TF_ISOLATED] = "Isolated",
    [TF_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
    [TF_MERGED_WITH_NEXT] = "MergedWithNext",
    [TF_CONTIGUOUS] = "Contiguous",
};

static const char *const schemes[] = {
    [TF_PREPEND_ALWAYS] = "always",
    [TF_PREPEND_FIRST] = "first",
    [TF_PREPEND_NEVER] = "never",
};

static void sequence(const struct tf_splitter *s, struct tf_pretext *pre,
                     bool origins)
{
    size_t i;

    for (i = 0; i < s->items.count; i++)
        tf_split(s->items.at[i], pre, origins);
}

static const struct type {
    struct tf_component_type type;
    tf_splitter_run *run;
} types[] = {
    { { "BertPreTokenizer", 0 }, tf_split_bert },
    { { "ByteLevel", ADD_PREFIX_SPACE | TRIM_OFFSETS }, tf_split_byte_level },
    { { "CharDelimiterSplit", DELIMITER }, tf_split_delimiter },
    { { "Metaspace", REPLACEMENT }, tf_split_metaspace },
    { { "Whitespace", 0 }, tf_split_whitespace_words },
    { { "WhitespaceSplit", 0 }, tf_split_whitespace },
    { { "Sequence", PRETOKENIZERS }, sequence },
    { { "Split", PATTERN | BEHAVIOR | INVERT }, tf_split_pattern },
    { { "Punctuation", 0 }, tf_split_punctuation },
    { { "Digits", INDIVIDUAL_DIGITS }, tf_split_digits },
    { { "UnicodeScripts", 0 }, tf_split_scripts },
    { { "FixedLength", 0 }, tf_split_length },
};

/* The index of the next string among n names. */
static unsigned read_name(struct tf_json *j, const char *const *names,
                          unsigned n, const char *what)
{
    struct tf_str s;
    unsigned i;

    if (!tf_json_string(j, &s))
        return 0;
    for (i = 0; i < n; i++)
        if (tf_str_is(s, names[i]))
            return i;
    tf_json_bad(j, what);
    return 0;
}

static void read_mark(struct tf_json *j, struct tf_splitter *s)
{
    struct tf_str c;

    if (!tf_json_string(j, &c))
        return;
    if (!c.len || tf_utf8_len((unsigned char)c.s[0]) != c.len) {
        tf_json_bad(j, "a delimiter must be one character");
        return;
    }
    memcpy(s->mark, c.s, c.len);
    s->mark_len = c.len;
}

static int read_item(struct tf_json *j, void **out, struct tf_err *err)
{
    struct tf_splitter *item = NULL;
    int failed = tf_splitter_read(j, &item, err);

    *out = item;
    return failed;
}

static void read_length(struct tf_json *j, struct tf_splitter *s)
{
    int64_t length;

    if (!tf_json_int(j, &length))
        return;
    if (length < 1)
        tf_json_bad(j, "a fixed length must be at least 1");
    else
        s->length = (size_t)length;
}

/* Read the value of a member that is known; errors of JSON stay in `j`. */
static int read_member(struct tf_json *j, unsigned member, void *object,
                       struct tf_err *err)
{
    struct tf_splitter *s = object;

    switch (member) {
    case ADD_PREFIX_SPACE:
        tf_json_bool(j, &s->add_prefix_space);
        break;
    case USE_REGEX:
        tf_json_bool(j, &s->use_regex);
        break;
    case DELIMITER:
    case REPLACEMENT:
        read_mark(j, s);
        break;
    case PREPEND_SCHEME:
        s->prepend = read_name(j, schemes, 3,
                               "a prepend_scheme that is not always, first "
                               "or never");
        break;
    case SPLIT:
        tf_json_bool(j, &s->split);
        break;
    case PATTERN:
        return tf_pattern_read(j, &s->pattern, err);
    case BEHAVIOR:
        s->behavior = read_name(j, behaviors, 5, "an unknown split behavior");
        break;
    case INVERT:
        tf_json_bool(j, &s->invert);
        break;
    case INDIVIDUAL_DIGITS:
        tf_json_bool(j, &s->individual_digits);
        break;
    case LENGTH:
        read_length(j, s);
        break;
    case PRETOKENIZERS:
        return tf_components_read(&s->items, j, read_item, err);
    default:
        tf_json_skip(j, NULL);
    }
    return 0;
}

static const struct tf_component component = {
    .what = "pre_tokenizer",
    .members = members,
    .member_count = sizeof(members) / sizeof(members[0]),
    .types = types,
    .type_size = sizeof(types[0]),
    .type_count = sizeof(types) / sizeof(types[0]),
    .read = read_member,
};

/* Once all members are there. */
static int prepare(struct tf_splitter *s, unsigned seen, struct tf_err *err)
{
    if (s->run == tf_split_metaspace && (seen & ADD_PREFIX_SPACE) &&
        !s->add_prefix_space) {
        if ((seen & PREPEND_SCHEME) && s->prepend != TF_PREPEND_NEVER)
            return tf_fail(err, "pre_tokenizer Metaspace without prefix space "
                                "has another prepend_scheme than never");
        s->prepend = TF_PREPEND_NEVER;
    }
    if (s->run == tf_split_byte_level)
        s->words = tf_words_gpt2();
    if (s->run == tf_split_pattern && s->pattern.is_regex)
        s->words = tf_words_find(s->pattern.string);
    if (s->run == tf_split_pattern && !s->words)
        return tf_pattern_compile(&s->pattern, err);
    return 0;
}

int tf_splitter_read(struct tf_json *j, struct tf_splitter **out,
                     struct tf_err *err)
{
    struct tf_splitter *s;
    const struct type *type;
    unsigned seen;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    s = tf_alloc(1, sizeof(*s), err);
    if (!s)
        return -1;
    s->use_regex = s->split = true;
    s->behavior = TF_ISOLATED;
    s->length = 5;
    type = tf_component_read(&component, j, s, &seen, err);
    s->run = type ? type->run : NULL;
    if (!type || prepare(s, seen, err)) {
        tf_splitter_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void tf_splitter_free(struct tf_splitter *s)
{
    size_t i;

    if (!s)
        return;
    for (i = 0; i < s->items.count; i++)
        tf_splitter_free(s->items.at[i]);
    free(s->items.at);
    tf_pattern_release(&s->pattern);
    free(s);
}

bool tf_splitter_needs_origins(const struct tf_splitter *s)
{
    size_t i;

    if (!s)
        return false;
    for (i = 0; i < s->items.count; i++)
        if (tf_splitter_needs_origins(s->items.at[i]))
            return true;
    return s->run == tf_split_metaspace && s->prepend == TF_PREPEND_FIRST;
}

void tf_split(const struct tf_splitter *s, struct tf_pretext *pre, bool origins)
{
    if (s && !pre->failed && pre->pieces.count)
        s->run(s, pre, origins);
}

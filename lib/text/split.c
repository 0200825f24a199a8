#include "text/split.h"

#include <stdlib.h>
#include "base/mem.h"
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

#define MEMBERS (sizeof(members) / sizeof(members[0]))

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

    for (i = 0; i < s->count; i++)
        tf_split(s->items[i], pre, origins);
}

static const struct type {
    const char *name;
    tf_splitter_run *run;
    unsigned must;
} types[] = {
    { "BertPreTokenizer", tf_split_bert, 0 },
    { "ByteLevel", tf_split_byte_level, ADD_PREFIX_SPACE | TRIM_OFFSETS },
    { "CharDelimiterSplit", tf_split_delimiter, DELIMITER },
    { "Metaspace", tf_split_metaspace, REPLACEMENT },
    { "Whitespace", tf_split_whitespace_words, 0 },
    { "WhitespaceSplit", tf_split_whitespace, 0 },
    { "Sequence", sequence, PRETOKENIZERS },
    { "Split", tf_split_pattern, PATTERN | BEHAVIOR | INVERT },
    { "Punctuation", tf_split_punctuation, 0 },
    { "Digits", tf_split_digits, INDIVIDUAL_DIGITS },
    { "UnicodeScripts", tf_split_scripts, 0 },
    { "FixedLength", tf_split_length, 0 },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

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

static int read_items(struct tf_json *j, struct tf_splitter *s,
                      struct tf_err *err)
{
    struct tf_splitter **grown, *item;

    if (tf_json_array(j))
        while (tf_json_item(j)) {
            if (tf_splitter_read(j, &item, err))
                return -1;
            if (!item)
                continue;
            grown = tf_grow(s->items, s->count + 1, sizeof(*grown), err);
            if (!grown) {
                tf_splitter_free(item);
                return -1;
            }
            s->items = grown;
            s->items[s->count++] = item;
        }
    return 0;
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
static int read_member(struct tf_json *j, unsigned member,
                       struct tf_splitter *s, struct tf_err *err)
{
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
        return read_items(j, s, err);
    default:
        tf_json_skip(j, NULL);
    }
    return 0;
}

static int read_members(struct tf_json *j, struct tf_splitter *s,
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
        if (read_member(j, 1u << i, s, err))
            return -1;
    }
    return 0;
}

/* Give the splitter its type's function, once all members are there. */
static int finish(struct tf_splitter *s, const char *name, unsigned seen,
                  struct tf_err *err)
{
    size_t i, k;

    for (i = 0; i < TYPES && strcmp(name, types[i].name); i++)
        ;
    if (i == TYPES)
        return tf_fail(err, "unknown pre_tokenizer type \"%s\"", name);
    for (k = 0; k < MEMBERS; k++)
        if (types[i].must & ~seen & 1u << k)
            return tf_fail(err, "pre_tokenizer %s has no \"%s\"", name,
                           members[k]);
    s->run = types[i].run;
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
    struct tf_buf type = TF_BUF_INIT;
    struct tf_splitter *s;
    unsigned seen = 0;
    int failed;

    *out = NULL;
    if (tf_json_null(j))
        return 0;
    s = tf_alloc(1, sizeof(*s), err);
    if (!s)
        return -1;
    s->use_regex = s->split = true;
    s->behavior = TF_ISOLATED;
    s->length = 5;
    failed = read_members(j, s, &type, &seen, err);
    if (!failed && tf_json_failed(j, err))
        failed = -1;
    if (!failed)
        failed = finish(s, tf_buf_cstr(&type), seen, err);
    tf_buf_release(&type);
    if (failed) {
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
    for (i = 0; i < s->count; i++)
        tf_splitter_free(s->items[i]);
    free(s->items);
    tf_pattern_release(&s->pattern);
    free(s);
}

bool tf_splitter_needs_origins(const struct tf_splitter *s)
{
    size_t i;

    if (!s)
        return false;
    for (i = 0; i < s->count; i++)
        if (tf_splitter_needs_origins(s->items[i]))
            return true;
    return s->run == tf_split_metaspace && s->prepend == TF_PREPEND_FIRST;
}

void tf_split(const struct tf_splitter *s, struct tf_pretext *pre, bool origins)
{
    if (s && !pre->failed && pre->pieces.count)
        s->run(s, pre, origins);
}

#include "text/postprocess.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static int push(struct tf_layout *l, struct tf_part part, struct tf_err *err)
{
    struct tf_part *p = tf_grow(l->parts, l->count + 1, sizeof(*p), err);

    if (!p)
        return -1;
    l->parts = p;
    p[l->count++] = part;
    return 0;
}

static struct tf_part special(int32_t id, int type, int group)
{
    return (struct tf_part){ .id = id,
                             .group = group,
                             .type = (uint8_t)type,
                             .overflow_type = (uint8_t)type };
}

static int groups(const struct tf_layout *l)
{
    return l->count ? l->parts[l->count - 1].group + 1 : 0;
}

/* An integer in [0, max]. */
static int read_number(const json_t *v, json_int_t max, const char *what,
                       int32_t *out, struct tf_err *err)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        json_integer_value(v) > max)
        return tf_fail(err, "expected %s in 0..%lld", what, (long long)max);
    *out = (int32_t)json_integer_value(v);
    return 0;
}

static int read_bool(const json_t *o, const char *name, bool *out,
                     struct tf_err *err)
{
    const json_t *v = json_object_get(o, name);

    if (!json_is_boolean(v))
        return tf_fail(err, "%s: expected true or false", name);
    *out = json_is_true(v);
    return 0;
}

/* ["[SEP]", 102] */
static int read_token(const json_t *o, const char *name, int32_t *id,
                      struct tf_err *err)
{
    const json_t *v = json_object_get(o, name);

    if (json_array_size(v) != 2 || !json_is_string(json_array_get(v, 0)) ||
        read_number(json_array_get(v, 1), INT32_MAX, "an id", id, err))
        return tf_fail(err, "%s: expected a token and its id", name);
    return 0;
}

/* Put before and behind each group what the functions below name; -1: nothing.
 */
static int surround(struct tf_layout *l, const int32_t before[2],
                    const int32_t behind[2], const int type[2],
                    struct tf_err *err)
{
    struct tf_layout old = *l;
    size_t i;
    int failed = 0;

    *l = (struct tf_layout){ NULL, 0 };
    for (i = 0; i < old.count && !failed; i++) {
        struct tf_part part = old.parts[i];
        int g = part.group, k = g > 0;

        if ((!i || old.parts[i - 1].group != g) && before[k] >= 0)
            failed = push(l, special(before[k], type[k], g), err);
        failed = failed || push(l, part, err);
        if ((i + 1 == old.count || old.parts[i + 1].group != g) &&
            behind[k] >= 0)
            failed = failed || push(l, special(behind[k], type[k], g), err);
    }
    free(old.parts);
    return failed;
}

static int trim(struct tf_postprocessor *p, struct tf_layout *l,
                bool prefix_space, struct tf_err *err)
{
    size_t i;

    p->trims = true;
    for (i = 0; i < l->count; i++) {
        struct tf_part *part = &l->parts[i];

        if (part->id >= 0)
            continue;
        if (part->trims == TF_TRIMS_MAX)
            return tf_fail(err, "offsets trimmed more than %d times",
                           TF_TRIMS_MAX);
        part->trim[part->trims].prefix_space = prefix_space;
        part->trim[part->trims++].first =
            !i || l->parts[i - 1].group != part->group;
    }
    return 0;
}

static int add_bert(struct tf_postprocessor *p, const json_t *o,
                    struct tf_err *err)
{
    static const int type[] = { 0, 1 };
    int32_t cls, sep;
    int pair;

    if (read_token(o, "sep", &sep, err) || read_token(o, "cls", &cls, err))
        return -1;
    for (pair = 0; pair < 2; pair++) {
        p->added[pair] += pair ? 3 : 2;
        if (surround(&p->layout[pair][1], (int32_t[]){ cls, -1 },
                     (int32_t[]){ sep, sep }, type, err))
            return -1;
    }
    return 0;
}

/* Every type is 0; but overflow windows without special tokens keep theirs. */
static int add_roberta(struct tf_postprocessor *p, const json_t *o,
                       struct tf_err *err)
{
    static const int type[] = { 0, 0 };
    bool trims = false, prefix_space = false;
    struct tf_layout *l;
    int32_t cls, sep;
    int pair, with;
    size_t i;

    if (read_token(o, "sep", &sep, err) || read_token(o, "cls", &cls, err) ||
        read_bool(o, "trim_offsets", &trims, err) ||
        read_bool(o, "add_prefix_space", &prefix_space, err))
        return -1;
    for (pair = 0; pair < 2; pair++) {
        p->added[pair] += pair ? 4 : 2;
        for (with = 0; with < 2; with++) {
            l = &p->layout[pair][with];
            if (trims && trim(p, l, prefix_space, err))
                return -1;
            for (i = 0; i < l->count; i++) {
                l->parts[i].type = 0;
                if (with)
                    l->parts[i].overflow_type = 0;
            }
        }
        if (surround(&p->layout[pair][1], (int32_t[]){ cls, sep },
                     (int32_t[]){ sep, sep }, type, err))
            return -1;
    }
    return 0;
}

static int add_byte_level(struct tf_postprocessor *p, const json_t *o,
                          struct tf_err *err)
{
    bool trims = false, prefix_space = false;
    int i;

    if (read_bool(o, "trim_offsets", &trims, err) ||
        read_bool(o, "add_prefix_space", &prefix_space, err))
        return -1;
    for (i = 0; i < 4 && trims; i++)
        if (trim(p, &p->layout[i / 2][i % 2], prefix_space, err))
            return -1;
    return 0;
}

/* The ids of a template's special token. */
static const json_t *token_ids(const json_t *tokens, const json_t *id,
                               struct tf_err *err)
{
    const json_t *ids = NULL;

    if (json_is_string(id))
        ids = json_object_get(json_object_getn(tokens, json_string_value(id),
                                               json_string_length(id)),
                              "ids");
    if (!json_is_array(ids)) {
        tf_fail(err, "no special token \"%s\" with its ids in special_tokens",
                json_is_string(id) ? json_string_value(id) : "");
        return NULL;
    }
    return ids;
}

static int push_group(struct tf_layout *l, const struct tf_layout *from,
                      int group, int type, struct tf_err *err)
{
    int fresh = groups(l);
    size_t i;

    for (i = 0; i < from->count; i++) {
        struct tf_part part = from->parts[i];

        if (part.group != group)
            continue;
        part.type = (uint8_t)type;
        part.group = fresh;
        if (push(l, part, err))
            return -1;
    }
    return 0;
}

/* One piece of a template: {"Sequence": …} or {"SpecialToken": …}. */
static int add_piece(struct tf_layout *l, const struct tf_layout *from,
                     const json_t *piece, const json_t *tokens, bool with,
                     struct tf_err *err)
{
    const json_t *o = json_object_get(piece, "Sequence"), *id, *ids;
    int group = groups(l);
    int32_t type, token;
    size_t i;

    if (!o)
        o = json_object_get(piece, "SpecialToken");
    id = json_object_get(o, "id");
    if (read_number(json_object_get(o, "type_id"), UINT8_MAX, "a type_id",
                    &type, err))
        return -1;
    if (json_object_get(piece, "Sequence")) {
        if (!json_is_string(id) || strlen(json_string_value(id)) != 1 ||
            !strchr("AB", *json_string_value(id)))
            return tf_fail(err, "a sequence is neither \"A\" nor \"B\"");
        group = *json_string_value(id) - 'A';
        if (group >= groups(from))
            return tf_fail(err, "a template for one text asks for a second");
        return push_group(l, from, group, type, err);
    }
    ids = token_ids(tokens, id, err);
    if (!ids)
        return -1;
    for (i = 0; i < json_array_size(ids); i++)
        if (read_number(json_array_get(ids, i), INT32_MAX, "an id", &token,
                        err) ||
            (with && push(l, special(token, type, group), err)))
            return -1;
    return 0;
}

static int apply_template(struct tf_layout *l, const json_t *pieces,
                          const json_t *tokens, bool with, struct tf_err *err)
{
    struct tf_layout old = *l;
    int failed = 0;
    size_t i;

    *l = (struct tf_layout){ NULL, 0 };
    for (i = 0; i < json_array_size(pieces) && !failed; i++)
        failed =
            add_piece(l, &old, json_array_get(pieces, i), tokens, with, err);
    free(old.parts);
    return failed;
}

static size_t count_special(const json_t *pieces, const json_t *tokens)
{
    size_t i, n = 0;

    for (i = 0; i < json_array_size(pieces); i++) {
        const json_t *o =
            json_object_get(json_array_get(pieces, i), "SpecialToken");
        const json_t *id = json_object_get(o, "id");

        if (id)
            n += json_array_size(
                json_object_get(json_object_getn(tokens, json_string_value(id),
                                                 json_string_length(id)),
                                "ids"));
    }
    return n;
}

static int add_template(struct tf_postprocessor *p, const json_t *o,
                        struct tf_err *err)
{
    static const char *const names[] = { "single", "pair" };
    const json_t *tokens = json_object_get(o, "special_tokens"), *pieces;
    int pair, with;

    for (pair = 0; pair < 2; pair++) {
        pieces = json_object_get(o, names[pair]);
        if (!json_is_array(pieces))
            return tf_fail(err, "%s: expected an array", names[pair]);
        for (with = 0; with < 2; with++) {
            struct tf_layout *l = &p->layout[pair][with];

            if (groups(l) != 1 + pair)
                return tf_fail(err,
                               "a template behind a processor that made "
                               "%d parts",
                               groups(l));
            if (apply_template(l, pieces, tokens, with, err)) {
                tf_err_at(err, names[pair]);
                return -1;
            }
        }
        p->added[pair] += count_special(pieces, tokens);
    }
    return 0;
}

static int add(struct tf_postprocessor *p, const json_t *o, struct tf_err *err);

static int add_sequence(struct tf_postprocessor *p, const json_t *o,
                        struct tf_err *err)
{
    const json_t *all = json_object_get(o, "processors");
    size_t i;

    if (!json_is_array(all))
        return tf_fail(err, "processors: expected an array");
    for (i = 0; i < json_array_size(all); i++)
        if (add(p, json_array_get(all, i), err))
            return -1;
    return 0;
}

static int add(struct tf_postprocessor *p, const json_t *o, struct tf_err *err)
{
    static const struct {
        const char *name;
        int (*add)(struct tf_postprocessor *p, const json_t *o,
                   struct tf_err *err);
    } types[] = {
        { "RobertaProcessing", add_roberta },
        { "BertProcessing", add_bert },
        { "ByteLevel", add_byte_level },
        { "TemplateProcessing", add_template },
        { "Sequence", add_sequence },
    };
    const char *type = json_string_value(json_object_get(o, "type"));
    size_t i;

    if (!type) /* old files name none: only these two could be told apart */
        type = json_object_get(o, "trim_offsets") ? "RobertaProcessing"
                                                  : "BertProcessing";
    for (i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(type, types[i].name)) {
            if (!types[i].add(p, o, err))
                return 0;
            tf_err_at(err, type);
            return -1;
        }
    return tf_fail(err, "unknown type \"%.60s\"", type);
}

int tf_postprocessor_read(struct tf_postprocessor *p, struct tf_json *j,
                          struct tf_err *err)
{
    struct tf_part text = { .id = -1 };
    struct tf_str raw;
    json_t *o = NULL;
    int pair, with, failed = 0;

    for (pair = 0; pair < 2; pair++)
        for (with = 0; with < 2; with++)
            for (text.sequence = 0; text.sequence <= pair; text.sequence++) {
                text.group = text.sequence;
                text.type = text.overflow_type = (uint8_t)text.sequence;
                if (push(&p->layout[pair][with], text, err))
                    return -1;
            }
    if (tf_json_null(j))
        return 0;
    tf_json_skip(j, &raw);
    if (tf_json_failed(j, err))
        return -1;
    o = json_loadb(raw.s, raw.len, JSON_DECODE_ANY, NULL);
    if (!json_is_object(o))
        failed = tf_fail(err, "expected an object");
    failed = failed || add(p, o, err);
    json_decref(o);
    return failed;
}

void tf_postprocessor_release(struct tf_postprocessor *p)
{
    int i;

    for (i = 0; i < 4; i++)
        free(p->layout[i / 2][i % 2].parts);
    memset(p, 0, sizeof(*p));
}

#include "task/input.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

void tf_input_release(struct tf_input *in)
{
    free(in->ids);
    free(in->type_ids);
    memset(in, 0, sizeof(*in));
}

static int make_room(struct tf_input *in, size_t n, struct tf_err *err)
{
    int32_t *ids;
    uint8_t *types;

    if (n <= in->cap)
        return 0;
    n = n < 2 * in->cap ? 2 * in->cap : n;
    ids = tf_grow(in->ids, n, sizeof(*ids), err);
    if (!ids)
        return -1;
    in->ids = ids;
    types = tf_grow(in->type_ids, n, sizeof(*types), err);
    if (!types)
        return -1;
    in->type_ids = types;
    in->cap = n;
    return 0;
}

int tf_input_take(struct tf_input *in, const struct tf_window *w,
                  struct tf_err *err)
{
    if (make_room(in, w->n, err))
        return -1;
    in->n = w->n;
    if (w->n) {
        memcpy(in->ids, w->ids, w->n * sizeof(in->ids[0]));
        memcpy(in->type_ids, w->type_ids, w->n);
    }
    return 0;
}

/* A member that is an array of integers, read item by item. */
struct numbers {
    struct tf_json json;
    const char *name;
    bool open;
};

static int not_integers(const char *name, struct tf_err *err)
{
    return tf_fail_code(err, "bad_field", "\"%s\" is not an array of integers",
                        name);
}

static int numbers_open(struct numbers *a, const struct tf_record *rec,
                        const char *name, struct tf_err *err)
{
    struct tf_str value = tf_record_get(rec, name);

    a->name = name;
    if (!value.s)
        return 0;
    a->open = true;
    tf_json_init(&a->json, value.s, value.len);
    return tf_json_array(&a->json) ? 0 : not_integers(name, err);
}

/* The next one: 1, 0 at the end, -1 when it is no integer. An array that was
 * not given has no end and holds `absent`. */
static int numbers_next(struct numbers *a, int64_t absent, int64_t *out,
                        struct tf_err *err)
{
    *out = absent;
    if (!a->open)
        return 1;
    if (!tf_json_item(&a->json))
        return a->json.what ? not_integers(a->name, err) : 0;
    return tf_json_int(&a->json, out) ? 1 : not_integers(a->name, err);
}

static void numbers_close(struct numbers *a)
{
    if (a->open)
        tf_json_release(&a->json);
}

static int uneven(const struct numbers *a, struct tf_err *err)
{
    return tf_fail_code(err, "bad_field",
                        "\"%s\" has not as many items as \"input_ids\"",
                        a->name);
}

/* Append one token unless its mask is 0. */
static int add_token(struct tf_input *in, int64_t id, int64_t type,
                     int64_t mask, struct tf_err *err)
{
    if (!mask)
        return 0;
    if (id < 0 || id > INT32_MAX)
        return tf_fail_code(err, "bad_ids",
                            "token id %lld is outside any vocabulary",
                            (long long)id);
    if (type < 0 || type > UINT8_MAX)
        return tf_fail_code(err, "bad_ids",
                            "token type id %lld is outside any model's range",
                            (long long)type);
    if (make_room(in, in->n + 1, err))
        return -1;
    in->ids[in->n] = (int32_t)id;
    in->type_ids[in->n++] = (uint8_t)type;
    return 0;
}

static int read_tokens(struct tf_input *in, struct numbers *ids,
                       struct numbers *types, struct numbers *mask,
                       struct tf_err *err)
{
    int64_t id, type, keep;
    int more, has_type, has_mask;

    in->n = 0;
    for (;;) {
        more = numbers_next(ids, 0, &id, err);
        has_type = more < 0 ? -1 : numbers_next(types, 0, &type, err);
        has_mask = has_type < 0 ? -1 : numbers_next(mask, 1, &keep, err);
        if (has_mask < 0)
            return -1;
        if (types->open && has_type != more)
            return uneven(types, err);
        if (mask->open && has_mask != more)
            return uneven(mask, err);
        if (!more)
            return 1;
        if (add_token(in, id, type, keep, err))
            return -1;
    }
}

int tf_input_read(struct tf_input *in, const struct tf_record *rec,
                  struct tf_err *err)
{
    struct numbers ids = { 0 }, types = { 0 }, mask = { 0 };
    int done = -1;

    if (!tf_record_get(rec, "input_ids").s)
        return 0;
    if (!numbers_open(&ids, rec, "input_ids", err) &&
        !numbers_open(&types, rec, "token_type_ids", err) &&
        !numbers_open(&mask, rec, "attention_mask", err))
        done = read_tokens(in, &ids, &types, &mask, err);
    numbers_close(&ids);
    numbers_close(&types);
    numbers_close(&mask);
    return done;
}

static int not_offsets(struct tf_err *err)
{
    return tf_fail_code(err, "bad_field",
                        "\"offsets\" is not [[start, end], ...] of as many "
                        "items as \"input_ids\"");
}

/* One [start, end]; false when it is none. */
static bool read_offset(struct tf_json *j, uint32_t out[2])
{
    int64_t v;
    size_t n = 0;

    if (!tf_json_array(j))
        return false;
    for (; tf_json_item(j); n++) {
        if (n == 2 || !tf_json_int(j, &v) || v < 0 || v > UINT32_MAX)
            return false;
        out[n] = (uint32_t)v;
    }
    return n == 2 && !j->what && out[0] <= out[1];
}

int tf_input_offsets(const struct tf_input *in, const struct tf_record *rec,
                     uint32_t (**offsets)[2], struct tf_err *err)
{
    struct tf_str value = tf_record_get(rec, "offsets");
    struct numbers mask = { 0 };
    uint32_t(*grown)[2], offset[2];
    struct tf_json j;
    size_t n = 0;
    int64_t keep;
    int more;

    if (!value.s)
        return 0;
    if (!(grown = tf_grow(*offsets, in->n, sizeof(*grown), err)))
        return -1;
    *offsets = grown;
    tf_json_init(&j, value.s, value.len);
    more = numbers_open(&mask, rec, "attention_mask", err) ? -1 : 1;
    if (more > 0 && !tf_json_array(&j))
        more = not_offsets(err);
    while (more > 0 && tf_json_item(&j)) {
        more = numbers_next(&mask, 1, &keep, err);
        if (more >= 0 &&
            (!more || !read_offset(&j, offset) || (keep && n == in->n)))
            more = not_offsets(err);
        if (more > 0 && keep)
            memcpy(grown[n++], offset, sizeof(offset));
    }
    if (more >= 0 && (j.what || n != in->n))
        more = not_offsets(err);
    numbers_close(&mask);
    tf_json_release(&j);
    return more < 0 ? -1 : 1;
}

void tf_join_reset(struct tf_joined *j)
{
    j->batch = (struct tf_batch){ 0 };
}

static int join_room(struct tf_joined *j, size_t count, size_t tokens,
                     struct tf_err *err)
{
    size_t *start;
    int32_t *ids;
    uint8_t *types;

    if (count > j->count) {
        count = count < 2 * j->count ? 2 * j->count : count;
        start = tf_grow(j->start, count + 1, sizeof(*start), err);
        if (!start)
            return -1;
        j->start = start;
        j->count = count;
    }
    if (tokens <= j->tokens)
        return 0;
    tokens = tokens < 2 * j->tokens ? 2 * j->tokens : tokens;
    ids = tf_grow(j->ids, tokens, sizeof(*ids), err);
    if (!ids)
        return -1;
    j->ids = ids;
    types = tf_grow(j->type_ids, tokens, sizeof(*types), err);
    if (!types)
        return -1;
    j->type_ids = types;
    j->tokens = tokens;
    return 0;
}

int tf_join_add(struct tf_joined *j, const struct tf_input *in,
                struct tf_err *err)
{
    size_t count = j->batch.seqs.count, at = count ? j->start[count] : 0;

    if (join_room(j, count + 1, at + in->n, err))
        return -1;
    j->start[0] = 0;
    j->start[count + 1] = at + in->n;
    if (in->n) {
        memcpy(j->ids + at, in->ids, in->n * sizeof(in->ids[0]));
        memcpy(j->type_ids + at, in->type_ids, in->n);
    }
    j->batch.ids = j->ids;
    j->batch.type_ids = j->type_ids;
    j->batch.seqs = (struct tf_seqs){ count + 1, j->start };
    return 0;
}

void tf_join_release(struct tf_joined *j)
{
    free(j->ids);
    free(j->type_ids);
    free(j->start);
    memset(j, 0, sizeof(*j));
}

#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strmap.h"

#define HEADER_MAX 100000000 /* bytes; the reference reader's own limit */

struct entry {
    char *name;
    size_t begin, end; /* in the data */
    struct tf_tensor tensor;
};

struct tf_safetensors {
    struct tf_map map;
    struct entry *entries;
    size_t count, cap;
    struct tf_strmap index; /* name: its place in entries */
};

/* What one header entry said, before it is believed. */
struct fields {
    bool dtype, shape, offsets; /* seen */
    int64_t begin, end;
};

static bool read_shape(struct tf_json *j, struct tf_tensor *t)
{
    int64_t dim;

    if (!tf_json_array(j))
        return false;
    while (tf_json_item(j)) {
        if (!tf_json_int(j, &dim))
            return false;
        if (t->ndim == TF_MAX_DIMS)
            return tf_json_bad(j, "a tensor of more than 8 dimensions");
        if (dim < 0)
            return tf_json_bad(j, "a negative dimension");
        t->dim[t->ndim++] = (size_t)dim;
    }
    return true;
}

static bool read_dtype(struct tf_json *j, struct tf_tensor *t)
{
    struct tf_str s;
    char name[16];

    if (!tf_json_string(j, &s))
        return false;
    if (s.len < sizeof(name)) {
        memcpy(name, s.s, s.len);
        name[s.len] = 0;
        if (!tf_dtype_parse(&t->dtype, name) &&
            tf_dtype_info(t->dtype)->block == 1)
            return true;
    }
    return tf_json_bad(j, "a dtype that is not supported");
}

static bool read_offsets(struct tf_json *j, struct fields *f)
{
    return tf_json_array(j) && tf_json_item(j) && tf_json_int(j, &f->begin) &&
           tf_json_item(j) && tf_json_int(j, &f->end) &&
           (!tf_json_item(j) || tf_json_bad(j, "more than two offsets"));
}

static bool once(struct tf_json *j, bool *seen)
{
    if (*seen)
        return tf_json_bad(j, "a member given twice");
    return *seen = true;
}

static bool read_fields(struct tf_json *j, struct tf_tensor *t,
                        struct fields *f)
{
    struct tf_str key;
    bool ok = tf_json_object(j);

    while (ok && tf_json_key(j, &key)) {
        if (tf_str_is(key, "dtype"))
            ok = once(j, &f->dtype) && read_dtype(j, t);
        else if (tf_str_is(key, "shape"))
            ok = once(j, &f->shape) && read_shape(j, t);
        else if (tf_str_is(key, "data_offsets"))
            ok = once(j, &f->offsets) && read_offsets(j, f);
        else
            ok = tf_json_skip(j, NULL);
    }
    return ok && !j->what;
}

/* Bytes of the tensor by its shape, or -1 when that overflows. */
static int shape_bytes(const struct tf_tensor *t, size_t *bytes)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);

    *bytes = info->bytes;
    for (size_t i = 0; i < t->ndim; i++)
        if (__builtin_mul_overflow(*bytes, t->dim[i], bytes))
            return -1;
    return 0;
}

static int check_fields(struct entry *e, const struct fields *f,
                        size_t data_size, struct tf_err *err)
{
    size_t bytes;

    if (!f->dtype || !f->shape || !f->offsets)
        return tf_fail(err, "no %s",
                       !f->dtype   ? "dtype"
                       : !f->shape ? "shape"
                                   : "data_offsets");
    if (f->begin < 0 || f->end < f->begin || (uint64_t)f->end > data_size)
        return tf_fail(err,
                       "offsets [%lld, %lld] are outside the file's "
                       "%zu bytes of data",
                       (long long)f->begin, (long long)f->end, data_size);
    e->begin = (size_t)f->begin;
    e->end = (size_t)f->end;
    if (shape_bytes(&e->tensor, &bytes))
        return tf_fail(err, "the shape overflows");
    if (bytes != e->end - e->begin)
        return tf_fail(err, "the shape needs %zu bytes, the offsets give %zu",
                       bytes, e->end - e->begin);
    return 0;
}

static int add_entry(struct tf_safetensors *st, struct tf_json *j,
                     struct tf_str name, const unsigned char *data,
                     size_t data_size, struct tf_err *err)
{
    struct fields f = { 0 };
    struct entry *e;

    if (st->count == st->cap) {
        size_t cap = st->cap ? 2 * st->cap : 64;
        struct entry *grown = tf_grow(st->entries, cap, sizeof(*e), err);

        if (!grown)
            return -1;
        st->entries = grown;
        st->cap = cap;
    }
    e = &st->entries[st->count];
    memset(e, 0, sizeof(*e));
    e->name = tf_strndup(name.s, name.len, err);
    if (!e->name)
        return -1;
    st->count++; /* from here on close() frees the name */
    if (strlen(e->name) != name.len)
        return tf_fail(err, "a tensor name holds a NUL");
    if (!read_fields(j, &e->tensor, &f)) {
        tf_json_failed(j, err);
        tf_err_at(err, e->name);
        return -1;
    }
    if (check_fields(e, &f, data_size, err)) {
        tf_err_at(err, e->name);
        return -1;
    }
    e->tensor.ld = e->tensor.ndim ? e->tensor.dim[e->tensor.ndim - 1] : 1;
    e->tensor.data = (void *)(uintptr_t)(data + e->begin);
    return 0;
}

/* "__metadata__": strings by name, of no use here but part of the format. */
static bool read_metadata(struct tf_json *j)
{
    struct tf_str key, value;

    if (!tf_json_object(j))
        return false;
    while (tf_json_key(j, &key))
        if (!tf_json_string(j, &value))
            return false;
    return !j->what;
}

static int read_header(struct tf_safetensors *st, size_t header_size,
                       struct tf_err *err)
{
    const unsigned char *data = st->map.data + 8 + header_size;
    size_t data_size = st->map.size - 8 - header_size;
    struct tf_json j;
    struct tf_str key;
    bool metadata = false;
    int failed = 0;

    tf_json_init(&j, (const char *)st->map.data + 8, header_size);
    if (tf_json_object(&j))
        while (!failed && tf_json_key(&j, &key)) {
            if (tf_str_is(key, "__metadata__")) {
                if (once(&j, &metadata))
                    read_metadata(&j);
            } else {
                failed = add_entry(st, &j, key, data, data_size, err);
            }
        }
    if (!failed) {
        tf_json_done(&j);
        if (tf_json_failed(&j, err)) {
            tf_err_at(err, "header");
            failed = -1;
        }
    }
    tf_json_release(&j);
    return failed;
}

static int by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The data must be the tensors and nothing else, each byte used once. */
static int check_layout(struct tf_safetensors *st, size_t data_size,
                        struct tf_err *err)
{
    size_t at = 0;

    if (st->count)
        qsort(st->entries, st->count, sizeof(st->entries[0]), by_offset);
    for (size_t i = 0; i < st->count; i++) {
        const struct entry *e = &st->entries[i];

        if (e->begin != at)
            return tf_fail(err, "%.200s: %s: it begins at %zu, not at %zu",
                           e->name,
                           e->begin < at ? "overlaps the tensor before it"
                                         : "a hole before this tensor",
                           e->begin, at);
        at = e->end;
    }
    if (at != data_size)
        return tf_fail(err,
                       "the file holds %zu bytes of data, its tensors %zu; "
                       "is it cut off?",
                       data_size, at);
    return 0;
}

static int build_index(struct tf_safetensors *st, struct tf_err *err)
{
    if (tf_strmap_reserve(&st->index, st->count, err))
        return -1;
    for (size_t i = 0; i < st->count; i++) {
        const char *name = st->entries[i].name;
        size_t len = strlen(name);

        if (tf_strmap_get(&st->index, name, len) != TF_STRMAP_NONE)
            return tf_fail(err, "%.200s: a tensor given twice", name);
        if (tf_strmap_set(&st->index, name, len, (uint32_t)i, err))
            return -1;
    }
    return 0;
}

static int read_file(struct tf_safetensors *st, struct tf_err *err)
{
    uint64_t header_size;

    if (st->map.size < 8)
        return tf_fail(err, "not a safetensors file: only %zu bytes",
                       st->map.size);
    header_size = tf_load_le64(st->map.data);
    if (header_size > HEADER_MAX || header_size > st->map.size - 8)
        return tf_fail(err,
                       "not a safetensors file, or cut off: a header of "
                       "%llu bytes in a file of %zu",
                       (unsigned long long)header_size, st->map.size);
    if (!header_size || st->map.data[8] != '{')
        return tf_fail(err, "not a safetensors file: no header");
    if (read_header(st, (size_t)header_size, err) ||
        check_layout(st, st->map.size - 8 - (size_t)header_size, err) ||
        build_index(st, err))
        return -1;
    return 0;
}

struct tf_safetensors *tf_safetensors_open(const char *path, struct tf_err *err)
{
    struct tf_safetensors *st = tf_alloc(1, sizeof(*st), err);

    if (!st)
        return NULL;
    if (tf_map_open(&st->map, path, err)) {
        free(st);
        return NULL;
    }
    if (read_file(st, err)) {
        tf_err_at(err, path);
        tf_safetensors_close(st);
        return NULL;
    }
    return st;
}

void tf_safetensors_close(struct tf_safetensors *st)
{
    if (!st)
        return;
    for (size_t i = 0; i < st->count; i++)
        free(st->entries[i].name);
    free(st->entries);
    tf_strmap_release(&st->index);
    tf_map_close(&st->map);
    free(st);
}

const struct tf_tensor *tf_safetensors_find(const struct tf_safetensors *st,
                                            const char *name)
{
    uint32_t i = tf_strmap_get(&st->index, name, strlen(name));

    return i == TF_STRMAP_NONE ? NULL : &st->entries[i].tensor;
}

size_t tf_safetensors_count(const struct tf_safetensors *st)
{
    return st->count;
}

const struct tf_tensor *tf_safetensors_at(const struct tf_safetensors *st,
                                          size_t i, const char **name)
{
    *name = st->entries[i].name;
    return &st->entries[i].tensor;
}

#include "format/gguf.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "base/strmap.h"

#define SHARDS_MAX 9999 /* the name holds five digits */
#define NESTED_MAX 4    /* arrays in arrays */
#define GGML_DIMS  4

enum kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    BOOL,
    STRING,
    ARRAY,
    U64,
    I64,
    F64,
    KINDS
};

/* bytes of a value; 0: of no fixed size */
static const unsigned char width[KINDS] = { 1, 1, 2, 2, 4, 4, 4,
                                            1, 0, 0, 8, 8, 8 };

/* ggml's type numbers by their names in the dtype table */
static const char *const ggml_types[] = {
    [0] = "F32",      [1] = "F16",     [2] = "Q4_0",     [3] = "Q4_1",
    [6] = "Q5_0",     [7] = "Q5_1",    [8] = "Q8_0",     [10] = "Q2_K",
    [11] = "Q3_K",    [12] = "Q4_K",   [13] = "Q5_K",    [14] = "Q6_K",
    [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S",
    [20] = "IQ4_NL",  [21] = "IQ3_S",  [22] = "IQ2_S",   [23] = "IQ4_XS",
    [24] = "I8",      [25] = "I16",    [26] = "I32",     [27] = "I64",
    [28] = "F64",     [29] = "IQ1_M",  [30] = "BF16",    [34] = "TQ1_0",
    [35] = "TQ2_0",   [39] = "MXFP4",  [40] = "NVFP4",
};

struct value {
    uint32_t type;
    const unsigned char *p; /* four bytes of type stand before it */
    struct tf_str key;
};

struct shard {
    struct tf_map map;
    size_t data;  /* where the tensors' data begins */
    size_t first; /* its first tensor's number */
};

struct tf_gguf {
    struct shard *shards;
    size_t shard_count;
    struct value *values; /* of the first shard */
    size_t value_count;
    struct tf_strmap keys;
    struct tf_tensor *tensors;
    char **names; /* NUL-terminated copies */
    size_t count;
    struct tf_strmap by_name;
};

/* A position in the file; `bad` is sticky, and reads past the end set it. */
struct cursor {
    const unsigned char *p, *end;
    bool bad;
};

static const unsigned char *take(struct cursor *c, uint64_t n)
{
    const unsigned char *p = c->p;

    if (c->bad || n > (size_t)(c->end - c->p)) {
        c->bad = true;
        return NULL;
    }
    c->p += n;
    return p;
}

static uint32_t take_u32(struct cursor *c)
{
    const unsigned char *p = take(c, 4);

    return p ? tf_load_le32(p) : 0;
}

static uint64_t take_u64(struct cursor *c)
{
    const unsigned char *p = take(c, 8);

    return p ? tf_load_le64(p) : 0;
}

static struct tf_str take_string(struct cursor *c)
{
    uint64_t n = take_u64(c);
    const unsigned char *p = take(c, n);

    return p ? (struct tf_str){ (const char *)p, n } : (struct tf_str){ 0 };
}

static void skip_value(struct cursor *c, uint32_t type, int nested)
{
    uint64_t n, bytes;
    uint32_t item;

    if (type >= KINDS || nested > NESTED_MAX) {
        c->bad = true;
    } else if (width[type]) {
        take(c, width[type]);
    } else if (type == STRING) {
        take_string(c);
    } else {
        item = take_u32(c);
        n = take_u64(c);
        if (item < KINDS && width[item]) {
            if (__builtin_mul_overflow(n, width[item], &bytes))
                c->bad = true;
            else
                take(c, bytes);
        } else {
            while (n-- && !c->bad)
                skip_value(c, item, nested + 1);
        }
    }
}

static struct value find_value(const struct tf_gguf *g, const char *key)
{
    uint32_t i = tf_strmap_get(&g->keys, key, strlen(key));

    return i == TF_STRMAP_NONE ? (struct value){ KINDS } : g->values[i];
}

/* A number at p as an integer; false when it is none or too large. */
static bool load_int(uint32_t type, const unsigned char *p, int64_t *out)
{
    switch (type) {
    case U8:
    case BOOL:
        *out = p[0];
        return true;
    case I8:
        *out = (int8_t)p[0];
        return true;
    case U16:
        *out = tf_load_le16(p);
        return true;
    case I16:
        *out = (int16_t)tf_load_le16(p);
        return true;
    case U32:
        *out = tf_load_le32(p);
        return true;
    case I32:
        *out = (int32_t)tf_load_le32(p);
        return true;
    case U64:
    case I64:
        *out = (int64_t)tf_load_le64(p);
        return type == I64 || *out >= 0;
    default:
        return false;
    }
}

static bool load_double(uint32_t type, const unsigned char *p, double *out)
{
    uint32_t u32;
    uint64_t u64;
    int64_t i;
    float f;

    if (type == F32) {
        u32 = tf_load_le32(p);
        memcpy(&f, &u32, sizeof(f));
        *out = (double)f;
    } else if (type == F64) {
        u64 = tf_load_le64(p);
        memcpy(out, &u64, sizeof(*out));
    } else {
        if (!load_int(type, p, &i))
            return false;
        *out = (double)i;
    }
    return true;
}

bool tf_gguf_string(const struct tf_gguf *g, const char *key,
                    struct tf_str *out)
{
    struct value v = find_value(g, key);

    if (v.type != STRING)
        return false;
    *out = (struct tf_str){ (const char *)v.p + 8, tf_load_le64(v.p) };
    return true;
}

bool tf_gguf_int(const struct tf_gguf *g, const char *key, int64_t *out)
{
    struct value v = find_value(g, key);

    return load_int(v.type, v.p, out);
}

bool tf_gguf_double(const struct tf_gguf *g, const char *key, double *out)
{
    struct value v = find_value(g, key);

    return load_double(v.type, v.p, out);
}

bool tf_gguf_bool(const struct tf_gguf *g, const char *key, bool *out)
{
    struct value v = find_value(g, key);

    if (v.type != BOOL)
        return false;
    *out = v.p[0] != 0;
    return true;
}

bool tf_gguf_array(const struct tf_gguf *g, const char *key,
                   struct tf_gguf_array *out)
{
    struct value v = find_value(g, key);

    if (v.type != ARRAY)
        return false;
    out->type = tf_load_le32(v.p);
    out->count = tf_load_le64(v.p + 4);
    out->p = v.p + 12;
    return true;
}

bool tf_gguf_next_string(struct tf_gguf_array *a, struct tf_str *out)
{
    if (!a->count || a->type != STRING)
        return false;
    *out = (struct tf_str){ (const char *)a->p + 8, tf_load_le64(a->p) };
    a->p += 8 + out->len;
    a->count--;
    return true;
}

static void pass(struct tf_gguf_array *a)
{
    a->p += width[a->type];
    a->count--;
}

bool tf_gguf_next_int(struct tf_gguf_array *a, int64_t *out)
{
    if (!a->count || !load_int(a->type, a->p, out))
        return false;
    pass(a);
    return true;
}

bool tf_gguf_next_double(struct tf_gguf_array *a, double *out)
{
    if (!a->count || !load_double(a->type, a->p, out))
        return false;
    pass(a);
    return true;
}

size_t tf_gguf_value_count(const struct tf_gguf *g)
{
    return g->value_count;
}

struct tf_str tf_gguf_value_at(const struct tf_gguf *g, size_t i,
                               struct tf_str *key)
{
    const struct value *v = &g->values[i];
    const struct tf_map *map = &g->shards[0].map;
    struct cursor c = { v->p, map->data + map->size, false };

    skip_value(&c, v->type, 0);
    *key = v->key;
    return (struct tf_str){ (const char *)v->p - 4, (size_t)(c.p - v->p) + 4 };
}

int tf_gguf_type(enum tf_dtype dtype)
{
    const char *name = tf_dtype_info(dtype)->name;

    for (size_t i = 0; i < sizeof(ggml_types) / sizeof(ggml_types[0]); i++)
        if (ggml_types[i] && !strcmp(ggml_types[i], name))
            return (int)i;
    return -1;
}

static int read_values(struct tf_gguf *g, struct cursor *c, uint64_t n,
                       bool keep, struct tf_err *err)
{
    struct tf_str key;
    uint32_t type;
    uint64_t i;

    if (n > (size_t)(c->end - c->p) / 13 || n > UINT32_MAX / 2)
        return tf_fail(err, "%llu metadata values don't fit in the file",
                       (unsigned long long)n);
    if (keep) {
        g->values = tf_alloc(n, sizeof(*g->values), err);
        if (!g->values || tf_strmap_reserve(&g->keys, n, err))
            return -1;
    }
    for (i = 0; i < n; i++) {
        key = take_string(c);
        type = take_u32(c);
        if (keep && !c->bad) {
            g->values[i] = (struct value){ type, c->p, key };
            if (tf_strmap_get(&g->keys, key.s, key.len) != TF_STRMAP_NONE)
                return tf_fail(err, "metadata key %.*s stands twice",
                               (int)(key.len < 64 ? key.len : 64), key.s);
            if (tf_strmap_set(&g->keys, key.s, key.len, (uint32_t)i, err))
                return -1;
        }
        skip_value(c, type, 0);
        if (c->bad)
            return tf_fail(err, "metadata value %llu is cut off or malformed",
                           (unsigned long long)i);
    }
    g->value_count = keep ? n : g->value_count;
    return 0;
}

static int parse_type(struct tf_tensor *t, uint32_t type, const char *name,
                      struct tf_err *err)
{
    const char *word = NULL;

    if (type < sizeof(ggml_types) / sizeof(ggml_types[0]))
        word = ggml_types[type];
    if (!word || tf_dtype_parse(&t->dtype, word))
        return tf_fail(err, "%s: tensor type %u%s%s%s is not supported", name,
                       type, word ? " (" : "", word ? word : "",
                       word ? ")" : "");
    return 0;
}

/* The shape, with t->data left as the offset from the data's start. */
static int read_tensor(struct tf_tensor *t, const char *name, struct cursor *c,
                       uint64_t *offset, struct tf_err *err)
{
    uint64_t dims[GGML_DIMS] = { 0 }, count = 1;
    uint32_t n = take_u32(c), type, i;

    if (n > GGML_DIMS)
        return tf_fail(err, "%s: %u dimensions, at most %d are allowed", name,
                       n, GGML_DIMS);
    for (i = 0; i < n; i++) {
        dims[i] = take_u64(c);
        if (dims[i] > INT64_MAX ||
            __builtin_mul_overflow(count, dims[i], &count) ||
            count > INT64_MAX / 8)
            return tf_fail(err, "%s: the shape is too large", name);
    }
    type = take_u32(c);
    *offset = take_u64(c);
    if (c->bad)
        return tf_fail(err, "%s: the entry is cut off", name);
    if (parse_type(t, type, name, err))
        return -1;
    t->ndim = n;
    for (i = 0; i < n; i++)
        t->dim[n - 1 - i] = dims[i];
    t->ld = n ? t->dim[n - 1] : 1;
    if (t->ld % tf_dtype_info(t->dtype)->block)
        return tf_fail(err, "%s: rows of %zu are no multiple of a %s block",
                       name, t->ld, tf_dtype_info(t->dtype)->name);
    return 0;
}

/* Read the tensor table; offsets are kept in data until its start is known. */
static int read_tensors(struct tf_gguf *g, struct cursor *c, uint64_t n,
                        uint64_t alignment, struct tf_err *err)
{
    struct tf_str name;
    uint64_t offset = 0;
    size_t i = g->count, end;
    void *p;

    if (n > (size_t)(c->end - c->p) / 24 || n > UINT32_MAX / 2)
        return tf_fail(err, "%llu tensors don't fit in the file",
                       (unsigned long long)n);
    end = g->count + n;
    if (!(p = tf_grow(g->tensors, end, sizeof(*g->tensors), err)))
        return -1;
    g->tensors = p;
    if (!(p = tf_grow(g->names, end, sizeof(*g->names), err)))
        return -1;
    g->names = p;
    if (tf_strmap_reserve(&g->by_name, end, err))
        return -1;
    for (; i < end; i++) {
        name = take_string(c);
        if (c->bad || !name.len || memchr(name.s, 0, name.len))
            return tf_fail(err, "tensor %zu has no proper name", i);
        g->tensors[i] = (struct tf_tensor){ 0 };
        if (!(g->names[i] = tf_strndup(name.s, name.len, err)))
            return -1;
        g->count = i + 1; /* close() frees the name from here on */
        if (read_tensor(&g->tensors[i], g->names[i], c, &offset, err))
            return -1;
        if (offset % alignment)
            return tf_fail(err, "%s: offset %llu is not aligned to %llu",
                           g->names[i], (unsigned long long)offset,
                           (unsigned long long)alignment);
        g->tensors[i].data = (void *)(uintptr_t)offset;
        if (tf_strmap_get(&g->by_name, g->names[i], name.len) != TF_STRMAP_NONE)
            return tf_fail(err, "tensor %s stands twice", g->names[i]);
        if (tf_strmap_set(&g->by_name, g->names[i], name.len, (uint32_t)i, err))
            return -1;
    }
    return 0;
}

/* Turn the offsets of a shard's tensors into places in its mapping. */
static int place_tensors(struct tf_gguf *g, struct shard *s, struct tf_err *err)
{
    size_t room = s->map.size - s->data, i;

    for (i = s->first; i < g->count; i++) {
        struct tf_tensor *t = &g->tensors[i];
        uint64_t offset = (uintptr_t)t->data;
        size_t bytes = tf_tensor_bytes(t);

        if (offset > room || bytes > room - offset)
            return tf_fail(err,
                           "%s: %zu bytes at offset %llu, but the file has "
                           "%zu bytes of data",
                           g->names[i], bytes, (unsigned long long)offset,
                           room);
        t->data = (void *)(s->map.data + s->data + offset);
    }
    return 0;
}

static int read_shard(struct tf_gguf *g, const char *path, struct tf_err *err)
{
    struct shard *s = &g->shards[g->shard_count];
    bool keep = !g->shard_count;
    uint64_t tensors, values;
    int64_t alignment = 32;
    struct cursor c;
    uint32_t version;

    if (tf_map_open(&s->map, path, err))
        return -1;
    s->first = g->count;
    g->shard_count++;
    c = (struct cursor){ s->map.data, s->map.data + s->map.size, false };
    if (s->map.size < 24 || memcmp(take(&c, 4), "GGUF", 4))
        return tf_fail(err, "not a GGUF file");
    version = take_u32(&c);
    if (version != 2 && version != 3)
        return tf_fail(
            err, "GGUF version %u; versions 2 and 3 can be read%s", version,
            version == 0x03000000 ? " (this file is big-endian)" : "");
    tensors = take_u64(&c);
    values = take_u64(&c);
    if (read_values(g, &c, values, keep, err))
        return -1;
    tf_gguf_int(g, "general.alignment", &alignment);
    if (alignment < 1 || alignment > 1 << 20 || alignment & (alignment - 1))
        return tf_fail(err, "general.alignment is %lld, not a power of two",
                       (long long)alignment);
    if (read_tensors(g, &c, tensors, (uint64_t)alignment, err))
        return -1;
    s->data = (size_t)(c.p - s->map.data);
    s->data += -s->data & ((size_t)alignment - 1);
    if (s->data > s->map.size)
        s->data = s->map.size; /* no tensors, no padding */
    return place_tensors(g, s, err);
}

/* The name of shard i of n by that of the first, "...-00001-of-00003.gguf". */
static char *shard_path(const char *first, size_t i, size_t n,
                        struct tf_err *err)
{
    size_t len = strlen(first);
    char tail[] = "-00001-of-00000.gguf", *path;

    snprintf(tail, sizeof(tail), "-00001-of-%05zu.gguf", n);
    if (len < sizeof(tail) - 1 ||
        strcmp(first + len - (sizeof(tail) - 1), tail)) {
        tf_fail(err, "the first of %zu files must be named ...%s", n, tail);
        return NULL;
    }
    if (!(path = tf_strndup(first, len, err)))
        return NULL;
    snprintf(tail, sizeof(tail), "-%05zu-of-%05zu.gguf", i + 1, n);
    memcpy(path + len - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    return path;
}

static int read_shards(struct tf_gguf *g, const char *first, struct tf_err *err)
{
    int64_t shards = 1, i;
    char *path;
    void *p;
    int failed;

    if (read_shard(g, first, err)) {
        tf_err_at(err, first);
        return -1;
    }
    tf_gguf_int(g, "split.count", &shards);
    if (shards < 2)
        return 0;
    if (shards > SHARDS_MAX)
        return tf_fail(err, "%s: split.count is %lld", first,
                       (long long)shards);
    p = tf_grow(g->shards, (size_t)shards, sizeof(*g->shards), err);
    if (!p)
        return -1;
    g->shards = p;
    for (i = 1; i < shards; i++) {
        path = shard_path(first, (size_t)i, (size_t)shards, err);
        if (!path)
            return -1;
        failed = read_shard(g, path, err);
        if (failed)
            tf_err_at(err, path);
        free(path);
        if (failed)
            return -1;
    }
    return 0;
}

struct tf_gguf *tf_gguf_open(const char *path, struct tf_err *err)
{
    struct tf_gguf *g = tf_alloc(1, sizeof(*g), err);

    if (!g)
        return NULL;
    g->shards = tf_alloc(1, sizeof(*g->shards), err);
    if (!g->shards || read_shards(g, path, err)) {
        tf_gguf_close(g);
        return NULL;
    }
    return g;
}

void tf_gguf_close(struct tf_gguf *g)
{
    size_t i;

    if (!g)
        return;
    for (i = 0; i < g->shard_count; i++)
        tf_map_close(&g->shards[i].map);
    for (i = 0; i < g->count; i++)
        free(g->names[i]);
    tf_strmap_release(&g->keys);
    tf_strmap_release(&g->by_name);
    free(g->shards);
    free(g->values);
    free(g->tensors);
    free(g->names);
    free(g);
}

const struct tf_tensor *tf_gguf_find(const struct tf_gguf *g, const char *name)
{
    uint32_t i = tf_strmap_get(&g->by_name, name, strlen(name));

    return i == TF_STRMAP_NONE ? NULL : &g->tensors[i];
}

size_t tf_gguf_count(const struct tf_gguf *g)
{
    return g->count;
}

const struct tf_tensor *tf_gguf_at(const struct tf_gguf *g, size_t i,
                                   const char **name)
{
    *name = g->names[i];
    return &g->tensors[i];
}

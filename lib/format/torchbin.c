#include "format/torchbin.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "format/zip.h"

#define LEGACY_PROTOCOL 1001
#define WRAPPED_MAX     3 /* a Parameter around a tensor, and some more */
#define COPIED_MAX      4 /* times the file's size: views of shared storages */

/* torch/serialization.py's MAGIC_NUMBER as pickle writes it: PROTO 2, LONG1 */
static const unsigned char legacy_magic[] = { 0x80, 2,    0x8a, 10,   0x6c,
                                              0xfc, 0x9c, 0x46, 0xf9, 0x20,
                                              0x6a, 0xa8, 0x50, 0x19, '.' };

static const struct {
    const char *storage, *element; /* globals */
    enum tf_dtype dtype;
} types[] = {
    { "torch FloatStorage", "torch float32", TF_F32 },
    { "torch DoubleStorage", "torch float64", TF_F64 },
    { "torch HalfStorage", "torch float16", TF_F16 },
    { "torch BFloat16Storage", "torch bfloat16", TF_BF16 },
    { "torch LongStorage", "torch int64", TF_I64 },
    { "torch IntStorage", "torch int32", TF_I32 },
    { "torch ShortStorage", "torch int16", TF_I16 },
    { "torch CharStorage", "torch int8", TF_I8 },
    { "torch ByteStorage", "torch uint8", TF_U8 },
    { "torch BoolStorage", "torch bool", TF_BOOL },
    { "torch Float8_e4m3fnStorage", "torch float8_e4m3fn", TF_F8_E4M3 },
    { "torch Float8_e5m2Storage", "torch float8_e5m2", TF_F8_E5M2 },
    { "torch UInt16Storage", "torch uint16", TF_U16 },
    { "torch UInt32Storage", "torch uint32", TF_U32 },
    { "torch UInt64Storage", "torch uint64", TF_U64 },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

#define UNTYPED           "torch.storage UntypedStorage"
#define REBUILD_V2        "torch._utils _rebuild_tensor_v2"
#define REBUILD_V3        "torch._utils _rebuild_tensor_v3"
#define REBUILD_PARAMETER "torch._utils _rebuild_parameter"

static const char *const other_globals[] = {
    "collections OrderedDict", UNTYPED,      REBUILD_V2,     REBUILD_V3,
    REBUILD_PARAMETER,         "torch Size", "torch device",
};
#define OTHERS (sizeof(other_globals) / sizeof(other_globals[0]))

/* Where the bytes of a storage are. */
struct storage {
    const unsigned char *data;
    uint64_t bytes;
};

struct tf_torchbin {
    struct tf_map map;
    struct tf_arena arena; /* the pickle's tree, copies of tensors */
    const struct tf_pickle *root;
    const char *allowed[2 * TYPES + OTHERS + 1];

    struct tf_zip zip;
    struct tf_str prefix;     /* the folder of data.pkl in the archive */
    struct storage *storages; /* legacy form */
    struct tf_strmap by_key;  /* key: number in storages */

    size_t copied; /* bytes of tensors that were not contiguous */

    struct tf_tensor *tensors;
    char **names;
    size_t count;
    struct tf_strmap by_name;
};

static struct tf_pickle *read_pickle(struct tf_torchbin *tb,
                                     const unsigned char *data, size_t len,
                                     struct tf_pickle *persistent, size_t *used,
                                     struct tf_err *err)
{
    const char **a = tb->allowed;
    size_t i;

    for (i = 0; i < TYPES; i++) {
        *a++ = types[i].storage;
        *a++ = types[i].element;
    }
    for (i = 0; i < OTHERS; i++)
        *a++ = other_globals[i];
    *a = NULL;
    return tf_pickle_read(&tb->arena, data, len, tb->allowed, persistent, used,
                          err);
}

/* Item i of a node if it is of this type. */
static const struct tf_pickle *item(const struct tf_pickle *node, size_t i,
                                    enum tf_pickle_type type)
{
    return i < node->count && node->items[i]->type == type ? node->items[i]
                                                           : NULL;
}

/* A storage by its persistent id:
 * ("storage", type, key, location, elements[, view of another storage]). */
static int find_storage(const struct tf_torchbin *tb,
                        const struct tf_pickle *node, struct storage *s,
                        const struct tf_pickle **type, struct tf_err *err)
{
    const struct tf_pickle *id = item(node, 0, TF_PICKLE_TUPLE), *word, *key;
    const struct tf_zip_member *m;
    struct tf_buf name = TF_BUF_INIT;
    uint32_t i;

    word = id ? item(id, 0, TF_PICKLE_STRING) : NULL;
    key = id ? item(id, 2, TF_PICKLE_STRING) : NULL;
    *type = id ? item(id, 1, TF_PICKLE_GLOBAL) : NULL;
    if (!word || !tf_str_is(word->string, "storage") || !key || !*type)
        return tf_fail(err, "a storage is not described as torch does it");
    if (id->count > 5 && id->items[5]->type != TF_PICKLE_NONE)
        return tf_fail(err, "storages that are views of others (written by "
                            "torch before 0.4) are not supported");
    if (tb->storages) {
        i = tf_strmap_get(&tb->by_key, key->string.s, key->string.len);
        if (i == TF_STRMAP_NONE)
            return tf_fail(err, "a storage is missing");
        *s = tb->storages[i];
        return 0;
    }
    tf_buf_add(&name, tb->prefix.s, tb->prefix.len);
    tf_buf_adds(&name, "data/");
    tf_buf_add(&name, key->string.s, key->string.len);
    m = name.failed
            ? NULL
            : tf_zip_find(&tb->zip, (struct tf_str){ name.data, name.len });
    tf_buf_release(&name);
    if (!m)
        return tf_fail(err, "the archive has no member for storage %.*s",
                       (int)(key->string.len < 64 ? key->string.len : 64),
                       key->string.s);
    *s = (struct storage){ m->data, m->size };
    return 0;
}

static int storage_dtype(struct tf_str global, enum tf_dtype *dtype,
                         struct tf_err *err)
{
    size_t i;

    for (i = 0; i < TYPES; i++)
        if (tf_str_is(global, types[i].storage) ||
            tf_str_is(global, types[i].element)) {
            *dtype = types[i].dtype;
            return 0;
        }
    return tf_fail(err, "%.*s is no element type", (int)global.len, global.s);
}

/* What _rebuild_tensor gets: a piece of a storage, maybe strided. */
struct layout {
    struct storage storage;
    size_t element;  /* bytes */
    uint64_t offset; /* elements */
    uint64_t stride[TF_MAX_DIMS];
};

/* Sizes and strides, and that every element lies in the storage. */
static int read_layout(struct layout *l, struct tf_tensor *t,
                       const struct tf_pickle *size,
                       const struct tf_pickle *stride, struct tf_err *err)
{
    uint64_t elements = l->storage.bytes / l->element, last = l->offset, reach;
    uint64_t count = 1;
    size_t i;

    if (size->count > TF_MAX_DIMS || stride->count != size->count)
        return tf_fail(err, "%zu sizes and %zu strides", size->count,
                       stride->count);
    t->ndim = size->count;
    for (i = 0; i < t->ndim; i++) {
        const struct tf_pickle *n = item(size, i, TF_PICKLE_INT);
        const struct tf_pickle *s = item(stride, i, TF_PICKLE_INT);

        if (!n || !s || n->integer < 0 || s->integer < 0)
            return tf_fail(err, "bad shape");
        t->dim[i] = (size_t)n->integer;
        l->stride[i] = (uint64_t)s->integer;
        if (__builtin_mul_overflow(count, t->dim[i], &count))
            return tf_fail(err, "bad shape");
        if (t->dim[i] > 1 &&
            (__builtin_mul_overflow(t->dim[i] - 1, l->stride[i], &reach) ||
             __builtin_add_overflow(last, reach, &last)))
            return tf_fail(err, "bad strides");
    }
    t->ld = t->ndim ? t->dim[t->ndim - 1] : 1;
    /* a repeated element (stride 0) must not make much out of little */
    if (count && (last >= elements || count > elements))
        return tf_fail(err, "reaches element %llu of a storage of %llu",
                       (unsigned long long)(last > count ? last : count),
                       (unsigned long long)elements);
    return 0;
}

static bool is_contiguous(const struct tf_tensor *t, const struct layout *l)
{
    uint64_t expect = 1;
    size_t i;

    for (i = t->ndim; i-- > 0; expect *= t->dim[i])
        if (t->dim[i] > 1 && l->stride[i] != expect)
            return false;
    return true;
}

/* The elements in row-major order, copied to the arena. */
static int copy_strided(struct tf_torchbin *tb, struct tf_tensor *t,
                        const struct layout *l, struct tf_err *err)
{
    size_t count = tf_tensor_count(t), index[TF_MAX_DIMS] = { 0 }, i, d;
    unsigned char *out;
    uint64_t at = l->offset;

    tb->copied += count * l->element;
    if (tb->copied / COPIED_MAX > tb->map.size)
        return tf_fail(err,
                       "strided tensors of more than %d times the file's "
                       "size; refused",
                       COPIED_MAX);
    out = tf_arena_alloc(&tb->arena, count, l->element);
    if (!out)
        return tf_no_memory(err, count * l->element);
    t->data = out;
    for (i = 0; i < count; i++) {
        memcpy(out + i * l->element, l->storage.data + at * l->element,
               l->element);
        for (d = t->ndim; d-- > 0;) {
            at += l->stride[d];
            if (++index[d] < t->dim[d])
                break;
            at -= index[d] * l->stride[d];
            index[d] = 0;
        }
    }
    return 0;
}

int tf_torchbin_tensor(struct tf_torchbin *tb, const struct tf_pickle *node,
                       struct tf_tensor *out, struct tf_err *err)
{
    const struct tf_pickle *storage, *offset, *size, *stride, *type;
    struct layout l = { 0 };
    int i;

    for (i = 0; i < WRAPPED_MAX && node->type == TF_PICKLE_CALL &&
                tf_str_is(node->string, REBUILD_PARAMETER) && node->count;
         i++)
        node = node->items[0];
    if (node->type != TF_PICKLE_CALL || !(tf_str_is(node->string, REBUILD_V2) ||
                                          tf_str_is(node->string, REBUILD_V3)))
        return tf_fail(err, "not a tensor");
    storage = item(node, 0, TF_PICKLE_PERSISTENT);
    offset = item(node, 1, TF_PICKLE_INT);
    size = item(node, 2, TF_PICKLE_TUPLE);
    stride = item(node, 3, TF_PICKLE_TUPLE);
    if (!storage || !offset || offset->integer < 0 || !size || !stride)
        return tf_fail(err, "a tensor is not described as torch does it");
    if (find_storage(tb, storage, &l.storage, &type, err))
        return -1;
    if (tf_str_is(node->string, REBUILD_V3))
        type = item(node, 6, TF_PICKLE_GLOBAL);
    *out = (struct tf_tensor){ 0 };
    if (!type)
        return tf_fail(err, "a tensor has no element type");
    if (storage_dtype(type->string, &out->dtype, err))
        return -1;
    l.element = tf_dtype_info(out->dtype)->bytes;
    l.offset = (uint64_t)offset->integer;
    if (read_layout(&l, out, size, stride, err))
        return -1;
    if (!is_contiguous(out, &l))
        return copy_strided(tb, out, &l, err);
    out->data = (void *)(l.storage.data + l.offset * l.element);
    return 0;
}

/* The dict's tensors by name. */
static int list_tensors(struct tf_torchbin *tb, struct tf_err *err)
{
    const struct tf_pickle *d = tb->root;
    size_t pairs = d->type == TF_PICKLE_DICT ? d->count / 2 : 0, i;

    tb->tensors = tf_alloc(pairs, sizeof(*tb->tensors), err);
    tb->names = tf_alloc(pairs, sizeof(*tb->names), err);
    if (!tb->tensors || !tb->names ||
        tf_strmap_reserve(&tb->by_name, pairs, err))
        return -1;
    for (i = 0; i < pairs; i++) {
        const struct tf_pickle *key = d->items[2 * i];
        const struct tf_pickle *value = d->items[2 * i + 1];
        char *name;

        if (key->type != TF_PICKLE_STRING || value->type != TF_PICKLE_CALL)
            continue;
        if (memchr(key->string.s, 0, key->string.len) ||
            tf_strmap_get(&tb->by_name, key->string.s, key->string.len) !=
                TF_STRMAP_NONE)
            return tf_fail(err, "a tensor's name is malformed or stands twice");
        if (!(name = tf_strndup(key->string.s, key->string.len, err)))
            return -1;
        tb->names[tb->count++] = name;
        if (tf_torchbin_tensor(tb, value, &tb->tensors[tb->count - 1], err)) {
            tf_err_at(err, name);
            return -1;
        }
        if (tf_strmap_set(&tb->by_name, name, key->string.len,
                          (uint32_t)(tb->count - 1), err))
            return -1;
    }
    return 0;
}

static int check_byte_order(const struct tf_torchbin *tb, struct tf_err *err)
{
    const struct tf_zip_member *m;
    struct tf_buf name = TF_BUF_INIT;

    tf_buf_add(&name, tb->prefix.s, tb->prefix.len);
    tf_buf_adds(&name, "byteorder");
    m = tf_zip_find(&tb->zip, (struct tf_str){ name.data, name.len });
    tf_buf_release(&name);
    if (m && m->size == 3 && !memcmp(m->data, "big", 3))
        return tf_fail(err, "written on a big-endian machine; save it again "
                            "on a little-endian one");
    return 0;
}

static int open_zip(struct tf_torchbin *tb, struct tf_err *err)
{
    const char tail[] = "data.pkl";
    size_t i, used, len = sizeof(tail) - 1;

    if (tf_zip_open(&tb->zip, tb->map.data, tb->map.size, err))
        return -1;
    for (i = 0; i < tb->zip.count; i++) {
        const struct tf_zip_member *m = &tb->zip.members[i];
        struct tf_str n = m->name;

        if (n.len < len || memcmp(n.s + n.len - len, tail, len) ||
            (n.len > len && n.s[n.len - len - 1] != '/'))
            continue;
        tb->prefix = (struct tf_str){ n.s, n.len - len };
        if (check_byte_order(tb, err))
            return -1;
        tb->root = read_pickle(tb, m->data, m->size, NULL, &used, err);
        return tb->root ? 0 : -1;
    }
    return tf_fail(err, "a zip archive without data.pkl: not torch's");
}

/* Take one pickle of the legacy form off the front of [*p, *p + *len). */
static struct tf_pickle *next_pickle(struct tf_torchbin *tb,
                                     const unsigned char **p, size_t *len,
                                     struct tf_pickle *persistent,
                                     struct tf_err *err)
{
    size_t used;
    struct tf_pickle *root = read_pickle(tb, *p, *len, persistent, &used, err);

    if (root) {
        *p += used;
        *len -= used;
    }
    return root;
}

static int check_system(const struct tf_pickle *sys, struct tf_err *err)
{
    const struct tf_pickle *little = tf_pickle_get(sys, "little_endian");

    if (!little || little->type != TF_PICKLE_BOOL || !little->integer)
        return tf_fail(err, "written on a big-endian machine; save it again "
                            "on a little-endian one");
    return 0;
}

/* The size of a storage's elements stands only in its persistent ids: note it
 * by key, in the place where the storage will be. */
static int note_elements(struct tf_torchbin *tb, const struct tf_pickle *ids,
                         struct tf_err *err)
{
    size_t i;

    tb->storages = tf_alloc(ids->count, sizeof(*tb->storages), err);
    if (!tb->storages || tf_strmap_reserve(&tb->by_key, ids->count, err))
        return -1;
    for (i = 0; i < ids->count; i++) {
        const struct tf_pickle *id = item(ids->items[i], 0, TF_PICKLE_TUPLE);
        const struct tf_pickle *type, *key;
        enum tf_dtype dtype;

        type = id ? item(id, 1, TF_PICKLE_GLOBAL) : NULL;
        key = id ? item(id, 2, TF_PICKLE_STRING) : NULL;
        if (!type || !key)
            return tf_fail(err, "a storage is not described as torch does it");
        if (storage_dtype(type->string, &dtype, err) ||
            tf_strmap_set(&tb->by_key, key->string.s, key->string.len,
                          (uint32_t)i, err))
            return -1;
        tb->storages[i].bytes = tf_dtype_info(dtype)->bytes;
    }
    return 0;
}

/* The storages stand after the pickles in the order of `keys`, each behind the
 * number of its elements. */
static int place_storages(struct tf_torchbin *tb, const struct tf_pickle *keys,
                          const unsigned char *p, size_t len,
                          struct tf_err *err)
{
    uint64_t bytes;
    size_t i;

    for (i = 0; i < keys->count; i++) {
        const struct tf_pickle *key = item(keys, i, TF_PICKLE_STRING);
        uint32_t n =
            key ? tf_strmap_get(&tb->by_key, key->string.s, key->string.len)
                : TF_STRMAP_NONE;

        if (n == TF_STRMAP_NONE || tb->storages[n].data)
            return tf_fail(err, "storage %zu belongs to no tensor", i);
        if (len < 8 ||
            __builtin_mul_overflow(tf_load_le64(p), tb->storages[n].bytes,
                                   &bytes) ||
            bytes > len - 8)
            return tf_fail(err, "storage %zu is cut off", i);
        tb->storages[n] = (struct storage){ p + 8, bytes };
        p += 8 + bytes;
        len -= 8 + bytes;
    }
    return 0;
}

static int open_legacy(struct tf_torchbin *tb, struct tf_err *err)
{
    const unsigned char *p = tb->map.data + sizeof(legacy_magic);
    size_t len = tb->map.size - sizeof(legacy_magic);
    struct tf_pickle ids = { .type = TF_PICKLE_LIST };
    const struct tf_pickle *protocol, *sys, *keys;

    if (!(protocol = next_pickle(tb, &p, &len, NULL, err)))
        return -1;
    if (protocol->type != TF_PICKLE_INT || protocol->integer != LEGACY_PROTOCOL)
        return tf_fail(err, "unknown protocol of the old torch format");
    if (!(sys = next_pickle(tb, &p, &len, NULL, err)) || check_system(sys, err))
        return -1;
    if (!(tb->root = next_pickle(tb, &p, &len, &ids, err)) ||
        note_elements(tb, &ids, err) ||
        !(keys = next_pickle(tb, &p, &len, NULL, err)))
        return -1;
    return place_storages(tb, keys, p, len, err);
}

static int open_any(struct tf_torchbin *tb, struct tf_err *err)
{
    const unsigned char *p = tb->map.data;
    size_t len = tb->map.size;

    if (len >= 4 && !memcmp(p, "PK\3\4", 4))
        return open_zip(tb, err);
    if (len >= sizeof(legacy_magic) &&
        !memcmp(p, legacy_magic, sizeof(legacy_magic)))
        return open_legacy(tb, err);
    if (len >= 262 && !memcmp(p + 257, "ustar", 5))
        return tf_fail(err, "the tar form of torch before 0.1.10; save it "
                            "again with a newer torch");
    return tf_fail(err, "not a file that torch.save wrote");
}

struct tf_torchbin *tf_torchbin_open(const char *path, struct tf_err *err)
{
    struct tf_torchbin *tb = tf_alloc(1, sizeof(*tb), err);

    if (!tb)
        return NULL;
    tf_arena_init(&tb->arena);
    if (tf_map_open(&tb->map, path, err)) {
        free(tb);
        return NULL;
    }
    if (open_any(tb, err) || list_tensors(tb, err)) {
        tf_err_at(err, path);
        tf_torchbin_close(tb);
        return NULL;
    }
    return tb;
}

void tf_torchbin_close(struct tf_torchbin *tb)
{
    size_t i;

    if (!tb)
        return;
    for (i = 0; i < tb->count; i++)
        free(tb->names[i]);
    free(tb->names);
    free(tb->tensors);
    free(tb->storages);
    tf_strmap_release(&tb->by_key);
    tf_strmap_release(&tb->by_name);
    tf_zip_close(&tb->zip);
    tf_arena_release(&tb->arena);
    tf_map_close(&tb->map);
    free(tb);
}

const struct tf_tensor *tf_torchbin_find(const struct tf_torchbin *tb,
                                         const char *name)
{
    uint32_t i = tf_strmap_get(&tb->by_name, name, strlen(name));

    return i == TF_STRMAP_NONE ? NULL : &tb->tensors[i];
}

size_t tf_torchbin_count(const struct tf_torchbin *tb)
{
    return tb->count;
}

const struct tf_tensor *tf_torchbin_at(const struct tf_torchbin *tb, size_t i,
                                       const char **name)
{
    *name = tb->names[i];
    return &tb->tensors[i];
}

const struct tf_pickle *tf_torchbin_root(const struct tf_torchbin *tb)
{
    return tb->root;
}

#include "model/cache_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "base/strmap.h"

#define VERSION    1
#define HEAD_BYTES 40
#define SAMPLE     4096 /* bytes of each tensor that the identity looks at */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    uint64_t pair[2] = { h, tf_hash(p, n) };

    return tf_hash(pair, sizeof(pair));
}

uint64_t tf_model_identity(const struct tf_model *m)
{
    char *config = json_dumps(m->config.json, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t h = config ? tf_hash(config, strlen(config)) : 0;
    const struct tf_tensor *t;
    const char *name;
    size_t i, bytes;

    free(config);
    for (i = 0; i < tf_weights_count(m->weights); i++) {
        t = tf_weights_at(m->weights, i, &name);
        bytes = tf_tensor_bytes(t);
        h = mix(h, name, strlen(name));
        h = mix(h, t->dim, t->ndim * sizeof(t->dim[0]));
        h = mix(h, &t->dtype, sizeof(t->dtype));
        h = mix(h, t->data, bytes < SAMPLE ? bytes : SAMPLE);
    }
    return h;
}

static void put(struct tf_buf *b, uint64_t v, int bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        tf_buf_addc(b, (char)(v & 0xff));
}

static int put_bytes(FILE *f, const void *p, size_t n)
{
    return n && fwrite(p, 1, n, f) != n ? -1 : 0;
}

static int put_layer(FILE *f, struct tf_ctx *ctx, const struct tf_cache *c,
                     size_t i)
{
    struct tf_buf head = TF_BUF_INIT;
    struct tf_kv kv;
    size_t k;
    int failed;

    if (c->state_size)
        return put_bytes(f, c->layers[i].state, c->state_size * sizeof(float));
    kv = tf_cache_rows(ctx, c, i);
    if (c->state_size)
        return put_bytes(f, c->layers[i].state, c->state_size * sizeof(float));
    put(&head, c->layers[i].dropped, 8);
    put(&head, kv.tokens, 8);
    failed = head.failed || put_bytes(f, head.data, head.len);
    tf_buf_release(&head);
    for (k = 0; !failed && k < kv.count; k++)
        failed = put_bytes(f, kv.pieces[k].k,
                           kv.pieces[k].rows * c->k_width * sizeof(float));
    for (k = 0; !failed && k < kv.count; k++)
        failed = put_bytes(f, kv.pieces[k].v,
                           kv.pieces[k].rows * c->v_width * sizeof(float));
    return failed || ctx->failed;
}

int tf_cache_save(const struct tf_cache *cache, const int32_t *ids,
                  uint64_t identity, const char *path, struct tf_err *err)
{
    struct tf_arena arena;
    struct tf_ctx ctx = { .arena = &arena, .err = err };
    struct tf_buf head = TF_BUF_INIT;
    struct tf_replace r;
    size_t i;
    int failed;

    tf_buf_adds(&head, "TFKV");
    put(&head, VERSION, 4);
    put(&head, identity, 8);
    put(&head, cache->tokens, 8);
    put(&head, cache->count, 4);
    put(&head, cache->k_width, 4);
    put(&head, cache->v_width, 4);
    put(&head, cache->state_size, 4);
    for (i = 0; i < cache->tokens; i++)
        put(&head, (uint32_t)ids[i], 4);
    if (head.failed || tf_replace_open(&r, path, err)) {
        failed = head.failed ? tf_no_memory(err, head.len) : -1;
        tf_buf_release(&head);
        return failed;
    }
    tf_arena_init(&arena);
    failed = put_bytes(r.f, head.data, head.len);
    for (i = 0; !failed && i < cache->count; i++)
        failed = put_layer(r.f, &ctx, cache, i);
    if (failed) {
        tf_fail(err, "%s: can't write: %s", path, strerror(errno));
        tf_replace_abort(&r);
    } else {
        failed = tf_replace_commit(&r, err);
    }
    tf_arena_release(&arena);
    tf_buf_release(&head);
    return failed ? -1 : 0;
}

/* Rows of one layer from p; the bytes used, or 0. */
static size_t load_layer(struct tf_cache *c, size_t i, const unsigned char *p,
                         size_t room, struct tf_err *err)
{
    struct tf_cache_layer *l = &c->layers[i];
    struct tf_tensor k = { .ndim = 2, .ld = c->k_width };
    struct tf_tensor v = { .ndim = 2, .ld = c->v_width };
    uint64_t dropped, rows, row_bytes, bytes;

    if (c->state_size) {
        bytes = c->state_size * sizeof(float);
        if (bytes > room)
            return 0;
        memcpy(l->state, p, bytes);
        return bytes;
    }
    if (c->state_size) {
        bytes = c->state_size * sizeof(float);
        if (bytes > room)
            return 0;
        memcpy(l->state, p, bytes);
        return bytes;
    }
    row_bytes = (c->k_width + c->v_width) * sizeof(float);
    if (room < 16)
        return 0;
    dropped = tf_load_le64(p);
    rows = tf_load_le64(p + 8);
    if (rows > c->tokens || dropped != c->tokens - rows ||
        (dropped && (l->window > rows)) ||
        __builtin_mul_overflow(rows, row_bytes, &bytes) || bytes > room - 16)
        return 0;
    k.data = (void *)(p + 16);
    v.data = (void *)(p + 16 + rows * c->k_width * sizeof(float));
    if (tf_cache_append(c, i, &k, &v, 0, rows, err))
        return 0;
    l->dropped = dropped;
    return 16 + bytes;
}

static struct tf_cache *load(const struct tf_stack_spec *spec,
                             uint64_t identity, const struct tf_map *map,
                             int32_t **ids, struct tf_err *err)
{
    const unsigned char *p = map->data;
    size_t left = map->size, used, i;
    struct tf_cache *c;
    uint64_t tokens;

    if (left < HEAD_BYTES || memcmp(p, "TFKV", 4) ||
        tf_load_le32(p + 4) != VERSION) {
        tf_fail(err, "not an attention cache of this version");
        return NULL;
    }
    if (tf_load_le64(p + 8) != identity) {
        tf_fail(err, "made by another model; remove it, or name another file");
        return NULL;
    }
    tokens = tf_load_le64(p + 16);
    left -= HEAD_BYTES;
    if (!(c = tf_cache_new(spec, err)))
        return NULL;
    if (tokens > left / 4 || tf_load_le32(p + 24) != c->count ||
        tf_load_le32(p + 28) != c->k_width ||
        tf_load_le32(p + 32) != c->v_width ||
        tf_load_le32(p + 36) != c->state_size)
        goto broken;
    c->tokens = tokens;
    p += HEAD_BYTES;
    if (!(*ids = tf_alloc(tokens, sizeof(**ids), err)))
        goto fail;
    for (i = 0; i < tokens; i++)
        (*ids)[i] = (int32_t)tf_load_le32(p + 4 * i);
    p += 4 * tokens;
    left -= 4 * tokens;
    for (i = 0; i < c->count; i++) {
        if (!(used = load_layer(c, i, p, left, err)))
            goto broken;
        p += used;
        left -= used;
    }
    return c;
broken:
    tf_fail(err, "cut off or malformed; remove it");
fail:
    tf_cache_free(c);
    free(*ids);
    *ids = NULL;
    return NULL;
}

struct tf_cache *tf_cache_load(const struct tf_stack_spec *spec,
                               uint64_t identity, const char *path,
                               int32_t **ids, struct tf_err *err)
{
    struct tf_cache *c;
    struct tf_map map;

    *ids = NULL;
    if (tf_map_open(&map, path, err))
        return NULL;
    c = load(spec, identity, &map, ids, err);
    if (!c)
        tf_err_at(err, path);
    tf_map_close(&map);
    return c;
}

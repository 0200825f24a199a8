#include "model/cache.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/ssm.h"

#define BLOCK_ROWS 64

struct tf_cache_block {
    size_t refs;
    size_t rows;
    float data[]; /* k [BLOCK_ROWS][k_width], then v [BLOCK_ROWS][v_width] */
};

static size_t block_floats(const struct tf_cache *c)
{
    return BLOCK_ROWS * (c->k_width + c->v_width);
}

static void drop_block(struct tf_cache_block *b)
{
    if (--b->refs == 0)
        free(b);
}

struct tf_cache *tf_cache_new(const struct tf_stack_spec *spec,
                              struct tf_err *err)
{
    size_t n = spec->layers * spec->inner_layers, i;
    struct tf_cache *c =
        tf_alloc(1, sizeof(*c) + n * sizeof(c->layers[0]), err);

    if (!c)
        return NULL;
    c->count = n;
    c->k_width = spec->kv_heads * spec->head_size;
    c->v_width = spec->kv_heads * spec->value_size;
    if (spec->latent_cached) {
        c->k_width = spec->latent_rank + spec->rotary_dims;
        c->v_width = 0;
    }
    c->state_size = tf_ssm_past(spec) + tf_ssm_state(spec);
    for (i = 0; i < n; i++) {
        c->layers[i].window = spec->local[i / spec->inner_layers]
                                  ? spec->windows_of[i / spec->inner_layers]
                                  : SIZE_MAX;
        if (!c->state_size)
            continue;
        c->layers[i].state = tf_alloc(c->state_size, sizeof(float), err);
        if (!c->layers[i].state) {
            tf_cache_free(c);
            return NULL;
        }
    }
    return c;
}

void tf_cache_free(struct tf_cache *c)
{
    size_t i, k;

    if (!c)
        return;
    for (i = 0; i < c->count; i++) {
        for (k = 0; k < c->layers[i].count; k++)
            drop_block(c->layers[i].blocks[k]);
        free(c->layers[i].blocks);
        free(c->layers[i].state);
    }
    free(c);
}

struct tf_cache *tf_cache_fork(const struct tf_cache *c, struct tf_err *err)
{
    size_t bytes = sizeof(*c) + c->count * sizeof(c->layers[0]), i, k;
    struct tf_cache *copy = tf_alloc(1, bytes, err);

    if (!copy)
        return NULL;
    memcpy(copy, c, bytes);
    for (i = 0; i < c->count; i++) {
        copy->layers[i].blocks = NULL;
        copy->layers[i].state = NULL;
        copy->layers[i].count = copy->layers[i].cap = 0;
    }
    for (i = 0; i < c->count; i++) {
        const struct tf_cache_layer *from = &c->layers[i];
        struct tf_cache_layer *to = &copy->layers[i];

        to->blocks = tf_alloc(from->count, sizeof(to->blocks[0]), err);
        if (from->state)
            to->state = tf_alloc(c->state_size, sizeof(float), err);
        if (!to->blocks || (from->state && !to->state)) {
            tf_cache_free(copy);
            return NULL;
        }
        if (to->state)
            memcpy(to->state, from->state, c->state_size * sizeof(float));
        to->cap = from->count;
        for (k = 0; k < from->count; k++) {
            to->blocks[k] = from->blocks[k];
            to->blocks[k]->refs++;
        }
        to->count = from->count;
    }
    return copy;
}

bool tf_cache_cut(struct tf_cache *c, size_t n)
{
    size_t i;

    if (c->state_size && n && n < c->tokens)
        return false;
    for (i = 0; c->state_size && !n && i < c->count; i++)
        memset(c->layers[i].state, 0, c->state_size * sizeof(float));
    for (i = 0; i < c->count; i++)
        if (c->layers[i].dropped &&
            (n < c->layers[i].window ||
             n - c->layers[i].window < c->layers[i].dropped))
            return false;
    for (i = 0; i < c->count; i++) {
        struct tf_cache_layer *l = &c->layers[i];

        if (l->dropped + l->tokens > n)
            l->tokens = n - l->dropped;
        while (l->count && (l->count - 1) * BLOCK_ROWS >= l->tokens)
            drop_block(l->blocks[--l->count]);
        /* rows of the last block beyond `tokens` are stale, and the next
         * append writes over them */
    }
    if (n < c->tokens)
        c->tokens = n;
    return true;
}

void tf_cache_clear(struct tf_cache *c)
{
    for (size_t i = 0; i < c->count; i++)
        c->layers[i].dropped = 0;
    tf_cache_cut(c, 0);
}

/* Rows of block k that count: a cut may leave stale ones in the last. */
static size_t live_rows(const struct tf_cache_layer *l, size_t k)
{
    return k + 1 < l->count ? l->blocks[k]->rows
                            : l->tokens - k * (size_t)BLOCK_ROWS;
}

static struct tf_cache_block *new_block(const struct tf_cache *c,
                                        struct tf_err *err)
{
    size_t bytes =
        sizeof(struct tf_cache_block) + block_floats(c) * sizeof(float);
    struct tf_cache_block *b = malloc(bytes);

    if (!b) {
        tf_no_memory(err, bytes);
        return NULL;
    }
    b->refs = 1;
    b->rows = 0;
    return b;
}

/* A copy of the first n rows, for this cache alone. */
static struct tf_cache_block *own(const struct tf_cache *c,
                                  struct tf_cache_block *b, size_t n,
                                  struct tf_err *err)
{
    struct tf_cache_block *copy = new_block(c, err);

    if (!copy)
        return NULL;
    memcpy(copy->data, b->data, n * c->k_width * sizeof(float));
    memcpy(copy->data + BLOCK_ROWS * c->k_width,
           b->data + BLOCK_ROWS * c->k_width, n * c->v_width * sizeof(float));
    copy->rows = n;
    drop_block(b);
    return copy;
}

static int add_block(struct tf_cache *c, struct tf_cache_layer *l,
                     struct tf_err *err)
{
    struct tf_cache_block *b, **grown;
    size_t cap;

    if (l->count == l->cap) {
        cap = l->cap ? 2 * l->cap : 4;
        grown = tf_grow(l->blocks, cap, sizeof(*grown), err);
        if (!grown)
            return -1;
        l->blocks = grown;
        l->cap = cap;
    }
    if (!(b = new_block(c, err)))
        return -1;
    l->blocks[l->count++] = b;
    return 0;
}

/* The block that the next row goes to, with room in it and not shared. */
static struct tf_cache_block *
open_block(struct tf_cache *c, struct tf_cache_layer *l, struct tf_err *err)
{
    struct tf_cache_block *b;
    size_t rows;

    if (l->tokens == l->count * BLOCK_ROWS) {
        if (add_block(c, l, err))
            return NULL;
        return l->blocks[l->count - 1];
    }
    rows = live_rows(l, l->count - 1);
    b = l->blocks[l->count - 1];
    if (b->refs > 1) {
        if (!(b = own(c, b, rows, err)))
            return NULL;
        l->blocks[l->count - 1] = b;
    }
    b->rows = rows;
    return b;
}

int tf_cache_append(struct tf_cache *c, size_t i, const struct tf_tensor *k,
                    const struct tf_tensor *v, size_t first, size_t n,
                    struct tf_err *err)
{
    struct tf_cache_layer *l = &c->layers[i];
    struct tf_cache_block *b = NULL;
    size_t row;

    for (row = first; row < first + n; row++) {
        if ((!b || b->rows == BLOCK_ROWS) && !(b = open_block(c, l, err)))
            return -1;
        memcpy(b->data + b->rows * c->k_width,
               (const float *)k->data + row * k->ld,
               c->k_width * sizeof(float));
        if (c->v_width)
            memcpy(b->data + BLOCK_ROWS * c->k_width + b->rows * c->v_width,
                   (const float *)v->data + row * v->ld,
                   c->v_width * sizeof(float));
        b->rows++;
        l->tokens++;
    }
    return 0;
}

void tf_cache_advance(struct tf_cache *c, size_t n)
{
    size_t i, gone;

    c->tokens += n;
    for (i = 0; i < c->count; i++) {
        struct tf_cache_layer *l = &c->layers[i];

        for (gone = 0; l->window < l->tokens - gone * BLOCK_ROWS &&
                       l->tokens - gone * BLOCK_ROWS - l->window >= BLOCK_ROWS;
             gone++)
            drop_block(l->blocks[gone]);
        if (!gone)
            continue;
        if (gone)
            memmove(l->blocks, l->blocks + gone,
                    (l->count - gone) * sizeof(l->blocks[0]));
        l->count -= gone;
        l->tokens -= gone * BLOCK_ROWS;
        l->dropped += gone * BLOCK_ROWS;
    }
}

struct tf_kv tf_cache_rows(struct tf_ctx *ctx, const struct tf_cache *c,
                           size_t i)
{
    const struct tf_cache_layer *l = &c->layers[i];
    struct tf_kv_piece *p = tf_scratch(ctx, l->count, sizeof(*p));
    size_t k;

    for (k = 0; p && k < l->count; k++)
        p[k] = (struct tf_kv_piece){
            .dtype = TF_F32,
            .k = l->blocks[k]->data,
            .v =
                l->blocks[k]->data + (c->v_width ? BLOCK_ROWS * c->k_width : 0),
            .rows = live_rows(l, k),
            .k_ld = c->k_width,
            .v_ld = c->v_width ? c->v_width : c->k_width,
        };
    return (struct tf_kv){ l->tokens, p ? l->count : 0, p };
}

size_t tf_cache_bytes(const struct tf_cache *c)
{
    size_t i, blocks = 0;

    for (i = 0; i < c->count; i++)
        blocks += c->layers[i].count;
    return (blocks * block_floats(c) + c->count * c->state_size) *
           sizeof(float);
}

/*
 * bitsandbytes' 4 bits (Dettmers et al. 2023, QLoRA): "x.weight" has two
 * values a byte, the first in the high half, rows laid end to end;
 * "x.weight.absmax" has a scale for each block of them, itself perhaps
 * quantised; what else there is to know stands as JSON in
 * "x.weight.quant_state.bitsandbytes__nf4" (or fp4).
 */
#include "model/packed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/config.h"

enum { BLOCK = 32, BLOCK_BYTES = 20 }; /* of TF_NF4 and TF_FP4 */

struct bnb4 {
    const struct tf_packing *p;
    json_t *state;
    size_t block; /* of a scale */
    size_t count; /* of scales */
    float *scales;
    const unsigned char *q;
    unsigned char *out;
};

static size_t size_member(json_t *object, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(object, key));

    return v > 0 ? (size_t)v : 0;
}

static int check_state(struct bnb4 *b)
{
    const struct tf_packing *p = b->p;
    json_t *shape = json_object_get(b->state, "shape");
    size_t n = p->rows * p->cols;

    if ((size_t)json_integer_value(json_array_get(shape, 0)) != p->rows ||
        (size_t)json_integer_value(json_array_get(shape, 1)) != p->cols)
        return tf_fail(p->err,
                       "%.300s: its quant_state has not the shape [%zu, %zu] "
                       "that config.json gives it",
                       p->stem, p->rows, p->cols);
    b->block = size_member(b->state, "blocksize");
    if (!b->block || b->block % BLOCK || n % b->block)
        return tf_fail(p->err, "%.300s: a blocksize of %zu is not read",
                       p->stem, b->block);
    b->count = n / b->block;
    return 0;
}

/* Scales that are quantised: a table's value for each byte, times a scale of
 * the second kind, plus an offset. */
static int read_nested(struct bnb4 *b, const struct tf_tensor *absmax)
{
    const struct tf_packing *p = b->p;
    size_t block = size_member(b->state, "nested_blocksize"), i;
    double offset =
        json_number_value(json_object_get(b->state, "nested_offset"));
    const unsigned char *q = absmax->data;
    const struct tf_tensor *most, *map;
    float *scale, *value;

    if (!block)
        return tf_fail(p->err, "%.300s: no nested_blocksize", p->stem);
    most = tf_packed_need(p, ".weight.nested_absmax", 1,
                          (b->count + block - 1) / block);
    map = tf_packed_need(p, ".weight.nested_quant_map", 1, 256);
    if (!most || !map)
        return -1;
    scale = tf_packed_floats(p, most);
    value = tf_packed_floats(p, map);
    for (i = 0; scale && value && i < b->count; i++)
        b->scales[i] = value[q[i]] * scale[i / block] + (float)offset;
    free(scale);
    free(value);
    return scale && value ? 0 : -1;
}

static int read_scales(struct bnb4 *b)
{
    const struct tf_packing *p = b->p;
    const struct tf_tensor *absmax =
        tf_packed_need(p, ".weight.absmax", 1, b->count);

    if (!absmax)
        return -1;
    b->scales = absmax->dtype == TF_U8
                    ? tf_alloc(b->count, sizeof(float), p->err)
                    : tf_packed_floats(p, absmax);
    if (!b->scales)
        return -1;
    return absmax->dtype == TF_U8 ? read_nested(b, absmax) : 0;
}

/* The table must be the one that the block type has. */
static int check_map(struct bnb4 *b, enum tf_dtype dtype)
{
    const struct tf_packing *p = b->p;
    const struct tf_tensor *map = tf_packed_need(p, ".weight.quant_map", 1, 16);
    unsigned char one[BLOCK_BYTES];
    float values[BLOCK], scale = 1, *found;
    bool same = true;

    if (!map || !(found = tf_packed_floats(p, map)))
        return -1;
    memcpy(one, &scale, sizeof(scale));
    for (int i = 0; i < 16; i++)
        one[4 + i] = (unsigned char)i;
    tf_dtype_info(dtype)->unpack(values, one, BLOCK);
    for (int i = 0; i < 16; i++)
        same &= fabsf(values[i] - found[i]) < 1e-6f;
    free(found);
    return same ? 0
                : tf_fail(p->err, "%.300s: its quant_map is not %s's", p->stem,
                          tf_dtype_info(dtype)->name);
}

static void put_row(void *arg, size_t row, int worker)
{
    const struct bnb4 *b = arg;
    size_t blocks = b->p->cols / BLOCK, i, j;

    (void)worker;
    for (j = row * blocks; j < (row + 1) * blocks; j++) {
        const unsigned char *q = b->q + j * (BLOCK / 2);
        unsigned char *out = b->out + j * BLOCK_BYTES;

        memcpy(out, &b->scales[j * BLOCK / b->block], sizeof(float));
        for (i = 0; i < BLOCK / 2; i++) {
            unsigned first = q[i / 2] >> (i % 2 ? 0 : 4) & 15;
            unsigned second = q[BLOCK / 4 + i / 2] >> (i % 2 ? 0 : 4) & 15;

            out[4 + i] = (unsigned char)(first | second << 4);
        }
    }
}

static int read_matrix(struct bnb4 *b, struct tf_tensor *t)
{
    const struct tf_packing *p = b->p;
    const struct tf_tensor *w = tf_packed_part(p, ".weight");
    const char *type =
        json_string_value(json_object_get(b->state, "quant_type"));
    enum tf_dtype dtype = type && !strcmp(type, "fp4") ? TF_FP4 : TF_NF4;

    if (!type || (strcmp(type, "fp4") && strcmp(type, "nf4")))
        return tf_fail(p->err, "%.300s: a quant_type other than nf4 and fp4",
                       p->stem);
    if (check_state(b) || check_map(b, dtype) || read_scales(b) ||
        tf_packed_make(p, t, dtype))
        return -1;
    if (tf_tensor_bytes(w) != p->rows * p->cols / 2)
        return tf_fail(p->err, "%.300s.weight: %zu bytes for [%zu, %zu]",
                       p->stem, tf_tensor_bytes(w), p->rows, p->cols);
    b->q = w->data;
    b->out = t->data;
    tf_pool_run(p->bind->pool, p->rows, put_row, b);
    tf_map_forget(w->data, tf_tensor_bytes(w));
    return 0;
}

int tf_packed_bnb4(const struct tf_packing *p, struct tf_tensor *t,
                   const struct tf_tensor *state)
{
    struct bnb4 b = { .p = p };
    int failed;

    b.state = json_loadb(state->data, tf_tensor_bytes(state), 0, NULL);
    failed =
        json_is_object(b.state)
            ? read_matrix(&b, t)
            : tf_fail(p->err, "%.300s: its quant_state is no JSON", p->stem);
    json_decref(b.state);
    free(b.scales);
    return failed ? -1 : 0;
}

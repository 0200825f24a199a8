#include "model/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/rng.h"
#include "format/safetensors_write.h"

void tf_parameters_release(struct tf_parameters *p)
{
    free(p->v);
    p->v = NULL;
    p->count = p->cap = 0;
}

static struct tf_parameter *push(struct tf_parameters *p, struct tf_err *err)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        struct tf_parameter *v = tf_grow(p->v, cap, sizeof(*v), err);

        if (!v)
            return NULL;
        p->v = v;
        p->cap = cap;
    }
    memset(&p->v[p->count], 0, sizeof(p->v[0]));
    return &p->v[p->count++];
}

/* Numbers of its own for what stands in a mapped file. */
static int copy(struct tf_parameters *p, struct tf_tensor *t,
                struct tf_err *err)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);
    size_t n = tf_tensor_count(t);
    float *own = tf_arena_alloc(p->memory, n, sizeof(*own));

    if (!own)
        return tf_no_memory(err, n * sizeof(*own));
    info->unpack(own, t->data, n);
    tf_map_forget(t->data, n * info->bytes);
    t->data = own;
    t->dtype = TF_F32;
    return 0;
}

int tf_parameters_add(struct tf_parameters *p, struct tf_tensor *t,
                      const char *name, size_t source, struct tf_err *err)
{
    size_t len = strlen(name) + 1;
    struct tf_parameter *added;
    char *kept;

    for (size_t i = 0; i < p->count; i++)
        if (source != SIZE_MAX ? p->v[i].source == source
                               : p->v[i].tensor->data == t->data) {
            t->data = p->v[i].tensor->data;
            t->dtype = TF_F32;
            t->base = p->v[i].tensor;
            return 0;
        }
    kept = tf_arena_alloc(p->memory, len, 1);
    if (!kept)
        return tf_no_memory(err, len);
    memcpy(kept, name, len);
    if (source != SIZE_MAX && copy(p, t, err))
        return -1;
    added = push(p, err);
    if (!added)
        return -1;
    t->needs_grad = true;
    added->name = kept;
    added->tensor = t;
    added->source = source;
    return 0;
}

void tf_parameters_keep(struct tf_parameters *p, struct tf_tensor *t)
{
    for (size_t i = p->count; i-- > 0;)
        if (p->v[i].tensor == t) {
            p->v[i].buffer = true;
            t->needs_grad = false;
            return;
        }
}

/* By Box and Muller 1958. */
void tf_parameters_draw(uint64_t seed, uint64_t stream, double std, float *out,
                        size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        uint32_t w[4];
        double r, turn;

        tf_philox(seed, stream, i, w);
        r = std * sqrt(-2 * log(1 - tf_uniform(w[0], w[1])));
        turn = 2 * 3.14159265358979323846 * tf_uniform(w[2], w[3]);
        out[i] = (float)(r * cos(turn));
        if (i + 1 < n)
            out[i + 1] = (float)(r * sin(turn));
    }
}

struct tf_tensor *tf_parameters_new(struct tf_parameters *p, const size_t *dim,
                                    size_t ndim, bool ones, struct tf_err *err)
{
    struct tf_tensor *t = tf_arena_alloc(p->memory, 1, sizeof(*t));
    float *data;
    size_t n;

    if (!t) {
        tf_no_memory(err, sizeof(*t));
        return NULL;
    }
    memset(t, 0, sizeof(*t));
    t->ndim = ndim;
    memcpy(t->dim, dim, ndim * sizeof(dim[0]));
    t->ld = dim[ndim - 1];
    n = tf_tensor_count(t);
    t->data = data = tf_arena_alloc(p->memory, n, sizeof(*data));
    if (!data) {
        tf_no_memory(err, n * sizeof(*data));
        return NULL;
    }
    if (ndim > 1)
        tf_parameters_draw(p->seed, p->count, p->std, data, n);
    else
        for (size_t i = 0; i < n; i++)
            data[i] = ones;
    return t;
}

void tf_parameter_shape(const struct tf_parameter *p, struct tf_tensor *shape)
{
    const struct tf_tensor *t = p->tensor;

    *shape = (struct tf_tensor){ .ndim = t->ndim, .ld = t->ld };
    memcpy(shape->dim, t->dim, sizeof(shape->dim));
    if (p->taps) {
        shape->ndim = 3;
        shape->dim[1] = t->dim[1] / p->taps;
        shape->dim[2] = shape->ld = p->taps;
    }
    if (p->heads) {
        size_t rows = t->ndim == 2 ? t->dim[0] : 1;

        shape->ndim = rows == 1 ? 2 : 3;
        shape->dim[0] = rows;
        shape->dim[shape->ndim - 2] = p->heads;
        shape->dim[shape->ndim - 1] = shape->ld = t->ld / p->heads;
    }
    if (p->turned) {
        shape->dim[0] = t->dim[1];
        shape->dim[1] = shape->ld = t->dim[0];
    }
}

/* Between [out][taps][in] and [out][in][taps]. */
static void turn_taps(const struct tf_parameter *p, float *kept, float *saved,
                      bool save)
{
    size_t k = p->taps, rows = p->tensor->dim[0], in = p->tensor->dim[1] / k;

    for (size_t o = 0; o < rows; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t tap = 0; tap < k; tap++) {
                float *a = &kept[(o * k + tap) * in + i];
                float *b = &saved[(o * in + i) * k + tap];

                *(save ? b : a) = *(save ? a : b);
            }
}

/* Between [rows][cols] and its saved form: the other way round, or with its
 * rows elsewhere. */
static void place_rows(const struct tf_parameter *p, float *kept, float *saved,
                       bool save)
{
    size_t rows = p->tensor->dim[0];
    size_t cols = tf_tensor_count(p->tensor) / rows;

    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < cols; c++) {
            size_t row = p->rows ? p->rows[i] : i;
            float *a = &kept[i * cols + c];
            float *b = &saved[p->turned ? c * rows + row : row * cols + c];

            *(save ? b : a) = *(save ? a : b);
        }
}

void tf_parameter_export(const struct tf_parameter *p, float *out)
{
    if (p->taps)
        turn_taps(p, p->tensor->data, out, true);
    else if (p->turned || p->rows)
        place_rows(p, p->tensor->data, out, true);
    else
        memcpy(out, p->tensor->data, tf_tensor_bytes(p->tensor));
}

void tf_parameter_import(struct tf_parameter *p, const float *saved)
{
    if (p->taps)
        turn_taps(p, p->tensor->data, (float *)(uintptr_t)saved, false);
    else if (p->turned || p->rows)
        place_rows(p, p->tensor->data, (float *)(uintptr_t)saved, false);
    else
        memcpy(p->tensor->data, saved, tf_tensor_bytes(p->tensor));
}

static const struct tf_parameter *named(const struct tf_parameters *p,
                                        const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->v[i].name, name))
            return &p->v[i];
    return NULL;
}

static int fill(void *arg, const struct tf_named_tensor *t, void *out,
                struct tf_err *err)
{
    (void)err;
    tf_parameter_export(named(arg, t->name), out);
    return 0;
}

int tf_parameters_write(const struct tf_parameters *p, const char *path,
                        struct tf_err *err)
{
    struct tf_named_tensor *list = tf_alloc(p->count, sizeof(*list), err);
    int failed;

    if (!list)
        return -1;
    for (size_t i = 0; i < p->count; i++) {
        list[i].name = p->v[i].name;
        tf_parameter_shape(&p->v[i], &list[i].tensor);
    }
    failed = tf_safetensors_write(path, list, p->count, fill,
                                  (void *)(uintptr_t)p, err);
    free(list);
    return failed;
}

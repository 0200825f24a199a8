#include "model/packed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/config.h"

int tf_packed_check(json_t *config, struct tf_err *err)
{
    static const char *const known[] = { "bitsandbytes", "gptq",
                                         "awq",          "fp8",
                                         "fbgemm_fp8",   "compressed-tensors",
                                         "modelopt",     "mxfp4" };
    const char *method =
        json_string_value(json_object_get(config, "quant_method"));

    if (!method)
        return 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(method, known[i]))
            return 0;
    return tf_fail(err,
                   "config.json says that it is quantised by \"%.60s\", which "
                   "is not read here",
                   method);
}

const struct tf_tensor *tf_packed_part(const struct tf_packing *p,
                                       const char *end)
{
    char name[TF_BIND_NAME];
    const char *found;
    size_t i;

    if ((size_t)snprintf(name, sizeof(name), "%s%s", p->stem, end) >=
        sizeof(name))
        return NULL;
    i = tf_weights_index(p->bind->weights, name);
    if (i == SIZE_MAX)
        return NULL;
    if (p->bind->used[i] == TF_ROLE_UNUSED)
        p->bind->used[i] = TF_ROLE_OTHER;
    return tf_weights_at(p->bind->weights, i, &found);
}

const struct tf_tensor *tf_packed_need(const struct tf_packing *p,
                                       const char *end, size_t a, size_t b)
{
    const struct tf_tensor *t = tf_packed_part(p, end);
    size_t dim[2] = { 1, 1 }, n = 0;

    if (!t) {
        tf_fail(p->err, "%.300s%s is missing", p->stem, end);
        return NULL;
    }
    for (size_t i = 0; i < t->ndim; i++)
        if (t->dim[i] != 1 && n < 3) {
            if (n < 2)
                dim[n] = t->dim[i];
            n++;
        }
    if (n < 2 && a == 1) {
        dim[1] = dim[0];
        dim[0] = 1;
    }
    if (n <= 2 && dim[0] == a && dim[1] == b)
        return t;
    tf_fail(p->err,
            "%.300s%s: its shape is not the [%zu, %zu] that it is for "
            "a matrix of [%zu, %zu]",
            p->stem, end, a, b, p->rows, p->cols);
    return NULL;
}

const char *tf_packed_word(const struct tf_packing *p, const char *key)
{
    return json_string_value(tf_config_get(p->bind->quantization, key));
}

float *tf_packed_floats(const struct tf_packing *p, const struct tf_tensor *t)
{
    size_t n = tf_tensor_count(t);
    float *x = tf_alloc(n, sizeof(*x), p->err);

    if (x)
        tf_dtype_info(t->dtype)->unpack(x, t->data, n);
    return x;
}

int tf_packed_make(const struct tf_packing *p, struct tf_tensor *t,
                   enum tf_dtype dtype)
{
    const struct tf_dtype_info *info = tf_dtype_info(dtype);

    if (p->cols % info->block)
        return tf_fail(p->err,
                       "%.300s: its rows of %zu are no multiple of %zu, which "
                       "is not read",
                       p->stem, p->cols, info->block);
    *t = (struct tf_tensor){ .dtype = dtype, .ndim = 2, .ld = p->cols };
    t->dim[0] = p->rows;
    t->dim[1] = p->cols;
    t->data = tf_arena_alloc(p->bind->memory, p->rows,
                             p->cols / info->block * info->bytes);
    return t->data ? 0 : tf_no_memory(p->err, tf_tensor_bytes(t));
}

/* The stem of a name that ends so. */
static bool cut(struct tf_packing *p, const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    if (n < m || n >= sizeof(p->stem) || strcmp(name + n - m, end))
        return false;
    memcpy(p->stem, name, n - m);
    p->stem[n - m] = 0;
    return true;
}

static int read_qweight(struct tf_packing *p, struct tf_tensor *t)
{
    const char *method = tf_packed_word(p, "quant_method");

    if (method && !strcmp(method, "awq"))
        return tf_packed_awq(p, t);
    return tf_packed_gptq(p, t);
}

/* What a tensor "x.weight" is by its type and by what stands beside it. */
static int read_weight(struct tf_packing *p, struct tf_tensor *t,
                       const struct tf_tensor *found)
{
    const struct tf_tensor *state =
        tf_packed_part(p, ".weight.quant_state.bitsandbytes__nf4");

    if (!state)
        state = tf_packed_part(p, ".weight.quant_state.bitsandbytes__fp4");
    if (state)
        return tf_packed_bnb4(p, t, state) ? -1 : 1;
    if (found->dtype == TF_F8_E4M3 || found->dtype == TF_F8_E5M2)
        return tf_packed_fp8(p, t) ? -1 : 1;
    if (found->dtype == TF_I8 && tf_packed_part(p, ".weight_scale"))
        return tf_packed_int8(p, t) ? -1 : 1;
    return 0;
}

int tf_packed_read(struct tf_bind *bind, struct tf_tensor *t,
                   const char *pattern, struct tf_place at, size_t rows,
                   size_t cols, char name[TF_BIND_NAME], struct tf_err *err)
{
    struct tf_packing p = { .bind = bind, .rows = rows, .cols = cols };
    const struct tf_tensor *found;
    int read;

    p.err = err;
    found = tf_bind_find(bind, pattern, at, ".weight", name, TF_BIND_NAME);
    if (found) {
        read = cut(&p, name, ".weight") ? read_weight(&p, t, found) : 0;
    } else if (tf_bind_find(bind, pattern, at, ".qweight", name,
                            TF_BIND_NAME) &&
               cut(&p, name, ".qweight")) {
        read = read_qweight(&p, t) ? -1 : 1;
    } else if (tf_bind_find(bind, pattern, at, ".weight_packed", name,
                            TF_BIND_NAME) &&
               cut(&p, name, ".weight_packed")) {
        read = tf_packed_compressed(&p, t) ? -1 : 1;
    } else {
        return 0;
    }
    if (read > 0 && bind->params && !bind->adapters)
        return tf_fail(err,
                       "%.300s: quantised weights can't be trained, but "
                       "adapters over them can",
                       name);
    return read;
}

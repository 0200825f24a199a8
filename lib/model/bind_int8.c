#include "model/bind_int8.h"

#include <string.h>
#include "base/io.h"
#include "kernel/gemm_int8.h"
#include "nn/matrix.h"

/* The tensor "x<end>" beside "x.weight"; NULL when there is none. */
static const struct tf_tensor *beside(struct tf_bind *bind, const char *name,
                                      const char *end)
{
    size_t n = strlen(name), m = strlen(".weight");
    char other[TF_BIND_NAME];
    size_t i;

    if (n < m || strcmp(name + n - m, ".weight") ||
        n + strlen(end) >= sizeof(other))
        return NULL;
    memcpy(other, name, n - m);
    strcpy(other + n - m, end);
    i = tf_weights_index(bind->weights, other);
    if (i == SIZE_MAX)
        return NULL;
    if (bind->used[i] == TF_ROLE_UNUSED)
        bind->used[i] = TF_ROLE_OTHER;
    return tf_weights_at(bind->weights, i, &name);
}

bool tf_int8_is(struct tf_bind *bind, const struct tf_tensor *t,
                const char *name)
{
    return t->dtype == TF_I8 && beside(bind, name, ".SCB");
}

/* 0 is "row"; the others are layouts of old GPU kernels. */
static int check_format(struct tf_bind *bind, const char *name,
                        struct tf_err *err)
{
    const struct tf_tensor *t = beside(bind, name, ".weight_format");
    float format = 0;

    if (t && tf_tensor_count(t) == 1)
        tf_dtype_info(t->dtype)->unpack(&format, t->data, 1);
    if (format == 0)
        return 0;
    return tf_fail(err,
                   "%.300s: its weight_format is %g, but only 0 (rows) is "
                   "read; save the model again with a newer bitsandbytes",
                   name, (double)format);
}

int tf_int8_read(struct tf_bind *bind, struct tf_tensor *t, const char *name,
                 size_t rows, size_t cols, struct tf_err *err)
{
    const struct tf_tensor *most = beside(bind, name, ".SCB");
    size_t n = tf_tensor_count(most);
    float *scale;

    if (t->ndim != 2 || t->dim[0] != rows || t->dim[1] != cols)
        return tf_fail(err,
                       "%.300s: int8 in a shape other than the [%zu, %zu] of "
                       "config.json",
                       name, rows, cols);
    if (n != rows || !tf_dtype_is_float(most->dtype) ||
        tf_dtype_info(most->dtype)->block > 1)
        return tf_fail(err,
                       "%.300s: its SCB has %zu numbers of type %s for %zu "
                       "rows",
                       name, n, tf_dtype_info(most->dtype)->name, rows);
    if (check_format(bind, name, err))
        return -1;
    if (bind->params && !bind->adapters)
        return tf_fail(err,
                       "%.300s: int8 weights can't be trained, but adapters "
                       "over them can",
                       name);
    scale = tf_arena_alloc(bind->memory, n, sizeof(*scale));
    if (!scale)
        return tf_no_memory(err, n * sizeof(*scale));
    tf_dtype_info(most->dtype)->unpack(scale, most->data, n);
    for (size_t i = 0; i < n; i++)
        scale[i] /= 127;
    t->scale = scale;
    return 0;
}

int tf_int8_make(struct tf_bind *bind, struct tf_tensor *t, bool turned,
                 struct tf_err *err)
{
    size_t rows = t->dim[turned ? 1 : 0], cols = t->dim[turned ? 0 : 1];
    int8_t *q = tf_arena_alloc(bind->memory, rows * cols, 1);
    float *scale = tf_arena_alloc(bind->memory, rows, sizeof(*scale));

    if (!q || !scale)
        return tf_no_memory(err, rows * (cols + sizeof(*scale)));
    if (tf_matrix_int8(bind->pool, t, turned, q, scale, NULL, err))
        return -1;
    for (size_t i = 0; i < rows; i++)
        scale[i] /= 127;
    tf_map_forget(t->data, tf_tensor_bytes(t));
    *t = (struct tf_tensor){ .dtype = TF_I8, .ndim = 2, .ld = cols };
    t->dim[0] = rows;
    t->dim[1] = cols;
    t->data = q;
    t->scale = scale;
    return 0;
}

int tf_int8_finish(struct tf_bind *bind, struct tf_weight *w,
                   struct tf_err *err)
{
    struct tf_int8 view = {
        w->out, w->in, w->w.data, w->w.ld, w->w.scale, NULL
    };
    int32_t *sums;

    if (w->in > TF_INT8_K_MAX)
        return tf_fail(err, "%.300s: int8 rows of %zu are longer than %d",
                       w->name, w->in, TF_INT8_K_MAX);
    w->transposed = false;
    w->threshold = bind->threshold;
    bind->int8_count++;
    if (!tf_kernels()->int8_offset)
        return 0;
    sums = tf_arena_alloc(bind->memory, w->out, sizeof(*sums));
    if (!sums)
        return tf_no_memory(err, w->out * sizeof(*sums));
    tf_int8_sums(bind->pool, &view, sums);
    w->sums = sums;
    return 0;
}

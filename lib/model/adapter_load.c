#include "model/adapter.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "model/adapter_make.h"
#include "model/model.h"

/* Is the shorter of two names the end of the other, behind a dot? Classes of
 * other tasks have the same module deeper, or less deep. */
static bool same_end(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    if (n < m)
        return same_end(b, a);
    return !strcmp(a + n - m, b) && (n == m || a[n - m - 1] == '.');
}

/* The place of a parameter's numbers in the file, or SIZE_MAX. */
static size_t find(const struct tf_weights *w, const char *name)
{
    size_t i = tf_weights_index(w, name), n = sizeof(TF_ADAPTER_BEFORE) - 1;
    const char *other;

    if (i != SIZE_MAX || !strstr(name, ".lora_"))
        return i;
    for (i = 0; i < tf_weights_count(w); i++) {
        tf_weights_at(w, i, &other);
        if (!strncmp(other, TF_ADAPTER_BEFORE, n) &&
            same_end(other + n, name + n))
            return i;
    }
    return SIZE_MAX;
}

static int check_shape(const struct tf_tensor *t, const struct tf_parameter *p,
                       struct tf_err *err)
{
    struct tf_tensor shape;
    bool same;

    tf_parameter_shape(p, &shape);
    same = t->ndim == shape.ndim && tf_dtype_is_float(t->dtype);
    for (size_t i = 0; same && i < t->ndim; i++)
        same = t->dim[i] == shape.dim[i];
    return same ? 0
                : tf_fail(err,
                          "\"%.300s\" has %zu rows, where this model has "
                          "%zu: is it of this base, and for as many "
                          "labels?",
                          p->name, t->ndim ? t->dim[0] : 0, shape.dim[0]);
}

static int take(struct tf_parameter *p, const struct tf_tensor *t,
                struct tf_err *err)
{
    size_t n = tf_tensor_count(t);
    float *numbers;

    if (check_shape(t, p, err))
        return -1;
    numbers = tf_alloc(n, sizeof(*numbers), err);
    if (!numbers)
        return -1;
    tf_dtype_info(t->dtype)->unpack(numbers, t->data, n);
    tf_parameter_import(p, numbers);
    free(numbers);
    p->fresh = false;
    return 0;
}

static int take_all(struct tf_model *m, const struct tf_weights *w,
                    uint8_t *used, struct tf_err *err)
{
    const char *name;

    for (size_t i = 0; i < m->params.count; i++) {
        struct tf_parameter *p = &m->params.v[i];
        size_t at = find(w, p->name);

        if (at == SIZE_MAX && strstr(p->name, ".lora_"))
            return tf_fail(err, "\"%.300s\" is missing", p->name);
        if (at == SIZE_MAX)
            continue; /* saved whole: it begins as the base has it */
        used[at] = 1;
        if (take(p, tf_weights_at(w, at, &name), err))
            return -1;
    }
    for (size_t i = 0; i < tf_weights_count(w); i++) {
        tf_weights_at(w, i, &name);
        if (!used[i] && !tf_adapter_is_copy(name))
            return tf_fail(err,
                           "\"%.200s\" is for a module that the model has not; "
                           "is it the adapter's base?",
                           name);
    }
    return 0;
}

int tf_adapters_load(struct tf_model *m, const char *dir, struct tf_err *err)
{
    struct tf_weights *w = tf_adapter_tensors(dir, err);
    uint8_t *used = w ? tf_alloc(tf_weights_count(w), 1, err) : NULL;
    int failed = !used;

    if (!failed && take_all(m, w, used, err)) {
        tf_err_at(err, dir);
        failed = 1;
    }
    free(used);
    tf_weights_close(w);
    return failed ? -1 : 0;
}

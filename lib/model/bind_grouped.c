#include "model/bind_grouped.h"

#include "base/mem.h"

/* Make the tensor that was found a parameter, or ready to be read. */
static int settle(struct tf_bind *bind, struct tf_weight *w,
                  const char *pattern, struct tf_place at, const char *name,
                  bool conv, struct tf_err *err)
{
    bool adopted = false;

    if (conv && bind->params) {
        if (tf_bind_adopt_taps(bind, &w->w, pattern, at, name, 1, err))
            return -1;
        adopted = w->w.needs_grad || w->w.base;
    } else if (tf_bind_adopt(bind, &w->w, pattern, at, name, false, &adopted,
                             err)) {
        return -1;
    }
    return adopted ? 0 : tf_bind_settle(bind, &w->w, err);
}

int tf_bind_grouped(struct tf_bind *bind, struct tf_weight *w,
                    const char *pattern, struct tf_place at,
                    const struct tf_grouped *g, struct tf_err *err)
{
    size_t n = g->groups, in, out;
    char name[TF_BIND_NAME];
    const struct tf_tensor *found;

    if (n == 1 && !g->conv)
        return tf_bind_weight(bind, w, pattern, at, g->out, g->in, g->bias,
                              g->transposed, err);
    if (!n || g->in % n || g->out % n)
        return tf_fail(err, "%.200s: %zu columns from %zu in %zu groups",
                       pattern, g->out, g->in, n);
    in = g->in / n;
    out = g->out / n;
    found = tf_bind_shaped(bind, pattern, at, ".weight",
                           g->conv ? (size_t[]){ g->out, in, 1 }
                                   : (size_t[]){ n, in, out },
                           3, name, err);
    if (!found)
        return -1;
    if (tf_dtype_info(found->dtype)->block > 1)
        return tf_fail(err, "%.200s: groups of type %s are not supported", name,
                       tf_dtype_info(found->dtype)->name);
    *w = (struct tf_weight){ .name = pattern, .in = g->in, .out = g->out };
    w->groups = n;
    w->transposed = !g->conv;
    w->w = *found;
    if (g->conv) {
        w->w.ndim = 2;
        w->w.ld = in;
    }
    if (settle(bind, w, pattern, at, name, g->conv, err))
        return -1;
    return g->bias ? tf_bind_vector(bind, &w->bias, pattern, at, ".bias",
                                    g->out, err)
                   : 0;
}

/* The same of what has heads apart in its files. */
static int settle_heads(struct tf_bind *bind, struct tf_tensor *t,
                        const char *pattern, struct tf_place at,
                        const char *name, size_t heads, struct tf_err *err)
{
    size_t before = bind->params ? bind->params->count : 0;
    bool adopted;

    if (tf_bind_adopt(bind, t, pattern, at, name, false, &adopted, err))
        return -1;
    if (bind->params && bind->params->count > before)
        bind->params->v[before].heads = heads;
    return adopted ? 0 : tf_bind_settle(bind, t, err);
}

int tf_bind_heads(struct tf_bind *bind, struct tf_weight *w,
                  const char *pattern, struct tf_place at, size_t width,
                  size_t heads, size_t head_size, bool out, struct tf_err *err)
{
    size_t dim[3] = { width, heads, head_size }, all = heads * head_size;
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, "", dim, 3, name, err);

    if (!found)
        return -1;
    if (tf_dtype_info(found->dtype)->block > 1)
        return tf_fail(err, "%.200s: heads of type %s are not supported", name,
                       tf_dtype_info(found->dtype)->name);
    *w = (struct tf_weight){ .name = pattern };
    w->in = out ? all : width;
    w->out = out ? width : all;
    w->transposed = !out;
    w->w = *found;
    w->w.ndim = 2;
    w->w.dim[1] = w->w.ld = all;
    return settle_heads(bind, &w->w, pattern, at, name, heads, err);
}

int tf_bind_head_row(struct tf_bind *bind, struct tf_tensor *t,
                     const char *pattern, struct tf_place at, size_t heads,
                     size_t head_size, struct tf_err *err)
{
    size_t dim[2] = { heads, head_size };
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, "", dim, 2, name, err);

    if (!found)
        return -1;
    *t = *found;
    t->dim[0] = 1;
    t->dim[1] = t->ld = heads * head_size;
    return settle_heads(bind, t, pattern, at, name, heads, err);
}

int tf_bind_segments(struct tf_bind *bind, struct tf_tensor *t,
                     const char *pattern, struct tf_place at, size_t heads,
                     size_t head_size, struct tf_err *err)
{
    size_t dim[3] = { 2, heads, head_size };
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, "", dim, 3, name, err);

    if (!found)
        return -1;
    *t = *found;
    t->ndim = 2;
    t->dim[1] = t->ld = heads * head_size;
    return settle_heads(bind, t, pattern, at, name, heads, err);
}

int tf_bind_depthwise(struct tf_bind *bind, struct tf_tensor *t,
                      const char *pattern, struct tf_place at, size_t channels,
                      size_t kernel, struct tf_err *err)
{
    size_t dim[3] = { channels, 1, kernel };
    char name[TF_BIND_NAME];
    const struct tf_tensor *found =
        tf_bind_shaped(bind, pattern, at, ".weight", dim, 3, name, err);
    float *copy;

    if (!found)
        return -1;
    copy = tf_arena_alloc(bind->memory, channels * kernel, sizeof(*copy));
    if (!copy)
        return tf_no_memory(err, channels * kernel * sizeof(*copy));
    tf_dtype_info(found->dtype)->unpack(copy, found->data, channels * kernel);
    *t = (struct tf_tensor){ .ndim = 2, .ld = kernel };
    t->dim[0] = channels;
    t->dim[1] = kernel;
    t->data = copy;
    return bind->params
               ? tf_bind_adopt_taps(bind, t, pattern, at, name, kernel, err)
               : 0;
}

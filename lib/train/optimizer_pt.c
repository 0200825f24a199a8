#include "train/optimizer_pt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "format/torchbin.h"
#include "train/param_order.h"

/* The work of reading one file. */
struct reading {
    struct tf_torchbin *file;
    const struct tf_model *model;
    struct tf_optimizer *optimizer;
    const struct tf_pickle *states;
    size_t *order; /* of params, by their numbers in the file */
    size_t count;
    double steps;
};

static bool is_dict(const struct tf_pickle *node)
{
    return node && node->type == TF_PICKLE_DICT;
}

/* The value of a whole number in a dict. */
static const struct tf_pickle *at_number(const struct tf_pickle *dict,
                                         int64_t key)
{
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (dict->items[i]->type == TF_PICKLE_INT &&
            dict->items[i]->integer == key)
            return dict->items[i + 1];
    return NULL;
}

/* The optimizer's number of a parameter: those that are not trained are left
 * out. */
static size_t number_of(const struct tf_model *m, size_t param)
{
    size_t n = 0;

    for (size_t i = 0; i < param; i++)
        n += !m->params.v[i].buffer;
    return n;
}

/* Those with weight decay first. */
static int split_groups(struct reading *r, struct tf_err *err)
{
    size_t *split, n = 0;

    r->order = tf_param_order(r->model, &r->count, err);
    split = r->order ? tf_alloc(r->count, sizeof(*split), err) : NULL;
    if (!split)
        return -1;
    for (int decays = 1; decays >= 0; decays--)
        for (size_t i = 0; i < r->count; i++)
            if (tf_param_decays(&r->model->params.v[r->order[i]]) == decays)
                split[n++] = r->order[i];
    free(r->order);
    r->order = split;
    return 0;
}

/* Trainer's two groups have as many parameters as ours. */
static int check_groups(const struct reading *r, const struct tf_pickle *groups,
                        struct tf_err *err)
{
    size_t found = 0, decaying = 0, first = 0;

    for (size_t i = 0; i < r->count; i++)
        decaying += tf_param_decays(&r->model->params.v[r->order[i]]);
    for (size_t g = 0; groups && g < groups->count; g++) {
        const struct tf_pickle *params =
            is_dict(groups->items[g])
                ? tf_pickle_get(groups->items[g], "params")
                : NULL;

        found += params ? params->count : 0;
        if (g == 0)
            first = found;
    }
    if (!groups || groups->type != TF_PICKLE_LIST || found != r->count ||
        (groups->count > 1 && first != decaying))
        return tf_fail(err,
                       "it is for %zu parameters, %zu of them with weight "
                       "decay, but %zu are trained, %zu with",
                       found, first, r->count, decaying);
    return 0;
}

/* One array of a parameter's state, in the shape that the file has it. */
static int take_array(const struct tf_parameter *p, const struct tf_tensor *t,
                      float *out, size_t n, struct tf_err *err)
{
    struct tf_tensor shape, kept = *p->tensor;
    struct tf_parameter like = *p;
    bool whole = n == tf_tensor_count(p->tensor), same;
    float *numbers;

    tf_parameter_shape(p, &shape);
    same = t->ndim == shape.ndim &&
           !memcmp(t->dim, shape.dim, t->ndim * sizeof(t->dim[0]));
    if (tf_tensor_count(t) != n || (whole && !same) ||
        !tf_dtype_is_float(t->dtype))
        return tf_fail(err, "a state of %.200s has another shape", p->name);
    numbers = tf_alloc(n, sizeof(*numbers), err);
    if (!numbers)
        return -1;
    tf_dtype_info(t->dtype)->unpack(numbers, t->data, n);
    kept.data = out;
    like.tensor = &kept;
    if (whole)
        tf_parameter_import(&like, numbers);
    else
        memcpy(out, numbers, n * sizeof(*out));
    free(numbers);
    return 0;
}

/* How many steps a parameter has seen; a number or a tensor of one. */
static int take_step(struct reading *r, const struct tf_pickle *node,
                     const struct tf_parameter *p, struct tf_err *err)
{
    struct tf_tensor t;
    double steps;
    float step;

    if (node && node->type == TF_PICKLE_INT) {
        steps = (double)node->integer;
    } else {
        if (!node || tf_torchbin_tensor(r->file, node, &t, err) ||
            tf_tensor_count(&t) != 1 || !tf_dtype_is_float(t.dtype))
            return tf_fail(err, "%.200s has no number of steps", p->name);
        tf_dtype_info(t.dtype)->unpack(&step, t.data, 1);
        steps = (double)step;
    }
    if (!(steps >= 0) || steps > 1e15 || (r->steps >= 0 && steps != r->steps))
        return tf_fail(err, "%.200s has seen %g steps, others %g", p->name,
                       steps, r->steps);
    r->steps = steps;
    return 0;
}

static int take_state(struct reading *r, size_t number, struct tf_err *err)
{
    const struct tf_parameter *p = &r->model->params.v[r->order[number]];
    const struct tf_pickle *state = at_number(r->states, (int64_t)number);
    size_t mine = number_of(r->model, r->order[number]), n;
    const char *name;
    float *out;

    for (size_t k = 0;
         (out = tf_optimizer_state(r->optimizer, mine, k, &name, &n)); k++) {
        const struct tf_pickle *node =
            is_dict(state) ? tf_pickle_get(state, name) : NULL;
        struct tf_tensor t;

        if (!node)
            return tf_fail(err, "%.200s has no %s", p->name, name);
        if (tf_torchbin_tensor(r->file, node, &t, err) ||
            take_array(p, &t, out, n, err))
            return -1;
    }
    return is_dict(state) && tf_pickle_get(state, "step")
               ? take_step(r, tf_pickle_get(state, "step"), p, err)
               : 0;
}

static int read_all(struct reading *r, struct tf_err *err)
{
    const struct tf_pickle *root = tf_torchbin_root(r->file);

    r->states = is_dict(root) ? tf_pickle_get(root, "state") : NULL;
    if (!is_dict(r->states))
        return tf_fail(err, "not an optimizer's state");
    if (split_groups(r, err) ||
        check_groups(r, tf_pickle_get(root, "param_groups"), err))
        return -1;
    for (size_t i = 0; i < r->count; i++)
        if (take_state(r, i, err))
            return -1;
    if (r->steps >= 0)
        tf_optimizer_set_steps(r->optimizer, (int64_t)r->steps);
    return 0;
}

int tf_optimizer_pt_load(const char *path, const struct tf_model *model,
                         struct tf_optimizer *optimizer, struct tf_err *err)
{
    struct reading r = { .model = model, .optimizer = optimizer, .steps = -1 };
    int failed;

    r.file = tf_torchbin_open(path, err);
    if (!r.file)
        return -1;
    failed = read_all(&r, err);
    if (failed)
        tf_err_at(err, path);
    free(r.order);
    tf_torchbin_close(r.file);
    return failed;
}

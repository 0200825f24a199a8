#include "convert/findings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/source.h"
#include "model/bind.h"
#include "model/model.h"

static int check_finite(struct tf_findings *c, const struct tf_tensor *t,
                        const char *name, struct tf_err *err)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);
    size_t rows = tf_tensor_rows(t), bad = 0;
    size_t cols = rows ? tf_tensor_count(t) / rows : 0;
    size_t bytes = cols / info->block * info->bytes;
    float *row = tf_alloc(cols, sizeof(*row), err);

    if (!row)
        return -1;
    for (size_t r = 0; r < rows; r++) {
        info->unpack(row, (const char *)t->data + r * bytes, cols);
        for (size_t i = 0; i < cols; i++)
            if (!isfinite(row[i]))
                bad++;
    }
    free(row);
    if (!bad)
        return 0;
    return tf_findings_add(c,
                           json_pack("{s:s, s:s, s:I, s:I}", "tensor", name,
                                     "problem", "not finite", "count",
                                     (json_int_t)bad, "of",
                                     (json_int_t)(rows * cols)),
                           err);
}

/* Can the model be put together with the head of a task, or none? */
static bool opens(const char *path, enum tf_task task, struct tf_err *why)
{
    struct tf_model_opts opts = { .task = task };
    struct tf_model *m = tf_model_open(path, &opts, why);

    tf_model_close(m);
    return m != NULL;
}

/* Heads of several tasks may have the same name (LLaMA's "score"): one of them
 * has to fit. `task` is the first of those. */
static bool head_opens(const struct tf_arch *arch, const char *path,
                       enum tf_task task, struct tf_err *why)
{
    const char *out = arch->heads[task].out;
    struct tf_err other;

    if (opens(path, task, why))
        return true;
    for (int i = (int)task + 1; i < TF_TASKS; i++)
        if (arch->heads[i].present && !strcmp(arch->heads[i].out, out) &&
            opens(path, (enum tf_task)i, &other))
            return true;
    return false;
}

static bool is_first(const struct tf_arch *arch, int task)
{
    for (int i = TF_TASK_NONE + 1; i < task; i++)
        if (arch->heads[i].present &&
            !strcmp(arch->heads[i].out, arch->heads[task].out))
            return false;
    return true;
}

static int check_heads(struct tf_findings *c, const struct tf_source *s,
                       struct tf_bind *bind, const char *path,
                       struct tf_err *err)
{
    struct tf_err why;

    if (!opens(path, TF_TASK_NONE, &why))
        return tf_findings_add(c, json_pack("{s:s}", "problem", why.msg), err);
    for (int i = TF_TASK_NONE + 1; i < TF_TASKS; i++)
        if (s->arch.heads[i].present &&
            tf_bind_has(bind, s->arch.heads[i].out, ".weight") &&
            is_first(&s->arch, i) &&
            !head_opens(&s->arch, path, (enum tf_task)i, &why) &&
            tf_findings_add(c, json_pack("{s:s}", "problem", why.msg), err))
            return -1;
    return 0;
}

static int check_shapes(struct tf_findings *c, const struct tf_source *s,
                        const char *path, struct tf_err *err)
{
    struct tf_bind bind = { .weights = s->weights, .prefix = s->arch.prefix };
    int failed;

    if (!s->known)
        return tf_findings_add(c, json_pack("{s:s}", "problem", s->why.msg),
                               err);
    bind.used = tf_alloc(tf_weights_count(s->weights), 1, err);
    failed = !bind.used || check_heads(c, s, &bind, path, err);
    free(bind.used);
    return failed ? -1 : 0;
}

long tf_check(const char *path, tf_finding_fn *found, void *arg,
              size_t *tensors, struct tf_err *err)
{
    struct tf_findings c = { found, arg, 0 };
    struct tf_source s;
    const char *name;
    int failed = tf_source_open(&s, path, err);

    *tensors = 0;
    for (size_t i = 0; !failed && i < tf_weights_count(s.weights); i++) {
        const struct tf_tensor *t = tf_weights_at(s.weights, i, &name);

        if (tf_dtype_is_float(t->dtype))
            failed = check_finite(&c, t, name, err);
        ++*tensors;
    }
    if (!failed && s.config.json)
        failed = check_shapes(&c, &s, path, err);
    tf_source_release(&s);
    return failed ? -1 : c.count;
}

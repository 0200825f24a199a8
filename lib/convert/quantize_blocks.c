/*
 * ggml's blocks, as one GGUF: the file that llama.cpp's quantize makes of the
 * same model, with scales of less error.
 */
#include "convert/quantize_type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "convert/gguf_plan.h"
#include "convert/importance.h"

#define FILE_NAME "model.gguf"

static bool keeps(void *arg, const struct tf_made *m)
{
    const struct tf_quantizing *q = arg;

    return tf_quantize_keeps(q, m->name) ||
           (m->source && tf_quantize_keeps(q, m->source));
}

static bool is_quantized(const struct tf_made *m)
{
    return m->make == tf_made_pack;
}

static int note_all(struct tf_quantizing *q, const struct tf_gguf_plan *g,
                    struct tf_err *err)
{
    struct tf_quantize_report *r = q->report;

    for (size_t i = 0; i < g->plan.count; i++) {
        const struct tf_made *m = &g->plan.made[i];
        struct tf_quantized *one;

        r->bytes_after += tf_tensor_bytes(&m->to);
        if (!is_quantized(m))
            continue;
        one = tf_quantize_note(q, m, tf_dtype_info(m->to.dtype)->name, err);
        if (!one)
            return -1;
        one->after = tf_tensor_bytes(&m->to);
        one->wrong = g->packings[i].wrong;
        one->all = g->packings[i].all;
    }
    r->tensors = g->plan.count;
    r->files = 1;
    return 0;
}

/* What the weights of expert e are called in the source. */
static const char *expert_name(const struct tf_made *m, size_t e, char *name,
                               size_t size)
{
    const char *end = strrchr(m->source, '.');

    if (m->parts)
        return m->parts[e].name;
    snprintf(name, size, "%.*s.%zu%s", (int)(end - m->source), m->source, e,
             end);
    return name;
}

/* Each expert sees texts of its own; one that saw none has no weights. */
static int weigh_experts(struct tf_packing *p, const struct tf_made *m,
                         const struct tf_importance *imp, struct tf_err *err)
{
    size_t cols = m->to.dim[2];
    char name[256];

    p->owned = tf_alloc(m->to.dim[0] * cols, sizeof(*p->owned), err);
    if (!p->owned)
        return -1;
    for (size_t e = 0; e < m->to.dim[0]; e++) {
        const float *found = tf_importance_find(
            imp, expert_name(m, e, name, sizeof(name)), cols);

        for (size_t i = 0; i < cols; i++)
            p->owned[e * cols + i] = found ? found[i] : 1;
    }
    p->importance = p->owned;
    return 0;
}

/* The columns that matter, of each layer that was seen. */
static int weigh(struct tf_gguf_plan *g, const struct tf_importance *imp,
                 struct tf_err *err)
{
    for (size_t i = 0; imp && i < g->plan.count; i++) {
        const struct tf_made *m = &g->plan.made[i];

        if (!is_quantized(m) || !m->source)
            continue;
        if (m->to.ndim == 3 && weigh_experts(&g->packings[i], m, imp, err))
            return -1;
        if (m->to.ndim == 2)
            g->packings[i].importance =
                tf_importance_find(imp, m->source, m->to.dim[1]);
    }
    return 0;
}

static int make(struct tf_quantizing *q, struct tf_gguf_plan *g,
                const struct tf_importance *imp, struct tf_err *err)
{
    bool any = false;

    if (tf_gguf_plan_make(g, &q->source, q->path, err))
        return -1;
    g->mix.dtype = q->dtype;
    g->mix.importance = imp != NULL;
    if (tf_gguf_plan_types(g, false, keeps, q, q->opts->pool, err) ||
        weigh(g, imp, err))
        return -1;
    for (size_t i = 0; i < g->plan.count; i++)
        any = any || is_quantized(&g->plan.made[i]);
    return any ? 0
               : tf_fail(err, "there is nothing to quantise: every matrix is "
                              "kept, or is of that type already");
}

static int write_model(struct tf_quantizing *q, const struct tf_importance *imp,
                       struct tf_err *err)
{
    struct tf_gguf_plan g = { 0 };
    char *file = tf_path(q->dir, FILE_NAME, err);
    int failed = !file || make(q, &g, imp, err) ||
                 tf_quantize_report_start(q->report, g.plan.count, err) ||
                 tf_gguf_plan_write(&g, file, err) || note_all(q, &g, err);

    free(file);
    tf_gguf_plan_release(&g);
    return failed ? -1 : 0;
}

int tf_quantize_blocks(struct tf_quantizing *q, struct tf_err *err)
{
    struct tf_importance *imp = NULL;
    int failed;

    if (q->opts->calibrate) {
        imp = tf_importance_measure(q->path, q->opts->calibrate, q->opts->pool,
                                    err);
        if (!imp)
            return -1;
    }
    failed = write_model(q, imp, err);
    tf_importance_free(imp);
    return failed;
}

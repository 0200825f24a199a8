/*
 * ggml's blocks, as one GGUF: the file that llama.cpp's quantize makes of the
 * same model, with scales of less error.
 */
#include "convert/quantize_type.h"

#include <stdlib.h>
#include "base/io.h"
#include "base/mem.h"
#include "convert/gguf_plan.h"

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

static int make(struct tf_quantizing *q, struct tf_gguf_plan *g,
                struct tf_err *err)
{
    bool any = false;

    if (tf_gguf_plan_make(g, &q->source, q->path, err)) {
        tf_err_at(err, q->path);
        return -1;
    }
    g->mix.dtype = q->dtype;
    if (tf_gguf_plan_types(g, false, keeps, q, q->opts->pool, err))
        return -1;
    for (size_t i = 0; i < g->plan.count; i++)
        any = any || is_quantized(&g->plan.made[i]);
    return any ? 0
               : tf_fail(err, "there is nothing to quantise: every matrix is "
                              "kept, or is of that type already");
}

int tf_quantize_blocks(struct tf_quantizing *q, struct tf_err *err)
{
    struct tf_gguf_plan g = { 0 };
    char *file = tf_path(q->dir, FILE_NAME, err);
    int failed = !file || make(q, &g, err) ||
                 tf_quantize_report_start(q->report, g.plan.count, err) ||
                 tf_gguf_plan_write(&g, file, err) || note_all(q, &g, err);

    free(file);
    tf_gguf_plan_release(&g);
    return failed ? -1 : 0;
}

#include "convert/quantize_type.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/folder.h"
#include "convert/select.h"
#include "model/model.h"

static const struct tf_quantize_type types[] = {
    { "int8", false, TF_I8, tf_quantize_int8 },
    { "q8_0", true, TF_Q8_0, tf_quantize_blocks },
    { "q4_0", true, TF_Q4_0, tf_quantize_blocks },
    { "q4_1", true, TF_Q4_1, tf_quantize_blocks },
    { "q5_0", true, TF_Q5_0, tf_quantize_blocks },
    { "q5_1", true, TF_Q5_1, tf_quantize_blocks },
    { "q4_k", true, TF_Q4_K, tf_quantize_blocks },
    { "q6_k", true, TF_Q6_K, tf_quantize_blocks },
};

bool tf_quantize_keeps(const struct tf_quantizing *q, const char *name)
{
    static const char suffix[] = ".weight";
    size_t n = strlen(name), m = sizeof(suffix) - 1;
    char stem[512];

    if (n > m && n < sizeof(stem) && !strcmp(name + n - m, suffix)) {
        memcpy(stem, name, n - m);
        stem[n - m] = 0;
    } else {
        stem[0] = 0;
    }
    for (size_t i = 0; i < q->opts->keep_count; i++)
        if (!fnmatch(q->opts->keep[i], name, 0) ||
            (stem[0] && !fnmatch(q->opts->keep[i], stem, 0)))
            return true;
    return false;
}

struct tf_quantized *tf_quantize_note(struct tf_quantizing *q,
                                      const struct tf_made *m, const char *type,
                                      struct tf_err *err)
{
    struct tf_quantize_report *r = q->report;
    struct tf_quantized *one;
    size_t len = strlen(m->name) + 1;
    char *name = tf_arena_alloc(r->memory, len, 1);

    if (!name) {
        tf_no_memory(err, len);
        return NULL;
    }
    one = &r->v[r->count++];
    memcpy(name, m->name, len);
    *one = (struct tf_quantized){ .name = name, .type = type };
    one->from = m->from->dtype;
    one->before = tf_tensor_bytes(m->from) * (m->parts ? m->part_count : 1);
    return one;
}

/* What the model with this head says of its tensors: the strongest counts. */
static int add_roles(struct tf_quantizing *q, enum tf_task task,
                     struct tf_err *err)
{
    struct tf_model_opts opts = { .task = task, .look = true };
    struct tf_model *m = tf_model_open(q->path, &opts, err);

    if (!m)
        return -1;
    for (size_t i = 0; i < tf_weights_count(m->weights); i++)
        if (m->roles[i] > q->roles[i])
            q->roles[i] = m->roles[i];
    q->report->tied |= m->head.out.w.base != NULL;
    tf_model_close(m);
    return 0;
}

/* Heads of several tasks may share a name, so one that does not open is no
 * error when another does; an encoder-decoder is whole only with one. */
static int find_roles(struct tf_quantizing *q, struct tf_err *err)
{
    const struct tf_arch *a = &q->source.arch;
    struct tf_bind bind = { .weights = q->source.weights, .prefix = a->prefix };
    size_t n = tf_weights_count(q->source.weights);
    bool whole = !a->has_encoder || !a->has_decoder;
    struct tf_err why;

    q->roles = tf_alloc(n, 1, err);
    bind.used = tf_alloc(n, 1, err);
    if (!q->roles || !bind.used || add_roles(q, TF_TASK_NONE, err)) {
        free(bind.used);
        return -1;
    }
    tf_fail(err, "no head for any task, so its decoder can't be told");
    for (int i = TF_TASK_NONE + 1; i < TF_TASKS; i++)
        if (a->heads[i].present &&
            (a->heads[i].tied ||
             tf_bind_has(&bind, a->heads[i].out, ".weight"))) {
            if (!add_roles(q, (enum tf_task)i, &why))
                whole = true;
            else if (!whole)
                *err = why;
        }
    free(bind.used);
    return whole ? 0 : -1;
}

static int check_source(const struct tf_source *s,
                        const struct tf_quantize_type *type, struct tf_err *err)
{
    if (!s->known) {
        *err = s->why;
        return -1;
    }
    if (s->gguf && !type->blocks)
        return tf_fail(err, "a GGUF: make a folder of it with tf-model "
                            "convert first");
    if (tf_config_get(s->config.json, "quantization_config"))
        return tf_fail(err, "the model is quantised already "
                            "(quantization_config in config.json)");
    return 0;
}

int tf_quantize_report_start(struct tf_quantize_report *r, size_t tensors,
                             struct tf_err *err)
{
    r->v = tf_alloc(tensors, sizeof(r->v[0]), err);
    r->memory = tf_alloc(1, sizeof(*r->memory), err);
    if (!r->v || !r->memory)
        return -1;
    tf_arena_init(r->memory);
    return 0;
}

static int start(struct tf_quantizing *q, const struct tf_quantize_type *type,
                 struct tf_err *err)
{
    struct tf_quantize_report *r = q->report;

    if (check_source(&q->source, type, err))
        return -1;
    q->dtype = type->dtype;
    if (type->blocks) {
        r->bytes_before = tf_weights_bytes(q->source.weights);
        return 0;
    }
    if (find_roles(q, err) || tf_select_weights(&q->plan, &q->source, err))
        return -1;
    for (size_t i = 0; i < q->plan.count; i++)
        r->bytes_before += tf_tensor_bytes(&q->plan.made[i].to);
    return tf_quantize_report_start(r, q->plan.count, err);
}

/* Of all quantised tensors together: their sizes weigh. */
static double total_error(const struct tf_quantize_report *r)
{
    double wrong = 0, all = 0;

    for (size_t i = 0; i < r->count; i++) {
        wrong += r->v[i].wrong;
        all += r->v[i].all;
    }
    return all > 0 ? sqrt(wrong / all) : 0;
}

int tf_quantize(const char *path, const char *dir,
                const struct tf_quantize_opts *opts,
                struct tf_quantize_report *report, struct tf_err *err)
{
    const struct tf_quantize_type *type = &types[opts->type];
    struct tf_quantizing q = { .opts = opts, .path = path, .dir = dir };
    int failed;

    memset(report, 0, sizeof(*report));
    q.report = report;
    failed = tf_source_open(&q.source, path, err);
    if (!failed) {
        failed = start(&q, type, err);
        if (failed)
            tf_err_at(err, path);
    }
    if (!failed)
        failed = tf_folder_new(dir, err) || type->write(&q, err);
    report->error = total_error(report);
    tf_plan_release(&q.plan);
    tf_source_release(&q.source);
    free(q.roles);
    return failed ? -1 : 0;
}

void tf_quantize_report_release(struct tf_quantize_report *report)
{
    if (report->memory)
        tf_arena_release(report->memory);
    free(report->memory);
    free(report->v);
    memset(report, 0, sizeof(*report));
}

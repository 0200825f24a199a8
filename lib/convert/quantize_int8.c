/*
 * LLM.int8 as bitsandbytes and Transformers' BitsAndBytesConfig save it: beside
 * each int8 "x.weight" [out][in] stand "x.SCB" [out] float32, the rows' largest
 * magnitudes, and "x.weight_format", 0 for rows; config.json says what is not
 * quantised.
 */
#include "convert/quantize_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/companions.h"
#include "convert/folder.h"
#include "nn/matrix.h"

#define ROWS_FORMAT 0 /* bitsandbytes' number of "row" */

/* What makes one matrix, and where its errors go. */
struct matrix {
    struct tf_pool *pool;
    struct tf_quantized *note;
    bool turned;
};

static int check_finite(const float *most, size_t n, const char *name,
                        struct tf_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(most[i]))
            return tf_fail(err,
                           "%.300s: row %zu is not finite; tf-model verify "
                           "tells more",
                           name, i);
    return 0;
}

static int make_scales(const struct tf_made *m, void *out, struct tf_err *err)
{
    const struct matrix *a = m->arg;

    return tf_matrix_most(a->pool, m->from, a->turned, out, err) ||
           check_finite(out, m->to.dim[0], a->note->name, err);
}

static int make_weight(const struct tf_made *m, void *out, struct tf_err *err)
{
    const struct matrix *a = m->arg;
    float *most = tf_alloc(m->to.dim[0], sizeof(*most), err);
    double squares[2];
    int failed = !most || tf_matrix_int8(a->pool, m->from, a->turned, out, most,
                                         squares, err);

    free(most);
    if (failed)
        return -1;
    a->note->wrong = squares[0];
    a->note->all = squares[1];
    return 0;
}

static int make_format(const struct tf_made *m, void *out, struct tf_err *err)
{
    (void)m;
    (void)err;
    *(uint8_t *)out = ROWS_FORMAT;
    return 0;
}

/* "x.weight" to "x" and an end; NULL and `err` without memory. */
static char *beside(const char *name, const char *end, struct tf_err *err)
{
    size_t stem = strlen(name) - strlen(".weight");
    char *s = tf_alloc(stem + strlen(end) + 1, 1, err);

    if (!s)
        return NULL;
    memcpy(s, name, stem);
    strcpy(s + stem, end);
    return s;
}

static int add_beside(struct tf_quantizing *q, const char *name,
                      const char *end, const struct tf_made *like,
                      struct tf_err *err)
{
    char *full = beside(name, end, err);
    struct tf_made *m =
        full ? tf_plan_add(&q->plan, full, like->from, err) : NULL;

    free(full);
    if (!m)
        return -1;
    m->to = like->to;
    m->make = like->make;
    m->arg = like->arg;
    return 0;
}

/* Entry i of the plan becomes int8, with two tensors more. */
static int quantize_entry(struct tf_quantizing *q, size_t i, bool turned,
                          struct tf_err *err)
{
    struct matrix *a = tf_arena_alloc(q->report->memory, 1, sizeof(*a));
    struct tf_made *m = &q->plan.made[i], like = *m;

    if (!a)
        return tf_no_memory(err, sizeof(*a));
    *a = (struct matrix){ .pool = q->opts->pool, .turned = turned };
    a->note = tf_quantize_note(q, m, "int8", err);
    if (!a->note)
        return -1;
    m->to.dtype = TF_I8;
    m->to.dim[0] = m->from->dim[turned ? 1 : 0];
    m->to.dim[1] = m->from->dim[turned ? 0 : 1];
    m->make = make_weight;
    m->arg = a;
    a->note->after = tf_tensor_bytes(&m->to) + m->to.dim[0] * sizeof(float) + 1;
    like.arg = a;
    like.make = make_scales;
    like.to = (struct tf_tensor){ .dtype = TF_F32, .ndim = 1 };
    like.to.dim[0] = m->to.dim[0];
    if (add_beside(q, a->note->name, ".SCB", &like, err))
        return -1;
    like.make = make_format;
    like.to = (struct tf_tensor){ .dtype = TF_U8 };
    return add_beside(q, a->note->name, ".weight_format", &like, err);
}

static bool is_weight(const char *name)
{
    size_t n = strlen(name);

    return n > 7 && !strcmp(name + n - 7, ".weight");
}

/* The modules that Transformers must not take for int8. */
static int skip_module(json_t *skip, const char *name, struct tf_err *err)
{
    char *module = beside(name, "", err);
    int failed = !module || json_array_append_new(skip, json_string(module));

    free(module);
    return failed ? tf_no_memory(err, strlen(name)) : 0;
}

/* Heads that are the table of tokens, by every name they may have. */
static int skip_tied(json_t *skip, const struct tf_arch *arch,
                     struct tf_err *err)
{
    for (int i = 0; i < TF_TASKS; i++) {
        const char *p = arch->heads[i].tied ? arch->heads[i].out : "";
        size_t n;

        for (; *p; p += n + (p[n] == '|')) {
            n = strcspn(p, "|");
            if (json_array_append_new(skip, json_stringn(p, n)))
                return tf_no_memory(err, n);
        }
    }
    return 0;
}

static bool tables_too(const struct tf_quantizing *q, enum tf_role role)
{
    return role == TF_ROLE_TABLE && q->opts->embeddings && !q->report->tied;
}

/* Change the plan; `skip` gets the matrices that stay. */
static int choose(struct tf_quantizing *q, json_t *skip, struct tf_err *err)
{
    size_t n = q->plan.count;

    for (size_t i = 0; i < n; i++) {
        const struct tf_made *m = &q->plan.made[i];
        size_t at = tf_weights_index(q->source.weights, m->name);
        enum tf_role role = at == SIZE_MAX ? TF_ROLE_OTHER : q->roles[at];
        bool matrix = role == TF_ROLE_MATRIX || role == TF_ROLE_TURNED;

        if (m->from->ndim != 2 || !is_weight(m->name) ||
            !tf_dtype_is_float(m->from->dtype))
            continue;
        if ((matrix || tables_too(q, role)) && !tf_quantize_keeps(q, m->name)) {
            if (quantize_entry(q, i, role == TF_ROLE_TURNED, err))
                return -1;
        } else if (role != TF_ROLE_TABLE && skip_module(skip, m->name, err)) {
            return -1;
        }
    }
    if (!q->report->count)
        return tf_fail(err, "there is nothing to quantise: every matrix of a "
                            "linear layer is kept");
    return skip_tied(skip, &q->source.arch, err);
}

/* As BitsAndBytesConfig.to_dict() has it. */
static json_t *quantization_config(double threshold, json_t *skip)
{
    return json_pack(
        "{s:b, s:b, s:s, s:s, s:s, s:b, s:b, s:b, s:O, s:f, s:b, s:b, s:s}",
        "_load_in_4bit", 0, "_load_in_8bit", 1, "bnb_4bit_compute_dtype",
        "float32", "bnb_4bit_quant_storage", "uint8", "bnb_4bit_quant_type",
        "fp4", "bnb_4bit_use_double_quant", 0,
        "llm_int8_enable_fp32_cpu_offload", 0, "llm_int8_has_fp16_weight", 0,
        "llm_int8_skip_modules", skip, "llm_int8_threshold", threshold,
        "load_in_4bit", 0, "load_in_8bit", 1, "quant_method", "bitsandbytes");
}

static int write_model(struct tf_quantizing *q, json_t *skip,
                       struct tf_err *err)
{
    struct tf_folder_sizes sizes;
    json_t *config = q->source.config.json;

    if (choose(q, skip, err)) {
        tf_err_at(err, q->path);
        return -1;
    }
    if (tf_folder_write(q->dir, &q->plan, q->opts->max_shard, &sizes, err) ||
        tf_copy_companions(q->path, q->dir, err))
        return -1;
    q->report->tensors = q->plan.count;
    q->report->bytes_after = sizes.bytes;
    q->report->files = sizes.files;
    if (json_object_set_new(config, "quantization_config",
                            quantization_config(q->opts->threshold, skip)))
        return tf_no_memory(err, 1);
    return tf_write_json(q->dir, "config.json", config, err);
}

int tf_quantize_int8(struct tf_quantizing *q, struct tf_err *err)
{
    json_t *skip = json_array();
    int failed = skip ? write_model(q, skip, err) : tf_no_memory(err, 1);

    json_decref(skip);
    return failed ? -1 : 0;
}

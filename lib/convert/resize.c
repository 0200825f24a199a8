#include "convert/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "convert/companions.h"
#include "convert/folder.h"
#include "convert/select.h"
#include "kernel/kernel.h"
#include "model/params.h"
#include "model/spelling.h"
#include "text/tokenizer.h"

#define SPREAD 1e-9 /* of the covariance that new rows are drawn with */

struct resize {
    const struct tf_resize_opts *opts;
    struct tf_resize_report *report;
    struct tf_source source;
    struct tf_plan plan;
    struct tf_arena memory; /* of the tensors' jobs */
    uint64_t streams;       /* of draws, so far */
};

/* What a tensor's make() works with. A vector has rows of one number. */
struct job {
    const struct tf_tensor *old;
    size_t before, after, cols; /* rows */
    enum tf_new_rows rows;
    double std; /* of TF_NEW_NORMAL */
    uint64_t seed, stream;
};

static void old_row(const struct job *j, size_t i, float *row)
{
    const struct tf_dtype_info *type = tf_dtype_info(j->old->dtype);
    size_t ld = j->cols > 1 ? j->old->ld : 1;

    type->unpack(row, (const char *)j->old->data + i * ld * type->bytes,
                 j->cols);
}

static void old_mean(const struct job *j, float *row, double *mean)
{
    memset(mean, 0, j->cols * sizeof(*mean));
    for (size_t i = 0; i < j->before; i++) {
        old_row(j, i, row);
        for (size_t c = 0; c < j->cols; c++)
            mean[c] += (double)row[c] / (double)j->before;
    }
}

/*
 * n rows of a normal distribution with this mean and SPREAD times the old rows'
 * covariance C^T C / N: a combination of the centred rows C with N standard
 * normal weights has just that.
 */
static int draw_like_old(const struct job *j, const double *mean, float *row,
                         float *out, size_t n, struct tf_err *err)
{
    float *weights = tf_alloc(j->before, n * sizeof(*weights), err);
    double scale = sqrt(SPREAD / (double)j->before);

    if (!weights)
        return -1;
    tf_parameters_draw(j->seed, j->stream, 1, weights, j->before * n);
    for (size_t i = 0; i < j->before; i++) {
        old_row(j, i, row);
        for (size_t k = 0; k < n; k++) {
            float w = (float)(scale * (double)weights[i * n + k]);

            for (size_t c = 0; c < j->cols; c++)
                out[k * j->cols + c] += w * (row[c] - (float)mean[c]);
        }
    }
    free(weights);
    return 0;
}

/* New rows [n][cols]; `row` and `mean` [cols] are scratch. */
static int new_rows(const struct job *j, float *row, double *mean, float *out,
                    size_t n, struct tf_err *err)
{
    memset(out, 0, n * j->cols * sizeof(*out));
    if (j->rows == TF_NEW_ZERO)
        return 0;
    if (j->rows == TF_NEW_NORMAL) {
        tf_parameters_draw(j->seed, j->stream, j->std, out, n * j->cols);
        return 0;
    }
    old_mean(j, row, mean);
    if (j->rows == TF_NEW_LIKE_OLD && draw_like_old(j, mean, row, out, n, err))
        return -1;
    for (size_t i = 0; i < n * j->cols; i++)
        out[i] += (float)mean[i % j->cols];
    return 0;
}

static int make(const struct tf_made *m, void *out, struct tf_err *err)
{
    const struct job *j = m->arg;
    size_t kept = j->before < j->after ? j->before : j->after;
    size_t n = j->after - kept;
    size_t width = j->cols * tf_dtype_info(m->to.dtype)->bytes;
    float *row = tf_alloc(j->cols, sizeof(*row), err);
    double *mean = row ? tf_alloc(j->cols, sizeof(*mean), err) : NULL;
    float *fresh = mean ? tf_alloc(n, j->cols * sizeof(*fresh), err) : NULL;
    int failed = !fresh;

    for (size_t i = 0; !failed && i < kept; i++) {
        old_row(j, i, row);
        tf_pack_floats(m->to.dtype, (char *)out + i * width, row, j->cols);
    }
    if (!failed && n)
        failed = new_rows(j, row, mean, fresh, n, err);
    if (!failed)
        tf_pack_floats(m->to.dtype, (char *)out + kept * width, fresh,
                       n * j->cols);
    free(row);
    free(mean);
    free(fresh);
    return failed ? -1 : 0;
}

static double initializer_range(const struct resize *r)
{
    static const char *const keys[] = { "initializer_range", "init_std",
                                        "initializer_factor" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *v = tf_config_get(r->source.config.json, keys[i]);

        if (json_is_number(v))
            return json_number_value(v);
    }
    return 0.02;
}

/* Let a tensor have the new vocabulary along its first dim, or, of a vector or
 * BART's [1][V], along its last. */
static int resize_tensor(struct resize *r, struct tf_made *m,
                         enum tf_new_rows rows, struct tf_err *err)
{
    size_t along = m->to.ndim == 2 && m->to.dim[0] == 1 ? 1 : 0;
    size_t cols = m->to.ndim == 2 && !along ? m->to.dim[1] : 1;
    struct job *j;

    if (m->make || m->to.ndim > 2 || !m->to.ndim ||
        m->to.dim[along] != r->report->before)
        return tf_fail(err, "%.300s: it has not a row for each of %zu tokens",
                       m->name, r->report->before);
    if (m->to.dtype != TF_F32 && m->to.dtype != TF_BF16 &&
        m->to.dtype != TF_F16)
        return tf_fail(err, "%.300s: rows of %s can't be made", m->name,
                       tf_dtype_info(m->to.dtype)->name);
    j = tf_arena_alloc(&r->memory, 1, sizeof(*j));
    if (!j)
        return tf_no_memory(err, sizeof(*j));
    *j = (struct job){ .old = m->from,
                       .before = r->report->before,
                       .after = r->report->after,
                       .cols = cols,
                       .rows = rows,
                       .std = initializer_range(r),
                       .seed = r->opts->seed,
                       .stream = r->streams++ };
    m->to.dim[along] = r->report->after;
    m->to.ld = m->to.dim[m->to.ndim - 1];
    m->make = make;
    m->arg = j;
    r->report->resized++;
    return 0;
}

/* The tensor that a row's pattern and a suffix name, or NULL. */
static struct tf_made *find(struct resize *r, const char *pattern,
                            const char *suffix)
{
    struct tf_place none = { 0 };
    struct tf_spelling s;
    size_t n = strlen(suffix);

    if (!pattern)
        return NULL;
    tf_spelling_init(&s, pattern, r->source.arch.prefix, none);
    while (tf_spelling_next(&s))
        for (size_t i = 0; i < r->plan.count; i++) {
            const char *name = r->plan.made[i].name;
            size_t len = strlen(name);

            if (len > n && !strcmp(name + len - n, suffix) &&
                len - n == strlen(s.name) && !memcmp(name, s.name, len - n))
                return &r->plan.made[i];
        }
    return NULL;
}

static int resize_table(struct resize *r, const struct tf_stack_spec *stack,
                        struct tf_err *err)
{
    const char *names = stack->names.tokens;
    bool found = false;

    /* each of "a|b": a file may have the same table under both */
    while (names && *names) {
        size_t n = strcspn(names, "|");
        char *one = tf_strndup(names, n, err);
        struct tf_made *m = one ? find(r, one, ".weight") : NULL;

        free(one);
        if (!one)
            return -1;
        found |= m != NULL;
        if (m && !m->make && resize_tensor(r, m, r->opts->rows, err))
            return -1;
        names += n + (names[n] == '|');
    }
    return found ? 0
                 : tf_fail(err, "no table of tokens; %s is to have one",
                           r->source.arch.name);
}

/* A bias has no distribution to speak of: the mean, or 0. */
static enum tf_new_rows of_bias(const struct resize *r)
{
    return r->opts->rows == TF_NEW_NORMAL || r->opts->rows == TF_NEW_ZERO
               ? TF_NEW_ZERO
               : TF_NEW_MEAN;
}

static int resize_head(struct resize *r, const struct tf_head_spec *h,
                       struct tf_err *err)
{
    struct tf_made *weight = find(r, h->out, ".weight");
    struct tf_made *biases[] = { find(r, h->out, ".bias"),
                                 find(r, h->out_bias, "") };
    bool tied = h->tied && !weight;

    if (find(r, h->out_rest, ".weight"))
        return tf_fail(err,
                       "%s.weight: its columns are tokens, which can't "
                       "be resized",
                       h->out_rest);

    if (weight && !weight->make && resize_tensor(r, weight, r->opts->rows, err))
        return -1;
    for (int i = 0; i < 2; i++) {
        struct tf_made *m = biases[i];
        bool logits = m && m->to.ndim == 2; /* final_logits_bias */

        if (m && !m->make &&
            resize_tensor(r, m, tied || logits ? TF_NEW_ZERO : of_bias(r), err))
            return -1;
    }
    return 0;
}

static int plan(struct resize *r, struct tf_err *err)
{
    static const enum tf_task tasks[] = { TF_CAUSAL_LM, TF_MASKED_LM };
    const struct tf_arch *a = &r->source.arch;

    if ((a->has_encoder && resize_table(r, &a->encoder, err)) ||
        (a->has_decoder && resize_table(r, &a->decoder, err)))
        return -1;
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
        if (a->heads[tasks[i]].present &&
            resize_head(r, &a->heads[tasks[i]], err))
            return -1;
    return 0;
}

static int find_sizes(struct resize *r, const struct tf_tokenizer *tok,
                      struct tf_err *err)
{
    size_t n = r->opts->size, multiple = r->opts->multiple;

    if (!n)
        n = tf_tokenizer_info(tok)->vocab_size;
    if (multiple)
        n = (n + multiple - 1) / multiple * multiple;
    if (!n || n > INT32_MAX)
        return tf_fail(err, "a vocabulary of %zu tokens", n);
    r->report->before = tf_source_reader(&r->source)->vocab;
    r->report->after = n;
    return 0;
}

static int write_config(struct resize *r, const char *dir, struct tf_err *err)
{
    json_t *config = r->source.config.json;
    json_t *text = json_object_get(config, "text_config");
    json_t *at = json_object_get(text, "vocab_size") ? text : config;

    if (json_object_set_new(at, "vocab_size",
                            json_integer((json_int_t)r->report->after)))
        return tf_no_memory(err, 1);
    return tf_write_json(dir, "config.json", config, err);
}

static int resize(struct resize *r, const char *path, const char *dir,
                  const struct tf_tokenizer *tok, struct tf_err *err)
{
    struct tf_folder_sizes sizes;

    if (!r->source.known) {
        *err = r->source.why;
        return -1;
    }
    if (r->source.gguf)
        return tf_fail(err, "a GGUF: make a folder of it with tf-model "
                            "convert first");
    if (tf_config_get(r->source.config.json, "quantization_config"))
        return tf_fail(err, "the model is quantised: nothing can be added to "
                            "its tables");
    if (find_sizes(r, tok, err) ||
        tf_select_weights(&r->plan, &r->source, err) || plan(r, err) ||
        tf_folder_new(dir, err) ||
        tf_folder_write(dir, &r->plan, r->opts->max_shard, &sizes, err))
        return -1;
    r->report->tensors = r->plan.count;
    r->report->bytes = sizes.bytes;
    r->report->files = sizes.files;
    return tf_copy_companions(path, dir, err) ||
                   (r->opts->tokenizer && tf_tokenizer_save(tok, dir, err)) ||
                   write_config(r, dir, err)
               ? -1
               : 0;
}

int tf_resize(const char *path, const char *dir,
              const struct tf_resize_opts *opts,
              struct tf_resize_report *report, struct tf_err *err)
{
    struct resize r = { .opts = opts, .report = report };
    struct tf_tokenizer *tok = NULL;
    int failed = 0;

    memset(report, 0, sizeof(*report));
    tf_arena_init(&r.memory);
    if (opts->tokenizer || !opts->size) {
        tok = tf_tokenizer_open(opts->tokenizer ? opts->tokenizer : path, err);
        failed = !tok;
    }
    if (!failed) {
        failed = tf_source_open(&r.source, path, err) ||
                 resize(&r, path, dir, tok, err);
        tf_source_release(&r.source);
    }
    tf_tokenizer_close(tok);
    tf_plan_release(&r.plan);
    tf_arena_release(&r.memory);
    return failed ? -1 : 0;
}

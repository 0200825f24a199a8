/* Models with quantised weights, read and written, against what plain Python
 * makes of the same weights (scripts/make-golden-quantized). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "convert/quantize.h"
#include "format/weights.h"
#include "model/model.h"

#define GOLDEN      "tests/golden/quantized/"
#define TOKENS_MAX  64
#define RECORDS_MAX 8

static struct tf_pool *pool;
static char scratch[] = "/tmp/test_quantized.XXXXXX";

static json_t *expected(const char *dir)
{
    char path[256];
    json_t *j;

    snprintf(path, sizeof(path), "%s/expected.json", dir);
    j = json_load_file(path, 0, NULL);
    if (!j)
        fail_msg("%s: can't be read", path);
    return j;
}

static struct tf_model *open_model(const char *dir, enum tf_task task,
                                   bool int8)
{
    struct tf_model_opts opts = { .task = task, .int8 = int8, .pool = pool };
    struct tf_err err;
    struct tf_model *m = tf_model_open(dir, &opts, &err);

    if (!m)
        fail_msg("%s", err.msg);
    return m;
}

/* The answers to all records in one batch, compared with `wanted`: the relative
 * error over all numbers. */
static double error_of(const char *dir, enum tf_task task, bool int8,
                       json_t *ids, json_t *wanted)
{
    struct tf_model *m = open_model(dir, task, int8);
    struct tf_session *s;
    struct tf_batch batch = { 0 };
    int32_t all[TOKENS_MAX];
    size_t start[RECORDS_MAX + 1] = { 0 }, i, t, c, row = 0;
    struct tf_result r;
    double wrong = 0, sum = 0;
    json_t *x, *v, *number;
    struct tf_err err;

    json_array_foreach (ids, i, x) {
        start[i + 1] = start[i] + json_array_size(x);
        assert_true(i < RECORDS_MAX && start[i + 1] <= TOKENS_MAX);
        json_array_foreach (x, t, v)
            all[start[i] + t] = (int32_t)json_integer_value(v);
    }
    batch.ids = all;
    batch.seqs = (struct tf_seqs){ json_array_size(ids), start };
    s = tf_session_new(m, pool, &err);
    assert_non_null(s);
    if (tf_session_logits(s, &batch, &r, &err))
        fail_msg("%s", err.msg);
    json_array_foreach (wanted, i, x)
        json_array_foreach (x, t, v) {
            assert_true(row < r.rows && json_array_size(v) == r.cols);
            json_array_foreach (v, c, number) {
                double w = json_number_value(number);
                double d = (double)r.data[row * r.cols + c] - w;

                wrong += d * d;
                sum += w * w;
            }
            row++;
        }
    assert_int_equal(row, r.rows);
    tf_session_free(s);
    tf_model_close(m);
    return sqrt(wrong / sum);
}

static void quantize(const char *from, const char *to,
                     const struct tf_quantize_opts *opts)
{
    struct tf_quantize_report report;
    struct tf_err err;

    if (tf_quantize(from, to, opts, &report, &err))
        fail_msg("%s", err.msg);
    tf_quantize_report_release(&report);
}

static const char *folder(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", scratch, name);
    return path;
}

static void answers_as_a_plain_reference_of_llm_int8(void **state)
{
    json_t *e = expected(GOLDEN "opt-int8");
    json_t *ids = json_object_get(e, "ids");
    double error = error_of(GOLDEN "opt-int8", TF_CAUSAL_LM, false, ids,
                            json_object_get(e, "logits"));

    (void)state;
    if (!(error < 1e-3))
        fail_msg("files of bitsandbytes: error %g", error);
    error = error_of(GOLDEN "opt", TF_CAUSAL_LM, true, ids,
                     json_object_get(e, "logits"));
    if (!(error < 1e-3))
        fail_msg("quantised at load: error %g", error);
    json_decref(e);
}

static void outliers_kept_apart_lose_much_less(void **state)
{
    struct tf_quantize_opts opts = { .pool = pool };
    json_t *e = expected(GOLDEN "opt");
    json_t *ids = json_object_get(e, "ids"), *f = json_object_get(e, "logits");
    char dir[64];
    double with, without, same;

    (void)state;
    quantize(GOLDEN "opt", folder(dir, sizeof(dir), "plain"), &opts);
    without = error_of(dir, TF_CAUSAL_LM, false, ids, f);
    same = error_of(dir, TF_CAUSAL_LM, false, ids,
                    json_object_get(e, "int8_without_outliers"));
    with = error_of(GOLDEN "opt", TF_CAUSAL_LM, true, ids, f);
    if (!(with < 0.02) || !(with * 10 < without))
        fail_msg("error %g with outliers apart, %g without", with, without);
    if (!(same < 1e-3))
        fail_msg("threshold 0: error %g", same);
    json_decref(e);
}

static void writes_what_bitsandbytes_would(void **state)
{
    struct tf_quantize_opts opts = { .pool = pool, .threshold = 6 };
    const char *wanted_dir = GOLDEN "opt-int8";
    struct tf_weights *found, *wanted;
    struct tf_err err;
    json_t *a, *b;
    char dir[64], path[128];

    (void)state;
    quantize(GOLDEN "opt", folder(dir, sizeof(dir), "int8"), &opts);
    found = tf_weights_open(dir, &err);
    wanted = tf_weights_open(wanted_dir, &err);
    assert_true(found && wanted);
    assert_int_equal(tf_weights_count(found), tf_weights_count(wanted));
    for (size_t i = 0; i < tf_weights_count(wanted); i++) {
        const char *name;
        const struct tf_tensor *w = tf_weights_at(wanted, i, &name);
        const struct tf_tensor *f = tf_weights_find(found, name);

        if (!f || f->dtype != w->dtype ||
            tf_tensor_bytes(f) != tf_tensor_bytes(w) ||
            memcmp(f->data, w->data, tf_tensor_bytes(w)) != 0)
            fail_msg("%s differs", name);
    }
    snprintf(path, sizeof(path), "%s/config.json", dir);
    a = json_load_file(path, 0, NULL);
    b = json_load_file(GOLDEN "opt-int8/config.json", 0, NULL);
    assert_true(json_equal(json_object_get(a, "quantization_config"),
                           json_object_get(b, "quantization_config")));
    json_decref(a);
    json_decref(b);
    tf_weights_close(found);
    tf_weights_close(wanted);
}

static void keeps_heads_and_what_is_told(void **state)
{
    const char *keep[] = { "*.layer.0.attention.*", "bert.pooler.dense" };
    struct tf_quantize_opts opts = { .keep = keep, .keep_count = 2 };
    struct tf_weights *w;
    struct tf_err err;
    char dir[64];

    (void)state;
    opts.embeddings = true;
    quantize("tests/golden/models/bert-bf16", folder(dir, sizeof(dir), "kept"),
             &opts);
    w = tf_weights_open(dir, &err);
    assert_non_null(w);
#define TYPE(name) tf_weights_find(w, "bert." name ".weight")->dtype
    assert_int_equal(TYPE("encoder.layer.0.attention.self.query"), TF_BF16);
    assert_int_equal(TYPE("encoder.layer.0.intermediate.dense"), TF_I8);
    assert_int_equal(TYPE("encoder.layer.1.attention.self.query"), TF_I8);
    assert_int_equal(TYPE("pooler.dense"), TF_BF16);
    assert_int_equal(TYPE("embeddings.word_embeddings"), TF_I8);
    assert_int_equal(tf_weights_find(w, "classifier.weight")->dtype, TF_BF16);
#undef TYPE
    tf_weights_close(w);
    tf_model_close(open_model(dir, TF_SEQUENCE_CLASSIFICATION, false));
}

/* Where weights alone are quantised, they are the same numbers here. */
static void reads_what_other_programs_quantised(void **state)
{
    static const struct {
        const char *dir;
        double tolerance;
    } models[] = {
        { GOLDEN "gptq-4bit", 2e-6 },
        { GOLDEN "gptq-3bit-act-order", 2e-6 },
        { GOLDEN "gptq-8bit-v2", 2e-6 },
        { GOLDEN "awq", 2e-6 },
        { GOLDEN "compressed-int4", 2e-6 },
        { GOLDEN "compressed-int8-packed", 2e-6 },
        { GOLDEN "compressed-int8", 1e-3 },
        { GOLDEN "fp8-blocks", 2e-6 },
        { GOLDEN "fp8-rows", 2e-6 },
        { GOLDEN "fp8-tensor", 2e-6 },
        { GOLDEN "opt-nf4", 2e-6 },
        { GOLDEN "opt-fp4", 2e-6 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        json_t *e = expected(models[i].dir);
        double error =
            error_of(models[i].dir, TF_CAUSAL_LM, false,
                     json_object_get(e, "ids"), json_object_get(e, "logits"));

        if (!(error < models[i].tolerance))
            fail_msg("%s: error %g", models[i].dir, error);
        json_decref(e);
    }
}

/* A copy of a model's folder with its config.json changed. */
static void change_config(const char *from, const char *to, const char *key,
                          const char *value)
{
    char command[512], path[128];
    json_t *config;

    snprintf(command, sizeof(command), "mkdir %s && cp %s/* %s", to, from, to);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof(path), "%s/config.json", to);
    config = json_load_file(path, 0, NULL);
    json_object_set_new(json_object_get(config, "quantization_config"), key,
                        json_string(value));
    assert_int_equal(json_dump_file(config, path, 0), 0);
    json_decref(config);
}

static void says_which_quantisation_is_not_read(void **state)
{
    static const struct {
        const char *from, *key, *value, *words;
    } cases[] = {
        { GOLDEN "awq", "quant_method", "aqlm", "quantised by \"aqlm\"" },
        { GOLDEN "awq", "version", "gemv", "only gemm is read" },
        { GOLDEN "awq", "quant_method", "gptq", "bits are not read" },
        { GOLDEN "gptq-4bit", "checkpoint_format", "marlin",
          "checkpoint_format of its GPTQ is \"marlin\"" },
        { GOLDEN "gptq-4bit", "quant_method", "awq", "its shape is not" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tf_model_opts opts = { .task = TF_CAUSAL_LM };
        struct tf_err err;
        char name[16], dir[64];

        snprintf(name, sizeof(name), "bad%zu", i);
        folder(dir, sizeof(dir), name);
        change_config(cases[i].from, dir, cases[i].key, cases[i].value);
        assert_null(tf_model_open(dir, &opts, &err));
        if (!strstr(err.msg, cases[i].words))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i].words);
    }
}

static void refuses_what_is_quantised(void **state)
{
    struct tf_quantize_opts opts = { .threshold = 6 };
    struct tf_quantize_report report;
    struct tf_err err;
    char dir[64];

    (void)state;
    assert_int_equal(tf_quantize(GOLDEN "opt-int8",
                                 folder(dir, sizeof(dir), "twice"), &opts,
                                 &report, &err),
                     -1);
    assert_non_null(strstr(err.msg, "quantised already"));
    tf_quantize_report_release(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_a_plain_reference_of_llm_int8),
        cmocka_unit_test(outliers_kept_apart_lose_much_less),
        cmocka_unit_test(writes_what_bitsandbytes_would),
        cmocka_unit_test(keeps_heads_and_what_is_told),
        cmocka_unit_test(reads_what_other_programs_quantised),
        cmocka_unit_test(says_which_quantisation_is_not_read),
        cmocka_unit_test(refuses_what_is_quantised),
    };
    struct tf_err err;
    char command[64];
    int failed;

    if (!mkdtemp(scratch))
        return 1;
    pool = tf_pool_new(2, &err);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tf_pool_free(pool);
    snprintf(command, sizeof(command), "rm -rf %s", scratch);
    return system(command) ? 1 : failed;
}

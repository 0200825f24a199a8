/* Adapters as PEFT saves them, against what PEFT's models say with them. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/io.h"
#include "convert/merge.h"
#include "model/model.h"

#define GOLDEN    "tests/golden/"
#define TOLERANCE 1e-4

static const char *const names[] = {
    "bert",        "bert-patterns", "bert-tokens", "roberta-dora", "gpt2",
    "gpt2-tokens", "gpt2-dora",     "llama",       "qwen2-bias",   "t5",
    "bert-qa",
};
#define COUNT (sizeof(names) / sizeof(names[0]))

static json_t *expected(const char *name)
{
    char path[256];
    json_t *v;

    snprintf(path, sizeof(path), GOLDEN "adapters/%s/expected.json", name);
    v = json_load_file(path, 0, NULL);
    assert_non_null(v);
    return v;
}

static enum tf_task task_of(json_t *golden)
{
    const char *task = json_string_value(json_object_get(golden, "task"));

    return !strcmp(task, "SEQ_CLS")        ? TF_SEQUENCE_CLASSIFICATION
           : !strcmp(task, "TOKEN_CLS")    ? TF_TOKEN_CLASSIFICATION
           : !strcmp(task, "QUESTION_ANS") ? TF_QUESTION_ANSWERING
                                           : TF_CAUSAL_LM;
}

static struct tf_model *open_with(const char *base, const char *adapter,
                                  enum tf_task task, struct tf_err *err)
{
    struct tf_model_opts opts = { .task = task, .adapter = adapter };

    return tf_model_open(base, &opts, err);
}

static void check_logits(struct tf_model *m, json_t *golden, const char *name,
                         double tolerance)
{
    json_t *list = json_object_get(golden, "ids");
    json_t *wanted = json_object_get(golden, "logits");
    size_t n = json_array_size(list), start[2] = { 0, n };
    struct tf_batch batch = { .seqs = { 1, start } };
    struct tf_session *s;
    struct tf_result r;
    struct tf_err err;
    int32_t ids[16];

    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    batch.ids = ids;
    s = tf_session_new(m, NULL, &err);
    assert_non_null(s);
    if (tf_session_logits(s, &batch, &r, &err))
        fail_msg("%s: %s", name, err.msg);
    assert_int_equal(r.rows, json_array_size(wanted));
    for (size_t i = 0; i < r.rows; i++) {
        json_t *row = json_array_get(wanted, i);

        assert_int_equal(r.cols, json_array_size(row));
        for (size_t c = 0; c < r.cols; c++) {
            double want = json_real_value(json_array_get(row, c));
            double found = (double)r.data[i * r.cols + c];

            if (!(fabs(found - want) <= tolerance))
                fail_msg("%s: row %zu: logit %zu is %.6f, not %.6f", name, i, c,
                         found, want);
        }
    }
    tf_session_free(s);
}

static void computes_what_peft_computes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        json_t *golden = expected(names[i]);
        char base[256], adapter[256];
        struct tf_model *m;
        struct tf_err err;

        snprintf(base, sizeof(base), GOLDEN "%s",
                 json_string_value(json_object_get(golden, "base")));
        snprintf(adapter, sizeof(adapter), GOLDEN "adapters/%s", names[i]);
        m = open_with(base, adapter, task_of(golden), &err);
        if (!m)
            fail_msg("%s: %s", names[i], err.msg);
        check_logits(m, golden, names[i], TOLERANCE);
        tf_model_close(m);
        json_decref(golden);
    }
}

/* Rows that a GGUF's writer moved are moved in the adapter, too; half of its
 * numbers are bfloat16. */
static void reads_over_a_gguf(void **state)
{
    static const char *const over[] = { "llama", "gpt2", "gpt2-dora" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *golden = expected(over[i]);
        char adapter[256], base[256];
        struct tf_model *m;
        struct tf_err err;

        snprintf(adapter, sizeof(adapter), GOLDEN "adapters/%s", over[i]);
        snprintf(base, sizeof(base), GOLDEN "gguf/%.*s.gguf",
                 (int)strcspn(over[i], "-"), over[i]);
        m = open_with(base, adapter, TF_CAUSAL_LM, &err);
        if (!m)
            fail_msg("%s: %s", over[i], err.msg);
        check_logits(m, golden, over[i], 0.03);
        tf_model_close(m);
        json_decref(golden);
    }
}

/* The first numbers of some tensors are PEFT's. */
static void check_merged(const char *dir, json_t *golden, const char *name)
{
    struct tf_err err;
    struct tf_weights *w = tf_weights_open(dir, &err);
    const char *tensor;
    json_t *wanted;
    float found[64];

    assert_non_null(w);
    json_object_foreach (json_object_get(golden, "merged"), tensor, wanted) {
        const struct tf_tensor *t = tf_weights_find(w, tensor);

        if (!t) /* PEFT's class has a prefix that the base has not */
            t = tf_weights_find(w, strchr(tensor, '.') + 1);
        if (!t)
            fail_msg("%s: no %s", name, tensor);
        tf_dtype_info(t->dtype)->unpack(found, t->data, 64);
        for (size_t i = 0; i < json_array_size(wanted); i++) {
            double want = json_real_value(json_array_get(wanted, i));

            if (!(fabs((double)found[i] - want) <= 1e-6))
                fail_msg("%s: %s[%zu] is %.8f, not %.8f", name, tensor, i,
                         (double)found[i], want);
        }
    }
    tf_weights_close(w);
}

/* The merged model, alone, says what the base says with the adapter. */
static void check_merge(const char *dir, const char *base, const char *name,
                        double tolerance)
{
    struct tf_convert_report report;
    json_t *golden = expected(name);
    char adapter[256], out[128];
    struct tf_model *m;
    struct tf_err err;

    snprintf(adapter, sizeof(adapter), GOLDEN "adapters/%s", name);
    snprintf(out, sizeof(out), "%s/%s-%g", dir, name, tolerance);
    if (tf_merge(base, adapter, out, 0, &report, &err))
        fail_msg("%s: %s", name, err.msg);
    if (tolerance < 1e-3)
        check_merged(out, golden, name);
    m = open_with(out, NULL, task_of(golden), &err);
    if (!m)
        fail_msg("%s: %s", name, err.msg);
    check_logits(m, golden, name, tolerance);
    tf_model_close(m);
    json_decref(golden);
}

static void merges_as_peft_does(void **state)
{
    char dir[] = "/tmp/tf-merge-XXXXXX", command[64], base[128];

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < COUNT; i++) {
        json_t *golden = expected(names[i]);

        snprintf(base, sizeof(base), GOLDEN "%s",
                 json_string_value(json_object_get(golden, "base")));
        /* two bases are bfloat16, and stay so */
        check_merge(dir, base, names[i],
                    strcmp(names[i], "qwen2-bias") && strcmp(names[i], "t5")
                        ? TOLERANCE
                        : 0.05);
        json_decref(golden);
    }
    check_merge(dir, GOLDEN "gguf/llama.gguf", "llama", 0.03);
    check_merge(dir, GOLDEN "gguf/gpt2.gguf", "gpt2-dora", 0.03);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

/* A folder of the test's own with this config, and the file of an adapter. */
static void write_adapter(const char *dir, const char *tensors,
                          const char *config)
{
    char path[256], cwd[1024], target[1400];
    struct tf_err err;
    FILE *f;

    assert_int_equal(tf_dir_make(dir, &err), 0);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    snprintf(target, sizeof(target),
             "%s/" GOLDEN "adapters/%s/adapter_model.safetensors", cwd,
             tensors);
    snprintf(path, sizeof(path), "%s/adapter_model.safetensors", dir);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof(path), "%s/adapter_config.json", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(config, f);
    assert_int_equal(fclose(f), 0);
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *base, *tensors, *config, *words;
    } cases[] = {
        { "bert", "bert", "{", "adapter_config.json: line 1" },
        { "bert", "bert", "[]", "not an object" },
        { "bert", "bert", "{\"peft_type\": \"LOHA\"}", "\"LOHA\"" },
        { "bert", "bert", "{\"r\": 0}", "r: 0 is not" },
        { "bert", "bert", "{\"r\": \"a\"}", "r is not a number" },
        { "bert", "bert", "{\"bias\": \"some\"}", "bias is none of" },
        { "bert", "bert", "{\"layer_replication\": [[0, 1]]}",
          "layer_replication is not supported" },
        { "bert", "bert", "{\"init_lora_weights\": \"pissa\"}",
          "changes the base" },
        { "bert", "bert", "{\"task_type\": \"X\"}", "task_type: \"X\"" },
        { "bert", "bert", "{\"alpha_pattern\": {\"(\": 2}, \"r\": 4}",
          "no regular expression" },
        { "bert", "bert", "{\"r\": 5}", "A is [4, 30] and B [30, 4]" },
        { "bert", "bert", "{\"r\": 4, \"use_dora\": true}",
          "lora_magnitude_vector is missing" },
        { "distilbert", "bert", "{\"r\": 4}",
          "the adapter's classifier.weight" },
    };
    char dir[] = "/tmp/tf-adapter-XXXXXX", command[64], base[128];

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tf_err err = { 0 };

        write_adapter(dir, cases[i].tensors, cases[i].config);
        snprintf(base, sizeof(base), GOLDEN "models/%s", cases[i].base);
        assert_null(open_with(base, dir, TF_SEQUENCE_CLASSIFICATION, &err));
        if (!strstr(err.msg, cases[i].words))
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].config, err.msg,
                     cases[i].words);
    }
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_what_peft_computes),
        cmocka_unit_test(reads_over_a_gguf),
        cmocka_unit_test(merges_as_peft_does),
        cmocka_unit_test(says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

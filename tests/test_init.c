/* Models from nothing: their tensors and how their numbers are spread. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/io.h"
#include "model/init.h"

#define GOLDEN "tests/golden"

static const struct tf_model_training training = { .seed = 5 };

static struct tf_model *open_model(const char *dir, enum tf_task task,
                                   bool fresh)
{
    struct tf_model_opts opts = { .task = task, .train = &training };
    struct tf_err err = { 0 };
    struct tf_model *m = fresh ? tf_model_init(dir, &opts, &err)
                               : tf_model_open(dir, &opts, &err);

    if (!m)
        fail_msg("%s: %s", dir, err.msg);
    return m;
}

static const struct tf_parameter *named(const struct tf_model *m,
                                        const char *name)
{
    for (size_t i = 0; i < m->params.count; i++)
        if (!strcmp(m->params.v[i].name, name))
            return &m->params.v[i];
    return NULL;
}

/* Every tensor of `a` is one of `b`, of the same shape. */
static void expect_in(const char *dir, const struct tf_model *a,
                      const struct tf_model *b)
{
    for (size_t i = 0; i < a->params.count; i++) {
        const struct tf_parameter *p = &a->params.v[i], *q;
        struct tf_tensor x, y;

        q = named(b, p->name);
        /* what files have beside a table that it may be */
        if (!q && (p->buffer || (!strcmp(p->name, "lm_head.weight") &&
                                 a->arch.heads[a->task].tied)))
            continue;
        if (!q)
            fail_msg("%s: %s is not in both", dir, p->name);
        tf_parameter_shape(p, &x);
        tf_parameter_shape(q, &y);
        assert_int_equal(x.ndim, y.ndim);
        for (size_t k = 0; k < x.ndim; k++)
            assert_int_equal(x.dim[k], y.dim[k]);
    }
}

static void compare(const char *dir)
{
    struct tf_err err;
    enum tf_task task;
    struct tf_model *file, *made;

    assert_int_equal(tf_model_task(dir, &task, &err), 0);
    file = open_model(dir, task, false);
    made = open_model(dir, task, true);
    expect_in(dir, file, made);
    expect_in(dir, made, file);
    tf_model_close(file);
    tf_model_close(made);
}

/* Those called so have other spellings in the file, or can't be trained. */
static bool left_out(const char *name)
{
    return strstr(name, "-fused") || strstr(name, "-mxfp4") ||
           strstr(name, "phimoe");
}

static void has_the_tensors_that_files_have(void **state)
{
    static const char *const folders[] = { GOLDEN "/models",
                                           GOLDEN "/decoders" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        DIR *d = opendir(folders[i]);
        struct dirent *e;
        char path[512];

        assert_non_null(d);
        while ((e = readdir(d))) {
            snprintf(path, sizeof(path), "%s/%s", folders[i], e->d_name);
            if (e->d_name[0] != '.' && !left_out(e->d_name) &&
                tf_dir_exists(path))
                compare(path);
        }
        closedir(d);
    }
}

static double deviation(const struct tf_model *m, const char *name)
{
    const struct tf_parameter *p = named(m, name);
    size_t n;
    double sum = 0;

    if (!p)
        fail_msg("no %s", name);
    n = tf_tensor_count(p->tensor);
    for (size_t i = 0; i < n; i++) {
        double v = (double)((float *)p->tensor->data)[i];

        sum += v * v;
    }
    return sqrt(sum / (double)n);
}

static void expect_near(double a, double b, double relative)
{
    if (fabs(a - b) > relative * fabs(b))
        fail_msg("%g is not about %g", a, b);
}

static void write_config(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static struct tf_model *from_config(const char *text)
{
    char path[] = "/tmp/tf-init-XXXXXX";
    int fd = mkstemp(path);
    struct tf_model *m;

    assert_true(fd >= 0);
    fclose(fdopen(fd, "w"));
    write_config(path, text);
    m = open_model(path, TF_CAUSAL_LM, true);
    remove(path);
    return m;
}

static void spreads_numbers_as_transformers(void **state)
{
    struct tf_model *m;
    const float *v;

    (void)state;
    m = from_config("{\"model_type\": \"gpt2\", \"n_embd\": 64, \"n_head\": 4,"
                    "\"n_layer\": 8, \"n_positions\": 64, \"vocab_size\": 300,"
                    "\"initializer_range\": 0.1}");
    expect_near(deviation(m, "transformer.wte.weight"), 0.1, 0.03);
    expect_near(deviation(m, "transformer.h.0.attn.c_attn.weight"), 0.1, 0.03);
    expect_near(deviation(m, "transformer.h.7.mlp.c_proj.weight"), 0.025, 0.03);
    expect_near(deviation(m, "transformer.h.3.ln_1.weight"), 1, 0);
    assert_true(deviation(m, "transformer.h.3.ln_1.bias") == 0);
    tf_model_close(m);

    m = from_config("{\"model_type\": \"t5\", \"d_model\": 64, \"d_kv\": 16,"
                    "\"num_heads\": 2, \"d_ff\": 100, \"num_layers\": 2,"
                    "\"vocab_size\": 300}");
    expect_near(deviation(m, "shared.weight"), 1, 0.03);
    expect_near(deviation(m, "encoder.block.1.layer.0.SelfAttention.q.weight"),
                1. / 32, 0.05);
    expect_near(
        deviation(m, "decoder.block.1.layer.1.EncDecAttention.o.weight"),
        1 / sqrt(32), 0.05);
    expect_near(
        deviation(m, "decoder.block.0.layer.2.DenseReluDense.wo.weight"), 0.1,
        0.05);
    tf_model_close(m);

    m = from_config("{\"model_type\": \"gemma\", \"hidden_size\": 32,"
                    "\"num_attention_heads\": 2, \"num_key_value_heads\": 1,"
                    "\"head_dim\": 16, \"intermediate_size\": 64,"
                    "\"num_hidden_layers\": 1, \"vocab_size\": 100,"
                    "\"pad_token_id\": 0}");
    assert_true(deviation(m, "model.norm.weight") == 0);
    v = named(m, "model.embed_tokens.weight")->tensor->data;
    assert_true(v[0] == 0 && v[31] == 0 && v[32] != 0);
    tf_model_close(m);

    m = from_config("{\"model_type\": \"mamba\", \"hidden_size\": 64,"
                    "\"num_hidden_layers\": 1, \"vocab_size\": 100}");
    v = named(m, "backbone.layers.0.mixer.A_log")->tensor->data;
    assert_true(v[0] == 0 && fabsf(v[1] - logf(2)) < 1e-6f);
    expect_near(deviation(m, "backbone.layers.0.mixer.D"), 1, 0);
    expect_near(deviation(m, "backbone.layers.0.mixer.out_proj.weight"),
                1 / sqrt(3 * 128), 0.05);
    v = named(m, "backbone.layers.0.mixer.dt_proj.bias")->tensor->data;
    for (size_t i = 0; i < 128; i++) {
        float dt = log1pf(expf(v[i]));

        assert_true(dt > 0.00099f && dt < 0.101f);
    }
    tf_model_close(m);
}

static void the_seed_makes_the_numbers(void **state)
{
    struct tf_model *a =
        open_model(GOLDEN "/decoders/gpt2", TF_CAUSAL_LM, true);
    struct tf_model *b =
        open_model(GOLDEN "/decoders/gpt2", TF_CAUSAL_LM, true);

    (void)state;
    for (size_t i = 0; i < a->params.count; i++)
        assert_memory_equal(a->params.v[i].tensor->data,
                            b->params.v[i].tensor->data,
                            tf_tensor_bytes(a->params.v[i].tensor));
    tf_model_close(a);
    tf_model_close(b);
}

static void expect_class(const char *was, enum tf_task task, const char *is)
{
    json_t *config =
        json_pack("{s:[s], s:b}", "architectures", was, "is_encoder_decoder",
                  *was == 'M' || *was == 'T');
    struct tf_err err;
    json_t *list;

    assert_int_equal(tf_model_set_class(config, task, &err), 0);
    list = json_object_get(config, "architectures");
    assert_string_equal(json_string_value(json_array_get(list, 0)), is);
    json_decref(config);
}

static void names_transformers_class_of_the_task(void **state)
{
    (void)state;
    expect_class("BertModel", TF_TOKEN_CLASSIFICATION,
                 "BertForTokenClassification");
    expect_class("RoFormerForMaskedLM", TF_SEQUENCE_CLASSIFICATION,
                 "RoFormerForSequenceClassification");
    expect_class("GPT2LMHeadModel", TF_CAUSAL_LM, "GPT2LMHeadModel");
    expect_class("GPT2LMHeadModel", TF_SEQUENCE_CLASSIFICATION,
                 "GPT2ForSequenceClassification");
    expect_class("T5Model", TF_CAUSAL_LM, "T5ForConditionalGeneration");
    expect_class("MarianMTModel", TF_CAUSAL_LM, "MarianMTModel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_tensors_that_files_have),
        cmocka_unit_test(spreads_numbers_as_transformers),
        cmocka_unit_test(the_seed_makes_the_numbers),
        cmocka_unit_test(names_transformers_class_of_the_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

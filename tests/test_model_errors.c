/*
 * Model folders that are wrong: each says which file, tensor or key, what was
 * found and what was expected. And architectures that a folder brings itself.
 */
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
#include "base/buf.h"
#include "base/io.h"
#include "model/arch_fields.h"
#include "model/model.h"

#define BERT "tests/golden/models/bert"

static char dir[] = "/tmp/tf-test-model-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(in_dir(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Copy a file with `from` replaced by `to`, of the same length. */
static void copy_weights(const char *file, const char *from, const char *to)
{
    struct tf_buf b = TF_BUF_INIT;
    struct tf_err err;

    assert_int_equal(tf_file_read(file, 1 << 20, &b, &err), 0);
    for (size_t i = 0; i + strlen(from) <= b.len; i++)
        if (!memcmp(b.data + i, from, strlen(from)))
            memcpy(b.data + i, to, strlen(to));
    write_file("model.safetensors", b.data, b.len);
    tf_buf_release(&b);
}

/* BERT's weights, and tensors of the folder under other names. */
static void write_weights(void)
{
    copy_weights(BERT "/model.safetensors", "", "");
}

static void rename_tensors(const char *from, const char *to)
{
    char path[256];

    snprintf(path, sizeof(path), "%s", in_dir("model.safetensors"));
    copy_weights(path, from, to);
}

/* BERT's config.json with the members of `changes` in place of its own. */
static void write_config(const char *changes)
{
    json_t *config = json_load_file(BERT "/config.json", 0, NULL);
    json_t *more = json_loads(changes, 0, NULL);
    char *text;

    assert_non_null(config);
    assert_non_null(more);
    json_object_update(config, more);
    text = json_dumps(config, 0);
    write_file("config.json", text, strlen(text));
    free(text);
    json_decref(more);
    json_decref(config);
}

static struct tf_model *open_for(enum tf_task task, struct tf_err *err)
{
    struct tf_model_opts opts = { .task = task };

    return tf_model_open(dir, &opts, err);
}

static void expect_failure(const char *what, const char *says)
{
    struct tf_err err;
    struct tf_model *m = open_for(TF_SEQUENCE_CLASSIFICATION, &err);

    if (m)
        fail_msg("%s: opened", what);
    if (!strstr(err.msg, says))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, err.msg, says);
}

static void catches_a_config_that_lies(void **state)
{
    static const char *const cases[][2] = {
        { "{\"hidden_size\": 33}",
          "embeddings.word_embeddings.weight: its shape is [260, 30], but by "
          "config.json it is [260, 33]" },
        { "{\"hidden_size\": 32}", "does not divide into 3 heads" },
        { "{\"vocab_size\": 30522}", "it is [30522, 30]" },
        { "{\"num_hidden_layers\": 3}",
          "\"bert.encoder.layer.2.attention.self.query.weight\" is missing" },
        { "{\"num_hidden_layers\": 99999999}", "99999999 layers" },
        { "{\"num_hidden_layers\": 0}", "0 layers" },
        { "{\"num_attention_heads\": 0}", "0 heads" },
        { "{\"num_attention_heads\": -1}", "-1 is not a size" },
        { "{\"hidden_size\": 1e30}", "is not a size" },
        { "{\"hidden_size\": 2.5}", "2.5 is not a size" },
        { "{\"hidden_size\": true}", "true is not a size" },
        { "{\"hidden_size\": []}", "[] is not a size" },
        { "{\"intermediate_size\": 45}", "intermediate.dense.weight" },
        { "{\"max_position_embeddings\": 161}", "position_embeddings.weight" },
        { "{\"type_vocab_size\": 3}", "token_type_embeddings.weight" },
        { "{\"hidden_act\": \"snake\"}",
          "\"snake\" is not an activation known here" },
        { "{\"layer_norm_eps\": \"x\"}", "\"x\" is not a number" },
        { "{\"layer_norm_eps\": 0}", "a norm's epsilon of 0" },
        { "{\"id2label\": {\"0\": \"a\"}}", "classifier.weight: its shape is "
                                            "[3, 30], but by config.json it is "
                                            "[1, 30]" },
        { "{\"id2label\": []}", "id2label is not an object" },
        { "{\"id2label\": null, \"num_labels\": -3}", "num_labels" },
        { "{\"problem_type\": \"guess\"}", "problem_type" },
        { "{\"model_type\": null}", "no model_type" },
        { "{\"model_type\": \"bart-simpson\"}",
          "model_type \"bart-simpson\" is no architecture known here" },
        { "{\"model_type\": \"own\", \"auto_map\": {\"AutoModel\": \"a.B\"}}",
          "needs its own Python code (auto_map" },
    };

    (void)state;
    write_weights();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_config(cases[i][0]);
        expect_failure(cases[i][0], cases[i][1]);
    }
}

static void names_a_tensor_that_is_missing(void **state)
{
    (void)state;
    write_config("{}");
    write_weights();
    rename_tensors("layer.1.output.dense.bias", "layer.1.output.dense.biaX");
    expect_failure("bias",
                   "\"bert.encoder.layer.1.output.dense.bias\" is missing");
}

static void a_missing_head_is_no_random_head(void **state)
{
    struct tf_model *m;
    struct tf_err err;

    (void)state;
    write_config("{}");
    write_weights();
    rename_tensors("\"classifier.weight\"", "\"xlassifier.weight\"");
    expect_failure("no head", "no head for sequence-classification: tensor "
                              "\"classifier.weight\" is missing");
    m = open_for(TF_TASK_NONE, &err);
    if (!m)
        fail_msg("%s", err.msg);
    assert_true(m->unexpected_count > 0);
    tf_model_close(m);
}

static void says_when_a_folder_is_no_model(void **state)
{
    (void)state;
    unlink(in_dir("config.json"));
    expect_failure("nothing", "no config.json");
    write_file("config.json", "{", 1);
    expect_failure("half", "config.json: line 1");
    write_file("config.json", "[]", 2);
    expect_failure("list", "not a JSON object");
    write_config("{}");
    unlink(in_dir("model.safetensors"));
    expect_failure("no weights", "no weights");
}

static void checks_what_a_sequence_asks_for(void **state)
{
    int32_t ids[200] = { 0 };
    uint8_t types[200] = { 0 };
    struct tf_model *m;
    struct tf_err err;

    (void)state;
    write_config("{}");
    write_weights();
    m = open_for(TF_SEQUENCE_CLASSIFICATION, &err);
    assert_non_null(m);
    assert_int_equal(tf_model_check(m, ids, types, 160, &err), 0);
    assert_int_equal(tf_model_check(m, ids, NULL, 161, &err), -1);
    assert_string_equal(err.code, "too_long");
    assert_int_equal(tf_model_check(m, ids, NULL, 0, &err), -1);
    assert_string_equal(err.code, "bad_ids");
    ids[7] = 260;
    assert_int_equal(tf_model_check(m, ids, NULL, 8, &err), -1);
    assert_string_equal(err.code, "bad_ids");
    ids[7] = -1;
    assert_int_equal(tf_model_check(m, ids, NULL, 8, &err), -1);
    ids[7] = 0;
    types[7] = 2;
    assert_int_equal(tf_model_check(m, ids, types, 8, &err), -1);
    assert_string_equal(err.code, "bad_ids");
    tf_model_close(m);
}

/* The first golden case of BERT, whatever the model is called. */
static void expect_golden_logits(struct tf_model *m)
{
    json_t *expected = json_load_file(BERT "/expected.json", 0, NULL);
    json_t *golden = json_array_get(json_object_get(expected, "cases"), 0);
    json_t *list = json_object_get(golden, "input_ids");
    size_t start[2] = { 0, json_array_size(list) };
    struct tf_batch batch = { .seqs = { 1, start } };
    struct tf_session *s;
    struct tf_result r;
    struct tf_err err;
    int32_t ids[64];

    for (size_t i = 0; i < start[1]; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    batch.ids = ids;
    s = tf_session_new(m, NULL, &err);
    assert_non_null(s);
    assert_int_equal(tf_session_logits(s, &batch, &r, &err), 0);
    list = json_object_get(golden, "logits");
    assert_int_equal(r.cols, json_array_size(list));
    for (size_t i = 0; i < r.cols; i++)
        assert_true(fabs((double)r.data[i] -
                         json_number_value(json_array_get(list, i))) < 1e-5);
    tf_session_free(s);
    json_decref(expected);
}

static void runs_an_architecture_that_the_folder_brings(void **state)
{
    static const char row[] =
        "{\"model_type\": \"acme\", \"like\": \"bert\", \"prefix\": \"acme\","
        " \"encoder\": {\"width\": \"$breadth\", \"names\":"
        " {\"q\": \"encoder.layer.{}.attention.self.quest\"}}}";
    struct tf_model_opts opts = { .task = TF_SEQUENCE_CLASSIFICATION };
    struct tf_model *m;
    struct tf_err err;
    char elsewhere[300];

    (void)state;
    write_config("{\"model_type\": \"acme\", \"breadth\": 30,"
                 " \"hidden_size\": 1}");
    write_weights();
    rename_tensors("bert.", "acme.");
    expect_failure("no row", "\"acme\" is no architecture known here");
    write_file("architecture.json", row, strlen(row) - 30);
    expect_failure("cut off", "architecture.json: line 1");
    write_file("architecture.json", row, strlen(row));
    expect_failure("another name", "self.quest.weight\" is missing");
    rename_tensors("self.query", "self.quest");
    m = open_for(TF_SEQUENCE_CLASSIFICATION, &err);
    if (!m)
        fail_msg("%s", err.msg);
    expect_golden_logits(m);
    tf_model_close(m);

    snprintf(elsewhere, sizeof(elsewhere), "%s", in_dir("elsewhere.json"));
    rename(in_dir("architecture.json"), elsewhere);
    opts.arch = elsewhere;
    m = tf_model_open(dir, &opts, &err);
    if (!m)
        fail_msg("%s", err.msg);
    expect_golden_logits(m);
    tf_model_close(m);
}

static void says_what_is_wrong_with_an_architecture(void **state)
{
    static const char *const cases[][2] = {
        { "[]", "not a JSON object" },
        { "{}", "neither an encoder nor a decoder" },
        { "{\"like\": \"nobody\"}", "there is no architecture \"nobody\"" },
        { "{\"like\": \"bert\", \"encodre\": {}}", "no member \"encodre\"" },
        { "{\"like\": \"bert\", \"encoder\": {\"hedas\": 2}}",
          "encoder: an architecture has no field \"hedas\"" },
        { "{\"like\": \"bert\", \"encoder\": {\"names\": {\"w\": \"x\"}}}",
          "no field \"w\"" },
        { "{\"like\": \"bert\", \"encoder\": {\"norm\": \"bach_norm\"}}",
          "\"bach_norm\" is not layer_norm|rms_norm" },
        { "{\"like\": \"bert\", \"encoder\": {\"names\": {\"tokens\": \"\"}}}",
          "no name for the tokens' embeddings" },
        { "{\"like\": \"bert\", \"encoder\": {\"names\": {\"q\": null}}}",
          "neither qkv nor q, k and v" },
        { "{\"like\": \"bert\", \"encoder\": {\"names\": {\"down\": null}}}",
          "up or down is not given" },
        { "{\"like\": \"bert\", \"heads\": {\"sing\": {}}}",
          "no task is called \"sing\"" },
        { "{\"like\": \"bert\", \"heads\": {\"sequence-classification\": "
          "{\"out\": null}}}",
          "no name for \"out\"" },
        { "{\"like\": \"bert\", \"heads\": {\"sequence-classification\": "
          "null}}",
          "no head for sequence-classification" },
        { "{\"like\": \"bert\", \"encoder\": {\"rotary\": true,"
          " \"rotary_theta\": 1e4, \"rotary_dims\": 12}}",
          "12 rotary dims in a head of 10" },
        { "{\"like\": \"bert\", \"encoder\": {\"window\": 4,"
          " \"layer_types\": [\"sideways\"]}}",
          "\"sideways\" is neither sliding_attention nor full_attention" },
    };

    (void)state;
    write_config("{}");
    write_weights();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file("architecture.json", cases[i][0], strlen(cases[i][0]));
        expect_failure(cases[i][0], cases[i][1]);
    }
    unlink(in_dir("architecture.json"));
}

/* Each of the library's rows is whole: it resolves against the defaults that it
 * gives itself. */
static void every_row_resolves_by_its_defaults(void **state)
{
    (void)state;
    assert_true(tf_arch_count() >= 10);
    for (size_t i = 0; i < tf_arch_count(); i++) {
        struct tf_config config = { .json = json_object() };
        struct tf_arch arch;
        struct tf_err err;

        config.model_type = tf_arch_name(i);
        if (tf_arch_resolve(&arch, &config, dir, NULL, &err))
            fail_msg("%s: %s", config.model_type, err.msg);
        assert_string_equal(arch.name, config.model_type);
        tf_arch_release(&arch);
        json_decref(config.json);
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static void expect_word(const char *page, const char *word)
{
    const char *at = page;

    while ((at = strstr(at, word)) &&
           (is_letter(at[-1]) || is_letter(at[strlen(word)])))
        at++;
    if (!at)
        fail_msg("man/tf-architecture.5 does not name %s", word);
}

static void expect_fields(const char *page, const struct tf_field *fields)
{
    for (const struct tf_field *f = fields; f->name; f++)
        expect_word(page, f->name);
}

/* The manual page as it is read: "\\-" is a hyphen. */
static char *read_page(struct tf_buf *source)
{
    struct tf_err err;
    char *page, *to;

    assert_int_equal(
        tf_file_read("man/tf-architecture.5", 1 << 20, source, &err), 0);
    tf_buf_cstr(source);
    page = to = source->data;
    for (const char *from = page; *from; from++) {
        if (*from != '\\')
            *to++ = *from;
    }
    *to = 0;
    return page;
}

static void the_manual_names_every_field_and_row(void **state)
{
    struct tf_buf source = TF_BUF_INIT;
    char *page = read_page(&source), *rows;

    (void)state;
    expect_fields(page, tf_stack_fields);
    expect_fields(page, tf_stack_name_fields);
    expect_fields(page, tf_head_fields);
    rows = strstr(page, ".SH ROWS");
    assert_non_null(rows);
    for (size_t i = 0; i < tf_arch_count(); i++)
        expect_word(rows, tf_arch_name(i));
    tf_buf_release(&source);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(in_dir("config.json"));
    unlink(in_dir("model.safetensors"));
    unlink(in_dir("architecture.json"));
    unlink(in_dir("elsewhere.json"));
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catches_a_config_that_lies),
        cmocka_unit_test(names_a_tensor_that_is_missing),
        cmocka_unit_test(a_missing_head_is_no_random_head),
        cmocka_unit_test(says_when_a_folder_is_no_model),
        cmocka_unit_test(checks_what_a_sequence_asks_for),
        cmocka_unit_test(runs_an_architecture_that_the_folder_brings),
        cmocka_unit_test(says_what_is_wrong_with_an_architecture),
        cmocka_unit_test(every_row_resolves_by_its_defaults),
        cmocka_unit_test(the_manual_names_every_field_and_row),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

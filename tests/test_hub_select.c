#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "hub/select.h"

static struct tf_hub_ref ref = { TF_HUB_MODEL, (char[]){ "org/m" }, NULL,
                                 (char[]){ "main" } };

/* Select from the names in `files`, parted by blanks; compare with `want`. */
static void expect(const char *files, enum tf_hub_weights weights,
                   const char *want)
{
    struct tf_hub_filter filter = { .weights = weights };
    struct tf_hub_listing l = { 0 };
    struct tf_buf got = TF_BUF_INIT;
    struct tf_err err;
    char name[100];

    for (size_t n; *files; files += n + (files[n] == ' ')) {
        n = strcspn(files, " ");
        memcpy(name, files, n);
        name[n] = '\0';
        assert_non_null(tf_hub_listing_add(&l, name, &err));
    }
    if (tf_hub_select(&l, &filter, &ref, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < l.count; i++)
        tf_buf_addf(&got, "%s%s", i ? " " : "", l.files[i].path);
    assert_string_equal(tf_buf_cstr(&got), want);
    tf_buf_release(&got);
    tf_hub_listing_release(&l);
}

static void takes_one_format_of_the_weights(void **state)
{
    (void)state;
    expect("config.json model.safetensors pytorch_model.bin tf_model.h5",
           TF_HUB_WEIGHTS_AUTO, "config.json model.safetensors");
    expect("config.json pytorch_model.bin flax_model.msgpack onnx/model.onnx",
           TF_HUB_WEIGHTS_AUTO, "config.json pytorch_model.bin");
    expect("config.json model.safetensors pytorch_model.bin",
           TF_HUB_WEIGHTS_BIN, "config.json pytorch_model.bin");
    expect("config.json model.safetensors onnx/model.onnx onnx/model.onnx_data",
           TF_HUB_WEIGHTS_ONNX,
           "config.json onnx/model.onnx onnx/model.onnx_data");
    expect("a.safetensors b.bin c.h5", TF_HUB_WEIGHTS_ALL,
           "a.safetensors b.bin c.h5");
    /* what we know nothing of stays */
    expect("config.json tf_model.h5", TF_HUB_WEIGHTS_AUTO,
           "config.json tf_model.h5");
}

static void takes_one_precision_and_one_cut(void **state)
{
    (void)state;
    expect("model.safetensors model.fp16.safetensors", TF_HUB_WEIGHTS_AUTO,
           "model.safetensors");
    expect("model.fp16.safetensors", TF_HUB_WEIGHTS_AUTO,
           "model.fp16.safetensors");
    expect("model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
           "model.safetensors.index.json consolidated.safetensors",
           TF_HUB_WEIGHTS_AUTO,
           "model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
           "model.safetensors.index.json");
    expect("model.safetensors model-00001-of-00001.safetensors "
           "model.safetensors.index.json",
           TF_HUB_WEIGHTS_AUTO, "model.safetensors");
    expect("consolidated.safetensors params.json", TF_HUB_WEIGHTS_AUTO,
           "consolidated.safetensors params.json");
}

static void takes_the_parts_of_a_model_in_folders(void **state)
{
    (void)state;
    expect("modules.json model.safetensors pytorch_model.bin "
           "1_Pooling/config.json 2_Dense/pytorch_model.bin "
           "3_Dense/model.safetensors 3_Dense/pytorch_model.bin",
           TF_HUB_WEIGHTS_AUTO,
           "modules.json model.safetensors 1_Pooling/config.json "
           "2_Dense/pytorch_model.bin 3_Dense/model.safetensors");
    expect("model.safetensors checkpoint-10/model.safetensors "
           "checkpoint-10/trainer_state.json original/consolidated.00.pth",
           TF_HUB_WEIGHTS_AUTO, "model.safetensors");
    expect("adapter_config.json adapter_model.safetensors training_args.bin "
           "optimizer.pt tokenizer.json",
           TF_HUB_WEIGHTS_AUTO,
           "adapter_config.json adapter_model.safetensors tokenizer.json");
}

static void patterns_are_those_of_fnmatch(void **state)
{
    static const char *const include[] = { "*.json", "data/", "[!a]?.txt" };
    static const char *const exclude[] = { "*secret*" };
    struct tf_hub_filter f = {
        .include = include, .ninclude = 3, .exclude = exclude, .nexclude = 1
    };
    static const struct {
        const char *path;
        bool match;
    } cases[] = {
        { "config.json", true },  { "a/b/c.json", true },
        { "data/x/y.bin", true }, { "mydata/x", false },
        { "bc.txt", true },       { "ab.txt", false },
        { "Config.JSON", false }, { "data/secret", false },
        { ".hidden.json", true }, { "x/secret/y.json", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (tf_hub_filter_match(&f, cases[i].path) != cases[i].match)
            fail_msg("%s", cases[i].path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_format_of_the_weights),
        cmocka_unit_test(takes_one_precision_and_one_cut),
        cmocka_unit_test(takes_the_parts_of_a_model_in_folders),
        cmocka_unit_test(patterns_are_those_of_fnmatch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <string.h>
#include <strings.h>
#include "cmd/model.h"
#include "convert/convert.h"

static const char *output, *max_shard;
static int dtype;

const struct cli_opt model_convert_opts[] = {
    { 'o', "output", CLI_DIR_NAME, &output, "DIR|FILE.gguf",
      "the new model's folder, or one GGUF; must be new" },
    { 0, "dtype", CLI_CHOICE, &dtype, "auto|f32|bf16|f16|q8_0",
      "the type of the weights (q8_0: of a GGUF); auto: as they are" },
    { 0, "max-shard-size", CLI_STRING, &max_shard, "SIZE",
      "cut the weights into files of at most that: 5GB, 200MB" },
    CLI_END,
};

static bool is_gguf(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && !strcasecmp(name + n - 5, ".gguf");
}

static void convert(const char *model, struct tf_convert_opts *opts,
                    struct tf_convert_report *report)
{
    struct tf_err err;

    if (is_gguf(output) && max_shard)
        cli_usage("--max-shard-size: a GGUF is written as one file");
    if (!is_gguf(output) && opts->dtype == TF_Q8_0)
        cli_usage("--dtype q8_0 is a type of GGUF: -o FILE.gguf");
    if (max_shard)
        opts->max_shard = cli_size("--max-shard-size", max_shard);
    if (is_gguf(output) ? tf_convert_to_gguf(model, output, opts, report, &err)
                        : tf_convert(model, output, opts, report, &err))
        model_die(&err);
}

int model_convert(char **operands)
{
    static const enum tf_dtype types[] = { TF_F32, TF_F32, TF_BF16, TF_F16,
                                           TF_Q8_0 };
    const char *model = model_path(operands);
    struct tf_convert_opts opts = { .change = dtype != 0,
                                    .dtype = types[dtype] };
    struct tf_convert_report report;

    if (!output)
        cli_usage("no folder or file to write is named: -o DIR");
    opts.pool = cli_pool();
    convert(model, &opts, &report);
    model_print(json_pack(
        "{s:s, s:I, s:I, s:I, s:I}", "output", output, "tensors",
        (json_int_t)report.tensors, "bytes", (json_int_t)report.bytes, "files",
        (json_int_t)report.files, "dropped", (json_int_t)report.dropped));
    return CLI_OK;
}

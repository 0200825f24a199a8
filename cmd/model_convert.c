#include "cmd/model.h"
#include "convert/convert.h"

static const char *output, *max_shard;
static int dtype;

const struct cli_opt model_convert_opts[] = {
    { 'o', "output", CLI_DIR_NAME, &output, "DIR",
      "the new model's folder; must be new or empty" },
    { 0, "dtype", CLI_CHOICE, &dtype, "auto|f32|bf16|f16",
      "the type of the weights; auto: as they are" },
    { 0, "max-shard-size", CLI_STRING, &max_shard, "SIZE",
      "cut the weights into files of at most that: 5GB, 200MB" },
    CLI_END,
};

int model_convert(char **operands)
{
    static const enum tf_dtype types[] = { TF_F32, TF_F32, TF_BF16, TF_F16 };
    const char *model = model_path(operands);
    struct tf_convert_opts opts = { .change = dtype != 0,
                                    .dtype = types[dtype] };
    struct tf_convert_report report;
    struct tf_err err;

    if (!output)
        cli_usage("no folder to write is named: -o DIR");
    if (max_shard)
        opts.max_shard = cli_size("--max-shard-size", max_shard);
    if (tf_convert(model, output, &opts, &report, &err))
        model_die(&err);
    model_print(json_pack(
        "{s:s, s:I, s:I, s:I, s:I}", "output", output, "tensors",
        (json_int_t)report.tensors, "bytes", (json_int_t)report.bytes, "files",
        (json_int_t)report.files, "dropped", (json_int_t)report.dropped));
    return CLI_OK;
}

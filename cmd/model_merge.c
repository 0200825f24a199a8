#include "cmd/model.h"
#include "convert/merge.h"

static const char *output, *max_shard;

const struct cli_opt model_merge_opts[] = {
    { 0, "adapter", CLI_DIR_NAME, &cli.adapter, "DIR",
      "the LoRA adapter (PEFT layout); its base is -m's default" },
    { 'o', "output", CLI_DIR_NAME, &output, "DIR",
      "the new model's folder; must be new or empty" },
    { 0, "max-shard-size", CLI_STRING, &max_shard, "SIZE",
      "cut the weights into files of at most that: 5GB, 200MB" },
    CLI_END,
};

int model_merge(char **operands)
{
    struct tf_convert_report report;
    size_t shard = 0;
    struct tf_err err;

    if (!cli.adapter)
        cli_usage("no adapter is named: --adapter DIR");
    if (!output)
        cli_usage("no folder to write is named: -o DIR");
    if (max_shard)
        shard = cli_size("--max-shard-size", max_shard);
    if (tf_merge(model_path(operands), cli.adapter, output, shard, &report,
                 &err))
        model_die(&err);
    model_print(json_pack("{s:s, s:I, s:I, s:I}", "output", output, "tensors",
                          (json_int_t)report.tensors, "bytes",
                          (json_int_t)report.bytes, "files",
                          (json_int_t)report.files));
    return CLI_OK;
}

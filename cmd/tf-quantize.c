/* tf-quantize: a model with smaller weights. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "cmd/quantize.h"

static const char *output, *max_shard, *eval_file, *calibrate;
static struct cli_strings keep;
static int type, report_as;
static double threshold = 6;
static bool type_given, embeddings;

enum { REPORT_AUTO, REPORT_JSON, REPORT_TABLE };
enum { INT8 }; /* the first of TF_QUANTIZE_TYPES */

static const struct cli_opt opts[] = {
    { 'o', "output", CLI_DIR_NAME, &output, "DIR",
      "the new model's folder; must be new or empty" },
    { 0, "type", CLI_CHOICE, &type, TF_QUANTIZE_TYPES,
      "the type of the matrices, to be named; all but int8 give a GGUF", 0, 0,
      &type_given },
    { 0, "threshold", CLI_FLOAT, &threshold, "X",
      "int8: activations from this magnitude on are outliers, kept in float32 "
      "(0: none)",
      0, 1e30 },
    { 0, "embeddings", CLI_FLAG_ON, &embeddings, NULL,
      "int8: embeddings too; Transformers can't read that" },
    { 0, "calibrate", CLI_FILE_NAME, &calibrate, "FILE",
      "all but int8: weigh errors by what the layers read of these texts" },
    { 0, "keep", CLI_STRINGS, &keep, "PATTERN",
      "leave tensors of such names alone (repeatable)" },
    { 0, "max-shard-size", CLI_STRING, &max_shard, "SIZE",
      "int8: cut the weights into files of at most that (default 5GB)" },
    { 0, "eval", CLI_FILE_NAME, &eval_file, "FILE",
      "judge the model on these records before and after" },
    { 0, "task", CLI_STRING, &quantize_task, "TASK",
      "what --eval asks tf-eval for (default: by the model)" },
    { 0, "report", CLI_CHOICE, &report_as, "auto|json|table",
      "how the report is printed; auto: a table on a terminal, else JSON" },
    CLI_END,
};

static const struct cli_tool tool = {
    .name = "tf-quantize",
    .summary = "make a model smaller",
    .operands = "",
    .opts = opts,
    .shared = CLI_MODEL_PATH | CLI_THREADS,
};

int main(int argc, char **argv)
{
    char **operands = cli_parse(&tool, argc, argv);
    struct tf_quantize_opts o = { .threshold = threshold,
                                  .embeddings = embeddings,
                                  .keep = keep.v,
                                  .keep_count = keep.n };
    struct tf_quantize_report report;
    struct quantize_eval eval = { 0 };
    const char *path;
    struct tf_err err;

    if (*operands)
        cli_usage("unexpected operand \"%s\"; the model is named by -m",
                  *operands);
    if (!cli.model)
        cli_usage("no model is named: -m MODEL");
    if (!output)
        cli_usage("no folder to write is named: -o DIR");
    if (!type_given)
        cli_usage("--type is needed: " TF_QUANTIZE_TYPES);
    if (type != INT8 && (max_shard || embeddings))
        cli_usage("%s is of int8: a GGUF is one file, embeddings included",
                  embeddings ? "--embeddings" : "--max-shard-size");
    if (type == INT8 && calibrate)
        cli_usage("--calibrate is not of int8: its scales are the rows' "
                  "largest magnitudes");
    o.type = (size_t)type;
    o.calibrate = calibrate;
    o.max_shard = cli_size("--max-shard-size", max_shard ? max_shard : "5GB");
    o.pool = cli_pool();
    path = cli_model_path(cli.model, CLI_NEED_MODEL);
    if (eval_file)
        eval.before = quantize_judge(path, path, eval_file);
    if (tf_quantize(path, output, &o, &report, &err))
        cli_die(cli_status_of(&err), "%s", err.msg);
    if (embeddings && report.tied)
        cli_note("%s: its embeddings stay as they are: a head is tied to them",
                 path);
    if (eval_file)
        eval.after = quantize_judge(path, output, eval_file);
    if (report_as == REPORT_JSON ||
        (report_as == REPORT_AUTO && !isatty(STDOUT_FILENO)))
        quantize_print_json(output, &report, &eval);
    else
        quantize_print_table(output, &report, &eval);
    json_decref(eval.before);
    json_decref(eval.after);
    tf_quantize_report_release(&report);
    return cli_finish(CLI_OK);
}

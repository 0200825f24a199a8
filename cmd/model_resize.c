#include "cmd/model.h"
#include "convert/resize.h"

static const char *output, *tokenizer, *max_shard;
static int64_t size, multiple, seed = 42;
static int rows;

const struct cli_opt model_resize_opts[] = {
    { 'o', "output", CLI_DIR_NAME, &output, "DIR",
      "the new model's folder; must be new or empty" },
    { 0, "tokenizer", CLI_DIR_NAME, &tokenizer, "DIR",
      "the tokenizer it is to fit, and gets; default: the model's own" },
    { 0, "size", CLI_INT, &size, "N", "tokens, in place of the tokenizer's", 1,
      2147483647 },
    { 0, "pad-to-multiple-of", CLI_INT, &multiple, "N",
      "round the number of tokens up", 1, 1048576 },
    { 0, "new-rows", CLI_CHOICE, &rows, "like-old|mean|normal|zero",
      "what new tokens begin with: numbers drawn like the old rows, their "
      "mean, normal numbers, zeros" },
    { 0, "seed", CLI_INT, &seed, "N", "of what is drawn (default: 42)", 0,
      9007199254740992 },
    { 0, "max-shard-size", CLI_STRING, &max_shard, "SIZE",
      "cut the weights into files of at most that: 5GB, 200MB" },
    CLI_END,
};

int model_resize(char **operands)
{
    static const enum tf_new_rows kinds[] = { TF_NEW_LIKE_OLD, TF_NEW_MEAN,
                                              TF_NEW_NORMAL, TF_NEW_ZERO };
    const char *model = model_path(operands);
    struct tf_resize_opts opts = { .tokenizer = tokenizer,
                                   .size = (size_t)size,
                                   .multiple = (size_t)multiple,
                                   .rows = kinds[rows],
                                   .seed = (uint64_t)seed };
    struct tf_resize_report r;
    struct tf_err err;

    if (!output)
        cli_usage("no folder to write is named: -o DIR");
    if (max_shard)
        opts.max_shard = cli_size("--max-shard-size", max_shard);
    if (tf_resize(model, output, &opts, &r, &err))
        model_die(&err);
    model_print(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "output",
                          output, "vocab_size_before", (json_int_t)r.before,
                          "vocab_size", (json_int_t)r.after, "resized",
                          (json_int_t)r.resized, "tensors",
                          (json_int_t)r.tensors, "bytes", (json_int_t)r.bytes,
                          "files", (json_int_t)r.files));
    return CLI_OK;
}

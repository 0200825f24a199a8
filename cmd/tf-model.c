/* tf-model: what a model is, and its files in another form. */
#include "cmd/model.h"

static const struct cli_command commands[] = {
    { "architectures", "list the architectures that run here", "", NULL,
      model_architectures },
    { "info", "print what a model is", "", NULL, model_info },
    { "convert", "write a model as safetensors, in another type or form", "",
      model_convert_opts, model_convert },
    { "merge", "put an adapter into the weights of its model", "",
      model_merge_opts, model_merge },
    { "init", "write a model with random weights, by a config.json", "",
      model_init_opts, model_init },
    { "resize", "fit a model to a tokenizer of another size", "",
      model_resize_opts, model_resize },
    { "verify", "check a model: hashes, finite numbers, shapes", "", NULL,
      model_verify },
    { "diff", "compare two models tensor by tensor", "MODEL MODEL", NULL,
      model_diff },
    { 0 },
};

static const struct cli_tool tool = {
    .name = "tf-model",
    .summary = "look at models, make and convert them",
    .shared = CLI_MODEL_PATH,
    .commands = commands,
};

int main(int argc, char **argv)
{
    return cli_run_command(&tool, argc, argv);
}

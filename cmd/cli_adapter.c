#include "cmd/cli_private.h"

#include <string.h>
#include "base/io.h"
#include "model/lora.h"

/* base_model_name_or_path of the folder; the settings live on with it. */
static const char *base_of(const char *dir)
{
    static struct tf_lora lora;
    struct tf_err err;

    tf_lora_release(&lora);
    if (tf_lora_open(&lora, dir, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    if (!lora.base || !*lora.base)
        cli_die(CLI_USAGE,
                "%s names no base model (base_model_name_or_path); give it "
                "with -m",
                dir);
    return lora.base;
}

void cli_take_adapter(void)
{
    /* a folder with an adapter alone stands for the model that it changes */
    if (!cli.adapter && cli.model && tf_dir_exists(cli.model) &&
        tf_lora_in(cli.model) && !cli_model_whole(cli.model)) {
        cli.adapter = cli.model;
        cli.model = NULL;
    }
    if (!cli.adapter)
        return;
    cli.adapter = cli_model_path(cli.adapter, CLI_NEED_ADAPTER);
    if (!cli.model)
        cli.model = base_of(cli.adapter);
}

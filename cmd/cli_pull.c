#include "cmd/cli_private.h"

/* What tf-hub prints, the folder, is not needed: the cache is looked up again.
 * Its messages go to the user. */
void cli_pull(const char *spec, enum cli_need need)
{
    static const char *const tokenizer[] = {
        "tokenizer*",
        "vocab*",
        "merges.txt",
        "special_tokens_map.json",
        "added_tokens.json",
        "*.model",
        "config.json",
        "chat_template*",
        "additional_chat_templates/*",
    };
    struct tf_buf printed = TF_BUF_INIT;
    const char *argv[32];
    int status, n = 0;
    size_t i;

    argv[n++] = "tf-hub";
    argv[n++] = "pull";
    if (cli.quiet)
        argv[n++] = "--quiet";
    if (cli.cache_dir) {
        argv[n++] = "--cache-dir";
        argv[n++] = cli.cache_dir;
    }
    if (need == CLI_NEED_TOKENIZER)
        for (i = 0; i < sizeof(tokenizer) / sizeof(tokenizer[0]); i++) {
            argv[n++] = "--include";
            argv[n++] = tokenizer[i];
        }
    argv[n++] = "--";
    argv[n++] = spec;
    argv[n] = NULL;

    status = cli_run_tool(argv, &printed);
    tf_buf_release(&printed);
    if (status == 127)
        cli_die(CLI_FILE,
                "%s is not in the cache and there is no tf-hub to pull it, "
                "neither beside this program nor on PATH",
                spec);
    if (status)
        cli_die(status,
                "can't get %s, and no file or folder here has that name", spec);
}

#include "cmd/cli_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    const char *argv[32];
    int status, null, n = 0;
    size_t i;
    pid_t child;

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

    child = fork();
    if (child < 0)
        cli_die(CLI_FILE, "can't run tf-hub: %s", strerror(errno));
    if (!child) {
        null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO); /* the records are not for it */
        dup2(null, STDOUT_FILENO);
        cli_exec_tool(argv);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            cli_die(CLI_FILE, "can't wait for tf-hub: %s", strerror(errno));
    if (WIFSIGNALED(status))
        cli_die(CLI_FILE, "tf-hub pull %s was ended by signal %d", spec,
                WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        cli_die(CLI_FILE,
                "%s is not in the cache and there is no tf-hub to pull it, "
                "neither beside this program nor on PATH",
                spec);
    if (WEXITSTATUS(status))
        cli_die(WEXITSTATUS(status), "can't get %s", spec);
}

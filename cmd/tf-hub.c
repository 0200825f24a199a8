/* tf-hub: models and data sets from the hub and back, and the cache of them. */
#include "cmd/hub.h"

static const struct cli_command commands[] = {
    { "pull", "fetch a repository, and print where it is",
      "REPO[@REVISION] [FILE ...]", hub_pull_opts, hub_pull },
    { "push", "upload a folder as one commit", "DIR REPO", hub_push_opts,
      hub_push },
    { "ls", "list a repository's files", "REPO[@REVISION] [FOLDER]",
      hub_repo_opts, hub_ls },
    { "info", "print what the hub knows about a repository", "REPO[@REVISION]",
      hub_repo_opts, hub_info },
    { "create", "make a repository", "REPO", hub_create_opts, hub_create },
    { "delete", "remove a repository from the hub", "REPO", hub_delete_opts,
      hub_delete },
    { "login", "keep an access token, read from standard input", "",
      hub_login_opts, hub_login },
    { "logout", "forget the access tokens that are kept", "", NULL,
      hub_logout },
    { "whoami", "print whose access token it is", "", hub_login_opts,
      hub_whoami },
    { "cache ls", "list what the cache holds", "[REPO ...]", hub_cache_opts,
      hub_cache_ls },
    { "cache rm", "remove repositories or revisions from the cache",
      "REPO[@REVISION] ...", hub_cache_rm_opts, hub_cache_rm },
    { "cache prune", "remove from the cache what nothing leads to", "",
      hub_cache_rm_opts, hub_cache_prune },
    { "cache verify", "hash what the cache holds, and print what is broken",
      "[REPO[@REVISION] ...]", hub_cache_opts, hub_cache_verify },
    { 0 },
};

static const struct cli_tool tool = {
    .name = "tf-hub",
    .summary = "move models and data sets between a hub and this machine",
    .commands = commands,
};

int main(int argc, char **argv)
{
    return cli_run_command(&tool, argc, argv);
}

#include <stdio.h>
#include <stdlib.h>
#include "cmd/hub.h"
#include "hub/pull.h"

static const char *local_dir;
static int weights;
static bool weights_given, offline;

const struct cli_opt hub_pull_opts[] = {
    { 0, "weights", CLI_CHOICE, &weights, "auto|safetensors|bin|gguf|onnx|all",
      "which copy of the weights; auto: the first of these that is there "
      "(default: auto)",
      .given = &weights_given },
    HUB_INCLUDE,
    HUB_EXCLUDE,
    HUB_TYPE,
    { 0, "revision", CLI_STRING, &hub_options.revision, "REV",
      "branch, tag or commit, as after REPO@" },
    { 0, "local-dir", CLI_DIR_NAME, &local_dir, "DIR",
      "put the files into DIR, not into the cache" },
    HUB_CACHE_DIR,
    { 0, "offline", CLI_FLAG_ON, &offline, NULL,
      "use no network: only what is in the cache" },
    HUB_ENDPOINT,
    HUB_JOBS,
    HUB_PROGRESS,
    CLI_END,
};

int hub_pull(char **operands)
{
    struct tf_hub_pull pull = { .cache_dir = hub_options.cache_dir,
                                .local_dir = local_dir,
                                .filter = hub_filter(),
                                .jobs = (int)hub_options.jobs,
                                .offline = offline || tf_hub_offline(),
                                .progress = hub_progress() };
    struct tf_hub_ref ref;
    struct tf_err err;
    char *path;

    hub_parse_ref(&ref, operands[0]);
    if (local_dir && hub_options.cache_dir)
        cli_usage("--local-dir and --cache-dir do not go together");
    pull.config = hub_config(false);
    pull.filter.files = (const char *const *)(operands + 1);
    while (operands[1 + pull.filter.nfiles])
        pull.filter.nfiles++;
    if (pull.filter.nfiles && pull.filter.ninclude + pull.filter.nexclude)
        cli_usage("name files, or give patterns: both do not go together");
    pull.filter.variant = ref.variant;
    /* who names patterns has chosen */
    if (weights_given || pull.filter.ninclude == 0)
        pull.filter.weights = (enum tf_hub_weights)weights;
    path = tf_hub_pull(&pull, &ref, &err);
    hub_progress_end();
    if (!path)
        hub_die(&err);
    puts(path);
    free(path);
    tf_hub_ref_release(&ref);
    return CLI_OK;
}

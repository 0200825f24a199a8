#include <string.h>
#include "cmd/hub.h"
#include "hub/push.h"
#include "hub/repo.h"

static const char *message;
static bool create, private_repo, create_pr;

const struct cli_opt hub_push_opts[] = {
    { 'm', "message", CLI_STRING, &message, "TEXT", "what the commit is for" },
    { 0, "create", CLI_FLAG_ON, &create, NULL,
      "make the repository, or the branch, if it is not there" },
    { 0, "private", CLI_FLAG_ON, &private_repo, NULL,
      "with --create: a private one" },
    { 0, "branch", CLI_STRING, &hub_options.revision, "NAME",
      "push to this branch; main when not given" },
    { 0, "create-pr", CLI_FLAG_ON, &create_pr, NULL,
      "open a pull request with it" },
    HUB_INCLUDE,
    HUB_EXCLUDE,
    HUB_TYPE,
    HUB_ENDPOINT,
    HUB_JOBS,
    HUB_PROGRESS,
    CLI_END,
};

static void make_target(const struct tf_hub_ref *ref)
{
    struct tf_hub *hub = hub_open(true);
    struct tf_err err;

    if (tf_hub_create(hub, ref, private_repo, true, NULL, &err) ||
        (strcmp(ref->revision, "main") && tf_hub_branch(hub, ref, &err)))
        hub_die(&err);
    tf_hub_close(hub);
}

int hub_push(char **operands)
{
    struct tf_hub_push push = { .filter = hub_filter(),
                                .create_pr = create_pr,
                                .jobs = (int)hub_options.jobs,
                                .progress = hub_progress() };
    struct tf_hub_pushed pushed;
    struct tf_hub_ref ref;
    struct tf_err err;
    json_t *line, *request;

    if (!operands[0] || !operands[1] || operands[2])
        cli_usage("push takes a folder and a repository");
    if (private_repo && !create)
        cli_usage("--private goes with --create");
    hub_parse_ref(&ref, operands[1]);
    if (tf_hub_offline())
        cli_die(CLI_NETWORK, "HF_HUB_OFFLINE forbids the network");
    push.config = hub_config(true);
    push.path = operands[0];
    push.message = message && message[0] ? message : "Push with tf-hub";
    if (create)
        make_target(&ref);
    if (tf_hub_push(&push, &ref, &pushed, &err))
        hub_die(&err);
    hub_progress_end();
    if (pushed.files == 0)
        cli_note("%s has all %zu files as they are here; no commit is made",
                 ref.repo, pushed.unchanged);
    line = json_pack("{s:O?, s:O?}", "commit_url",
                     json_object_get(pushed.reply, "commitUrl"), "oid",
                     json_object_get(pushed.reply, "commitOid"));
    request = json_object_get(pushed.reply, "pullRequestUrl");
    if (request)
        json_object_set(line, "pull_request_url", request);
    hub_print(line);
    json_decref(pushed.reply);
    tf_hub_ref_release(&ref);
    return CLI_OK;
}

/* What the commands of tf-hub share. */
#ifndef CMD_HUB_H
#define CMD_HUB_H

#include "cmd/cli.h"
#include "hub/client.h"
#include "hub/select.h"
#include "hub/workers.h"

/* Options that several commands have; each names those it wants. */
struct hub_options {
    const char *endpoint, *cache_dir, *revision;
    int type; /* enum tf_hub_type */
    struct cli_strings include, exclude;
    int64_t jobs;
    int progress; /* auto, always, never */
};
extern struct hub_options hub_options;

#define HUB_ENDPOINT                                                           \
    {                                                                          \
        0, "endpoint", CLI_STRING, &hub_options.endpoint, "URL",               \
            "the hub to talk to; $HF_ENDPOINT or " TF_HUB_ENDPOINT             \
            " when not given"                                                  \
    }
#define HUB_TYPE                                                               \
    {                                                                          \
        0, "type", CLI_CHOICE, &hub_options.type, "model|dataset|space",       \
            "what kind of repository it is"                                    \
    }
#define HUB_CACHE_DIR                                                             \
    {                                                                             \
        0, "cache-dir", CLI_DIR_NAME, &hub_options.cache_dir, "DIR",              \
            "the cache; $HF_HUB_CACHE or ~/.cache/huggingface/hub when not given" \
    }
#define HUB_INCLUDE                                                            \
    {                                                                          \
        0, "include", CLI_STRINGS, &hub_options.include, "PATTERN",            \
            "only the files that match; may be repeated"                       \
    }
#define HUB_EXCLUDE                                                            \
    {                                                                          \
        0, "exclude", CLI_STRINGS, &hub_options.exclude, "PATTERN",            \
            "not the files that match; may be repeated"                        \
    }
#define HUB_JOBS                                                               \
    {                                                                          \
        'j', "jobs", CLI_INT, &hub_options.jobs, "N",                          \
            "files at the same time", 1, 64                                    \
    }
#define HUB_PROGRESS                                                           \
    {                                                                          \
        0, "progress", CLI_CHOICE, &hub_options.progress, "auto|always|never", \
            "bars on standard error; auto: on a terminal"                      \
    }

/* Take "org/name[@revision]" apart, or end with a usage error. */
void hub_parse_ref(struct tf_hub_ref *ref, const char *spec);
/* The configuration of a client, with the token; `must` be logged in, else
 * HF_HUB_DISABLE_IMPLICIT_TOKEN is obeyed. Ends the tool on failure. */
struct tf_hub_config hub_config(bool must);
struct tf_hub *hub_open(bool must);
/* The patterns of --include and --exclude. */
struct tf_hub_filter hub_filter(void);
/* End with the message and the status that its code has. */
_Noreturn void hub_die(const struct tf_err *err);
/* Ask on the terminal; without one, or unless the answer is `expected`, end
 * the tool with a hint to --yes. */
void hub_confirm(const char *question, const char *expected);
/* Print a JSON value as one line, and release it. */
void hub_print(json_t *value);

/* The bars; NULL when there shall be none. */
tf_hub_progress_fn *hub_progress(void);
void hub_progress_end(void);

int hub_pull(char **operands);
int hub_push(char **operands);
int hub_login(char **operands);
int hub_logout(char **operands);
int hub_whoami(char **operands);
int hub_ls(char **operands);
int hub_info(char **operands);
int hub_create(char **operands);
int hub_delete(char **operands);
int hub_cache_ls(char **operands);
int hub_cache_rm(char **operands);
int hub_cache_prune(char **operands);
int hub_cache_verify(char **operands);
extern const struct cli_opt hub_pull_opts[], hub_push_opts[], hub_login_opts[],
    hub_repo_opts[], hub_create_opts[], hub_delete_opts[], hub_cache_opts[],
    hub_cache_rm_opts[];
#endif

#include "cmd/hub.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hub/auth.h"

#define AGENT "tf-hub/0.1.0"

struct hub_options hub_options = { .jobs = TF_HUB_JOBS };

void hub_die(const struct tf_err *err)
{
    int status = CLI_NETWORK;

    if (!err->code || !strcmp(err->code, "no_memory"))
        status = CLI_FILE;
    else if (!strcmp(err->code, "choice"))
        status = CLI_USAGE;
    hub_progress_end();
    cli_die(status, "%s", err->msg);
}

void hub_parse_ref(struct tf_hub_ref *ref, const char *spec)
{
    struct tf_buf full = TF_BUF_INIT;
    struct tf_err err;

    if (!spec)
        cli_usage("no repository is named");
    tf_buf_adds(&full, spec);
    if (hub_options.revision && strchr(spec, '@'))
        cli_usage("%s and --revision name two revisions", spec);
    if (hub_options.revision)
        tf_buf_addf(&full, "@%s", hub_options.revision);
    if (tf_hub_ref_parse(ref, (enum tf_hub_type)hub_options.type,
                         tf_buf_cstr(&full), &err))
        cli_usage("%s", err.msg);
    tf_buf_release(&full);
}

/* From any thread. */
static void note(void *arg, bool verbose, const char *message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    (void)arg;
    if (cli.quiet || (verbose && !cli.verbose))
        return;
    pthread_mutex_lock(&lock);
    hub_progress_end();
    cli_warn("%s", message);
    pthread_mutex_unlock(&lock);
}

struct tf_hub_config hub_config(bool must)
{
    static char *token; /* as long as the process */
    struct tf_hub_config config = { .endpoint = hub_options.endpoint,
                                    .user_agent = AGENT,
                                    .note = note };
    struct tf_err err;

    if (!token && (must || !tf_hub_env_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) &&
        tf_hub_token(&token, &err))
        hub_die(&err);
    if (must && !token)
        cli_die(CLI_NETWORK, "not logged in; run: tf-hub login");
    config.token = token;
    return config;
}

struct tf_hub *hub_open(bool must)
{
    struct tf_hub_config config = hub_config(must);
    struct tf_err err;
    struct tf_hub *hub;

    if (tf_hub_offline())
        cli_die(CLI_NETWORK, "HF_HUB_OFFLINE forbids the network; unset it, "
                             "or do without");
    hub = tf_hub_open(&config, &err);
    if (!hub)
        hub_die(&err);
    return hub;
}

struct tf_hub_filter hub_filter(void)
{
    return (struct tf_hub_filter){ .include = hub_options.include.v,
                                   .ninclude = hub_options.include.n,
                                   .exclude = hub_options.exclude.v,
                                   .nexclude = hub_options.exclude.n,
                                   .weights = TF_HUB_WEIGHTS_ALL };
}

void hub_confirm(const char *question, const char *expected)
{
    char answer[256];

    if (!isatty(STDIN_FILENO))
        cli_usage("%s needs --yes where nobody can be asked", question);
    fprintf(stderr, "%s? Type \"%s\" to go on: ", question, expected);
    if (!fgets(answer, sizeof(answer), stdin))
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strcmp(answer, expected))
        cli_die(CLI_SOME_FAILED, "nothing is removed");
}

void hub_print(json_t *value)
{
    char *line = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    json_decref(value);
    if (!line)
        cli_die(CLI_FILE, "no memory");
    puts(line);
    free(line);
}

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "cmd/hub.h"
#include "hub/auth.h"
#include "hub/repo.h"

#define TOKEN_MAX 4096

const struct cli_opt hub_login_opts[] = { HUB_ENDPOINT, CLI_END };

static struct termios terminal;

/* Ctrl-C must not leave a terminal that does not show what is typed. */
static void show_again(int sig)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void read_token(char *token, int size)
{
    bool typed =
        isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal) == 0;
    struct termios silent = terminal;

    if (typed) {
        fprintf(stderr, "Token (it is not shown): ");
        signal(SIGINT, show_again);
        signal(SIGTERM, show_again);
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    }
    if (!fgets(token, size, stdin))
        token[0] = '\0';
    if (typed) {
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        fputc('\n', stderr);
    }
}

/* The name that the token has on the hub. */
static const char *token_name(const json_t *who)
{
    const json_t *token =
        json_object_get(json_object_get(who, "auth"), "accessToken");
    const char *name = json_string_value(json_object_get(token, "displayName"));

    return name && !name[strcspn(name, "]\r\n")] ? name : "tf-hub";
}

int hub_login(char **operands)
{
    static char token[TOKEN_MAX];
    struct tf_hub_config config = hub_config(false);
    struct tf_err err;
    struct tf_hub *hub;
    json_t *who;

    if (operands[0])
        cli_usage("the token is read from standard input, not from the "
                  "command line, where others could see it");
    read_token(token, sizeof(token));
    if (tf_hub_token_clean(token, &err))
        hub_die(&err);
    if (!token[0])
        cli_usage("standard input holds no token");
    config.token = token;
    hub = tf_hub_open(&config, &err);
    who = hub ? tf_hub_whoami(hub, &err) : NULL;
    if (!who || tf_hub_token_save(token, token_name(who), &err))
        hub_die(&err);
    cli_note("logged in as %s",
             json_string_value(json_object_get(who, "name"))
                 ? json_string_value(json_object_get(who, "name"))
                 : "somebody without a name");
    if (getenv("HF_TOKEN") && *getenv("HF_TOKEN"))
        cli_note("HF_TOKEN is set and goes before the token just kept");
    json_decref(who);
    tf_hub_close(hub);
    memset(token, 0, sizeof(token));
    return CLI_OK;
}

int hub_logout(char **operands)
{
    struct tf_err err;
    int none;

    if (operands[0])
        cli_usage("logout takes no operand");
    none = tf_hub_token_forget(&err);
    if (none < 0)
        hub_die(&err);
    if (none)
        cli_note("no token was kept");
    if (getenv("HF_TOKEN") && *getenv("HF_TOKEN"))
        cli_note("HF_TOKEN is set and still logs in");
    return CLI_OK;
}

int hub_whoami(char **operands)
{
    struct tf_hub *hub;
    struct tf_err err;
    json_t *who, *orgs, *names = json_array(), *org;
    size_t i;

    if (operands[0])
        cli_usage("whoami takes no operand");
    hub = hub_open(true);
    who = tf_hub_whoami(hub, &err);
    if (!who)
        hub_die(&err);
    orgs = json_object_get(who, "orgs");
    json_array_foreach (orgs, i, org) {
        json_t *name = json_object_get(org, "name");

        if (name)
            json_array_append(names, name);
    }
    hub_print(json_pack("{s:O?, s:o}", "name", json_object_get(who, "name"),
                        "orgs", names));
    json_decref(who);
    tf_hub_close(hub);
    return CLI_OK;
}

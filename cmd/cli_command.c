#include "cmd/cli_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static size_t count_opts(const struct cli_opt *opts)
{
    size_t n = 0;

    while (opts && opts[n].name)
        n++;
    return n;
}

/* The words of argv that are the command's name: how many, or 0. */
static int match(const struct cli_command *c, char **argv)
{
    size_t first = strcspn(c->name, " ");

    if (!argv[1] || strncmp(argv[1], c->name, first) || argv[1][first])
        return 0;
    if (!c->name[first])
        return 1;
    return argv[2] && !strcmp(argv[2], c->name + first + 1) ? 2 : 0;
}

/* The options of all commands, each name once: what completion offers. */
static struct cli_opt *all_opts(const struct cli_command *commands)
{
    const struct cli_command *c;
    struct cli_opt *all;
    struct tf_err err;
    size_t n = 0, i, k;

    for (c = commands; c->name; c++)
        n += count_opts(c->opts);
    all = tf_alloc(n + 1, sizeof(*all), &err);
    if (!all)
        cli_die(CLI_FILE, "%s", err.msg);
    n = 0;
    for (c = commands; c->name; c++)
        for (i = 0; i < count_opts(c->opts); i++) {
            for (k = 0; k < n && strcmp(all[k].name, c->opts[i].name); k++)
                ;
            if (k == n)
                all[n++] = c->opts[i];
        }
    return all;
}

/* No command stands first: help, version and completion, else an error. */
_Noreturn static void no_command(const struct cli_tool *tool, int argc,
                                 char **argv)
{
    struct cli_tool top = *tool;
    const char *first = argc > 1 ? argv[1] : NULL; /* parsing moves words */
    struct tf_buf names = TF_BUF_INIT;
    const struct cli_command *c;
    const char *near;

    top.opts = all_opts(tool->commands);
    top.operands = "COMMAND ...";
    cli_parse(&top, argc, argv);
    for (c = tool->commands; c->name; c++)
        tf_buf_addf(&names, "%s%s", c == tool->commands ? "" : "|", c->name);
    if (!first)
        cli_usage("a command is missing: %s", tf_buf_cstr(&names));
    if (first[0] == '-')
        cli_usage("the command comes first: %s", tf_buf_cstr(&names));
    near = cli_closest(first, tf_buf_cstr(&names));
    if (near)
        cli_usage("unknown command \"%s\"; did you mean %s?", first, near);
    cli_usage("unknown command \"%s\"; there are: %s", first,
              tf_buf_cstr(&names));
}

int cli_run_command(const struct cli_tool *tool, int argc, char **argv)
{
    struct cli_tool one = *tool;
    const struct cli_command *c = tool->commands;
    int words = 0;

    while (c->name && !(words = match(c, argv)))
        c++;
    if (!c->name)
        no_command(tool, argc, argv);
    one.command = c->name;
    one.summary = c->summary;
    one.operands = c->operands;
    one.opts = c->opts;
    argv[words] = argv[0];
    return cli_finish(c->run(cli_parse(&one, argc - words, argv + words)));
}

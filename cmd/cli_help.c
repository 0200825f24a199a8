#include "cmd/cli_private.h"

#include <stdio.h>
#include <string.h>

#define WIDTH  80
#define COLUMN 30 /* where the explanations begin */

/* Word n of "a|b|c". */
static struct tf_str word_of(const char *words, int n)
{
    while (n-- > 0)
        words += strcspn(words, "|") + 1;
    return (struct tf_str){ words, strcspn(words, "|") };
}

/* The help, and the value that holds when the option is not given. A choice
 * whose tool asks whether it was given has none, or the help says which. */
static void put_explanation(struct tf_buf *b, const struct cli_opt *o)
{
    struct tf_str w;

    tf_buf_adds(b, o->help);
    switch (o->kind) {
    case CLI_STRING:
    case CLI_FILE_NAME:
    case CLI_DIR_NAME:
        if (*(const char **)o->value && **(const char **)o->value)
            tf_buf_addf(b, " (default: %s)", *(const char **)o->value);
        break;
    case CLI_INT:
        if (*(int64_t *)o->value)
            tf_buf_addf(b, " (default: %lld)", (long long)*(int64_t *)o->value);
        break;
    case CLI_FLOAT:
        if (*(double *)o->value != 0)
            tf_buf_addf(b, " (default: %.15g)", *(double *)o->value);
        break;
    case CLI_CHOICE:
        w = word_of(o->arg, *(int *)o->value);
        if (!o->given)
            tf_buf_addf(b, " (default: %.*s)", (int)w.len, w.s);
        break;
    default:
        break;
    }
}

/* Text in lines of at most WIDTH, the first going on after `at` columns. */
static void print_wrapped(const char *text, int at, int indent)
{
    size_t len;

    while (*text) {
        len = strcspn(text, " ");
        if (at > indent && at + 1 + (int)len > WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)len, text);
        at += (int)len;
        text += len;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_option(const struct cli_opt *o)
{
    struct tf_buf b = TF_BUF_INIT;
    int at;

    at = o->letter ? printf("  -%c, --%s", o->letter, o->name)
                   : printf("      --%s", o->name);
    if (!cli_is_flag(o))
        at += o->optional_arg ? printf("[=%s]", o->arg) : printf(" %s", o->arg);
    if (at + 2 > COLUMN) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", COLUMN - at, "");
    put_explanation(&b, o);
    print_wrapped(tf_buf_cstr(&b), COLUMN, COLUMN);
    tf_buf_release(&b);
}

static void print_commands(void)
{
    const struct cli_command *c;

    printf("Usage: %s COMMAND [OPTION ...] ...\n", cli_tool->name);
    print_wrapped(cli_tool->summary, 0, 0);
    printf("\nCommands (each has its own --help)\n");
    for (c = cli_tool->commands; c->name; c++) {
        printf("  %-16s", c->name);
        print_wrapped(c->summary, 18, 18);
    }
}

void cli_print_help(const struct cli_table *t)
{
    const char *section = NULL;
    bool top = cli_tool->commands && !cli_tool->command;
    size_t i;

    if (top) {
        print_commands();
    } else {
        printf("Usage: %s%s%s [OPTION ...] %s\n", cli_tool->name,
               cli_tool->command ? " " : "",
               cli_tool->command ? cli_tool->command : "", cli_tool->operands);
        print_wrapped(cli_tool->summary, 0, 0);
        if (t->n && !t->sections[0])
            printf("\nOptions\n");
    }
    for (i = 0; i < t->n; i++) {
        if (top && !t->sections[i])
            continue; /* of the commands */
        if (t->sections[i] && (!section || strcmp(section, t->sections[i]))) {
            section = t->sections[i];
            printf("\n%s\n", section);
        }
        print_option(t->opts[i]);
    }
}

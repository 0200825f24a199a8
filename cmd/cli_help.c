#include "cmd/cli_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH  80
#define COLUMN 30 /* where the explanations begin */

static bool is_flag(const struct cli_opt *o)
{
    return o->kind == CLI_FLAG_ON || o->kind == CLI_FLAG_OFF;
}

/* Word n of "a|b|c". */
static struct tf_str word_of(const char *words, int n)
{
    while (n-- > 0)
        words += strcspn(words, "|") + 1;
    return (struct tf_str){ words, strcspn(words, "|") };
}

/* The help, and the value that holds when the option is not given. */
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
    if (!is_flag(o))
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

/* A name for shell functions: tf-classify gives tf_classify. */
static void print_function(void)
{
    const char *p;

    for (p = cli_tool->name; *p; p++)
        putchar(isalnum((unsigned char)*p) ? *p : '_');
}

static void print_words(const char *words)
{
    for (; *words; words++)
        putchar(*words == '|' ? ' ' : *words);
}

static void bash(const struct cli_table *t)
{
    const struct cli_command *c;
    const struct cli_opt *o;
    size_t i;

    printf("_");
    print_function();
    printf("() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]}\n"
           "    local prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    COMPREPLY=()\n"
           "    if [ \"$cur\" = = ]; then\n"
           "        cur=\n"
           "    elif [ \"$prev\" = = ]; then\n"
           "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    fi\n"
           "    case $prev in\n");
    for (i = 0; i < t->n; i++) {
        o = t->opts[i];
        if (is_flag(o) || o->optional_arg)
            continue;
        printf("    --%s", o->name);
        if (o->letter)
            printf("|-%c", o->letter);
        printf(")\n        ");
        if (o->kind == CLI_CHOICE) {
            printf("COMPREPLY=($(compgen -W \"");
            print_words(o->arg);
            printf("\" -- \"$cur\"))\n");
        } else if (o->kind == CLI_DIR_NAME) {
            printf("COMPREPLY=($(compgen -d -- \"$cur\"))\n");
        } else if (o->kind == CLI_FILE_NAME) {
            printf("COMPREPLY=($(compgen -f -- \"$cur\"))\n");
        } else {
            printf(":\n");
        }
        printf("        return\n        ;;\n");
    }
    printf("    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"");
    for (i = 0; i < t->n; i++)
        printf("%s--%s", i ? " " : "", t->opts[i]->name);
    printf("\" -- \"$cur\")) ;;\n"
           "    *) COMPREPLY=($(compgen -f");
    if (cli_tool->commands)
        printf(" -W \"");
    for (c = cli_tool->commands; c && c->name; c++)
        printf("%s%s", c == cli_tool->commands ? "" : " ", c->name);
    printf("%s -- \"$cur\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _",
           cli_tool->commands ? "\"" : "");
    print_function();
    printf(" %s\n", cli_tool->name);
}

/* Text inside single quotes, with `also` escaped by a backslash. */
static void print_quoted(const char *text, const char *also)
{
    for (; *text; text++)
        if (*text == '\'')
            printf("'\\''");
        else if (strchr(also, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
}

static void zsh(const struct cli_table *t)
{
    const struct cli_command *c;
    const struct cli_opt *o;
    size_t i;

    printf("#compdef %s\n_arguments -s -S", cli_tool->name);
    for (i = 0; i < t->n; i++) {
        const char *take = "";

        o = t->opts[i];
        if (!is_flag(o))
            take = o->optional_arg ? "=-" : "=";
        printf(" \\\n    ");
        if (o->letter)
            printf("'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter,
                   *take ? "+" : "", o->name, take);
        else
            printf("'%s--%s%s", o->kind == CLI_STRINGS ? "*" : "", o->name,
                   take);
        printf("[");
        print_quoted(o->help, "[]");
        printf("]");
        if (!is_flag(o)) {
            printf("%s", o->optional_arg ? "::" : ":");
            print_quoted(o->kind == CLI_CHOICE ? "word" : o->arg, ":");
            printf(":");
            if (o->kind == CLI_CHOICE) {
                printf("(");
                print_words(o->arg);
                printf(")");
            } else if (o->kind == CLI_DIR_NAME) {
                printf("_files -/");
            } else if (o->kind == CLI_FILE_NAME) {
                printf("_files");
            }
        }
        printf("'");
    }
    if (cli_tool->commands) {
        printf(" \\\n    '1:command:(");
        for (c = cli_tool->commands; c->name; c++)
            printf("%s%s", c == cli_tool->commands ? "" : " ", c->name);
        printf(")'");
    }
    printf(" \\\n    '*:file:_files'\n");
}

static void fish(const struct cli_table *t)
{
    const struct cli_command *c;
    const struct cli_opt *o;
    size_t i;

    for (c = cli_tool->commands; c && c->name; c++) {
        printf("complete -c %s -n __fish_use_subcommand -a '%s' -d '",
               cli_tool->name, c->name);
        print_quoted(c->summary, "\\");
        printf("'\n");
    }
    for (i = 0; i < t->n; i++) {
        o = t->opts[i];
        printf("complete -c %s", cli_tool->name);
        if (o->letter)
            printf(" -s %c", o->letter);
        printf(" -l %s", o->name);
        if (o->kind == CLI_CHOICE) {
            printf(" -x -a '");
            print_words(o->arg);
            printf("'");
        } else if (o->kind == CLI_FILE_NAME) {
            printf(" -r -F");
        } else if (o->kind == CLI_DIR_NAME) {
            printf(" -x -a '(__fish_complete_directories)'");
        } else if (!is_flag(o) && !o->optional_arg) {
            printf(" -x");
        }
        printf(" -d '");
        print_quoted(o->help, "\\");
        printf("'\n");
    }
}

bool cli_print_completion(const struct cli_table *t, const char *shell)
{
    if (!strcmp(shell, "bash"))
        bash(t);
    else if (!strcmp(shell, "zsh"))
        zsh(t);
    else if (!strcmp(shell, "fish"))
        fish(t);
    else
        return false;
    return true;
}

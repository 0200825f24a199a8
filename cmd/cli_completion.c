/* Completions for shells, made from the table of options. */
#include "cmd/cli_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

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

/* The words that may follow an option, or files, or nothing known. */
static void bash_value(const struct cli_opt *o)
{
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

static void print_commands(void)
{
    const struct cli_command *c;

    for (c = cli_tool->commands; c && c->name; c++)
        printf("%s%s", c == cli_tool->commands ? "" : " ", c->name);
}

static void bash(const struct cli_table *t)
{
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
    for (i = 0; i < t->n; i++)
        if (!cli_is_flag(t->opts[i]) && !t->opts[i]->optional_arg)
            bash_value(t->opts[i]);
    printf("    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"");
    for (i = 0; i < t->n; i++)
        printf("%s--%s", i ? " " : "", t->opts[i]->name);
    printf("\" -- \"$cur\")) ;;\n"
           "    *) COMPREPLY=($(compgen -f -W \"");
    print_commands();
    printf("\" -- \"$cur\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _");
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

/* ":what it is:how to complete it" of an option's value. */
static void zsh_value(const struct cli_opt *o)
{
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

static void zsh_option(const struct cli_opt *o)
{
    const char *take = cli_is_flag(o) ? "" : o->optional_arg ? "=-" : "=";

    printf(" \\\n    ");
    if (o->letter)
        printf("'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter,
               *take ? "+" : "", o->name, take);
    else
        printf("'%s--%s%s", o->kind == CLI_STRINGS ? "*" : "", o->name, take);
    printf("[");
    print_quoted(o->help, "[]");
    printf("]");
    if (!cli_is_flag(o))
        zsh_value(o);
    printf("'");
}

static void zsh(const struct cli_table *t)
{
    size_t i;

    printf("#compdef %s\n_arguments -s -S", cli_tool->name);
    for (i = 0; i < t->n; i++)
        zsh_option(t->opts[i]);
    if (cli_tool->commands) {
        printf(" \\\n    '1:command:(");
        print_commands();
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
        } else if (!cli_is_flag(o) && !o->optional_arg) {
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

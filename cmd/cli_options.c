#include "cmd/cli_private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "hub/cache.h"

const struct cli_tool *cli_tool;
struct cli_shared cli = { .field = "text", .pair_field = "text_pair" };
struct cli_settings cli_settings = { .prefix = "" };

static int64_t threads;
static bool help, version, batch_given;
static const char *columns, *completion;

#define PATH  (CLI_MODEL | CLI_MODEL_PATH)
#define EVERY (~0U)

static const struct {
    unsigned groups;
    const char *section;
    struct cli_opt opt;
} shared[] = {
    { PATH,
      "Model",
      { 'm', "model", CLI_FILE_NAME, &cli.model, "SPEC",
        "a model folder, a .gguf file or a hub id org/name[@revision]; "
        "$TF_MODEL is its default" } },
    { PATH,
      "Model",
      { 0, "cache-dir", CLI_DIR_NAME, &cli.cache_dir, "DIR",
        "where models of the hub are kept" } },
    { PATH,
      "Model",
      { 0, "offline", CLI_FLAG_ON, &cli.offline, NULL,
        "use no network: only what is on this machine" } },
    { CLI_MODEL,
      "Model",
      { 0, "adapter", CLI_DIR_NAME, &cli.adapter, "DIR",
        "apply this LoRA adapter (PEFT layout)" } },
    { CLI_MODEL,
      "Model",
      { 0, "arch", CLI_FILE_NAME, &cli.arch, "FILE",
        "read the description of the architecture from FILE" } },
    { CLI_MODEL,
      "Model",
      { 0, "dtype", CLI_CHOICE, &cli.dtype, "auto|f32|bf16|f16|int8",
        "the type that weights are computed with" } },
    { CLI_MODEL,
      "Model",
      { 'b', "batch-size", CLI_INT, &cli.batch_size, "N",
        "the most records in one forward pass; by a budget of tokens when not "
        "given",
        1, INFINITY, &batch_given } },
    { CLI_MODEL,
      "Model",
      { 0, "max-length", CLI_INT, &cli.max_length, "N",
        "cut inputs to N tokens; when not given, to what the model allows", 1,
        INFINITY } },
    { CLI_MODEL,
      "Model",
      { 0, "no-truncation", CLI_FLAG_ON, &cli.no_truncation, NULL,
        "a longer input is an error instead" } },
    { CLI_RECORDS,
      "Records",
      { 0, "input", CLI_CHOICE, &cli_settings.input, "auto|text|jsonl",
        "what the files hold: a text or a JSON object a line" } },
    { CLI_RECORDS,
      "Records",
      { '0', "null", CLI_FLAG_ON, &cli_settings.nul, NULL,
        "records are texts that end with a NUL, not a newline" } },
    { CLI_RECORDS,
      "Records",
      { 0, "field", CLI_STRING, &cli.field, "NAME",
        "the member that holds the text" } },
    { CLI_RECORDS,
      "Records",
      { 0, "pair-field", CLI_STRING, &cli.pair_field, "NAME",
        "the member that holds the second text" } },
    { CLI_RECORDS,
      "Records",
      { 0, "prefix", CLI_STRING, &cli_settings.prefix, "P",
        "put P before the names of the members that are added" } },
    { CLI_RECORDS,
      "Records",
      { 0, "only", CLI_FLAG_ON, &cli_settings.only, NULL,
        "leave out the record's own members" } },
    { CLI_RECORDS,
      "Records",
      { 0, "format", CLI_CHOICE, &cli.format, "jsonl|tsv",
        "how to print records" } },
    { CLI_RECORDS,
      "Records",
      { 0, "columns", CLI_STRING, &columns, "A,B,...",
        "print these members and no others, in this order" } },
    { CLI_RECORDS,
      "Records",
      { 0, "fail-fast", CLI_FLAG_ON, &cli_settings.fail_fast, NULL,
        "stop at the first record that can't be processed" } },
    { CLI_RECORDS | CLI_PROGRESS,
      "Records",
      { 0, "progress", CLI_CHOICE, &cli_settings.progress, "auto|always|never",
        "a progress bar on standard error" } },
    { CLI_RECORDS,
      "Records",
      { 0, "stats", CLI_FLAG_ON, &cli_settings.stats, NULL,
        "print one JSON line about the run on standard error at the end" } },
    { CLI_RECORDS | CLI_MODEL | CLI_THREADS,
      "General",
      { 't', "threads", CLI_INT, &threads, "N",
        "threads; $TF_THREADS or the processors available when not given", 1,
        1024 } },
    { EVERY,
      "General",
      { 'q', "quiet", CLI_FLAG_ON, &cli.quiet, NULL, "print errors only" } },
    { EVERY,
      "General",
      { 'v', "verbose", CLI_FLAG_ON, &cli.verbose, NULL,
        "say more about what is done" } },
    { EVERY,
      "General",
      { 'h', "help", CLI_FLAG_ON, &help, NULL, "print this help" } },
    { EVERY,
      "General",
      { 'V', "version", CLI_FLAG_ON, &version, NULL, "print the version" } },
};

/* Reachable like the others, but in no help: for make install. */
static const struct cli_opt completion_opt = {
    0, "completion", CLI_STRING, &completion, "bash|zsh|fish", ""
};

bool cli_is_flag(const struct cli_opt *o)
{
    return o->kind == CLI_FLAG_ON || o->kind == CLI_FLAG_OFF;
}

static const struct cli_opt *find(const struct cli_table *t, const char *word,
                                  size_t len, int letter)
{
    size_t i;

    for (i = 0; i < t->n; i++)
        if (word ? strlen(t->opts[i]->name) == len &&
                       !memcmp(t->opts[i]->name, word, len)
                 : t->opts[i]->letter == letter)
            return t->opts[i];
    if (word && len == 10 && !memcmp(word, completion_opt.name, len))
        return &completion_opt;
    return NULL;
}

static struct cli_table build_table(const struct cli_tool *tool)
{
    size_t i, max = sizeof(shared) / sizeof(shared[0]);
    const struct cli_opt *o;
    struct cli_table t = { 0 };
    unsigned groups = tool->shared;
    struct tf_err err;

    for (o = tool->opts; o && o->name; o++)
        max++;
    t.opts = tf_alloc(max, sizeof(*t.opts), &err);
    t.sections = tf_alloc(max, sizeof(*t.sections), &err);
    if (!t.opts || !t.sections)
        cli_die(CLI_FILE, "%s", err.msg);
    for (o = tool->opts; o && o->name; o++) {
        t.sections[t.n] = NULL;
        t.opts[t.n++] = o;
    }
    for (i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        o = &shared[i].opt;
        if (shared[i].groups != EVERY && !(shared[i].groups & groups))
            continue;
        if (find(&t, o->name, strlen(o->name), 0))
            continue;
        t.sections[t.n] = shared[i].section;
        t.opts[t.n++] = o;
    }
    return t;
}

/* "--name", or "-x" when the user wrote the letter. */
static const char *spelled(const struct cli_opt *o, bool letter)
{
    static char text[80];

    if (letter)
        snprintf(text, sizeof(text), "-%c", o->letter);
    else
        snprintf(text, sizeof(text), "--%s", o->name);
    return text;
}

static void check_range(const struct cli_opt *o, const char *name,
                        const char *value, double v)
{
    if ((o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max))
        return;
    if (isinf(o->max))
        cli_usage("%s: %s is too small: at least %.15g", name, value, o->min);
    cli_usage("%s: %s is out of range: %.15g to %.15g", name, value, o->min,
              o->max);
}

static int choice(const struct cli_opt *o, const char *name, const char *value)
{
    const char *p = o->arg, *near;
    size_t n = strlen(value), len;
    int i;

    for (i = 0;; i++) {
        len = strcspn(p, "|");
        if (len == n && !memcmp(p, value, n))
            return i;
        p += len;
        if (!*p++)
            break;
    }
    near = cli_closest(value, o->arg);
    if (near)
        cli_usage("%s: unknown value \"%s\"; did you mean %s?", name, value,
                  near);
    cli_usage("%s: unknown value \"%s\"; it takes %s", name, value, o->arg);
}

static void add_string(struct cli_strings *list, const char *value)
{
    const char **v;
    struct tf_err err;

    v = tf_grow(list->v, list->n + 1, sizeof(*v), &err);
    if (!v)
        cli_die(CLI_FILE, "%s", err.msg);
    list->v = v;
    list->v[list->n++] = value;
}

static void set_value(const struct cli_opt *o, const char *name,
                      const char *value)
{
    char *end = NULL;
    long long i;
    double d;

    switch (o->kind) {
    case CLI_FLAG_ON:
    case CLI_FLAG_OFF:
        *(bool *)o->value = o->kind == CLI_FLAG_ON;
        break;
    case CLI_STRING:
    case CLI_FILE_NAME:
    case CLI_DIR_NAME:
        *(const char **)o->value = value;
        break;
    case CLI_STRINGS:
        add_string(o->value, value);
        break;
    case CLI_INT:
        errno = 0;
        i = strtoll(value, &end, 10);
        if (end == value || *end || strchr(" \t\n\v\f\r+", *value))
            cli_usage("%s: \"%s\" is not an integer", name, value);
        if (errno)
            cli_usage("%s: %s is out of range", name, value);
        check_range(o, name, value, (double)i);
        *(int64_t *)o->value = i;
        break;
    case CLI_FLOAT:
        d = strtod(value, &end);
        if (end == value || *end || !isfinite(d) ||
            strchr(" \t\n\v\f\r+", *value) || strpbrk(value, "xX"))
            cli_usage("%s: \"%s\" is not a number", name, value);
        check_range(o, name, value, d);
        *(double *)o->value = d;
        break;
    case CLI_CHOICE:
        *(int *)o->value = choice(o, name, value);
        break;
    }
    if (o->given)
        *o->given = true;
}

_Noreturn static void unknown(const struct cli_table *t, const char *word,
                              size_t len)
{
    struct tf_buf names = TF_BUF_INIT;
    const char *near;
    char text[64];
    size_t i;

    for (i = 0; i < t->n; i++)
        tf_buf_addf(&names, "%s%s", i ? "|" : "", t->opts[i]->name);
    snprintf(text, sizeof(text), "%.*s", (int)len, word);
    near = cli_closest(text, tf_buf_cstr(&names));
    tf_buf_release(&names);
    if (near)
        cli_usage("unknown option --%s; did you mean --%s?", text, near);
    cli_usage("unknown option --%s", text);
}

/*
 * In a first, `dry` pass nothing is set or refused but help, version and
 * completion: asking for help works beside other mistakes, and it shows the
 * defaults, not what stands before it.
 */
static void take(const struct cli_opt *o, bool letter, const char *value,
                 bool dry)
{
    if (dry && o->value != &help && o->value != &version &&
        o->value != &completion)
        return;
    if (value || cli_is_flag(o))
        set_value(o, spelled(o, letter), value);
    else if (o->given)
        *o->given = true;
}

/* Both return how many words of argv were used. */
static int take_long(const struct cli_table *t, char **argv, bool dry)
{
    const char *word = argv[0] + 2, *value;
    size_t len = strcspn(word, "=");
    const struct cli_opt *o = find(t, word, len, 0);

    if (!o && dry)
        return 1;
    if (!o)
        unknown(t, word, len);
    value = word[len] ? word + len + 1 : NULL;
    if (cli_is_flag(o) && value && !dry)
        cli_usage("--%s takes no value", o->name);
    if (cli_is_flag(o) || value || o->optional_arg) {
        take(o, false, cli_is_flag(o) ? NULL : value, dry);
        return 1;
    }
    if (!argv[1] && !dry)
        cli_usage("--%s needs a value: %s", o->name, o->arg);
    if (!argv[1])
        return 1;
    take(o, false, argv[1], dry);
    return 2;
}

static int take_letters(const struct cli_table *t, char **argv, bool dry)
{
    const struct cli_opt *o;
    const char *word;

    for (word = argv[0] + 1; *word; word++) {
        o = find(t, NULL, 0, *word);
        if (!o && dry)
            return 1;
        if (!o)
            cli_usage("unknown option -%c", *word);
        if (cli_is_flag(o) || o->optional_arg) {
            take(o, true, NULL, dry);
            continue;
        }
        if (!word[1] && !argv[1] && !dry)
            cli_usage("-%c needs a value: %s", o->letter, o->arg);
        if (!word[1] && !argv[1])
            return 1;
        take(o, true, word[1] ? word + 1 : argv[1], dry);
        return word[1] ? 1 : 2;
    }
    return 1;
}

/* Operands move to the front of argv and end with NULL; returns them. Only in
 * the second pass: options may follow operands, so both keep their order. */
static char **walk(const struct cli_table *t, int argc, char **argv, bool dry)
{
    char **operands = argv + 1;
    int i = 1, n = 0;

    while (i < argc) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (argv[i][0] == '-' && argv[i][1] == '-')
            i += take_long(t, argv + i, dry);
        else if (argv[i][0] == '-' && argv[i][1])
            i += take_letters(t, argv + i, dry);
        else if (dry)
            i++;
        else
            operands[n++] = argv[i++];
    }
    if (!dry) {
        while (i < argc)
            operands[n++] = argv[i++];
        operands[n] = NULL;
    }
    return operands;
}

/* What is printed into records must be text. */
static void check_utf8(const char *name, const char *value)
{
    if (tf_utf8_valid(value, strlen(value)) < strlen(value))
        cli_usage("%s: the value is not valid UTF-8", name);
}

static void split_columns(void)
{
    size_t n = 2, i = 0;
    struct tf_err err;
    char *copy, *p;

    for (p = (char *)columns; *p; p++)
        n += *p == ',';
    check_utf8("--columns", columns);
    copy = tf_strndup(columns, strlen(columns), &err);
    cli_settings.columns = tf_alloc(n, sizeof(char *), &err);
    if (!copy || !cli_settings.columns)
        cli_die(CLI_FILE, "%s", err.msg);
    for (p = copy;; p = NULL) {
        p = strtok(p, ",");
        if (!p)
            break;
        cli_settings.columns[i++] = p;
    }
    if (!i)
        cli_usage("--columns: no name in \"%s\"", columns);
}

/* A file opened later must not become standard output: the free place is taken
 * by something that refuses what is done with it. */
static void guard_streams(void)
{
    int fd;

    for (fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            if (open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
                _exit(CLI_FILE);
}

static void set_from_environment(const struct cli_table *t)
{
    const char *n = getenv("TF_THREADS");
    const struct cli_opt *o = find(t, "threads", 7, 0);

    if (n && *n && !threads && o && o->value == &threads)
        set_value(o, "TF_THREADS", n);
    if (tf_hub_env_true("HF_HUB_OFFLINE"))
        cli.offline = true;
    if (find(t, "adapter", 7, 0))
        cli_take_adapter();
    if (!cli.model && getenv("TF_MODEL") && *getenv("TF_MODEL"))
        cli.model = getenv("TF_MODEL");
}

char **cli_parse(const struct cli_tool *tool, int argc, char **argv)
{
    struct cli_table table;
    char **operands;

    cli_tool = tool;
    cli_stats_start();
    guard_streams();
    signal(SIGPIPE, SIG_DFL); /* a parent may have it ignored */
    table = build_table(tool);
    walk(&table, argc, argv, true);
    if (help || version || completion) {
        if (help)
            cli_print_help(&table);
        else if (version)
            printf("%s %s\n", tool->name, CLI_VERSION);
        else if (!cli_print_completion(&table, completion))
            cli_usage("--completion: unknown shell \"%s\"", completion);
        exit(cli_finish(CLI_OK));
    }
    operands = walk(&table, argc, argv, false);
    set_from_environment(&table);
    check_utf8("--field", cli.field);
    check_utf8("--pair-field", cli.pair_field);
    check_utf8("--prefix", cli_settings.prefix);
    if (columns)
        split_columns();
    if (cli_settings.nul && cli_settings.input == CLI_INPUT_JSONL)
        cli_usage("--null reads texts: --input jsonl does not go with it");
    free(table.opts);
    free(table.sections);
    return operands;
}

struct tf_pool *cli_pool(void)
{
    struct tf_err err;

    if (!cli.pool) {
        cli.pool = tf_pool_new(threads ? (int)threads : tf_cpu_count(), &err);
        if (!cli.pool)
            cli_die(CLI_FILE, "%s", err.msg);
    }
    return cli.pool;
}

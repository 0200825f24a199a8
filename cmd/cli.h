/*
 * What every tool shares, so that it is the same in all: option tables and the
 * help and completions made from them, the record loop, messages, exit codes.
 * The contract is tf(7).
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/jsonl.h"
#include "base/pool.h"

enum cli_status {
    CLI_OK = 0,
    CLI_SOME_FAILED = 1, /* records, or a check found a difference */
    CLI_USAGE = 2,
    CLI_FILE = 3, /* model, tokenizer, file, output, memory */
    CLI_NETWORK = 4,
};

/* One option: parser, help and completion come from this table. */
enum cli_kind {
    CLI_FLAG_ON,  /* bool *value becomes true */
    CLI_FLAG_OFF, /* bool *value becomes false */
    CLI_STRING,   /* const char **value */
    CLI_FILE_NAME,
    CLI_DIR_NAME, /* the same, completed as a file or folder */
    CLI_STRINGS,  /* struct cli_strings *value, repeatable */
    CLI_INT,      /* int64_t *value, in [min, max] */
    CLI_FLOAT,    /* double *value, in [min, max] */
    CLI_CHOICE,   /* int *value: index into the words of `arg`, "a|b|c" */
};

struct cli_strings {
    const char **v;
    size_t n;
};

struct cli_opt {
    int letter; /* 0: none */
    const char *name;
    enum cli_kind kind;
    void *value;     /* holds the default before parsing */
    const char *arg; /* "N", "DIR", "longest|max_length"; NULL for flags */
    const char *help;
    double min, max;   /* CLI_INT, CLI_FLOAT; both 0: no bounds */
    bool *given;       /* set when the option was given; or NULL */
    bool optional_arg; /* --name alone is allowed: value stays, given is set */
};

#define CLI_END                                                                \
    {                                                                          \
        0                                                                      \
    }

/* Which groups of shared options a tool has. Its own option of the same name
 * or letter takes the place of a shared one. */
enum {
    CLI_RECORDS = 1,    /* input, output, progress, stats: every filter */
    CLI_MODEL = 2,      /* CLI_MODEL_PATH, --adapter, --dtype, -b, ... */
    CLI_MODEL_PATH = 4, /* -m, --cache-dir, --offline */
    CLI_THREADS = 8,    /* -t; CLI_RECORDS and CLI_MODEL have it too */
    CLI_PROGRESS = 16,  /* --progress, which CLI_RECORDS has too */
};

/* One record on its way through a tool. */
struct cli_item {
    struct tf_record record; /* of a text line: {"text": LINE} */
    const char *file;        /* NULL: standard input */
    bool plain;              /* came as a line of text, not as JSON */
    size_t line;             /* the record's number in its file, from 1 */
    size_t index;            /* the record's number in the run, from 0 */
    int worker;              /* while prepare runs: index for scratch */
    void *data;              /* the tool's own, see cli_tool.data_size */
    struct tf_buf out;       /* members the tool adds: cli_put, then a value */
    struct tf_err err;
    bool failed;
    struct cli_item_private *p;
};

/* A tool may consist of commands, as tf-hub does: each with options, help and
 * operands of its own. */
struct cli_command {
    const char *name; /* one word or two: "pull", "cache ls" */
    const char *summary, *operands;
    const struct cli_opt *opts;  /* or NULL */
    int (*run)(char **operands); /* returns the status */
};

struct cli_tool {
    const char *name;           /* "tf-classify" */
    const char *summary;        /* one line: "label texts" */
    const char *operands;       /* "[FILE ...]" */
    const struct cli_opt *opts; /* the tool's own; the shared ones are added */
    unsigned shared;
    const struct cli_command *commands; /* to a name of NULL; or NULL */
    const char *command;        /* the one that runs: set by cli_run_command */
    const char *const *members; /* names it adds under the options given, in
                                   tf(7)'s order, to NULL: columns of TSV */

    /* The record loop calls these two, see cli_each(). */
    size_t data_size; /* of item->data: zeroed once, then reused */
    void (*data_release)(void *data);
    /* Read what the record holds (tokenize). On many threads at once. Returns
     * the record's cost in tokens, at least 1, or 0 with item->err set. */
    size_t (*prepare)(void *arg, struct cli_item *item);
    /* Answer n prepared items, none failed, within the token budget: fill each
     * item's out, or mark it with cli_item_fail. -1 ends the run with `err`
     * (a file error). NULL when prepare does all. */
    int (*run)(void *arg, struct cli_item **items, size_t n,
               struct tf_err *err);
    size_t token_budget; /* the most tokens in one run; 0: 1,024 */
    /* When not 0, no budget holds and nothing is answered early: run gets this
     * many records at a time, those that failed counted but left out; SIZE_MAX
     * means all of the input. */
    size_t hold;
};

/* The values of the shared options after cli_parse. */
struct cli_shared {
    const char *field, *pair_field; /* "text", "text_pair" */
    const char *model, *adapter, *cache_dir, *arch;
    int dtype;  /* enum cli_dtype */
    int format; /* enum cli_format */
    bool offline, quiet, verbose, no_truncation;
    int64_t batch_size, max_length; /* 0: not given */
    struct tf_pool *pool; /* of --threads; made at the first cli_pool() */
};
enum cli_dtype { CLI_AUTO, CLI_F32, CLI_BF16, CLI_F16, CLI_INT8 };
enum cli_format {
    CLI_JSONL,
    CLI_TSV,
    CLI_RAW, /* an item's out is printed as it is; for a tool whose own --format
                has a third word */
};
extern struct cli_shared cli;

/* Parse; handles -h, -V and errors itself. Returns the operands, NULL-ended. */
char **cli_parse(const struct cli_tool *tool, int argc, char **argv);
struct tf_pool *cli_pool(void);

/* The main of a tool with commands: finds the one that argv names, parses its
 * options and runs it. Returns what main returns. */
int cli_run_command(const struct cli_tool *tool, int argc, char **argv);

/* What of a model a tool opens: a hub id is pulled when that is missing. */
enum cli_need { CLI_NEED_MODEL, CLI_NEED_TOKENIZER, CLI_NEED_ADAPTER };

/*
 * The folder or GGUF file that a model spec names (cli.model, say): a path that
 * exists, else a hub id looked up in the cache and, unless offline, pulled by
 * tf-hub. Ends the tool when there is none. The answer lives on; NULL for NULL.
 */
const char *cli_model_path(const char *spec, enum cli_need need);
/* Find the folder of cli.adapter; its base model is cli.model when none is
 * named. A part of cli_parse() where the tool has --adapter. */
void cli_take_adapter(void);

/* Start another of these tools, argv[0], that reads `in`: the one beside this
 * program's real path, else the one on PATH. What it prints can be read from
 * *out. Ends this tool when that fails. */
pid_t cli_start_tool(const char *const *argv, int in, int *out);
/* Its exit status once it has ended; CLI_FILE by a signal, 127: there is no
 * such tool. */
int cli_wait_tool(pid_t child);
/* All that comes from a file descriptor, which is then closed. */
void cli_read_all(int fd, struct tf_buf *out);
/* The three at once, of one that reads nothing: its exit status. */
int cli_run_tool(const char *const *argv, struct tf_buf *out);

/*
 * The record loop over the files (none: standard input), exactly as tf(7)
 * says: what has arrived is processed, order is kept, errors stand in place.
 * Returns the exit status so far.
 */
int cli_each(const struct cli_tool *tool, char **files, void *arg);

/* Pass over so many records at the start of the run: they were answered. */
void cli_skip(size_t records);

/* Start a member of the tool's: the caller appends its value, JSON, to
 * item->out. --prefix, --only and columns are applied for it. */
void cli_put(struct cli_item *item, const char *name);
/* The answer has another record (tf-tokenize --overflow): begin it. */
void cli_put_record(struct cli_item *item);
/* This record can't be processed; -1. `code` is one of tf(7)'s. */
int cli_item_fail(struct cli_item *item, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Bytes for standard output right away, as with tf-generate --stream; the
 * records before are printed first. Only from `run`. */
void cli_write(const char *s, size_t len);

/* A bar for a long run, as --progress has it: how much of it is done, and
 * `text` ("12 steps"). Clear it before standard output gets a line. */
void cli_progress_bar(double part, const char *text);
void cli_progress_clear(void);

/* Count what --stats reports. */
void cli_count_tokens(struct cli_item *item, size_t n);
void cli_stats_loaded(const char *dtype); /* the model is open */
/* One more member of the --stats line; `value` is JSON. */
void cli_stats_put(const char *name, const char *value);

/* "tool: message" on standard error; note: not with --quiet; verbose: only
 * with --verbose; die ends with the status. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void cli_die(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A usage error with a pointer to --help; status 2. */
_Noreturn void cli_usage(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Close standard output, print --stats; returns the process's status. */
int cli_finish(int status);

/* A status for cli_die: of an error of the library. */
int cli_status_of(const struct tf_err *err);

/* The value of an option that is a size: "5GB" (1000s), "5GiB" (1024s) or
 * bytes. Anything else is a usage error. */
size_t cli_size(const char *option, const char *s);

/* The closest of `words` ("a|b|c") to `word`, or NULL when none is near. */
const char *cli_closest(const char *word, const char *words);
#endif

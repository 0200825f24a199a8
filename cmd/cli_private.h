/* What the files of cmd/cli_*.c share among themselves. */
#ifndef CLI_PRIVATE_H
#define CLI_PRIVATE_H

#include "cmd/cli.h"

#define CLI_VERSION "0.1.0"

extern const struct cli_tool *cli_tool; /* after cli_parse */

/* The shared options that only the record loop looks at. */
struct cli_settings {
    int input; /* auto, text, jsonl */
    bool nul, only, fail_fast, stats;
    int progress; /* auto, always, never */
    const char *prefix;
    char **columns; /* NULL-ended, or NULL */
};
enum { CLI_INPUT_AUTO, CLI_INPUT_TEXT, CLI_INPUT_JSONL };
enum { CLI_PROGRESS_AUTO, CLI_PROGRESS_ALWAYS, CLI_PROGRESS_NEVER };
extern struct cli_settings cli_settings;

/* The whole table: the tool's options, then the shared ones it has. */
struct cli_table {
    const struct cli_opt **opts;
    const char **sections; /* of each option, "Model" */
    size_t n;
};

bool cli_is_flag(const struct cli_opt *o); /* takes no value */
void cli_print_help(const struct cli_table *table);
/* False when `shell` is none of bash, zsh, fish. */
bool cli_print_completion(const struct cli_table *table, const char *shell);

/* Records, cut from files. */
struct cli_input;

struct cli_line {
    struct tf_str text; /* borrowed until the next call */
    const char *file;
    size_t number; /* of the record in its file, from 1 */
    bool json;
    bool too_large; /* text is empty then */
};

enum cli_next {
    CLI_NEXT_LINE,
    CLI_NEXT_DRY, /* only waiting would bring more */
    CLI_NEXT_END,
};

/* A record may have at most this many bytes. */
#define CLI_RECORD_MAX ((size_t)128 << 20)

struct cli_input *cli_input_new(char **files, struct tf_err *err);
/* The next record; with `wait` never CLI_NEXT_DRY. Files that can't be read
 * are reported; *status is raised then. */
enum cli_next cli_input_next(struct cli_input *in, bool wait,
                             struct cli_line *line, int *status);
/* Bytes read, and of all files together, or 0 when that is unknown. */
void cli_input_progress(const struct cli_input *in, uint64_t *done,
                        uint64_t *all);
void cli_input_free(struct cli_input *in);

/* A member that the tool adds: its value stands in out up to the next one. */
struct cli_added {
    const char *name;
    size_t begin, end;
    size_t record; /* 0, 1, ...: of the records this item answers with */
};

struct cli_item_private {
    struct tf_buf line;    /* the bytes of the record */
    struct tf_buf member;  /* a text as the member of a JSON object */
    struct tf_buf printed; /* the output record, ready */
    struct cli_added *added;
    size_t count, cap, records;
    size_t cost, tokens;
    bool too_large;
};

/* Render item->p->printed from what the item holds. */
void cli_render(struct cli_item *item);
/* Standard output: whole records, kept back until flushed. */
void cli_out(const char *s, size_t len);
void cli_flush(void);

void cli_progress_show(const struct cli_input *in);
double cli_now(void); /* seconds, monotonic */
void cli_stats_start(void);
void cli_stats_print(void);

/* Does a folder hold a model's weights? */
bool cli_model_whole(const char *dir);

/* Run tf-hub pull for what is needed of a repository; ends the tool with its
 * status when that fails. */
void cli_pull(const char *spec, enum cli_need need);

struct cli_counts {
    size_t records, errors, tokens;
};
extern struct cli_counts cli_counts;
#endif

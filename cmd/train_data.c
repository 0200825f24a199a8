#include "cmd/train_data.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "hub/cache.h"
#include "train/splits.h"

#define CARD     "README.md"
#define CARD_MAX ((size_t)1 << 26) /* bytes */

/* Arguments of a program, up to NULL; borrowed. */
struct words {
    const char **v;
    size_t n, cap;
};

static void add_word(struct words *w, const char *word)
{
    struct tf_err err;

    if (w->n + 1 >= w->cap) {
        w->cap = 2 * w->cap + 16;
        w->v = tf_grow(w->v, w->cap, sizeof(*w->v), &err);
        if (!w->v)
            cli_die(CLI_FILE, "%s", err.msg);
    }
    w->v[w->n++] = word;
    w->v[w->n] = NULL;
}

/* Run tf-hub COMMAND with what it prints in `out`. Returns its status. */
static int run_hub(const char *command, const struct words *more,
                   struct tf_buf *out)
{
    struct words argv = { 0 };
    int status;

    add_word(&argv, "tf-hub");
    add_word(&argv, command);
    if (cli.quiet)
        add_word(&argv, "--quiet");
    add_word(&argv, "--type");
    add_word(&argv, "dataset");
    add_word(&argv, "--");
    for (size_t i = 0; i < more->n; i++)
        add_word(&argv, more->v[i]);
    status = cli_run_tool(argv.v, out);
    free(argv.v);
    return status;
}

/* A data set, and what is known of it. */
struct source {
    const char *spec; /* as it was written */
    char *repo;       /* "org/name@revision" */
    const char *part; /* "CONFIG/SPLIT" or "" */
    struct tf_split split;
    const char *usual;
    struct tf_paths files;
};

/* The paths that tf-hub ls lists. */
static void take_listing(struct source *s, struct tf_buf *lines)
{
    const char *p = tf_buf_cstr(lines), *end = p + lines->len;
    struct tf_str key, path;
    struct tf_err err;
    struct tf_json j;

    tf_json_init(&j, p, (size_t)(end - p));
    while (tf_json_peek(&j) == TF_JSON_OBJECT && tf_json_object(&j))
        while (tf_json_key(&j, &key)) {
            char *name;

            if (!tf_str_is(key, "path") || !tf_json_string(&j, &path)) {
                tf_json_skip(&j, NULL);
                continue;
            }
            name = tf_strndup(path.s, path.len, &err);
            if (!name || tf_paths_add(&s->files, name, &err))
                cli_die(CLI_FILE, "%s", err.msg);
            free(name);
        }
    tf_json_release(&j);
}

static bool has_card(const struct source *s)
{
    for (size_t i = 0; i < s->files.count; i++)
        if (!strcmp(s->files.v[i], CARD))
            return true;
    return false;
}

/* The card's text; empty where there is none. */
static void fetch_card(const struct source *s, struct tf_buf *card)
{
    struct tf_buf path = TF_BUF_INIT;
    struct words words = { 0 };
    struct tf_err err;
    int status;

    if (!has_card(s))
        return;
    add_word(&words, s->repo);
    add_word(&words, CARD);
    status = run_hub("pull", &words, &path);
    if (status)
        cli_die(status, "%s: can't get its " CARD, s->spec);
    path.len -= path.len && path.data[path.len - 1] == '\n';
    if (tf_file_read(tf_buf_cstr(&path), CARD_MAX, card, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    tf_buf_release(&path);
    free(words.v);
}

/* Fetch the files of the split. */
static void fetch_files(const struct source *s)
{
    struct tf_buf card = TF_BUF_INIT, path = TF_BUF_INIT;
    struct tf_paths chosen = { 0 };
    struct words words = { 0 };
    struct tf_err err;
    int status;

    fetch_card(s, &card);
    if (tf_split_choose(&s->split, &s->files, tf_buf_cstr(&card), card.len,
                        s->usual, &chosen, &err))
        cli_die(CLI_USAGE,
                "%s: %s; the hub may have it as Parquet: hub:%.*s"
                "@refs/convert/parquet",
                s->spec, err.msg, (int)strcspn(s->repo, "@"), s->repo);
    add_word(&words, s->repo);
    for (size_t i = 0; i < chosen.count; i++)
        add_word(&words, chosen.v[i]);
    status = run_hub("pull", &words, &path);
    if (status)
        cli_die(status, "can't get %s", s->spec);
    tf_paths_release(&chosen);
    tf_buf_release(&card);
    tf_buf_release(&path);
    free(words.v);
}

/* The snapshot's folder, by the network unless that is not to be used or can't
 * be reached and the cache has one. */
static char *find_folder(struct source *s)
{
    struct tf_buf listing = TF_BUF_INIT;
    struct words words = { 0 };
    struct tf_hub_ref ref;
    struct tf_err err;
    int status = 0;
    char *dir;

    if (tf_hub_ref_parse(&ref, TF_HUB_DATASET, s->repo, &err))
        cli_die(CLI_USAGE, "%s: %s", s->spec, err.msg);
    add_word(&words, s->repo);
    if (!cli.offline) {
        status = run_hub("ls", &words, &listing);
        if (status == 127)
            cli_die(CLI_FILE,
                    "there is no tf-hub to get %s, neither beside "
                    "this program nor on PATH",
                    s->spec);
    }
    if (!cli.offline && !status) {
        take_listing(s, &listing);
        fetch_files(s);
    }
    dir = tf_hub_cache_find(cli.cache_dir, TF_HUB_DATASET, ref.repo,
                            ref.revision, &err);
    if (!dir)
        cli_die(status ? status : CLI_FILE, "%s: %s", s->spec, err.msg);
    if (status)
        cli_note("%s: what the cache has of it is used", s->spec);
    tf_hub_ref_release(&ref);
    tf_buf_release(&listing);
    free(words.v);
    return dir;
}

/* "hub:..." as "FOLDER:SPLIT", which names what was fetched. */
static json_t *fetch(const char *spec, const char *usual)
{
    struct source s = { .spec = spec, .usual = usual };
    const char *repo = spec + 4, *colon = strchr(repo, ':');
    struct tf_buf path = TF_BUF_INIT;
    struct tf_err err;
    json_t *file;
    char *dir;

    s.repo =
        tf_strndup(repo, colon ? (size_t)(colon - repo) : strlen(repo), &err);
    s.part = colon ? colon + 1 : "";
    if (!s.repo || tf_split_parse(&s.split, s.part, &err))
        cli_die(CLI_FILE, "%s", err.msg);
    dir = find_folder(&s);
    tf_buf_addf(&path, "%s:%s", dir, s.part);
    file = json_string(tf_buf_cstr(&path));
    if (!file)
        cli_die(CLI_FILE, "no memory");
    tf_buf_release(&path);
    tf_split_release(&s.split);
    tf_paths_release(&s.files);
    free(s.repo);
    free(dir);
    return file;
}

/* The same value with what is of the hub replaced; new. */
static json_t *fetch_all(json_t *files, const char *usual)
{
    const char *path = json_string_value(files);
    json_t *list, *file;
    size_t i;

    if (!json_is_array(files))
        return path && !strncmp(path, "hub:", 4) ? fetch(path, usual)
                                                 : json_incref(files);
    list = json_array();
    json_array_foreach (files, i, file)
        json_array_append_new(list, fetch_all(file, usual));
    return list;
}

void train_data_fetch(struct tf_train_config *config)
{
    struct {
        const char *key, *usual;
        json_t **at;
    } keys[] = { { "train_file", "train", &config->train_file },
                 { "validation_file", "validation",
                   &config->validation_file } };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_t *files = *keys[i].at;

        if (!files)
            continue;
        files = fetch_all(files, keys[i].usual);
        json_object_set_new(config->json, keys[i].key, files);
        *keys[i].at = files;
    }
}

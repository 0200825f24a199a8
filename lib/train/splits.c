#include "train/splits.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/io.h"
#include "base/mem.h"
#include "train/card.h"

#define DEPTH 32

int tf_paths_add(struct tf_paths *p, const char *path, struct tf_err *err)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        char **v = tf_grow(p->v, cap, sizeof(*v), err);

        if (!v)
            return -1;
        p->v = v;
        p->cap = cap;
    }
    p->v[p->count] = tf_strndup(path, strlen(path), err);
    return p->v[p->count] ? (p->count++, 0) : -1;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void tf_paths_sort(struct tf_paths *p)
{
    if (p->count)
        qsort(p->v, p->count, sizeof(p->v[0]), by_bytes);
}

void tf_paths_release(struct tf_paths *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->v[i]);
    free(p->v);
    memset(p, 0, sizeof(*p));
}

/* Files below root/at, by their paths from root on. */
static int gather(struct tf_paths *p, const char *root, const char *at,
                  int depth, struct tf_err *err)
{
    char *dir = tf_path(root, at, err);
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *e;
    int failed = 0;

    if (!d) {
        if (dir)
            (void)tf_fail(err, "%.300s: %s", dir, strerror(errno));
        free(dir);
        return -1;
    }
    while (!failed && (e = readdir(d))) {
        struct stat st;
        char *path, *full;

        if (*e->d_name == '.')
            continue;
        path = tf_path(at, e->d_name, err);
        full = path ? tf_path(dir, e->d_name, err) : NULL;
        failed = !full;
        if (full && !stat(full, &st)) {
            if (S_ISREG(st.st_mode))
                failed = tf_paths_add(p, path, err);
            else if (S_ISDIR(st.st_mode) && strncmp(e->d_name, "__", 2) &&
                     depth < DEPTH)
                failed = gather(p, root, path, depth + 1, err);
        }
        free(path);
        free(full);
    }
    closedir(d);
    free(dir);
    return failed;
}

int tf_paths_below(struct tf_paths *p, const char *dir, struct tf_err *err)
{
    if (gather(p, dir, "", 0, err))
        return -1;
    tf_paths_sort(p);
    return 0;
}

int tf_split_parse(struct tf_split *s, const char *text, struct tf_err *err)
{
    const char *slash = strrchr(text, '/');
    const char *name = slash ? slash + 1 : text;

    memset(s, 0, sizeof(*s));
    if (slash)
        s->config = tf_strndup(text, (size_t)(slash - text), err);
    if (*name)
        s->name = tf_strndup(name, strlen(name), err);
    return (slash && !s->config) || (*name && !s->name) ? -1 : 0;
}

void tf_split_release(struct tf_split *s)
{
    free(s->config);
    free(s->name);
    memset(s, 0, sizeof(*s));
}

/* [abc], [a-z], [!abc] at *p, which is moved past it. */
static bool class_matches(const char **p, char c)
{
    const char *q = *p + 1;
    bool negated = *q == '!', yes = false;

    q += negated;
    for (const char *first = q; *q && (*q != ']' || q == first); q++)
        if (q[1] == '-' && q[2] && q[2] != ']') {
            yes |= c >= *q && c <= q[2];
            q += 2;
        } else {
            yes |= c == *q;
        }
    *p = *q ? q + 1 : q;
    return yes != negated;
}

/* As tf_path_matches; `tries` bounds what many stars cost. */
static bool matches(const char *p, const char *s, int *tries)
{
    while (*p) {
        if (--*tries < 0)
            return false;
        if (*p == '*') {
            bool any = p[1] == '*';

            p += any ? 2 : 1;
            if (any && *p == '/' && matches(p + 1, s, tries))
                return true; /* no folder at all */
            do {
                if (matches(p, s, tries))
                    return true;
            } while (*s && (any || *s != '/') && *s++);
            return false;
        }
        if (!*s)
            return false;
        if (*p == '[' && strchr(p + 1, ']')) {
            if (*s == '/' || !class_matches(&p, *s))
                return false;
            s++;
            continue;
        }
        if (*p == '?' ? *s == '/' : *p != *s)
            return false;
        p++;
        s++;
    }
    return !*s;
}

bool tf_path_matches(const char *pattern, const char *path)
{
    int tries = 1000000;

    return matches(pattern, path, &tries);
}

/* The reader that a name asks for; -1: none. Compression ends do not count. */
static int format_of(const char *path)
{
    static const char *const ends[][3] = { { ".parquet", ".arrow" },
                                           { ".jsonl", ".json", ".ndjson" },
                                           { ".csv", ".tsv" },
                                           { ".txt" } };
    size_t n = strlen(path);

    if (n > 3 && !strcasecmp(path + n - 3, ".gz"))
        n -= 3;
    else if (n > 4 && !strcasecmp(path + n - 4, ".zst"))
        n -= 4;
    for (int f = 0; f < 4; f++)
        for (int k = 0; k < 3 && ends[f][k]; k++) {
            size_t m = strlen(ends[f][k]);

            if (n > m && !strncasecmp(path + n - m, ends[f][k], m))
                return f;
        }
    return -1;
}

/* Is it a name of a file that holds records? */
static bool is_data(const char *path)
{
    static const char *const notes[] = {
        "config.json",       "dataset_info.json", "dataset_infos.json",
        "dataset_dict.json", "state.json",
    };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        if (!strcmp(name, notes[i]))
            return false;
    return format_of(path) >= 0;
}

static bool is_mark(char c)
{
    return c && (strchr("-._ ", c) || isdigit((unsigned char)c));
}

/* Does the word stand in [s, s + n), apart from what is around it? In a file's
 * name something must come after it. */
static bool has_word(const char *s, size_t n, const char *word, bool file)
{
    size_t m = strlen(word);

    for (size_t i = 0; i + m <= n; i++)
        if (!memcmp(s + i, word, m) && (i == 0 || is_mark(s[i - 1])) &&
            (i + m == n ? !file : is_mark(s[i + m])))
            return true;
    return false;
}

enum rule { BY_FOLDER, BY_FILE };

static bool names_split(const char *path, const char *split, enum rule rule)
{
    static const char *const words[][5] = {
        { "train", "train", "training" },
        { "validation", "validation", "valid", "dev", "val" },
        { "test", "test", "testing", "eval", "evaluation" },
    };
    const char *end;

    for (int k = 0; k < 3; k++) {
        if (strcmp(words[k][0], split))
            continue;
        for (int w = 1; w < 5 && words[k][w]; w++)
            for (const char *p = path; *p; p = *end ? end + 1 : end) {
                end = p + strcspn(p, "/");
                if ((rule == BY_FILE) == !*end &&
                    has_word(p, (size_t)(end - p), words[k][w],
                             rule == BY_FILE))
                    return true;
            }
    }
    return false;
}

/* "data/SPLIT-00000-of-00001..." : the length of the split's name, else 0. */
static size_t sharded(const char *path)
{
    const char *p = path;

    while ((p = strchr(p, '-'))) {
        if (tf_path_matches("-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9]"
                            "[0-9]*.*",
                            p) &&
            !strncmp(path, "data/", 5))
            return (size_t)(p - path) - 5;
        p++;
    }
    return 0;
}

struct choice {
    const struct tf_paths *all;
    const char *under; /* only files below this folder; "" */
    struct tf_paths *out;
    struct tf_err *err;
};

/* Is it, or does it lie in, what is left out? */
static bool is_hidden(const char *path)
{
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (*p == '.' || (!strncmp(p, "__", 2) && strchr(p, '/')))
            return true;
    }
    return false;
}

/* A file that may be taken, as seen from `under`; NULL: another. */
static const char *inside(const struct choice *c, size_t i)
{
    const char *path = c->all->v[i];
    size_t n = strlen(c->under);

    if (!is_data(path) || is_hidden(path) || (n && strncmp(path, c->under, n)))
        return NULL;
    return path + n;
}

static int by_names(struct choice *c, const struct tf_split *s,
                    const char *split)
{
    static const char *const usual[] = { "train", "validation", "test" };
    bool any = false;

    for (size_t i = 0; i < c->all->count; i++) {
        const char *path = inside(c, i);
        size_t n = path ? sharded(path) : 0;

        any |= n > 0;
        if (n == strlen(split) && n && !strncmp(path + 5, split, n) &&
            tf_paths_add(c->out, c->all->v[i], c->err))
            return -1;
    }
    for (int rule = BY_FOLDER; rule <= BY_FILE && !any; rule++)
        for (size_t i = 0; i < c->all->count; i++) {
            const char *path = inside(c, i);

            for (int k = 0; path && k < 3; k++)
                any |= names_split(path, usual[k], (enum rule)rule);
            if (path && names_split(path, split, (enum rule)rule) &&
                tf_paths_add(c->out, c->all->v[i], c->err))
                return -1;
        }
    for (size_t i = 0; i < c->all->count && !any; i++)
        if (inside(c, i) && (s->whole || !strcmp(split, "train")) &&
            tf_paths_add(c->out, c->all->v[i], c->err))
            return -1;
    return 0;
}

static int by_patterns(struct choice *c, json_t *patterns)
{
    size_t n = json_is_array(patterns) ? json_array_size(patterns) : 1;

    for (size_t k = 0; k < n; k++) {
        const char *pattern = json_string_value(
            json_is_array(patterns) ? json_array_get(patterns, k) : patterns);

        for (size_t i = 0; pattern && i < c->all->count; i++) {
            const char *path = inside(c, i);

            if (path && tf_path_matches(pattern, path) &&
                tf_paths_add(c->out, c->all->v[i], c->err))
                return -1;
        }
    }
    return 0;
}

/* Drop what is there twice, and what is not of the commonest format. */
static void keep_one_format(struct tf_paths *p)
{
    size_t counts[4] = { 0 }, n = 0;
    int best = 0;

    tf_paths_sort(p);
    for (size_t i = 0; i < p->count; i++)
        counts[format_of(p->v[i])]++;
    for (int f = 1; f < 4; f++)
        if (counts[f] > counts[best])
            best = f;
    for (size_t i = 0; i < p->count; i++)
        if (format_of(p->v[i]) == best && (!n || strcmp(p->v[n - 1], p->v[i])))
            p->v[n++] = p->v[i];
        else
            free(p->v[i]);
    p->count = n;
}

/* Are all files there that their names count? */
static int check_shards(const struct tf_paths *p, struct tf_err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *of = strstr(p->v[i], "-of-");
        size_t n, same = 0, len;

        if (!of || of - p->v[i] < 6)
            continue;
        len = (size_t)(of - p->v[i]) - 5;
        n = strtoul(of + 4, NULL, 10);
        for (size_t k = 0; k < p->count; k++)
            same += !strncmp(p->v[k], p->v[i], len) &&
                    !strncmp(p->v[k] + len + 5, of, 9);
        if (same < n)
            return tf_fail(err, "only %zu of %zu files like %.200s are there",
                           same, n, p->v[i]);
    }
    return 0;
}

static int choose(struct choice *c, json_t *card, const struct tf_split *s,
                  const char *split)
{
    json_t *config = tf_card_config(card, s->config);
    json_t *files = tf_card_files(config, split);
    const char *dir = json_string_value(json_object_get(config, "data_dir"));
    char *under = NULL;
    int failed;

    if (!config && json_array_size(json_object_get(card, "configs")))
        return 0; /* one of them is to be named */
    /* without a card a configuration is a folder */
    if (!config && s->config)
        dir = s->config;
    if (dir && strcmp(dir, ".")) {
        size_t n = strlen(dir);

        while (n && dir[n - 1] == '/')
            n--;
        under = tf_strndup(dir, n + 1, c->err);
        if (!under)
            return -1;
        under[n] = n ? '/' : 0;
    }
    c->under = under ? under : "";
    failed = json_object_get(config, "data_files") ? by_patterns(c, files)
                                                   : by_names(c, s, split);
    free(under);
    return failed;
}

/* Nothing was found: say what there is. */
static int none(const struct tf_split *s, json_t *card, const char *split,
                struct tf_err *err)
{
    json_t *configs = json_object_get(card, "configs"), *c;
    char names[200] = "";
    size_t i, at = 0;

    json_array_foreach (configs, i, c) {
        const char *name = json_string_value(json_object_get(c, "config_name"));

        if (name && at + strlen(name) + 3 < sizeof(names))
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                                   at ? ", " : "", name);
    }
    if (at && !tf_card_config(card, s->config))
        return tf_fail(err, "%s%s; choose one of %s, as \":NAME/\"",
                       s->config ? "no configuration " : "many configurations",
                       s->config ? s->config : "", names);
    return tf_fail(err, "no files that can be read for the split \"%.60s\"",
                   split);
}

int tf_split_choose(const struct tf_split *s, const struct tf_paths *all,
                    const char *card, size_t card_len, const char *usual,
                    struct tf_paths *chosen, struct tf_err *err)
{
    const char *split = s->name ? s->name : usual;
    struct choice c = { .all = all, .out = chosen, .err = err };
    json_t *head = tf_card_read(card, card ? card_len : 0);
    int failed;

    if (!head)
        return tf_no_memory(err, card_len);
    failed = choose(&c, head, s, split);
    if (!failed && !chosen->count && !s->name && !strcmp(split, "validation"))
        failed = choose(&c, head, s, "test");
    if (!failed && !chosen->count)
        failed = none(s, head, split, err);
    json_decref(head);
    if (failed)
        return -1;
    keep_one_format(chosen);
    return check_shards(chosen, err);
}

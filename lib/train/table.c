#include "train/table.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "format/arrow.h"
#include "format/decompress.h"
#include "format/parquet.h"
#include "train/card.h"
#include "train/table_parts.h"

#define FEATURES "huggingface" /* key of the metadata of a data set's files */

/* Bytes that the data of a run may have: what the machine has. */
static size_t most_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size
                                 : (size_t)1 << 34;
}

int tf_table_add_row(struct tf_table *t, size_t at, size_t line,
                     struct tf_err *err)
{
    if (t->text.failed)
        return tf_no_memory(err, t->text.len);
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 1024;
        struct tf_table_row *rows = tf_grow(t->rows, cap, sizeof(*rows), err);

        if (!rows)
            return -1;
        t->rows = rows;
        t->cap = cap;
        if (t->text.len > most_bytes())
            return tf_fail(err, "the data is larger than this machine's "
                                "memory");
    }
    t->rows[t->count++] =
        (struct tf_table_row){ at, t->text.len - at, line, t->file_count - 1 };
    return 0;
}

int tf_table_add_file(struct tf_table *t, const char *path, struct tf_err *err)
{
    char **files = tf_grow(t->files, t->file_count + 1, sizeof(*files), err);

    if (!files)
        return -1;
    t->files = files;
    files[t->file_count] = tf_strndup(path, strlen(path), err);
    return files[t->file_count] ? (t->file_count++, 0) : -1;
}

static bool begins_with(struct tf_str s, const char *magic, size_t n)
{
    return s.len >= n && !memcmp(s.s, magic, n);
}

int tf_table_file_text(const char *path, struct tf_buf *out, struct tf_err *err)
{
    struct tf_buf bytes = TF_BUF_INIT;
    size_t limit = most_bytes();
    struct tf_str s;
    int failed = tf_file_read(path, limit, &bytes, err);

    s = (struct tf_str){ tf_buf_cstr(&bytes), bytes.len };
    if (!failed && begins_with(s, "\x1f\x8b", 2)) {
        failed = tf_gunzip(s.s, s.len, limit, out, err);
    } else if (!failed && begins_with(s, "\x28\xb5\x2f\xfd", 4)) {
        failed = tf_unzstd(s.s, s.len, limit, out, err);
    } else {
        tf_buf_release(out);
        *out = bytes;
        return failed;
    }
    tf_buf_release(&bytes);
    if (failed)
        tf_err_at(err, path);
    return failed;
}

/* Does a name end so, but for what says how it is compressed? */
static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    if (n > 3 && !strcasecmp(path + n - 3, ".gz"))
        n -= 3;
    else if (n > 4 && !strcasecmp(path + n - 4, ".zst"))
        n -= 4;
    return n > m && !strncasecmp(path + n - m, end, m);
}

static bool is_json(const char *path, struct tf_str text)
{
    size_t i = 0;

    while (i < text.len && strchr(" \t\r\n", text.s[i]) && text.s[i])
        i++;
    if (i == text.len)
        return true;
    return text.s[i] == '{' || ends_with(path, ".json") ||
           ends_with(path, ".jsonl") || ends_with(path, ".ndjson");
}

static int read_lines(struct tf_table *t, struct tf_str text,
                      struct tf_err *err)
{
    const char *p = text.s, *end = p + text.len;

    for (size_t line = 1; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p), at = t->text.len;
        char where[32];

        n -= n && p[n - 1] == '\r';
        if (tf_utf8_valid(p, n) != n) {
            snprintf(where, sizeof(where), "line %zu", line);
            (void)tf_fail(err, "invalid UTF-8");
            tf_err_at(err, where);
            return -1;
        }
        if (n) {
            tf_buf_adds(&t->text, "{\"text\": ");
            tf_put_string(&t->text, p, n);
            tf_buf_addc(&t->text, '}');
            if (tf_table_add_row(t, at, line, err))
                return -1;
        }
        p = stop ? stop + 1 : end;
    }
    return 0;
}

static int read_text(struct tf_table *t, const char *path, struct tf_str text,
                     const char *numeric, struct tf_err *err)
{
    bool csv = ends_with(path, ".csv");

    if (begins_with(text, "\xef\xbb\xbf", 3)) {
        text.s += 3;
        text.len -= 3;
    }
    if (!text.len)
        return tf_fail(err, "empty");
    if (memchr(text.s, 0, text.len < 4096 ? text.len : 4096))
        return tf_fail(err, "not a text; give JSON lines, CSV, TSV or Parquet");
    if (csv || ends_with(path, ".tsv"))
        return tf_table_read_cells(t, text, csv, numeric, err);
    return is_json(path, text) ? tf_table_read_json(t, text, err)
                               : read_lines(t, text, err);
}

int tf_table_take_classes(struct tf_table *t, json_t *classes,
                          struct tf_err *err)
{
    if (!t->classes && !(t->classes = json_object()))
        return tf_no_memory(err, 1);
    return json_object_update_missing(t->classes, classes)
               ? tf_no_memory(err, 1)
               : 0;
}

/* Hugging Face's features, as far as they name classes. */
static int read_features(struct tf_table *t, struct tf_str text,
                         struct tf_err *err)
{
    json_t *all = text.s ? json_loadb(text.s, text.len, 0, NULL) : NULL;
    json_t *classes = tf_feature_classes(
        json_object_get(json_object_get(all, "info"), "features"));
    int failed = !classes || tf_table_take_classes(t, classes, err);

    json_decref(classes);
    json_decref(all);
    return failed;
}

static int read_parquet(struct tf_table *t, struct tf_str bytes,
                        struct tf_err *err)
{
    struct tf_parquet *p = tf_parquet_read(bytes.s, bytes.len, err);
    int more = p ? 1 : -1;

    if (p && read_features(t, tf_parquet_metadata(p, FEATURES), err))
        more = -1;
    for (size_t row = 1; more > 0; row++) {
        size_t at = t->text.len;

        more = tf_parquet_next(p, &t->text, err);
        if (more > 0 && tf_table_add_row(t, at, row, err))
            more = -1;
    }
    tf_parquet_close(p);
    return more;
}

static int read_arrow(struct tf_table *t, struct tf_str bytes,
                      struct tf_err *err)
{
    struct tf_arrow *a = tf_arrow_read(bytes.s, bytes.len, err);
    int more = a ? 1 : -1;

    if (a && read_features(t, tf_arrow_metadata(a, FEATURES), err))
        more = -1;
    for (size_t row = 1; more > 0; row++) {
        size_t at = t->text.len;

        more = tf_arrow_next(a, &t->text, err);
        if (more > 0 && tf_table_add_row(t, at, row, err))
            more = -1;
    }
    tf_arrow_close(a);
    return more;
}

static int read_bytes(struct tf_table *t, const char *path, struct tf_str bytes,
                      const char *numeric, struct tf_err *err)
{
    if (begins_with(bytes, "PAR1", 4))
        return read_parquet(t, bytes, err);
    if (tf_arrow_is(bytes.s, bytes.len) || ends_with(path, ".arrow"))
        return read_arrow(t, bytes, err);
    return read_text(t, path, bytes, numeric, err);
}

int tf_table_read_file(struct tf_table *t, const char *path,
                       const char *numeric, struct tf_err *err)
{
    struct tf_buf bytes = TF_BUF_INIT;
    struct tf_str text;
    int failed;

    if (tf_table_add_file(t, path, err))
        return -1;
    if (tf_table_file_text(path, &bytes, err)) {
        tf_buf_release(&bytes);
        return -1;
    }
    text = (struct tf_str){ tf_buf_cstr(&bytes), bytes.len };
    failed = read_bytes(t, path, text, numeric, err);
    if (failed)
        tf_err_at(err, path);
    tf_buf_release(&bytes);
    return failed;
}

/* "FOLDER:SPLIT": the folder as a new string, or NULL; *rest is the split. */
static char *folder_of(const char *path, const char **rest, struct tf_err *err)
{
    for (const char *p = path; (p = strchr(p, ':')); p++) {
        char *dir = tf_strndup(path, (size_t)(p - path), err);

        if (dir && tf_dir_exists(dir)) {
            *rest = p + 1;
            return dir;
        }
        free(dir);
    }
    return NULL;
}

static int read_part(struct tf_table *t, const char *path,
                     const struct tf_table_opts *opts, struct tf_err *err)
{
    struct tf_split split = { 0 };
    const char *name;
    char *dir = folder_of(path, &name, err);
    int failed;

    if (!dir)
        return tf_table_read_file(t, path, opts->numeric, err);
    failed = tf_split_parse(&split, name, err) ||
             tf_table_read_folder(t, dir, &split, opts, err);
    tf_split_release(&split);
    free(dir);
    return failed ? -1 : 0;
}

static int read_matches(struct tf_table *t, const char *pattern,
                        const struct tf_table_opts *opts, struct tf_err *err)
{
    glob_t found;
    int status = glob(pattern, 0, NULL, &found);

    if (status == GLOB_NOMATCH)
        return read_part(t, pattern, opts, err);
    if (status)
        return tf_fail(err, "%.300s: can't look for files", pattern);
    for (size_t i = 0; !status && i < found.gl_pathc; i++)
        status = tf_table_read_file(t, found.gl_pathv[i], opts->numeric, err);
    globfree(&found);
    return status;
}

int tf_table_read(struct tf_table *t, const char *path,
                  const struct tf_table_opts *opts, struct tf_err *err)
{
    static const struct tf_split whole = { .whole = true };

    if (tf_dir_exists(path))
        return tf_table_read_folder(t, path, &whole, opts, err);
    if (!tf_file_exists(path) && strpbrk(path, "*?["))
        return read_matches(t, path, opts, err);
    return tf_file_exists(path)
               ? tf_table_read_file(t, path, opts->numeric, err)
               : read_part(t, path, opts, err);
}

void tf_table_release(struct tf_table *t)
{
    for (size_t i = 0; i < t->file_count; i++)
        free(t->files[i]);
    free(t->files);
    free(t->rows);
    tf_buf_release(&t->text);
    json_decref(t->classes);
    memset(t, 0, sizeof(*t));
}

struct tf_str tf_table_row(const struct tf_table *t, size_t i)
{
    return (struct tf_str){ t->text.data + t->rows[i].at, t->rows[i].len };
}

void tf_table_err_at(const struct tf_table *t, size_t i, struct tf_err *err)
{
    const struct tf_table_row *row = &t->rows[i];
    char where[300];

    snprintf(where, sizeof(where), "%.250s:%zu", t->files[row->file],
             row->line);
    tf_err_at(err, where);
}

json_t *tf_table_classes(const struct tf_table *t, const char *column)
{
    return json_object_get(t->classes, column);
}

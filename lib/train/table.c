#include "train/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/io.h"
#include "base/json.h"
#include "base/jsonl.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)1 << 40) /* bytes */

static int add_row(struct tf_table *t, size_t at, size_t line,
                   struct tf_err *err)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 1024;
        struct tf_table_row *rows = tf_grow(t->rows, cap, sizeof(*rows), err);

        if (!rows)
            return -1;
        t->rows = rows;
        t->cap = cap;
    }
    t->rows[t->count++] =
        (struct tf_table_row){ at, t->text.len - at, line, t->file_count - 1 };
    return 0;
}

static int read_lines(struct tf_table *t, struct tf_str text,
                      struct tf_err *err)
{
    const char *p = text.s, *end = p + text.len;

    for (size_t line = 1; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p), at = t->text.len;

        if (n != 0 && strspn(p, " \t\r") < n) {
            tf_buf_add(&t->text, p, n);
            if (add_row(t, at, line, err))
                return -1;
        }
        p = stop ? stop + 1 : end;
    }
    return 0;
}

/* Reads the cells of a CSV or TSV file. */
struct cells {
    const char *p, *end;
    char mark; /* between cells */
    bool quotes;
    size_t line;
    struct tf_buf cell;
    bool last;   /* the cell ended its row */
    bool quoted; /* the cell was in quotes */
};

/* A quoted cell up to its closing quote, which is passed. */
static int read_quoted(struct cells *c, struct tf_err *err)
{
    size_t first = c->line;

    for (c->p++; c->p < c->end; c->p++) {
        if (*c->p == '"' && (++c->p == c->end || *c->p != '"'))
            return 0;
        c->line += *c->p == '\n';
        tf_buf_addc(&c->cell, *c->p);
    }
    c->line = first;
    return tf_fail(err, "a quote that is not closed");
}

/* The next cell, into c->cell. */
static int next_cell(struct cells *c, struct tf_err *err)
{
    tf_buf_reset(&c->cell);
    c->quoted = c->quotes && c->p < c->end && *c->p == '"';
    if (c->quoted && read_quoted(c, err))
        return -1;
    for (; c->p < c->end && *c->p != c->mark && *c->p != '\n'; c->p++)
        tf_buf_addc(&c->cell, *c->p);
    c->last = c->p == c->end || *c->p == '\n';
    if (c->last && c->cell.len && c->cell.data[c->cell.len - 1] == '\r')
        c->cell.len--;
    if (c->p < c->end)
        c->p++;
    return 0;
}

static bool is_number(const struct tf_buf *cell)
{
    struct tf_json j;
    double d;
    bool yes;

    tf_json_init(&j, cell->data, cell->len);
    yes = cell->len && tf_json_peek(&j) == TF_JSON_NUMBER &&
          tf_json_double(&j, &d) && tf_json_done(&j);
    tf_json_release(&j);
    return yes;
}

struct header {
    char **names;
    size_t count;
};

static int read_header(struct cells *c, struct header *h, struct tf_err *err)
{
    do {
        char **names = tf_grow(h->names, h->count + 1, sizeof(*names), err);

        if (!names)
            return -1;
        h->names = names;
        if (next_cell(c, err))
            return -1;
        names[h->count] = tf_strndup(tf_buf_cstr(&c->cell), c->cell.len, err);
        if (!names[h->count])
            return -1;
        h->count++;
    } while (!c->last);
    c->line++;
    return 0;
}

static int read_row(struct tf_table *t, struct cells *c, const struct header *h,
                    const char *numeric, struct tf_err *err)
{
    size_t at = t->text.len, line = c->line;

    for (size_t i = 0;; i++) {
        if (next_cell(c, err))
            return -1;
        if (i == 0 && c->last && !c->cell.len && !c->quoted) {
            c->line++;
            return 0; /* a blank line */
        }
        if (i >= h->count || (c->last && i + 1 < h->count))
            return tf_fail(err, "the header has %zu cells, this row has %s",
                           h->count, i >= h->count ? "more" : "fewer");
        if (tf_utf8_valid(c->cell.data, c->cell.len) != c->cell.len)
            return tf_fail(err, "invalid UTF-8");
        tf_buf_adds(&t->text, i ? ", " : "{");
        tf_put_string(&t->text, h->names[i], strlen(h->names[i]));
        tf_buf_adds(&t->text, ": ");
        if (numeric && !strcmp(h->names[i], numeric) && is_number(&c->cell))
            tf_buf_add(&t->text, c->cell.data, c->cell.len);
        else
            tf_put_string(&t->text, c->cell.data, c->cell.len);
        if (c->last)
            break;
    }
    tf_buf_addc(&t->text, '}');
    c->line++;
    return add_row(t, at, line, err);
}

static int read_cells(struct tf_table *t, struct tf_str text, bool csv,
                      const char *numeric, struct tf_err *err)
{
    struct cells c = { .p = text.s,
                       .end = text.s + text.len,
                       .mark = csv ? ',' : '\t',
                       .quotes = csv,
                       .line = 1 };
    struct header h = { .count = 0 };
    int failed = read_header(&c, &h, err);
    char where[32];

    while (!failed && c.p < c.end)
        failed = read_row(t, &c, &h, numeric, err);
    if (failed) {
        snprintf(where, sizeof(where), "line %zu", c.line);
        tf_err_at(err, where);
    }
    for (size_t i = 0; i < h.count; i++)
        free(h.names[i]);
    free(h.names);
    tf_buf_release(&c.cell);
    return failed;
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return n > m && !strcasecmp(path + n - m, end);
}

/* What tells a form that is not read here. */
static int check_form(const char *path, struct tf_str text, struct tf_err *err)
{
    static const char *const forms[] = { ".parquet", ".gz", ".zst", ".arrow" };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (ends_with(path, forms[i]))
            return tf_fail(err,
                           "%s files are not supported; give JSON lines, "
                           ".csv or .tsv",
                           forms[i]);
    if (memchr(text.s, 0, text.len < 4096 ? text.len : 4096))
        return tf_fail(err, "not a text; give JSON lines, .csv or .tsv");
    return 0;
}

static int read_text(struct tf_table *t, const char *path, struct tf_str text,
                     const char *numeric, struct tf_err *err)
{
    bool csv = ends_with(path, ".csv");

    if (text.len >= 3 && !memcmp(text.s, "\xef\xbb\xbf", 3)) {
        text.s += 3;
        text.len -= 3;
    }
    if (!text.len)
        return tf_fail(err, "empty");
    if (check_form(path, text, err))
        return -1;
    return csv || ends_with(path, ".tsv")
               ? read_cells(t, text, csv, numeric, err)
               : read_lines(t, text, err);
}

int tf_table_read(struct tf_table *t, const char *path, const char *numeric,
                  struct tf_err *err)
{
    char **files = tf_grow(t->files, t->file_count + 1, sizeof(*files), err);
    struct tf_buf text = TF_BUF_INIT;
    int failed;

    if (!files)
        return -1;
    t->files = files;
    files[t->file_count] = tf_strndup(path, strlen(path), err);
    if (!files[t->file_count])
        return -1;
    t->file_count++;
    if (tf_file_read(path, FILE_MAX, &text, err)) {
        tf_buf_release(&text);
        return -1;
    }
    failed = read_text(t, path, (struct tf_str){ text.data, text.len }, numeric,
                       err);
    if (!failed && t->text.failed)
        failed = tf_no_memory(err, t->text.len);
    else if (failed)
        tf_err_at(err, path);
    tf_buf_release(&text);
    return failed;
}

void tf_table_release(struct tf_table *t)
{
    for (size_t i = 0; i < t->file_count; i++)
        free(t->files[i]);
    free(t->files);
    free(t->rows);
    tf_buf_release(&t->text);
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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/jsonl.h"
#include "base/mem.h"
#include "train/table_parts.h"

/* Reads the cells of a CSV or TSV file. */
struct cells {
    const char *p, *end;
    char mark; /* between cells */
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
    c->quoted = c->p < c->end && *c->p == '"';
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
    size_t numeric; /* the column of numbers; count: none */
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
        if (tf_utf8_valid(c->cell.data, c->cell.len) != c->cell.len)
            return tf_fail(err, "invalid UTF-8");
        names[h->count] = tf_strndup(tf_buf_cstr(&c->cell), c->cell.len, err);
        if (!names[h->count])
            return -1;
        h->count++;
    } while (!c->last);
    c->line++;
    return 0;
}

/* A row's cells one after the other: `at` counts them from 0. 1: after the last
 * one, or at a blank line. */
static int next_of_row(struct cells *c, const struct header *h, size_t *at,
                       struct tf_err *err)
{
    if (*at && c->last)
        return 1;
    if (next_cell(c, err))
        return -1;
    if (!*at && c->last && !c->cell.len && !c->quoted)
        return 1;
    if (*at == h->count)
        return tf_fail(err, "the header has %zu cells, this row has more",
                       h->count);
    ++*at;
    return 0;
}

/* Do all cells of a column that are not empty read as numbers? */
static bool all_numbers(struct cells c, const struct header *h, size_t column)
{
    struct tf_err err;
    bool yes = true;

    c.cell = (struct tf_buf)TF_BUF_INIT;
    while (yes && c.p < c.end) {
        size_t at = 0;

        while (yes && !next_of_row(&c, h, &at, &err))
            yes = at - 1 != column || !c.cell.len || is_number(&c.cell);
    }
    tf_buf_release(&c.cell);
    return yes;
}

static int read_row(struct tf_table *t, struct cells *c, const struct header *h,
                    struct tf_err *err)
{
    size_t start = t->text.len, line = c->line, at = 0;
    const char *comma = "{";
    int end;

    while (!(end = next_of_row(c, h, &at, err))) {
        bool number = at - 1 == h->numeric;

        if (tf_utf8_valid(c->cell.data, c->cell.len) != c->cell.len)
            return tf_fail(err, "invalid UTF-8");
        if (number && !c->cell.len)
            continue; /* no value */
        tf_buf_adds(&t->text, comma);
        comma = ", ";
        tf_put_string(&t->text, h->names[at - 1], strlen(h->names[at - 1]));
        tf_buf_adds(&t->text, ": ");
        if (number)
            tf_buf_add(&t->text, c->cell.data, c->cell.len);
        else
            tf_put_string(&t->text, tf_buf_cstr(&c->cell), c->cell.len);
    }
    if (end < 0)
        return -1;
    c->line++;
    if (!at)
        return 0;
    tf_buf_adds(&t->text, *comma == '{' ? "{}" : "}");
    return tf_table_add_row(t, start, line, err);
}

static int read_rows(struct tf_table *t, struct cells *c, struct header *h,
                     const char *numeric, struct tf_err *err)
{
    if (read_header(c, h, err))
        return -1;
    h->numeric = h->count;
    for (size_t i = 0; numeric && i < h->count; i++)
        if (!strcmp(h->names[i], numeric) && all_numbers(*c, h, i))
            h->numeric = i;
    while (c->p < c->end)
        if (read_row(t, c, h, err))
            return -1;
    return 0;
}

int tf_table_read_cells(struct tf_table *t, struct tf_str text, bool csv,
                        const char *numeric, struct tf_err *err)
{
    struct cells c = { .p = text.s,
                       .end = text.s + text.len,
                       .mark = csv ? ',' : '\t',
                       .line = 1 };
    struct header h = { .count = 0 };
    int failed = read_rows(t, &c, &h, numeric, err);
    char where[32];

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

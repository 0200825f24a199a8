#include "cmd/cli_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

static void end_member(struct cli_item *item)
{
    if (item->p->count)
        item->p->added[item->p->count - 1].end = item->out.len;
}

void cli_put(struct cli_item *item, const char *name)
{
    struct cli_item_private *p = item->p;
    struct cli_added *grown;

    end_member(item);
    if (p->count == p->cap) {
        grown = realloc(p->added, (p->cap + 8) * 2 * sizeof(*grown));
        if (!grown) {
            item->out.failed = true;
            return;
        }
        p->added = grown;
        p->cap = (p->cap + 8) * 2;
    }
    p->added[p->count++] = (struct cli_added){ .name = name,
                                               .begin = item->out.len,
                                               .record = p->records };
}

void cli_put_record(struct cli_item *item)
{
    end_member(item);
    item->p->records++;
}

int cli_item_fail(struct cli_item *item, const char *code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(item->err.msg, sizeof(item->err.msg), fmt, ap);
    va_end(ap);
    item->err.code = code;
    item->failed = true;
    return -1;
}

/* Is this the name that the member is printed under, prefix and all? */
static bool printed_as(const struct cli_added *a, struct tf_str name)
{
    size_t n = strlen(cli_settings.prefix), m = strlen(a->name);

    return name.len == n + m && !memcmp(name.s, cli_settings.prefix, n) &&
           !memcmp(name.s + n, a->name, m);
}

/* The tool's member of this name in answer r; NULL: none. */
static const struct cli_added *find_added(const struct cli_item *item, size_t r,
                                          struct tf_str name)
{
    const struct cli_added *a = item->p->added;
    size_t i;

    for (i = 0; i < item->p->count; i++)
        if (a[i].record == r && printed_as(&a[i], name))
            return &a[i];
    return NULL;
}

static const struct tf_member *find_own(const struct cli_item *item,
                                        struct tf_str name)
{
    size_t i;

    for (i = cli_settings.only ? 0 : item->record.count; i-- > 0;)
        if (tf_str_eq(item->record.members[i].name, name))
            return &item->record.members[i];
    return NULL;
}

static void put_separator(struct tf_buf *b)
{
    if (b->data[b->len - 1] != '{')
        tf_buf_add(b, ", ", 2);
}

static void put_added(struct tf_buf *b, const struct cli_item *item,
                      const struct cli_added *a)
{
    put_separator(b);
    tf_put_string(b, cli_settings.prefix, strlen(cli_settings.prefix));
    b->len--; /* the quote: the name goes on */
    tf_buf_adds(b, a->name);
    tf_buf_add(b, "\": ", 3);
    tf_buf_add(b, item->out.data + a->begin, a->end - a->begin);
}

static void put_error(struct tf_buf *b, const struct cli_item *item)
{
    struct tf_buf text = TF_BUF_INIT;

    put_separator(b);
    tf_buf_adds(b, "\"error\": {\"code\": \"");
    tf_buf_adds(b, item->err.code);
    tf_buf_adds(b, "\", \"message\": ");
    tf_utf8_repair(&text, item->err.msg, strlen(item->err.msg));
    tf_put_string(b, text.data, text.len);
    tf_buf_adds(b, ", \"line\": ");
    tf_put_int(b, (int64_t)item->line);
    tf_buf_adds(b, ", \"file\": ");
    tf_buf_reset(&text);
    if (item->file) {
        tf_utf8_repair(&text, item->file, strlen(item->file));
        tf_put_string(b, text.data, text.len);
    } else {
        tf_buf_adds(b, "null");
    }
    tf_buf_addc(b, '}');
    tf_buf_release(&text);
}

static bool is_dropped(const struct cli_item *item, size_t r,
                       const struct tf_member *m)
{
    static const struct tf_str error = { "error", 5 };

    return item->failed ? tf_str_eq(m->name, error)
                        : find_added(item, r, m->name) != NULL;
}

/* Members that stand side by side are copied in one piece, with what is
 * between them. */
static void put_own(struct cli_item *item, size_t r)
{
    const struct tf_member *m = item->record.members;
    size_t i, first, n = item->record.count;

    for (i = 0; i < n; i++) {
        if (is_dropped(item, r, &m[i]))
            continue;
        for (first = i; i + 1 < n && !is_dropped(item, r, &m[i + 1]); i++)
            ;
        put_separator(&item->p->printed);
        tf_buf_add(&item->p->printed, m[first].raw.s,
                   (size_t)(m[i].raw.s + m[i].raw.len - m[first].raw.s));
    }
}

static void render_object(struct cli_item *item, size_t r)
{
    struct tf_buf *b = &item->p->printed;
    const struct cli_added *a = item->p->added;
    size_t i;

    tf_buf_addc(b, '{');
    if (!cli_settings.only)
        put_own(item, r);
    for (i = 0; i < item->p->count && !item->failed; i++)
        if (a[i].record == r)
            put_added(b, item, &a[i]);
    if (item->failed)
        put_error(b, item);
    tf_buf_add(b, "}\n", 2);
}

static void render_columns(struct cli_item *item, size_t r)
{
    struct tf_buf *b = &item->p->printed;
    const struct cli_added *a;
    const struct tf_member *m;
    struct tf_str name;
    char **c;

    tf_buf_addc(b, '{');
    for (c = cli_settings.columns; *c; c++) {
        name = (struct tf_str){ *c, strlen(*c) };
        a = item->failed ? NULL : find_added(item, r, name);
        m = a ? NULL : find_own(item, name);
        if (a) {
            put_added(b, item, a);
        } else if (m) {
            put_separator(b);
            tf_buf_add(b, m->raw.s, m->raw.len);
        }
    }
    if (item->failed)
        put_error(b, item);
    tf_buf_add(b, "}\n", 2);
}

/* Append JSON without the blanks between its tokens. */
static void put_compact(struct tf_buf *b, struct tf_str json)
{
    bool inside = false;
    size_t i;

    for (i = 0; i < json.len; i++) {
        char c = json.s[i];

        if (inside && c == '\\')
            tf_buf_addc(b, json.s[i++]);
        else if (c == '"')
            inside = !inside;
        else if (!inside && strchr(" \t\r\n", c))
            continue;
        tf_buf_addc(b, json.s[i]);
    }
}

static void put_column(struct tf_buf *b, struct tf_str value)
{
    struct tf_buf compact = TF_BUF_INIT;
    struct tf_str text = value;
    struct tf_json j;
    size_t i;

    tf_json_init(&j, value.s, value.len);
    j.repair = true;
    switch (tf_json_peek(&j)) {
    case TF_JSON_NULL:
        return;
    case TF_JSON_STRING:
        tf_json_string(&j, &text);
        break;
    case TF_JSON_OBJECT:
    case TF_JSON_ARRAY:
        put_compact(&compact, value);
        text = (struct tf_str){ compact.data, compact.len };
        break;
    default:
        break;
    }
    for (i = 0; i < text.len; i++)
        if (text.s[i] == '\t')
            tf_buf_add(b, "\\t", 2);
        else if (text.s[i] == '\n')
            tf_buf_add(b, "\\n", 2);
        else if (text.s[i] == '\\')
            tf_buf_add(b, "\\\\", 2);
        else
            tf_buf_addc(b, text.s[i]);
    b->failed |= compact.failed || j.what;
    tf_buf_release(&compact);
    tf_json_release(&j);
}

static void put_named_column(struct cli_item *item, size_t r,
                             struct tf_str name)
{
    struct tf_buf *b = &item->p->printed;
    const struct cli_added *a = find_added(item, r, name);
    const struct tf_member *m = a ? NULL : find_own(item, name);

    if (item->failed)
        return;
    if (a)
        put_column(
            b, (struct tf_str){ item->out.data + a->begin, a->end - a->begin });
    else if (m)
        put_column(b, m->value);
}

static void render_row(struct cli_item *item, size_t r)
{
    struct tf_buf *b = &item->p->printed, name = TF_BUF_INIT;
    const char *const *member;
    char **c;

    if (cli_settings.columns) {
        for (c = cli_settings.columns; *c; c++) {
            if (c > cli_settings.columns)
                tf_buf_addc(b, '\t');
            put_named_column(item, r, (struct tf_str){ *c, strlen(*c) });
        }
    } else {
        for (member = cli_tool->members; *member; member++) {
            if (member > cli_tool->members)
                tf_buf_addc(b, '\t');
            tf_buf_reset(&name);
            tf_buf_adds(&name, cli_settings.prefix);
            tf_buf_adds(&name, *member);
            put_named_column(item, r, (struct tf_str){ name.data, name.len });
        }
    }
    tf_buf_release(&name);
    tf_buf_addc(b, '\n');
}

static void render(struct cli_item *item)
{
    size_t r;

    tf_buf_reset(&item->p->printed);
    if (cli.format == CLI_RAW && !item->failed)
        tf_buf_add(&item->p->printed, item->out.data, item->out.len);
    if (cli.format == CLI_RAW)
        return;
    for (r = 0; r <= (item->failed ? 0 : item->p->records); r++)
        if (cli.format == CLI_TSV)
            render_row(item, r);
        else if (cli_settings.columns)
            render_columns(item, r);
        else
            render_object(item, r);
}

/* What the library says, as one of the words of tf(7). */
static void check_code(struct cli_item *item)
{
    const char *code = item->err.code;

    if (!code)
        item->err.code = "bad_field";
    else if (!strcmp(code, "no_memory"))
        item->err.code = "too_large";
}

void cli_render(struct cli_item *item)
{
    end_member(item);
    if (item->failed)
        check_code(item);
    if (item->out.failed && !item->failed)
        cli_item_fail(item, "too_large", "no memory for the answer");
    render(item);
    if (item->p->printed.failed) { /* room for less, then: the error alone */
        tf_record_release(&item->record);
        cli_item_fail(item, "too_large", "no memory to print the answer");
        tf_buf_release(&item->out);
        tf_buf_release(&item->p->printed);
        render(item);
    }
}

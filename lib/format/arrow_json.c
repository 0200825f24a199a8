#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "format/arrow_parts.h"
#include "format/column_json.h"

#define ROW_MAX ((size_t)1 << 30) /* bytes of a row: nothing has no size */

struct place {
    struct tf_buf *out;
    const struct ar_schema *s;
    const struct ar_arrays *arrays;
    size_t start;
    struct tf_err *err;
};

static bool has_bit(const unsigned char *bits, size_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

static uint64_t load_bytes(const unsigned char *p, size_t width)
{
    uint64_t v = 0;

    while (width--)
        v = v << 8 | p[width];
    return v;
}

static void put_number(struct tf_buf *out, const struct ar_field *f,
                       const unsigned char *p)
{
    uint64_t v = load_bytes(p, f->width);
    unsigned unused = 64 - 8 * (unsigned)f->width;

    if (f->is_signed)
        tf_put_int(out, (int64_t)(v << unused) >> unused);
    else
        tf_buf_addf(out, "%llu", (unsigned long long)v);
}

static void put_decimal(struct tf_buf *out, const struct ar_field *f,
                        const unsigned char *p)
{
    unsigned char turned[32];

    for (size_t i = 0; i < f->width; i++)
        turned[i] = p[f->width - 1 - i];
    tf_put_decimal(out, turned, f->width, f->scale);
}

/* From where to where a string or list goes in what holds `all`. */
static int range(struct place *p, const struct ar_field *f,
                 const struct ar_array *a, size_t row, size_t all,
                 size_t *begin, size_t *end)
{
    uint64_t from = load_bytes(a->offsets + row * f->offsets, f->offsets);
    uint64_t to = load_bytes(a->offsets + (row + 1) * f->offsets, f->offsets);

    if (from > to || to > all)
        return tf_fail(p->err, "column \"%.*s\": an offset can't be",
                       f->name.len < 100 ? (int)f->name.len : 100, f->name.s);
    *begin = (size_t)from;
    *end = (size_t)to;
    return 0;
}

static int put(struct place *p, size_t field, bool values, size_t row);

static size_t count_of(const struct place *p, size_t field)
{
    return (p->s->fields[field].coded ? p->arrays->codes
                                      : p->arrays->plain)[field]
        .count;
}

static int put_list(struct place *p, size_t field, size_t begin, size_t end)
{
    tf_buf_addc(p->out, '[');
    for (size_t i = begin; i < end; i++) {
        if (i > begin)
            tf_buf_adds(p->out, ", ");
        if (put(p, field + 1, false, i))
            return -1;
        if (p->out->len - p->start > ROW_MAX)
            return tf_fail(p->err, "a row of more than %zu bytes", ROW_MAX);
    }
    tf_buf_addc(p->out, ']');
    return 0;
}

static int put_struct(struct place *p, size_t first, size_t end, size_t row)
{
    const struct ar_field *f = p->s->fields;

    tf_buf_addc(p->out, '{');
    for (size_t i = first; i < end; i = f[i].end) {
        if (i > first)
            tf_buf_adds(p->out, ", ");
        if (tf_utf8_valid(f[i].name.s, f[i].name.len) != f[i].name.len)
            return tf_fail(p->err, "a column's name is not in UTF-8");
        tf_put_string(p->out, f[i].name.s, f[i].name.len);
        tf_buf_adds(p->out, ": ");
        if (put(p, i, false, row))
            return -1;
    }
    tf_buf_addc(p->out, '}');
    return 0;
}

/* What a coded value stands for. */
static int put_coded(struct place *p, size_t field, size_t row)
{
    const struct ar_field *f = &p->s->fields[field];
    const struct ar_array *a = &p->arrays->codes[field];
    uint64_t code = load_bytes(a->data + row * f->code_width, f->code_width);

    if (a->valid && !has_bit(a->valid, row)) {
        tf_buf_adds(p->out, "null");
        return 0;
    }
    if (code >= p->arrays->plain[field].count)
        return tf_fail(p->err,
                       "column \"%.*s\": value %llu of a dictionary of %zu",
                       f->name.len < 100 ? (int)f->name.len : 100, f->name.s,
                       (unsigned long long)code, p->arrays->plain[field].count);
    return put(p, field, true, (size_t)code);
}

static int put_there(struct place *p, size_t field, size_t row)
{
    const struct ar_field *f = &p->s->fields[field];
    const struct ar_array *a = &p->arrays->plain[field];
    const unsigned char *at = a->data ? a->data + row * f->width : NULL;
    size_t begin, end;

    switch (f->type) {
    case AR_NULL:
        tf_buf_adds(p->out, "null");
        return 0;
    case AR_BOOL:
        tf_buf_adds(p->out, has_bit(a->data, row) ? "true" : "false");
        return 0;
    case AR_FLOAT:
        tf_put_binary_float(p->out, at, f->width);
        return 0;
    case AR_DECIMAL:
        put_decimal(p->out, f, at);
        return 0;
    case AR_FIXED:
        tf_put_bytes_text(p->out,
                          (struct tf_str){ (const char *)at, f->width });
        return 0;
    case AR_UTF8:
    case AR_BINARY:
    case AR_LARGE_UTF8:
    case AR_LARGE_BINARY:
        if (range(p, f, a, row, a->data_size, &begin, &end))
            return -1;
        tf_put_bytes_text(
            p->out,
            (struct tf_str){ (const char *)a->data + begin, end - begin });
        return 0;
    case AR_LIST:
    case AR_LARGE_LIST:
    case AR_MAP:
        return range(p, f, a, row, count_of(p, field + 1), &begin, &end)
                   ? -1
                   : put_list(p, field, begin, end);
    case AR_FIXED_LIST:
        return put_list(p, field, row * f->width, (row + 1) * f->width);
    case AR_STRUCT:
        return put_struct(p, field + 1, f->end, row);
    default:
        put_number(p->out, f, at);
        return 0;
    }
}

static int put(struct place *p, size_t field, bool values, size_t row)
{
    const struct ar_array *a = &p->arrays->plain[field];

    if (p->s->fields[field].coded && !values)
        return put_coded(p, field, row);
    if (a->valid && !has_bit(a->valid, row)) {
        tf_buf_adds(p->out, "null");
        return 0;
    }
    return put_there(p, field, row);
}

int ar_put_row(struct tf_buf *out, const struct ar_schema *s,
               const struct ar_arrays *arrays, size_t row, struct tf_err *err)
{
    struct place p = { out, s, arrays, out->len, err };

    return put_struct(&p, 0, s->count, row);
}

#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"

void tf_json_init(struct tf_json *j, const char *data, size_t len)
{
    memset(j, 0, sizeof(*j));
    if (!len)
        data = "";
    j->start = j->p = data;
    j->end = data + len;
}

void tf_json_release(struct tf_json *j)
{
    tf_buf_release(&j->scratch[0]);
    tf_buf_release(&j->scratch[1]);
}

bool tf_json_bad(struct tf_json *j, const char *what)
{
    if (!j->what)
        j->what = what;
    return false;
}

bool tf_json_failed(const struct tf_json *j, struct tf_err *err)
{
    if (j->what)
        tf_fail(err, "byte %zu: %s", (size_t)(j->p - j->start) + 1, j->what);
    return j->what;
}

static void skip_run_of_blanks(struct tf_json *j)
{
    const char *p = j->p;

    if (j->what)
        return;                   /* the cursor stays where it went wrong */
    if (p < j->end && *p == '\n') /* the indent of a file made to be read */
        for (p++; j->end - p >= 4 && !memcmp(p, "    ", 4); p += 4)
            ;
    while (p < j->end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    j->p = p;
}

static inline void skip_blanks(struct tf_json *j)
{
    if (j->end - j->p > 1 && j->p[0] == ' ' && !j->what)
        j->p++; /* the one after a colon or a comma */
    if (j->p == j->end || (unsigned char)*j->p <= ' ')
        skip_run_of_blanks(j);
}

enum tf_json_type tf_json_peek(struct tf_json *j)
{
    skip_blanks(j);
    if (j->what || j->p == j->end)
        return TF_JSON_BAD;
    switch (*j->p) {
    case '{':
        return TF_JSON_OBJECT;
    case '[':
        return TF_JSON_ARRAY;
    case '"':
        return TF_JSON_STRING;
    case 't':
    case 'f':
        return TF_JSON_BOOL;
    case 'n':
        return TF_JSON_NULL;
    default:
        if (*j->p == '-' || (*j->p >= '0' && *j->p <= '9'))
            return TF_JSON_NUMBER;
        return TF_JSON_BAD;
    }
}

static bool expected(struct tf_json *j, const char *what)
{
    skip_blanks(j);
    return tf_json_bad(j, j->p == j->end ? "the text ends too early" : what);
}

static bool enter(struct tf_json *j, char bracket, const char *what)
{
    if (j->what)
        return false;
    skip_blanks(j);
    if (j->p == j->end || *j->p != bracket)
        return expected(j, what);
    if (j->depth == TF_JSON_DEPTH)
        return tf_json_bad(j, "nested too deep");
    j->open[j->depth++] = bracket;
    j->first = true;
    j->p++;
    return true;
}

bool tf_json_object(struct tf_json *j)
{
    return enter(j, '{', "expected an object");
}

bool tf_json_array(struct tf_json *j)
{
    return enter(j, '[', "expected an array");
}

/* Pass the comma before another item, or the closing bracket: then false. */
static bool another(struct tf_json *j, char close, const char *what)
{
    if (j->what)
        return false;
    skip_blanks(j);
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        j->first = false;
        return false;
    }
    if (!j->first) {
        if (j->p == j->end || *j->p != ',')
            return expected(j, what);
        j->p++;
    }
    j->first = false;
    return true;
}

bool tf_json_item(struct tf_json *j)
{
    assert(j->what || (j->depth && j->open[j->depth - 1] == '['));
    return another(j, ']', "expected ',' or ']'");
}

static int hex4(const char *p, const char *end)
{
    int v = 0, i;

    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        int c = (unsigned char)p[i], lower = c | 0x20;

        if (c >= '0' && c <= '9')
            v = v * 16 + c - '0';
        else if (lower >= 'a' && lower <= 'f')
            v = v * 16 + lower - 'a' + 10;
        else
            return -1;
    }
    return v;
}

/* A word with the high bit of each byte that is '"', '\\' or a control; bytes
 * after the first such one may be marked too. */
static uint64_t stops(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101, high = ones * 0x80;
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
            ((w - ones * 0x20) & ~w)) &
           high;
}

/* The first '"', '\\' or control byte at or after p; the bytes before it are
 * or'ed into *all. */
static const char *plain_run(const char *p, const char *end, uint64_t *all)
{
    uint64_t w, stop;

    for (; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        stop = stops(w);
        if (stop) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            unsigned bits = (unsigned)__builtin_ctzll(stop) & ~7u;

            *all |= w & (((uint64_t)1 << bits) - 1);
            return p + bits / 8;
#else
            break;
#endif
        }
        *all |= w;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        *all |= (unsigned char)*p++;
    return p;
}

/* Pass a string, checked as RFC 8259 has it; its bytes between the quotes, and
 * those of them that are no escapes or'ed. */
static bool scan_string(struct tf_json *j, struct tf_str *raw, uint64_t *all)
{
    const char *p, *begin;

    skip_blanks(j);
    if (j->what || j->p == j->end || *j->p != '"')
        return expected(j, "expected a string");
    begin = j->p + 1;
    j->escapes = false;
    *all = 0;
    for (p = begin;;) {
        p = plain_run(p, j->end, all);
        if (p == j->end)
            return tf_json_bad(j, "a string without an end");
        if (*p == '"')
            break;
        if (*p != '\\') {
            j->p = p;
            return tf_json_bad(j, "a control character in a string");
        }
        j->escapes = true;
        j->p = p++;
        if (p < j->end && *p == 'u' && hex4(p + 1, j->end) >= 0)
            p += 5;
        else if (p < j->end && *p && strchr("\"\\/bfnrt", *p))
            p++;
        else
            return tf_json_bad(j, "a bad escape in a string");
    }
    *raw = (struct tf_str){ begin, (size_t)(p - begin) };
    j->p = p + 1;
    return true;
}

static char *put_utf8(char *o, unsigned c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    } else if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
        *o++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    } else {
        *o++ = (char)(0xf0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 0x3f));
        *o++ = (char)(0x80 | (c >> 6 & 0x3f));
        *o++ = (char)(0x80 | (c & 0x3f));
    }
    return o;
}

/* The code point of the \u escape whose digits begin at *p, which is moved
 * past it and past the second half of a pair; -1 for a lone surrogate. */
static int escaped_point(const char **p, const char *end)
{
    int c = hex4(*p, end), low;

    *p += 4;
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return -1;
    low = hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *p += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* Decode a checked string; an escape is never shorter than what it means. */
static bool unescape(struct tf_json *j, struct tf_str raw, struct tf_buf *buf,
                     struct tf_str *out)
{
    const char *p = raw.s, *end = p + raw.len, *stop, *at;
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *o;
    int c;

    tf_buf_reset(buf);
    o = tf_buf_room(buf, raw.len + 1);
    if (!o)
        return tf_json_bad(j, "no memory for a string");
    while (p < end) {
        stop = memchr(p, '\\', (size_t)(end - p));
        if (!stop)
            stop = end;
        memcpy(o, p, (size_t)(stop - p));
        o += stop - p;
        p = stop;
        if (p == end)
            break;
        at = p++;
        if (*p != 'u') {
            *o++ = to[strchr(from, *p++) - from];
            continue;
        }
        p++;
        c = escaped_point(&p, end);
        if (c < 0 && !j->repair) {
            j->p = at;
            return tf_json_bad(j, "half of a surrogate pair in a string");
        }
        o = put_utf8(o, c < 0 ? 0xfffd : (unsigned)c);
    }
    *out = (struct tf_str){ buf->data, (size_t)(o - buf->data) };
    return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* A string of less than 16 bytes and no need of a closer look: most tokens of a
 * vocabulary. False, with nothing read, for any other. */
static inline bool read_short(struct tf_json *j, struct tf_str *out)
{
    const uint64_t high = 0x8080808080808080;
    const char *begin = j->p + 1;
    uint64_t w, stop, all;
    size_t n;

    if (j->what || j->end - j->p < 17 || *j->p != '"')
        return false;
    memcpy(&w, begin, 8);
    all = w;
    n = 0;
    if (!(stop = stops(w))) {
        n = 8;
        memcpy(&w, begin + 8, 8);
        if (!(stop = stops(w)))
            return false;
        all |= w; /* with what stands behind: at worst a look in vain */
    }
    n += (size_t)__builtin_ctzll(stop) / 8;
    if (begin[n] != '"' ||
        (!j->unchecked && all & high && tf_utf8_valid(begin, n) != n))
        return false;
    *out = (struct tf_str){ begin, n };
    j->escapes = false;
    j->p = begin + n + 1;
    return true;
}
#else
static inline bool read_short(struct tf_json *j, struct tf_str *out)
{
    (void)j, (void)out;
    return false;
}
#endif

static bool read_string(struct tf_json *j, struct tf_buf *buf,
                        struct tf_str *out)
{
    struct tf_str raw;
    uint64_t all;
    size_t valid;

    skip_blanks(j);
    if (read_short(j, out))
        return true;
    if (!scan_string(j, &raw, &all))
        return false;
    if (all & 0x8080808080808080 && !j->unchecked) {
        valid = tf_utf8_valid(raw.s, raw.len);
        if (valid < raw.len) {
            j->p = raw.s + valid;
            return tf_json_bad(j, "invalid UTF-8 in a string");
        }
    }
    *out = raw;
    return !j->escapes || unescape(j, raw, buf, out);
}

static bool colon(struct tf_json *j)
{
    skip_blanks(j);
    if (j->p == j->end || *j->p != ':')
        return expected(j, "expected ':'");
    j->p++;
    return true;
}

bool tf_json_key(struct tf_json *j, struct tf_str *key)
{
    assert(j->what || (j->depth && j->open[j->depth - 1] == '{'));
    return another(j, '}', "expected ',' or '}'") &&
           read_string(j, &j->scratch[0], key) && colon(j);
}

bool tf_json_string(struct tf_json *j, struct tf_str *out)
{
    return read_string(j, &j->scratch[1], out);
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static bool scan_number(struct tf_json *j, struct tf_str *raw)
{
    const char *p, *q;

    skip_blanks(j);
    p = j->p;
    if (j->what || p == j->end)
        return expected(j, "expected a number");
    p += *p == '-';
    q = digits(p, j->end);
    if (q == p || (*p == '0' && q - p > 1))
        return expected(j, "expected a number");
    if (q < j->end && *q == '.') {
        p = q + 1;
        q = digits(p, j->end);
        if (q == p)
            return tf_json_bad(j, "a number without digits after its point");
    }
    if (q < j->end && (*q == 'e' || *q == 'E')) {
        p = q + 1;
        p += p < j->end && (*p == '+' || *p == '-');
        q = digits(p, j->end);
        if (q == p)
            return tf_json_bad(j, "a number without digits in its exponent");
    }
    *raw = (struct tf_str){ j->p, (size_t)(q - j->p) };
    j->p = q;
    return true;
}

/* Numbers of at most 15 digits and a small exponent are exact in one double
 * operation; false for the others. */
static bool simple_number(struct tf_str raw, double *out)
{
    static const double tens[] = {
        1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };
    const char *p = raw.s, *end = p + raw.len;
    bool negative = *p == '-', point = false;
    int count = 0, after = 0;
    int64_t v = 0;

    for (p += negative; p < end; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (*p == 'e' || *p == 'E' || ++count > 15)
            return false;
        v = v * 10 + (*p - '0');
        after += point;
    }
    *out = (double)v / tens[after];
    if (negative)
        *out = -*out;
    return true;
}

bool tf_json_double(struct tf_json *j, double *out)
{
    struct tf_buf *buf = &j->scratch[1];
    const char *begin;
    struct tf_str raw;

    if (!scan_number(j, &raw))
        return false;
    if (simple_number(raw, out))
        return true;
    begin = raw.s;
    tf_buf_reset(buf);
    tf_buf_add(buf, raw.s, raw.len);
    *out = strtod(tf_buf_cstr(buf), NULL);
    if (buf->failed)
        return tf_json_bad(j, "no memory for a number");
    if (!isfinite(*out)) {
        j->p = begin;
        return tf_json_bad(j, "a number too large for a double");
    }
    return true;
}

/* Up to 9 digits and the comma or so behind them; false, with nothing read, for
 * any other number. */
static inline bool read_short_int(struct tf_json *j, int64_t *out)
{
    const char *p = j->p, *end;
    int32_t v = 0;

    if (j->what || j->end - p < 11 || *p < '1')
        return false;
    for (end = p + 9; p < end && *p >= '0' && *p <= '9'; p++)
        v = v * 10 + (*p - '0');
    if (p == j->p || (*p != ',' && *p != '}' && *p != ']' && *p != '\n'))
        return false;
    *out = v;
    j->p = p;
    return true;
}

bool tf_json_int(struct tf_json *j, int64_t *out)
{
    const char *p, *end;
    struct tf_str raw;
    int64_t v = 0;
    double d;

    skip_blanks(j);
    if (read_short_int(j, out))
        return true;
    if (!scan_number(j, &raw))
        return false;
    p = raw.s;
    end = p + raw.len;
    for (p += *p == '-'; p < end && *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, *p - '0', &v)) /* negative: reaches min */
            break;
    if (p == end && (*raw.s == '-' || v != INT64_MIN)) {
        *out = *raw.s == '-' ? v : -v;
        return true;
    }
    j->p = raw.s;
    if (p < end && *p >= '0' && *p <= '9')
        return tf_json_bad(j, "an integer out of range");
    if (!tf_json_double(j, &d))
        return false;
    if (d != floor(d) || fabs(d) > 0x1p53) {
        j->p = raw.s;
        return tf_json_bad(j, "expected an integer");
    }
    *out = (int64_t)d;
    return true;
}

static bool word(struct tf_json *j, const char *w)
{
    size_t n = strlen(w);

    skip_blanks(j);
    if (j->what || (size_t)(j->end - j->p) < n || memcmp(j->p, w, n))
        return false;
    j->p += n;
    return true;
}

bool tf_json_bool(struct tf_json *j, bool *out)
{
    *out = word(j, "true");
    return *out || word(j, "false") || expected(j, "expected true or false");
}

bool tf_json_null(struct tf_json *j)
{
    return word(j, "null");
}

static bool skip_scalar(struct tf_json *j)
{
    struct tf_str raw;
    uint64_t all;

    switch (tf_json_peek(j)) {
    case TF_JSON_STRING:
        return scan_string(j, &raw, &all);
    case TF_JSON_NUMBER:
        return scan_number(j, &raw);
    case TF_JSON_BOOL:
        return word(j, "true") || word(j, "false") ||
               expected(j, "expected a value");
    case TF_JSON_NULL:
        return tf_json_null(j) || expected(j, "expected a value");
    default:
        return expected(j, "expected a value");
    }
}

/* Stand before the next value inside, past its key; false when the container
 * has ended. */
static bool next_inside(struct tf_json *j)
{
    struct tf_str key;
    uint64_t all;

    if (j->open[j->depth - 1] == '[')
        return tf_json_item(j);
    return another(j, '}', "expected ',' or '}'") &&
           scan_string(j, &key, &all) && colon(j);
}

bool tf_json_skip(struct tf_json *j, struct tf_str *raw)
{
    int base = j->depth;
    const char *begin;

    skip_blanks(j);
    begin = j->p;
    do {
        if (j->depth > base && !next_inside(j))
            continue;
        switch (tf_json_peek(j)) {
        case TF_JSON_OBJECT:
            tf_json_object(j);
            break;
        case TF_JSON_ARRAY:
            tf_json_array(j);
            break;
        default:
            skip_scalar(j);
        }
    } while (!j->what && j->depth > base);
    if (raw)
        *raw = (struct tf_str){ begin, (size_t)(j->p - begin) };
    return !j->what;
}

bool tf_json_done(struct tf_json *j)
{
    skip_blanks(j);
    if (!j->what && j->p < j->end)
        return tf_json_bad(j, "more text after the value");
    return !j->what;
}

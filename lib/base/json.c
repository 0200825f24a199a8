#include "base/json_parts.h"

#include <assert.h>
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

void tf_json_skip_run_of_blanks(struct tf_json *j)
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

enum tf_json_type tf_json_peek(struct tf_json *j)
{
    tf_json_skip_blanks(j);
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

bool tf_json_expected(struct tf_json *j, const char *what)
{
    tf_json_skip_blanks(j);
    return tf_json_bad(j, j->p == j->end ? "the text ends too early" : what);
}

static bool enter(struct tf_json *j, char bracket, const char *what)
{
    if (j->what)
        return false;
    tf_json_skip_blanks(j);
    if (j->p == j->end || *j->p != bracket)
        return tf_json_expected(j, what);
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
    tf_json_skip_blanks(j);
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        j->first = false;
        return false;
    }
    if (!j->first) {
        if (j->p == j->end || *j->p != ',')
            return tf_json_expected(j, what);
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

    tf_json_skip_blanks(j);
    if (j->what || j->p == j->end || *j->p != '"')
        return tf_json_expected(j, "expected a string");
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

    tf_json_skip_blanks(j);
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
    tf_json_skip_blanks(j);
    if (j->p == j->end || *j->p != ':')
        return tf_json_expected(j, "expected ':'");
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

static bool word(struct tf_json *j, const char *w)
{
    size_t n = strlen(w);

    tf_json_skip_blanks(j);
    if (j->what || (size_t)(j->end - j->p) < n || memcmp(j->p, w, n))
        return false;
    j->p += n;
    return true;
}

bool tf_json_bool(struct tf_json *j, bool *out)
{
    *out = word(j, "true");
    return *out || word(j, "false") ||
           tf_json_expected(j, "expected true or false");
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
        return tf_json_scan_number(j, &raw);
    case TF_JSON_BOOL:
        return word(j, "true") || word(j, "false") ||
               tf_json_expected(j, "expected a value");
    case TF_JSON_NULL:
        return tf_json_null(j) || tf_json_expected(j, "expected a value");
    default:
        return tf_json_expected(j, "expected a value");
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

    tf_json_skip_blanks(j);
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
    tf_json_skip_blanks(j);
    if (!j->what && j->p < j->end)
        return tf_json_bad(j, "more text after the value");
    return !j->what;
}

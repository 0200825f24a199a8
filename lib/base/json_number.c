#include "base/json_parts.h"

#include <math.h>
#include <stdlib.h>

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

bool tf_json_scan_number(struct tf_json *j, struct tf_str *raw)
{
    const char *p, *q;

    tf_json_skip_blanks(j);
    p = j->p;
    if (j->what || p == j->end)
        return tf_json_expected(j, "expected a number");
    p += *p == '-';
    q = digits(p, j->end);
    if (q == p || (*p == '0' && q - p > 1))
        return tf_json_expected(j, "expected a number");
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

    if (!tf_json_scan_number(j, &raw))
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

    tf_json_skip_blanks(j);
    if (read_short_int(j, out))
        return true;
    if (!tf_json_scan_number(j, &raw))
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

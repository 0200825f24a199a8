#include "format/column_json.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"

#define DECIMAL_BYTES 16 /* of 38 digits */
#define SCALE_MAX     38

void tf_put_decimal(struct tf_buf *out, const unsigned char *p, size_t n,
                    int scale)
{
    unsigned __int128 v = n && *p & 128 ? ~(unsigned __int128)0 : 0;
    char digits[64];
    int at = sizeof(digits), places = 0;
    bool negative;

    while (n > DECIMAL_BYTES && (*p == 0 || *p == 255)) {
        p++;
        n--;
    }
    if (n > DECIMAL_BYTES || scale > SCALE_MAX) {
        tf_buf_adds(out, "null");
        return;
    }
    for (; n; n--)
        v = v << 8 | *p++;
    negative = v >> 127;
    v = negative ? 0 - v : v;
    do {
        if (places++ == scale && scale)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while ((v || places <= scale) && at > 2);
    tf_buf_adds(out, negative ? "-" : "");
    tf_buf_add(out, digits + at, sizeof(digits) - (size_t)at);
}

void tf_put_bytes_text(struct tf_buf *out, struct tf_str s)
{
    if (tf_utf8_valid(s.s, s.len) == s.len)
        tf_put_string(out, s.s, s.len);
    else
        tf_buf_adds(out, "null");
}

/* IEEE 754's binary16, of which NaN and infinities print as null. */
static void put_half(struct tf_buf *out, unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    float v = (float)(bits & 1023);

    v = exponent ? ldexpf(v + 1024, exponent - 25) : ldexpf(v, -24);
    if (exponent == 31)
        v = NAN;
    tf_put_float(out, bits >> 15 ? -v : v);
}

void tf_put_binary_float(struct tf_buf *out, const unsigned char *p,
                         size_t width)
{
    float f;
    double d;

    if (width == 2) {
        put_half(out, tf_load_le16(p));
    } else if (width == 4) {
        memcpy(&f, p, sizeof(f));
        tf_put_float(out, f);
    } else {
        memcpy(&d, p, sizeof(d));
        tf_put_double(out, d);
    }
}

#include <math.h>
#include <string.h>
#include "base/jsonl.h"
#include "format/parquet_parts.h"

#define DECIMAL_BYTES 16      /* of 38 digits */
#define UNIX_EPOCH    2440588 /* as a Julian day */

static void put_unsigned(struct tf_buf *out, uint64_t v)
{
    tf_buf_addf(out, "%llu", (unsigned long long)v);
}

/* A two's complement number with its bytes from the highest on, as a decimal
 * fraction. */
static void put_decimal(struct tf_buf *out, const unsigned char *p, size_t n,
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
    if (n > DECIMAL_BYTES) {
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

static void put_bytes(struct tf_buf *out, struct tf_str s)
{
    if (tf_utf8_valid(s.s, s.len) == s.len)
        tf_put_string(out, s.s, s.len);
    else
        tf_buf_adds(out, "null");
}

static void put_int(struct tf_buf *out, const struct pq_node *node, int64_t v)
{
    unsigned char bytes[8];

    if (node->meaning == PQ_DECIMAL) {
        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
        put_decimal(out, bytes, 8, node->scale);
    } else if (node->meaning == PQ_UNSIGNED) {
        put_unsigned(out, node->type == PQ_INT32 ? (uint32_t)v : (uint64_t)v);
    } else {
        tf_put_int(out, v);
    }
}

/* Nanoseconds of the day, then the Julian day: as nanoseconds since 1970. */
static void put_int96(struct tf_buf *out, const unsigned char *p)
{
    uint64_t day = tf_load_le32(p + 8);

    tf_put_int(
        out, (int64_t)((day - UNIX_EPOCH) * 86400000000000u + tf_load_le64(p)));
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

static void put_float(struct tf_buf *out, const unsigned char *p, size_t width)
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

void pq_put_value(struct tf_buf *out, const struct pq_node *node,
                  const struct pq_values *v, size_t i)
{
    struct tf_str s;
    const unsigned char *p;

    if (node->type == PQ_BYTE_ARRAY)
        s = v->strings[i];
    else
        s = (struct tf_str){ (char *)v->bytes + i * v->width, v->width };
    p = (const unsigned char *)s.s;
    switch (node->type) {
    case PQ_BOOLEAN:
        tf_buf_adds(out, *p ? "true" : "false");
        break;
    case PQ_INT32:
        put_int(out, node, (int32_t)tf_load_le32(p));
        break;
    case PQ_INT64:
        put_int(out, node, (int64_t)tf_load_le64(p));
        break;
    case PQ_INT96:
        put_int96(out, p);
        break;
    case PQ_FLOAT:
    case PQ_DOUBLE:
        put_float(out, p, v->width);
        break;
    default:
        if (node->meaning == PQ_DECIMAL)
            put_decimal(out, p, s.len, node->scale);
        else if (node->meaning == PQ_FLOAT16)
            put_float(out, p, v->width);
        else
            put_bytes(out, s);
    }
}

#include "base/jsonl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The shortest decimal of a float32: the Schubfach algorithm (R. Giulietti,
 * "The Schubfach way to render doubles", 2021), in its 32-bit form.
 *
 * tens[k + 31] is 10^k scaled by a power of two into [2^63, 2^64), rounded up.
 */
static const uint64_t tens[] = {
    0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f,
    0xfd87b5f28300ca0e, 0x9e74d1b791e07e49, 0xc612062576589ddb,
    0xf79687aed3eec552, 0x9abe14cd44753b53, 0xc16d9a0095928a28,
    0xf1c90080baf72cb2, 0x971da05074da7bef, 0xbce5086492111aeb,
    0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a,
    0xe69594bec44de15c, 0x901d7cf73ab0acda, 0xb424dc35095cd810,
    0xe12e13424bb40e14, 0x8cbccc096f5088cc, 0xafebff0bcb24aaff,
    0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd,
    0xd6bf94d5e57a42bd, 0x8637bd05af6c69b6, 0xa7c5ac471b478424,
    0xd1b71758e219652c, 0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b,
    0xcccccccccccccccd, 0x8000000000000000, 0xa000000000000000,
    0xc800000000000000, 0xfa00000000000000, 0x9c40000000000000,
    0xc350000000000000, 0xf424000000000000, 0x9896800000000000,
    0xbebc200000000000, 0xee6b280000000000, 0x9502f90000000000,
    0xba43b74000000000, 0xe8d4a51000000000, 0x9184e72a00000000,
    0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000,
    0xb1a2bc2ec5000000, 0xde0b6b3a76400000, 0x8ac7230489e80000,
    0xad78ebc5ac620000, 0xd8d726b7177a8000, 0x878678326eac9000,
    0xa968163f0a57b400, 0xd3c21bcecceda100, 0x84595161401484a0,
    0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
    0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297,
    0x9dc5ada82b70b59e, 0xc5371912364ce306, 0xf684df56c3e01bc7,
    0x9a130b963a6c115d, 0xc097ce7bc90715b4, 0xf0bdc21abb48db21,
    0x96769950b50d88f5, 0xbc143fa4e250eb32, 0xeb194f8e1ae525fe,
    0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a,
    0x8f7e32ce7bea5c70, 0xb35dbf821ae4f38c,
};

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)), floor(log2(10^e)); exact for the
 * exponents of a float32 */
static int log10_pow2(int e)
{
    return (e * 1262611) >> 22;
}

static int log10_pow2_less(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

static int log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* g * c / 2^64, where the last bit also says that something was cut off */
static uint32_t scaled(uint64_t g, uint32_t c)
{
    uint64_t low = (g & UINT32_MAX) * c;
    uint64_t high = (g >> 32) * c + (low >> 32);

    return (uint32_t)(high >> 32) | ((uint32_t)high > 1);
}

struct decimal {
    uint32_t digits;
    int exponent;
};

/* For a positive, finite float of these bits. */
static struct decimal shortest(uint32_t bits)
{
    uint32_t fraction = bits & 0x7fffff, c, s, upper, lower, vb, t;
    int biased = (int)(bits >> 23), q, k, h;
    bool even, narrow, below, above;
    uint64_t g;

    c = biased ? fraction | 0x800000 : fraction;
    q = (biased ? biased : 1) - 150;
    even = !(c & 1);
    narrow = !fraction && biased > 1; /* the lower neighbour is nearer */
    k = narrow ? log10_pow2_less(q) : log10_pow2(q);
    h = q + log2_pow10(-k) + 1;
    g = tens[-k + 31];
    lower = scaled(g, (4 * c - 2 + narrow) << h) + !even;
    vb = scaled(g, (4 * c) << h);
    upper = scaled(g, (4 * c + 2) << h) - !even;

    s = vb / 4;
    if (s >= 10) { /* one digit less? */
        t = s / 10;
        below = lower <= 40 * t;
        above = 40 * t + 40 <= upper;
        if (below != above)
            return (struct decimal){ t + above, k + 1 };
    }
    below = lower <= 4 * s;
    above = 4 * s + 4 <= upper;
    if (below == above) /* both or neither: the nearer, ties to even */
        above = vb > 4 * s + 2 || (vb == 4 * s + 2 && (s & 1));
    return (struct decimal){ s + above, k };
}

/* n digits, the first not 0, with the point after `point` of them, laid out as
 * Python's repr does. */
static void put_digits(struct tf_buf *b, bool negative, const char *digits,
                       int n, int point)
{
    char out[48], *o = out;
    int i;

    if (negative)
        *o++ = '-';
    if (point > -4 && point <= 16) {
        if (point <= 0) {
            *o++ = '0';
            *o++ = '.';
            for (i = point; i < 0; i++)
                *o++ = '0';
        }
        for (i = 0; i < n || i < point; i++) {
            if (i == point && i > 0)
                *o++ = '.';
            *o++ = i < n ? digits[i] : '0';
        }
        if (point >= n) {
            *o++ = '.';
            *o++ = '0';
        }
    } else {
        *o++ = digits[0];
        if (n > 1)
            *o++ = '.';
        for (i = 1; i < n; i++)
            *o++ = digits[i];
        o += sprintf(o, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
    }
    tf_buf_add(b, out, (size_t)(o - out));
}

static void put_special(struct tf_buf *b, double v)
{
    if (v != 0)
        tf_buf_adds(b, "null");
    else
        tf_buf_adds(b, signbit(v) ? "-0.0" : "0.0");
}

void tf_put_float(struct tf_buf *b, float v)
{
    char digits[16], *p = digits + sizeof(digits);
    struct decimal d;
    uint32_t bits;
    int n;

    if (!isfinite(v) || v == 0) {
        put_special(b, (double)v);
        return;
    }
    memcpy(&bits, &v, sizeof(bits));
    d = shortest(bits & 0x7fffffff);
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    for (; d.digits; d.digits /= 10)
        *--p = (char)('0' + d.digits % 10);
    n = (int)(digits + sizeof(digits) - p);
    put_digits(b, v < 0, p, n, n + d.exponent);
}

/*
 * Print v > 0 with this many digits; true when they read back as v. The
 * nearest decimal may miss while the next one up does not, where the lower
 * neighbour of v is nearer than the upper one: at a power of two.
 */
static bool try_digits(double v, int count, char *text, size_t size)
{
    int unused;
    char *p;

    snprintf(text, size, "%.*e", count - 1, v);
    if (strtod(text, NULL) == v)
        return true;
    if (frexp(v, &unused) != 0.5)
        return false;
    p = text + count + (count > 1) - 1; /* the last digit */
    if (*p == '9')
        return false;
    ++*p;
    return strtod(text, NULL) == v;
}

/* Doubles are rare in what tools print: searching is good enough. */
void tf_put_double(struct tf_buf *b, double v)
{
    char text[40], digits[24];
    int count = 1, n = 0;
    const char *p;

    if (!isfinite(v) || v == 0) {
        put_special(b, v);
        return;
    }
    while (!try_digits(fabs(v), count, text, sizeof(text)) && count < 17)
        count++;
    for (p = text; *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    put_digits(b, v < 0, digits, n, atoi(p + 1) + 1);
}

void tf_put_int(struct tf_buf *b, int64_t v)
{
    char text[24], *p = text + sizeof(text);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    tf_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

void tf_put_string(struct tf_buf *b, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    size_t i = 0, begin = 0;
    const char *known;

    tf_buf_addc(b, '"');
    for (;; i++) {
        while (i < len && !must_escape((unsigned char)s[i]))
            i++;
        tf_buf_add(b, s + begin, i - begin);
        if (i == len)
            break;
        tf_buf_addc(b, '\\');
        known = s[i] ? strchr(from, s[i]) : NULL;
        if (known) {
            tf_buf_addc(b, to[known - from]);
        } else {
            tf_buf_adds(b, "u00");
            tf_buf_addc(b, hex[(unsigned char)s[i] >> 4]);
            tf_buf_addc(b, hex[s[i] & 15]);
        }
        begin = i + 1;
    }
    tf_buf_addc(b, '"');
}

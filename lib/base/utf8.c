#include "base/jsonl.h"

#include <string.h>

/*
 * The length of the character at p, or 0 when it is not valid; then *bad gets
 * the length of the longest part that a character could begin with, at least 1
 * (Unicode, section 3.9, table 3-7 and "maximal subpart").
 */
static size_t character(const unsigned char *p, const unsigned char *end,
                        size_t *bad)
{
    size_t n, i;
    unsigned low = 0x80, high = 0xbf;

    *bad = 1;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        low = 0xa0; /* shorter forms exist */
    else if (p[0] == 0xed)
        high = 0x9f; /* surrogates */
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    for (i = 1; i < n; i++) {
        if (p + i == end || p[i] < low || p[i] > high)
            return 0;
        *bad = i + 1;
        low = 0x80;
        high = 0xbf;
    }
    return n;
}

static size_t ascii_run(const unsigned char *p, size_t len)
{
    const uint64_t high = 0x8080808080808080;
    uint64_t w[4];
    size_t i = 0;

    for (; len - i >= sizeof(w); i += sizeof(w)) {
        memcpy(w, p + i, sizeof(w));
        if ((w[0] | w[1] | w[2] | w[3]) & high)
            break;
    }
    for (; len - i >= sizeof(w[0]); i += sizeof(w[0])) {
        memcpy(w, p + i, sizeof(w[0]));
        if (w[0] & high)
            break;
    }
    while (i < len && p[i] < 0x80)
        i++;
    return i;
}

/* The length of the common characters of two or three bytes, else 0. */
static size_t common_character(const unsigned char *p, size_t len)
{
    if (p[0] >= 0xc2 && p[0] < 0xe0 && len >= 2 && (p[1] & 0xc0) == 0x80)
        return 2;
    if (p[0] > 0xe0 && p[0] < 0xf0 && p[0] != 0xed && len >= 3 &&
        (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80)
        return 3;
    return 0;
}

size_t tf_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + len;
    size_t n, bad;

    while (p < end) {
        if (*p < 0x80) {
            p += ascii_run(p, (size_t)(end - p));
            continue;
        }
        n = common_character(p, (size_t)(end - p));
        if (!n)
            n = character(p, end, &bad);
        if (!n)
            break;
        p += n;
    }
    return len - (size_t)(end - p);
}

void tf_utf8_repair(struct tf_buf *b, const char *s, size_t len)
{
    size_t n, bad;

    while (len) {
        n = tf_utf8_valid(s, len);
        tf_buf_add(b, s, n);
        s += n;
        len -= n;
        if (!len)
            break;
        character((const unsigned char *)s, (const unsigned char *)s + len,
                  &bad);
        tf_buf_adds(b, "\xef\xbf\xbd");
        s += bad;
        len -= bad;
    }
}

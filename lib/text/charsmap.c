#include "text/charsmap.h"

#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/jsonl.h"
#include "base/mem.h"

struct tf_charsmap {
    size_t units;          /* of the trie, 4 bytes each */
    size_t text_len;       /* of the replacements */
    const char *text;      /* valid UTF-8; every string ends with a NUL */
    unsigned char bytes[]; /* all of it */
};

struct tf_charsmap *tf_charsmap_new(struct tf_str bytes, struct tf_err *err)
{
    struct tf_charsmap *map;
    size_t trie;

    if (bytes.len < 8) {
        tf_fail(err, "the charsmap is cut short: %zu bytes", bytes.len);
        return NULL;
    }
    trie = tf_load_le32(bytes.s) & ~(size_t)3;
    if (trie < 4 || trie > bytes.len - 4) {
        tf_fail(err, "the charsmap's trie is of %zu bytes, the charsmap of %zu",
                trie, bytes.len);
        return NULL;
    }
    map = tf_alloc(1, sizeof(*map) + bytes.len + 1, err);
    if (!map)
        return NULL;
    memcpy(map->bytes, bytes.s, bytes.len);
    map->units = trie / 4;
    map->text = (const char *)map->bytes + 4 + trie;
    map->text_len = bytes.len - 4 - trie;
    if (tf_utf8_valid(map->text, map->text_len) != map->text_len) {
        tf_fail(err, "the charsmap's replacements are not UTF-8");
        free(map);
        return NULL;
    }
    return map;
}

void tf_charsmap_free(struct tf_charsmap *map)
{
    free(map);
}

static uint32_t unit(const struct tf_charsmap *map, size_t i)
{
    return tf_load_le32(map->bytes + 4 + 4 * i);
}

static size_t unit_offset(uint32_t u)
{
    return (size_t)(u >> 10) << ((u & 1u << 9) >> 6);
}

/* The text at `at`, unless the trie points to nowhere. */
static bool replacement(const struct tf_charsmap *map, size_t at,
                        struct tf_str *out)
{
    if (at > map->text_len || ((unsigned char)map->text[at] & 0xC0) == 0x80)
        return false;
    out->s = map->text + at;
    out->len = strlen(out->s);
    return true;
}

bool tf_charsmap_get(const struct tf_charsmap *map, struct tf_str s,
                     struct tf_str *out)
{
    uint32_t u = unit(map, 0);
    size_t node = unit_offset(u), i;

    for (i = 0; i < s.len && s.s[i]; i++) {
        node ^= (unsigned char)s.s[i];
        if (node >= map->units)
            return false;
        u = unit(map, node);
        if ((u & (1u << 31 | 0xFF)) != (unsigned char)s.s[i])
            return false;
        node ^= unit_offset(u);
        if (u >> 8 & 1)
            return node < map->units &&
                   replacement(map, unit(map, node) & ~(1u << 31), out);
    }
    return false;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int tf_base64_decode(struct tf_str s, struct tf_buf *out, struct tf_err *err)
{
    uint32_t bits = 0;
    size_t i, n = s.len;
    char *p;

    while (n && s.len - n < 2 && s.s[n - 1] == '=')
        n--;
    if (s.len % 4 || n % 4 == 1)
        return tf_fail(err, "base64 text of %zu characters", s.len);
    p = tf_buf_room(out, n / 4 * 3 + 3);
    if (!p)
        return tf_no_memory(err, n);
    for (i = 0; i < n; i++) {
        int digit = base64_digit(s.s[i]);

        if (digit < 0)
            return tf_fail(err, "character %zu is not base64", i);
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4)
            *p++ = (char)(bits >> (6 - 2 * (i % 4)));
    }
    out->len += n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
    return 0;
}

void tf_base64_encode(struct tf_str bytes, struct tf_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i, k, n;
    uint32_t bits;
    char four[4];

    for (i = 0; i < bytes.len; i += 3) {
        n = bytes.len - i < 3 ? bytes.len - i : 3;
        for (bits = 0, k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)bytes.s[i + k] : 0);
        for (k = 0; k < 4; k++)
            four[k] = k > n ? '=' : digits[bits >> (18 - 6 * k) & 0x3F];
        tf_buf_add(out, four, 4);
    }
}

/*
 * Byte-level text: each byte as one printable character, as GPT-2 spells its
 * tokens (33-126, 161-172 and 174-255 are themselves, the other 68 are 256 + n
 * in order).
 */
#ifndef TF_TEXT_BYTELEVEL_H
#define TF_TEXT_BYTELEVEL_H

#include <stdint.h>
#include "text/rewrite.h"

/* The character of a byte. */
static inline uint32_t tf_byte_char(unsigned char b)
{
    if (b <= 32)
        return 256u + b;
    if (b >= 127 && b <= 160)
        return 289u + (b - 127u);
    return b == 173 ? 323u : b;
}

/* The byte of a character, or -1. */
static inline int tf_char_byte(uint32_t c)
{
    if (c >= 256 && c <= 288)
        return (int)c - 256;
    if (c >= 289 && c <= 322)
        return (int)c - 289 + 127;
    if (c == 323)
        return 173;
    return c <= 32 || (c >= 127 && c <= 160) || c == 173 || c > 255 ? -1
                                                                    : (int)c;
}

/* A tf_rewrite function: every byte becomes its character. */
void tf_byte_level(struct tf_rewrite *w, const void *unused);
#endif

/*
 * Text on its way through normalizers and splitters: the bytes as they are now,
 * where each came from, and the pieces they fall into. As `tokenizers`'
 * NormalizedString and PreTokenizedString, but flat: one buffer for all pieces.
 */
#ifndef TF_TEXT_PRETEXT_H
#define TF_TEXT_PRETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* The range of bytes of the original text that one byte of `text` stands for. */
struct tf_origin {
    uint32_t start, end;
};

/* text[start, end) is one piece: a word to be, or an added token. */
struct tf_piece {
    uint32_t start, end;
    int32_t id; /* of an added token, which is not split or changed; else -1 */
};

struct tf_pretext {
    struct tf_str original; /* < 4 GiB, valid UTF-8 */
    struct tf_buf text;     /* normalised, valid UTF-8 (or byte-level chars) */
    /* one for each byte of text; NULL: text is original, byte for byte */
    struct tf_origin *origin;
    size_t origin_cap;
    struct tf_piece *pieces; /* in order; empty pieces are left out */
    size_t count, cap;
    bool failed; /* no memory; sticky */
};
#endif

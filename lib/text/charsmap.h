/*
 * SentencePiece's precompiled_charsmap: a double-array trie (darts-clone) over
 * the bytes of what is replaced, and the replacements.
 */
#ifndef TF_TEXT_CHARSMAP_H
#define TF_TEXT_CHARSMAP_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "text/pretext.h"

struct tf_charsmap;

/* From its bytes (u32 size of the trie, the trie, NUL-terminated strings). */
struct tf_charsmap *tf_charsmap_new(struct tf_str bytes, struct tf_err *err);
void tf_charsmap_free(struct tf_charsmap *map); /* NULL is allowed */

/* The replacement of the shortest entry that s begins with. */
bool tf_charsmap_get(const struct tf_charsmap *map, struct tf_str s,
                     struct tf_str *out);

/* Decode base64 (RFC 4648, padded) into `out`. */
int tf_base64_decode(struct tf_str s, struct tf_buf *out, struct tf_err *err);
/* Append the base64 of bytes. */
void tf_base64_encode(struct tf_str bytes, struct tf_buf *out);
#endif

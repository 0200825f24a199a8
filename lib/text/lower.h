/* Lower case. */
#ifndef TF_TEXT_LOWER_H
#define TF_TEXT_LOWER_H

#include "base/buf.h"

/* Append valid UTF-8 in lower case, each character by itself: as the Lowercase
 * normalizer of the `tokenizers` library. */
void tf_put_lower(struct tf_buf *out, struct tf_str text);
#endif

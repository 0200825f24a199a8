/* Tables of unicode.c only: ranges in order, looked up by bisection. */
#ifndef TF_TEXT_UNICODE_VERSIONS_H
#define TF_TEXT_UNICODE_VERSIONS_H

#include <utf8proc.h>
#include "text/unicode.h"

struct tf_unicode_pair {
    uint32_t first, last;
};

extern const struct tf_unicode_pair tf_unicode_after_8[];
extern const size_t tf_unicode_after_8_count;
extern const struct tf_unicode_pair tf_unicode_after_9[];
extern const size_t tf_unicode_after_9_count;
extern const struct tf_unicode_pair tf_unicode_backward[];
extern const size_t tf_unicode_backward_count;
#endif

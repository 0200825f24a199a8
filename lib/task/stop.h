/* Stop strings: when the text of what was generated ends a sequence. */
#ifndef TF_TASK_STOP_H
#define TF_TASK_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "text/tokenizer.h"

struct tf_stop {
    const struct tf_tokenizer *tokenizer;
    const char *const *strings; /* not empty */
    size_t count;
};

/*
 * Does the text of ids[n] contain a stop string that ends within the text of
 * the last token (StopStringCriteria)? 1, 0, or -1 and `err`.
 */
int tf_stop_hit(const struct tf_stop *stop, const int32_t *ids, size_t n,
                struct tf_err *err);
#endif

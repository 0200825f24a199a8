/* A text by code points: offsets of tokens count those, memory counts bytes. */
#ifndef TF_TEXT_POINTS_H
#define TF_TEXT_POINTS_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

/* How many code points valid UTF-8 has. */
size_t tf_points_count(struct tf_str s);

/* Zeroed memory is an empty text; read again to reuse the memory. */
struct tf_points {
    struct tf_str text;
    size_t count; /* of code points */
    size_t *mark; /* where every 64th begins */
    size_t marks, cap;
};

/* Take a text of valid UTF-8, which must outlive `p`. */
int tf_points_read(struct tf_points *p, struct tf_str text, struct tf_err *err);
void tf_points_release(struct tf_points *p);

/* The byte where code point i begins; of one past the last the text's end. */
size_t tf_points_byte(const struct tf_points *p, size_t i);
/* The text from code point `start` to before `end`; as a slice in Python. */
struct tf_str tf_points_slice(const struct tf_points *p, size_t start,
                              size_t end);
#endif

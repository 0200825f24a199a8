/* Inside regex_*.c: character classes of Oniguruma written for PCRE2. */
#ifndef TF_TEXT_REGEX_CLASS_H
#define TF_TEXT_REGEX_CLASS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* Where in the pattern we are. */
struct tf_regex_text {
    struct tf_str all;
    size_t at;
    struct tf_err *err;
};

/* "regular expression "...": why". Returns -1. */
int tf_regex_bad(const struct tf_regex_text *t, const char *why);

/* Write a character that stands for itself, in a class or outside. */
void tf_regex_literal(struct tf_buf *out, uint32_t c);

/* Read an escape of one character, from its letter on. -1 if it is bad; 1,
 * with nothing read, if it is of another kind. */
int tf_regex_escape(struct tf_regex_text *t, uint32_t *c);

/*
 * Read an escape of a set (\s \w \d \h \p{...} and their capitals), from its
 * letter on, and add what stands between brackets for it; *negated: for all
 * others. `bracketed`: it stands within a class, where \w has less in it. -1 if
 * it is bad; 1, with nothing read, if it is of another kind.
 */
int tf_regex_set_escape(struct tf_regex_text *t, bool bracketed,
                        struct tf_buf *out, bool *negated);
/* The same for a set by its name in \p{...} or [:...:]. */
int tf_regex_set(struct tf_regex_text *t, struct tf_str name, bool bracketed,
                 struct tf_buf *out);

/* Read a class, from its bracket on, and add it as an expression. */
int tf_regex_bracket(struct tf_regex_text *t, struct tf_buf *out);
#endif

/*
 * Regular expressions in Oniguruma's Ruby syntax, as the `tokenizers` library
 * reads them, run by PCRE2's JIT. Classes mean what they mean there (Unicode
 * 16). What PCRE2 has no way to say is refused by name.
 */
#ifndef TF_TEXT_REGEX_H
#define TF_TEXT_REGEX_H

#include "base/buf.h"
#include "base/err.h"
#include "text/pretext.h"

struct tf_regex;

struct tf_regex *tf_regex_new(struct tf_str pattern, struct tf_err *err);
void tf_regex_free(struct tf_regex *re); /* NULL is allowed */

/*
 * Find the leftmost match in s that begins at `from` or later (from <= s.len);
 * what stands before `from` is seen by lookbehind. False: none, or `pre`, which
 * lends its match memory, is marked as failed. Thread safe.
 */
bool tf_regex_find(const struct tf_regex *re, struct tf_pretext *pre,
                   struct tf_str s, size_t from, size_t *start, size_t *end);

/* Free a tf_pretext's match memory. */
void tf_regex_done(void *match_data);

/* Append the pattern in PCRE2's syntax. */
int tf_regex_translate(struct tf_str pattern, struct tf_buf *out,
                       struct tf_err *err);
#endif

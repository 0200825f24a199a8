/* The language codes that tokenizers of many languages put beside a text. */
#ifndef TF_TEXT_LANGUAGE_H
#define TF_TEXT_LANGUAGE_H

#include "text/tokenizer.h"

/* The special token of a language as models spell it: de_DE as it is, __de__,
 * <2de>. -1: there is none. */
int32_t tf_language_id(const struct tf_tokenizer *tok, const char *code);

/* Put a language's token in the place of the one among the first or last two
 * of ids[n]; false when there is none. */
bool tf_language_set(const struct tf_tokenizer *tok, int32_t language,
                     int32_t *ids, size_t n);
#endif

/*
 * The regular expressions that byte-level tokenizers split words with, by hand:
 * GPT-2's, those of cl100k (Llama 3, Qwen 2 and 3), of o200k (GPT-4o, Tekken),
 * DeepSeek's and CLIP's. Each finds what PCRE2 finds for its pattern.
 */
#ifndef TF_TEXT_WORDS_H
#define TF_TEXT_WORDS_H

#include <stdbool.h>
#include "base/buf.h"

struct tf_words;

/* The splitter for a pattern, or NULL if there is none by hand. */
const struct tf_words *tf_words_find(struct tf_str pattern);

/* GPT-2's. */
const struct tf_words *tf_words_gpt2(void);

/* The patterns by number, NULL after the last: for tests. */
const char *tf_words_pattern(size_t i);

/* Where the match that begins at s[at] ends (at < end); at: none begins. */
size_t tf_words_match(const struct tf_words *k, const char *s, size_t at,
                      size_t end);
#endif

/* Text as the metrics of text see it: lower case, words, n-grams. */
#ifndef TF_TRAIN_WORDS_H
#define TF_TRAIN_WORDS_H

#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/strmap.h"

/* Words, one after the other in one buffer. Zeroed memory is empty. */
struct tf_words {
    struct tf_buf text;
    struct tf_str *v; /* into text */
    size_t count, cap;
};

/* Each resets `w` and fills it; -1 when there is no memory. */

/* As the SQuAD script normalises an answer. */
int tf_words_squad(struct tf_words *w, struct tf_str s, struct tf_err *err);
/* As sacrebleu's "13a" (mteval-v13a.pl) tokenises. */
int tf_words_13a(struct tf_words *w, struct tf_str s, struct tf_err *err);
/* As rouge-score: lower case, runs of a-z and 0-9. */
int tf_words_rouge(struct tf_words *w, struct tf_str s, struct tf_err *err);
void tf_words_release(struct tf_words *w);

/* How often each run of n words stands in `w`: the count by the run's bytes,
 * which are borrowed from w->text. */
int tf_words_ngrams(const struct tf_words *w, size_t n, struct tf_strmap *out,
                    struct tf_err *err);
/* Run i of n words as the key above. */
struct tf_str tf_words_run(const struct tf_words *w, size_t i, size_t n);
#endif

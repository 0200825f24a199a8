/*
 * Words that were tokenized before, and their tokens: most words of a text. One
 * a thread. When it is full it starts anew.
 */
#ifndef TF_TEXT_WORDCACHE_H
#define TF_TEXT_WORDCACHE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "text/model.h"

struct tf_wordcache {
    uint64_t
        *slots; /* upper half of the hash, then place in pool + 1; 0 free */
    size_t count;
    uint32_t *pool; /* entries, see wordcache.c */
    size_t used;
};

/* Zeroed memory to an empty cache. */
int tf_wordcache_init(struct tf_wordcache *c, struct tf_err *err);
void tf_wordcache_release(struct tf_wordcache *c);

/* tf_model_tokenize through the cache. */
int tf_wordcache_tokenize(struct tf_wordcache *c, const struct tf_model *m,
                          struct tf_scratch *s, struct tf_str piece,
                          struct tf_tokens *out, struct tf_err *err);
#endif

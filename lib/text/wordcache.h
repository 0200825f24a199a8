/*
 * Words that were tokenized before, and their tokens: most words of a text. One
 * a thread. Two halves: when one is full the other is emptied and filled next,
 * and takes over from the full one what is asked for again.
 */
#ifndef TF_TEXT_WORDCACHE_H
#define TF_TEXT_WORDCACHE_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "text/model.h"

struct tf_wordcache {
    struct tf_wordcache_half {
        uint64_t *slots; /* half a hash, then place in pool + 1; 0: free */
        size_t count;
        uint32_t *pool; /* entries, see wordcache.c */
        size_t used;
    } half[2];
    unsigned filling;
};

/* Zeroed memory to an empty cache. */
int tf_wordcache_init(struct tf_wordcache *c, struct tf_err *err);
void tf_wordcache_release(struct tf_wordcache *c);

/* tf_model_tokenize through the cache. */
int tf_wordcache_tokenize(struct tf_wordcache *c, const struct tf_model *m,
                          struct tf_scratch *s, struct tf_str piece,
                          struct tf_tokens *out, struct tf_err *err);
#endif

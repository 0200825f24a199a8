/*
 * Private to lib/model: the names that a row's pattern stands for.
 */
#ifndef TF_MODEL_SPELLING_H
#define TF_MODEL_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#define TF_NAME_MAX 512 /* bytes of a name */

/* What stands for {group} (or {}), for {inner}, and for {expert}, {head} or
 * {extra} in the names of a layer. */
struct tf_place {
    size_t layer, inner, part;
};

/* Write pattern[0, n) to `out`, its places filled in. Cut off when too long:
 * such a name is in no file. */
void tf_spell(char out[TF_NAME_MAX], const char *pattern, size_t n,
              struct tf_place at);

/*
 * One name after the other: of "a.{}.b|c.{}.b" each, behind each prefix of
 * "p|q" and without one.
 *
 *     tf_spelling_init(&s, pattern, prefix, at);
 *     while (tf_spelling_next(&s))
 *         ... s.name ...
 */
struct tf_spelling {
    const char *pattern, *prefix; /* what is left of both */
    const char *prefixes;
    struct tf_place at;
    char stem[TF_NAME_MAX], name[2 * TF_NAME_MAX];
};

/* `prefix` may be NULL. */
void tf_spelling_init(struct tf_spelling *s, const char *pattern,
                      const char *prefix, struct tf_place at);
bool tf_spelling_next(struct tf_spelling *s);
#endif

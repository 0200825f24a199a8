/*
 * What stands beside a tokenizer's vocabulary in a folder:
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json, and of
 * config.json what tells the tokenizer's class.
 */
#ifndef TF_TEXT_TOKCONFIG_H
#define TF_TEXT_TOKCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/jsonl.h"
#include "text/added.h"
#include "text/tokclass.h"

/* Tokens named by the files; of each `content`, the flags and, where the file
 * has one, `id` count. Contents are the list's own. */
struct tf_token_list {
    struct tf_added_token *at;
    size_t count, cap;
};

/* Zeroed memory is a folder without such files. */
struct tf_tokconfig {
    struct tf_buf text;      /* tokenizer_config.json */
    struct tf_record config; /* its members */
    const struct tf_tokclass *cls;
    char *class_name; /* as the files say it, or NULL */
    /* bos_token ...; then other members that end in _token, as "image_token":
     * content.s NULL: none. */
    struct tf_token_list special;
    struct tf_token_list extra; /* extra_special_tokens */
    struct tf_token_list added; /* added_tokens_decoder by id, or what
                                   added_tokens.json has */
    bool has_template;          /* for chats */
    bool target; /* set before reading: of what a translation gives */
};

/* Read what there is of `dir`. On failure, too, release. */
int tf_tokconfig_read(struct tf_tokconfig *c, const char *dir,
                      struct tf_err *err);
/* The same of a tokenizer_config.json alone, whose bytes are taken over: a
 * tokenizer of the general class. */
int tf_tokconfig_of(struct tf_tokconfig *c, struct tf_buf *text,
                    struct tf_err *err);
void tf_tokconfig_release(struct tf_tokconfig *c);

/* The pad token of tokenizer.json's padding section: taken where neither the
 * class nor tokenizer_config.json says one. */
int tf_tokconfig_default_pad(struct tf_tokconfig *c, const char *token,
                             struct tf_err *err);

/* Give a special token that has no content yet one. */
int tf_tokconfig_name(struct tf_tokconfig *c, enum tf_special which,
                      struct tf_str content, struct tf_err *err);

/* Members of tokenizer_config.json; of another type, or absent: `otherwise`. */
bool tf_tokconfig_flag(const struct tf_tokconfig *c, const char *name,
                       bool otherwise);
double tf_tokconfig_number(const struct tf_tokconfig *c, const char *name,
                           double otherwise);
/* A string without escapes; s NULL when there is none. */
struct tf_str tf_tokconfig_string(const struct tf_tokconfig *c,
                                  const char *name);
/* Does the member list hold this string? `otherwise` when it is no list. */
bool tf_tokconfig_lists(const struct tf_tokconfig *c, const char *name,
                        const char *string, bool otherwise);
#endif

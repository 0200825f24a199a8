/*
 * Private to lib/model: what a row can say. One table per object of a row; it
 * is read by it, and its names are those of tf-architecture(5).
 */
#ifndef TF_MODEL_ARCH_FIELDS_H
#define TF_MODEL_ARCH_FIELDS_H

#include <jansson.h>
#include <stddef.h>
#include "base/err.h"
#include "base/mem.h"
#include "kernel/kernel.h"

enum tf_field_kind {
    TF_FIELD_SIZE,   /* size_t, at most INT32_MAX */
    TF_FIELD_NUMBER, /* double, finite */
    TF_FIELD_BOOL,   /* bool */
    TF_FIELD_STRING, /* const char *; "" counts as none */
    TF_FIELD_ACT,    /* enum tf_act */
    TF_FIELD_WORD,   /* an enum: the place of the word among `words` */
    TF_FIELD_JSON,   /* json_t *, borrowed from the config */
};

struct tf_field {
    const char *name;
    enum tf_field_kind kind;
    size_t offset;
    const char *fallback; /* the value of a row that does not say; NULL: 0 */
    const char *words;    /* "none|learned" */
};

/* Tables end with a NULL name. */
extern const struct tf_field tf_stack_fields[], tf_stack_name_fields[],
    tf_head_fields[];

/* Where values come from and go to. */
struct tf_field_source {
    json_t *config, *defaults; /* objects; defaults may be NULL */
    struct tf_arena *memory;   /* strings are copied there */
    const char *where;         /* "encoder", for messages */
};

/*
 * Fill `out` from `object` (a member of a row; NULL: empty) by `fields`.
 * `also` names one member that is allowed and left alone, or is NULL. Members
 * that no field has are errors.
 */
int tf_fields_read(void *out, const struct tf_field *fields, json_t *object,
                   const char *also, const struct tf_field_source *src,
                   struct tf_err *err);

/*
 * The value of a row's member: `value` itself, or what it refers to when it is
 * a string that begins with '$':
 *
 *     $a|b.c          the config's first of a, c in b; else the defaults' first
 *                     (but not of what the config sets to null)
 *     $a|b?X:Y        X when that is true (not false, 0, "" or absent), else Y
 *     $a|b=word?X:Y   X when that is `word`, or a list that holds it; a '*' at
 *                     either end of the word stands for anything
 *
 * X and Y are words, numbers or such references. `fallback` counts where that
 * gives nothing. Returns a new reference, or NULL for none.
 */
json_t *tf_value(json_t *value, const char *fallback, json_t *config,
                 json_t *defaults);

/* The activation that Transformers calls `name`; -1 when there is none. */
int tf_act_parse(enum tf_act *act, const char *name);
#endif

/*
 * Reading a component of a tokenizer.json, as normalizers, pre-tokenizers and
 * decoders are: {"type": NAME, ...}, where the type says which other members
 * there must be.
 */
#ifndef TF_TEXT_COMPONENT_H
#define TF_TEXT_COMPONENT_H

#include <stddef.h>
#include "base/err.h"
#include "base/json.h"

/* The first member of a struct with what else there is to say of a type. */
struct tf_component_type {
    const char *name;
    unsigned must; /* members by their bits: 1 << index */
};

struct tf_component {
    const char *what;           /* "normalizer" */
    const char *const *members; /* names of all types' members */
    size_t member_count;
    const void *types; /* of `type_count` structs */
    size_t type_size, type_count;
    /* Read the value of the member of a bit into `object`; errors of JSON stay
     * in `j`. */
    int (*read)(struct tf_json *j, unsigned member, void *object,
                struct tf_err *err);
};

/*
 * Read the object at the cursor. Members that are not known, and null ones, are
 * passed over. Returns the type's struct, and the members there are in `seen`;
 * NULL and `err` on failure.
 */
const void *tf_component_read(const struct tf_component *c, struct tf_json *j,
                              void *object, unsigned *seen, struct tf_err *err);

/* The components of a Sequence. Zeroed memory is empty; whoever read them frees
 * them and `at`. */
struct tf_components {
    void **at;
    size_t count;
};

/* Append those of an array, each read by `read`, which gives NULL for one that
 * does nothing: it is left out. Errors of JSON stay in `j`. */
int tf_components_read(struct tf_components *list, struct tf_json *j,
                       int (*read)(struct tf_json *j, void **item,
                                   struct tf_err *err),
                       struct tf_err *err);

/* Read a string into `out`, which is owned by its holder and freed before. */
int tf_component_string(struct tf_json *j, struct tf_str *out,
                        struct tf_err *err);
#endif

/*
 * Read a Python pickle (protocols 0x80 2 to 5, as torch.save writes them) as
 * data. No code is ever run and no object made: a call that the pickle asks for
 * stays a node of the tree, and only the globals that the caller allows may be
 * named at all. Opcodes: Python's pickletools.
 */
#ifndef TF_FORMAT_PICKLE_H
#define TF_FORMAT_PICKLE_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum tf_pickle_type {
    TF_PICKLE_NONE,
    TF_PICKLE_BOOL,   /* integer */
    TF_PICKLE_INT,    /* integer */
    TF_PICKLE_FLOAT,  /* number */
    TF_PICKLE_STRING, /* string: str or bytes */
    TF_PICKLE_TUPLE,  /* items */
    TF_PICKLE_LIST,   /* items; sets too */
    TF_PICKLE_DICT,   /* items: key, value, key, value, ... */
    TF_PICKLE_GLOBAL, /* string: "module name" */
    TF_PICKLE_CALL,   /* string: the callee's "module name"; items: arguments */
    TF_PICKLE_PERSISTENT, /* items[0]: the id */
};

/* A node may be reached along several paths (and, in a list or dict of a
 * hostile file, from inside itself): walk it to a bounded depth. */
struct tf_pickle {
    enum tf_pickle_type type;
    int64_t integer;
    double number;
    struct tf_str string; /* borrowed from the data read */
    struct tf_pickle **items;
    size_t count, cap;
};

/*
 * Read one pickle from the start of data, which must outlive the tree; nodes
 * are in `arena`. `allowed` lists, NULL at the end, the globals as
 * "module name". Every persistent node is also appended to the list
 * `persistent` unless that is NULL. `used` gets the bytes read. NULL and `err`
 * on failure.
 */
struct tf_pickle *tf_pickle_read(struct tf_arena *arena,
                                 const unsigned char *data, size_t len,
                                 const char *const *allowed,
                                 struct tf_pickle *persistent, size_t *used,
                                 struct tf_err *err);

/* The value of a string key in a dict, or NULL. */
const struct tf_pickle *tf_pickle_get(const struct tf_pickle *dict,
                                      const char *key);
#endif

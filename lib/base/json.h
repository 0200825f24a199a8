/*
 * JSON (RFC 8259), read as a stream: a cursor that pulls values, builds no tree
 * and needs memory only for strings with escapes. Input is not trusted; depth
 * is limited. Errors are sticky: after one every call returns false, and
 * tf_json_failed() says what and at which byte. Numbers keep their spelling.
 *
 *     if (tf_json_object(&j))
 *         while (tf_json_key(&j, &key))
 *             if (tf_str_is(key, "vocab")) ... else tf_json_skip(&j, NULL);
 */
#ifndef TF_BASE_JSON_H
#define TF_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define TF_JSON_DEPTH 128

enum tf_json_type {
    TF_JSON_BAD, /* malformed, or nothing there */
    TF_JSON_NULL,
    TF_JSON_BOOL,
    TF_JSON_NUMBER,
    TF_JSON_STRING,
    TF_JSON_ARRAY,
    TF_JSON_OBJECT,
};

struct tf_json {
    const char *start, *p, *end;
    const char *what; /* NULL, or what is wrong (static) */
    struct tf_buf
        scratch[2]; /* decoded strings: the last key, the last value */
    int depth;
    bool first;     /* just entered: no comma yet */
    bool escapes;   /* the last string had some */
    bool repair;    /* lone surrogates read as U+FFFD, not as an error; set it
                       after init */
    bool unchecked; /* strings may be invalid UTF-8: for a caller who compares
                       them with checked ones; likewise */
    char open[TF_JSON_DEPTH];
};

void tf_json_init(struct tf_json *j, const char *data, size_t len);
void tf_json_release(struct tf_json *j);

/* The type of the value that comes next; reads nothing. */
enum tf_json_type tf_json_peek(struct tf_json *j);

/* Enter an object or array; false (an error) when the next value is none. */
bool tf_json_object(struct tf_json *j);
bool tf_json_array(struct tf_json *j);
/* The next member's name (decoded, valid until the next key) with the cursor at
 * its value, or false at the closing brace, which is then passed. */
bool tf_json_key(struct tf_json *j, struct tf_str *key);
/* True when another item follows; false at the bracket, which is passed. */
bool tf_json_item(struct tf_json *j);

/* Read a value of this type, else an error. A string is decoded UTF-8 (a lone
 * surrogate is an error, \u0000 gives a NUL), valid until the next string. */
bool tf_json_string(struct tf_json *j, struct tf_str *out);
bool tf_json_double(struct tf_json *j, double *out);
bool tf_json_int(struct tf_json *j, int64_t *out); /* integral, in range */
bool tf_json_bool(struct tf_json *j, bool *out);
bool tf_json_null(struct tf_json *j); /* false without error if not null */
/* Pass over any value, checked; `raw`, if not NULL, gets its exact bytes. */
bool tf_json_skip(struct tf_json *j, struct tf_str *raw);
/* Only blanks are left; else an error. */
bool tf_json_done(struct tf_json *j);

/* Report an error of the caller's own at the cursor. Returns false. */
bool tf_json_bad(struct tf_json *j, const char *what);
/* False, or true with the message, "byte N: ..." in `err`. */
bool tf_json_failed(const struct tf_json *j, struct tf_err *err);
#endif

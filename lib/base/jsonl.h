/*
 * Records: one JSON object a line, kept as its own bytes. Members pass through
 * exactly as they came; what a tool adds is printed after them.
 */
#ifndef TF_BASE_JSONL_H
#define TF_BASE_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

struct tf_member {
    struct tf_str name;  /* decoded */
    struct tf_str raw;   /* "name": value, as it came, without the comma */
    struct tf_str value; /* the value's bytes in raw */
    bool plain;          /* a string without escapes: its text is in quotes */
};

/* Zeroed memory is an empty record; parse again to reuse its memory. */
struct tf_record {
    struct tf_member *members;
    size_t count, cap;
    struct tf_buf names; /* names that had escapes */
};

/* Parse one line, which must outlive the record. Fails with code "not_json",
 * "not_object" or "invalid_utf8". */
int tf_record_parse(struct tf_record *rec, const char *line, size_t len,
                    struct tf_err *err);
void tf_record_release(struct tf_record *rec);
/* The member's value bytes (the last of that name; absent or null: s NULL). */
struct tf_str tf_record_get(const struct tf_record *rec, const char *name);
/* Decode a string member into `out` (which is reset). Fails with "no_field",
 * "bad_field". */
int tf_record_string(const struct tf_record *rec, const char *name,
                     struct tf_buf *out, struct tf_err *err);
/* The same without a copy: `out` points into the line, or, when the string has
 * escapes, into `buf`. */
int tf_record_text(const struct tf_record *rec, const char *name,
                   struct tf_buf *buf, struct tf_str *out, struct tf_err *err);

/* Values as JSON, appended. A string is printed as UTF-8 with the escapes JSON
 * requires and no others; it must be valid UTF-8. A float is the shortest
 * decimal that reads back as the same float32, as Python's repr lays it out
 * (1.0, 1e-07); NaN and infinities, which JSON has not, print as null. */
void tf_put_string(struct tf_buf *b, const char *s, size_t len);
void tf_put_float(struct tf_buf *b, float v);
void tf_put_double(struct tf_buf *b, double v);
void tf_put_int(struct tf_buf *b, int64_t v);

/* Length of the longest prefix of s that is valid UTF-8 (no surrogates, no
 * overlong forms, at most U+10FFFF); len when all of it is. */
size_t tf_utf8_valid(const char *s, size_t len);
/* Append s with each maximal invalid part replaced by U+FFFD. */
void tf_utf8_repair(struct tf_buf *b, const char *s, size_t len);
#endif

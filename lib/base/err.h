/*
 * Why a call failed, in words meant for a user. The caller owns it. The
 * library never prints and never exits: it fills one of these.
 */
#ifndef TF_BASE_ERR_H
#define TF_BASE_ERR_H

#include <stddef.h>

struct tf_err {
    /* A static word for programs, or NULL: one of the record error codes of
     * tf(7) ("bad_field", "too_long", ...), or "no_memory", "network". */
    const char *code;
    char msg[480];
};

/* Set the message (code NULL); returns -1: callers write return tf_fail(...).
 */
int tf_fail(struct tf_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with a code, which must be a string literal. */
int tf_fail_code(struct tf_err *err, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "no memory for N bytes", code "no_memory". */
int tf_no_memory(struct tf_err *err, size_t bytes);

/* The compiler is told that they return -1 and nothing else, so that it sees
 * what is set when a call did not fail. */
#define tf_fail(...)      (__extension__({ tf_fail(__VA_ARGS__), -1; }))
#define tf_fail_code(...) (__extension__({ tf_fail_code(__VA_ARGS__), -1; }))
#define tf_no_memory(...) (__extension__({ tf_no_memory(__VA_ARGS__), -1; }))

/* Put "where: " before the message: a path, a tensor, a record. */
void tf_err_at(struct tf_err *err, const char *where);
#endif

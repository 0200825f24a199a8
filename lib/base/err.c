#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static void set(struct tf_err *err, const char *code, const char *fmt,
                va_list ap)
{
    err->code = code;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int(tf_fail)(struct tf_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(err, NULL, fmt, ap);
    va_end(ap);
    return -1;
}

int(tf_fail_code)(struct tf_err *err, const char *code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(err, code, fmt, ap);
    va_end(ap);
    return -1;
}

int(tf_no_memory)(struct tf_err *err, size_t bytes)
{
    return tf_fail_code(err, "no_memory", "no memory for %zu bytes", bytes);
}

void tf_err_at(struct tf_err *err, const char *where)
{
    struct tf_err inner = *err;

    /* a long path must not push the reason out of the message */
    tf_fail_code(err, inner.code, "%.200s: %.276s", where, inner.msg);
}

#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tf_str_is(struct tf_str a, const char *b)
{
    return strlen(b) == a.len && (!a.len || !memcmp(a.s, b, a.len));
}

static bool reserve(struct tf_buf *b, size_t n)
{
    size_t cap;
    char *data;

    if (b->failed)
        return false;
    if (n <= b->cap - b->len && b->data)
        return true;
    if (n > SIZE_MAX / 2 - b->len) {
        b->failed = true;
        return false;
    }
    cap = b->cap + b->cap / 2;
    if (cap < b->len + n)
        cap = b->len + n;
    if (cap < 64)
        cap = 64;
    data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void tf_buf_add(struct tf_buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
}

void tf_buf_adds(struct tf_buf *b, const char *s)
{
    tf_buf_add(b, s, strlen(s));
}

void tf_buf_addc(struct tf_buf *b, char c)
{
    if (!reserve(b, 1))
        return;
    b->data[b->len++] = c;
}

void tf_buf_addf(struct tf_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    if (n < 0 || !reserve(b, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

char *tf_buf_room(struct tf_buf *b, size_t n)
{
    return reserve(b, n) ? b->data + b->len : NULL;
}

void tf_buf_reset(struct tf_buf *b)
{
    b->len = 0;
    b->failed = false;
}

void tf_buf_release(struct tf_buf *b)
{
    free(b->data);
    *b = (struct tf_buf)TF_BUF_INIT;
}

const char *tf_buf_cstr(struct tf_buf *b)
{
    if (!reserve(b, 1))
        return "";
    b->data[b->len] = 0;
    return b->data;
}

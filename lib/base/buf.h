/*
 * Growing bytes. Failure is sticky: after one failed growth every add is a
 * no-op and `failed` stays set until reset, so a caller checks once at the end.
 */
#ifndef TF_BASE_BUF_H
#define TF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Bytes that belong to somebody else; not NUL-terminated. */
struct tf_str {
    const char *s;
    size_t len;
};

bool tf_str_is(struct tf_str a, const char *b);
static inline bool tf_str_eq(struct tf_str a, struct tf_str b)
{
    return a.len == b.len && (!a.len || !memcmp(a.s, b.s, a.len));
}

struct tf_buf {
    char *data; /* NULL while nothing was ever added; no NUL at the end */
    size_t len, cap;
    bool failed;
};

#define TF_BUF_INIT                                                            \
    {                                                                          \
        0                                                                      \
    }

void tf_buf_add(struct tf_buf *b, const void *p, size_t n);
void tf_buf_adds(struct tf_buf *b, const char *s);
void tf_buf_addc(struct tf_buf *b, char c);
void tf_buf_addf(struct tf_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at the end: where to write them, or NULL. The caller
 * adds what it wrote to len. */
char *tf_buf_room(struct tf_buf *b, size_t n);
void tf_buf_reset(struct tf_buf *b);   /* empty, memory kept */
void tf_buf_release(struct tf_buf *b); /* memory given back */
/* The bytes as a C string, valid until the next add; "" when failed. */
const char *tf_buf_cstr(struct tf_buf *b);
#endif

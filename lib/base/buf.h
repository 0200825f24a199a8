/*
 * Growing bytes. Failure is sticky: after one failed growth every add is a
 * no-op and `failed` stays set until reset, so a caller checks once at the end.
 */
#ifndef TF_BASE_BUF_H
#define TF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that belong to somebody else; not NUL-terminated. */
struct tf_str {
    const char *s;
    size_t len;
};

bool tf_str_is(struct tf_str a, const char *b);

/* Words are short: without a call for most. */
static inline bool tf_bytes_eq(const char *a, const char *b, size_t n)
{
    uint64_t x[2], y[2];
    uint32_t v[2], w[2];

    if (n > 16)
        return !memcmp(a, b, n);
    if (n >= 8) {
        memcpy(&x[0], a, 8);
        memcpy(&x[1], a + n - 8, 8);
        memcpy(&y[0], b, 8);
        memcpy(&y[1], b + n - 8, 8);
        return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
    }
    if (n >= 4) {
        memcpy(&v[0], a, 4);
        memcpy(&v[1], a + n - 4, 4);
        memcpy(&w[0], b, 4);
        memcpy(&w[1], b + n - 4, 4);
        return !((v[0] ^ w[0]) | (v[1] ^ w[1]));
    }
    return !n || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}

static inline bool tf_str_eq(struct tf_str a, struct tf_str b)
{
    return a.len == b.len && tf_bytes_eq(a.s, b.s, a.len);
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

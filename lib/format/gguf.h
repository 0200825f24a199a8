/*
 * Read a GGUF file (ggml's format, versions 2 and 3) in place. The file is not
 * trusted: open() checks every string, count, type and offset once, so callers
 * use what they get without checking.
 */
#ifndef TF_FORMAT_GGUF_H
#define TF_FORMAT_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "nn/tensor.h"

struct tf_gguf;

/* Map `path`. A file split in shards (split.count) is opened by its first one;
 * the others are found beside it. On failure NULL and `err`. */
struct tf_gguf *tf_gguf_open(const char *path, struct tf_err *err);
void tf_gguf_close(struct tf_gguf *g); /* NULL is allowed */

/* Tensors, dims outermost first; borrowed until close. Find: NULL if absent. */
const struct tf_tensor *tf_gguf_find(const struct tf_gguf *g, const char *name);
size_t tf_gguf_count(const struct tf_gguf *g);
const struct tf_tensor *tf_gguf_at(const struct tf_gguf *g, size_t i,
                                   const char **name);

/* Metadata by key. False when the key is absent or its type can't give the
 * value asked for; integers of any width convert when they are in range. */
bool tf_gguf_string(const struct tf_gguf *g, const char *key,
                    struct tf_str *out);
bool tf_gguf_int(const struct tf_gguf *g, const char *key, int64_t *out);
bool tf_gguf_double(const struct tf_gguf *g, const char *key, double *out);
bool tf_gguf_bool(const struct tf_gguf *g, const char *key, bool *out);

/* All metadata in file order: value i as its bytes stand in the file, its type
 * before it; and its key. */
size_t tf_gguf_value_count(const struct tf_gguf *g);
struct tf_str tf_gguf_value_at(const struct tf_gguf *g, size_t i,
                               struct tf_str *key);

/* The number that stands for a type in the file, -1: there is none. */
int tf_gguf_type(enum tf_dtype dtype);

/* An array of one type, read item by item. */
struct tf_gguf_array {
    size_t count; /* items left */
    uint32_t type;
    const unsigned char *p;
};

bool tf_gguf_array(const struct tf_gguf *g, const char *key,
                   struct tf_gguf_array *out);
/* The next item; false at the end or when it is not of that kind. */
bool tf_gguf_next_string(struct tf_gguf_array *a, struct tf_str *out);
bool tf_gguf_next_int(struct tf_gguf_array *a, int64_t *out);
bool tf_gguf_next_double(struct tf_gguf_array *a, double *out);
#endif

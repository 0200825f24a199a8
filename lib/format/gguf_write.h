/*
 * Write a GGUF file (ggml's format, version 3). The file appears whole or not
 * at all, and one tensor's data is asked for at a time.
 */
#ifndef TF_FORMAT_GGUF_WRITE_H
#define TF_FORMAT_GGUF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "format/gguf.h"
#include "format/named_tensor.h"

/* Metadata in the order it was put; a key goes in once. Zeroed memory is empty;
 * running out of memory shows when the file is written. */
struct tf_gguf_meta {
    struct tf_buf bytes;
    size_t count;
};

void tf_gguf_meta_release(struct tf_gguf_meta *m);

void tf_gguf_put_string(struct tf_gguf_meta *m, const char *key,
                        struct tf_str s);
void tf_gguf_put_u32(struct tf_gguf_meta *m, const char *key, uint32_t v);
void tf_gguf_put_f32(struct tf_gguf_meta *m, const char *key, double v);
void tf_gguf_put_bool(struct tf_gguf_meta *m, const char *key, bool v);

/* An array: begin with its number of items, then add each. */
void tf_gguf_put_strings(struct tf_gguf_meta *m, const char *key, size_t n);
void tf_gguf_put_i32s(struct tf_gguf_meta *m, const char *key, size_t n);
void tf_gguf_put_f32s(struct tf_gguf_meta *m, const char *key, size_t n);
void tf_gguf_put_bools(struct tf_gguf_meta *m, const char *key, size_t n);
void tf_gguf_add_string(struct tf_gguf_meta *m, struct tf_str s);
void tf_gguf_add_i32(struct tf_gguf_meta *m, int32_t v);
void tf_gguf_add_f32(struct tf_gguf_meta *m, double v);
void tf_gguf_add_bool(struct tf_gguf_meta *m, bool v);

/* A value as it stands in another file, see tf_gguf_value_at(). */
void tf_gguf_put_raw(struct tf_gguf_meta *m, struct tf_str key,
                     struct tf_str value);

/*
 * Write the metadata and n tensors, in their order. A tensor without data is
 * asked from `fill`. Names have at most 63 bytes, tensors at most four dims. -1
 * and `err` when a tensor can't stand in such a file, or it can't be written.
 */
int tf_gguf_write(const char *path, const struct tf_gguf_meta *meta,
                  const struct tf_named_tensor *tensors, size_t n,
                  tf_fill_fn *fill, void *arg, struct tf_err *err);
#endif

#include "format/gguf_write.h"

#include <string.h>

#define ALIGNMENT 32 /* of tensors; the default, so no key says it */
#define GGML_DIMS 4
#define NAME_MOST 63 /* bytes of a tensor's name that llama.cpp takes */

enum { U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9 };

static void put_u32(struct tf_buf *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        tf_buf_addc(b, (char)(v >> 8 * i & 0xff));
}

static void put_u64(struct tf_buf *b, uint64_t v)
{
    put_u32(b, (uint32_t)(v & UINT32_MAX));
    put_u32(b, (uint32_t)(v >> 32));
}

static void put_f32(struct tf_buf *b, double v)
{
    float f = (float)v;
    uint32_t bits;

    memcpy(&bits, &f, sizeof(bits));
    put_u32(b, bits);
}

static void put_string(struct tf_buf *b, struct tf_str s)
{
    put_u64(b, s.len);
    tf_buf_add(b, s.s, s.len);
}

static void put_key(struct tf_gguf_meta *m, const char *key, uint32_t type)
{
    put_string(&m->bytes, (struct tf_str){ key, strlen(key) });
    put_u32(&m->bytes, type);
    m->count++;
}

static void put_array(struct tf_gguf_meta *m, const char *key, uint32_t type,
                      size_t n)
{
    put_key(m, key, ARRAY);
    put_u32(&m->bytes, type);
    put_u64(&m->bytes, n);
}

void tf_gguf_meta_release(struct tf_gguf_meta *m)
{
    tf_buf_release(&m->bytes);
    m->count = 0;
}

void tf_gguf_put_string(struct tf_gguf_meta *m, const char *key,
                        struct tf_str s)
{
    put_key(m, key, STRING);
    put_string(&m->bytes, s);
}

void tf_gguf_put_u32(struct tf_gguf_meta *m, const char *key, uint32_t v)
{
    put_key(m, key, U32);
    put_u32(&m->bytes, v);
}

void tf_gguf_put_f32(struct tf_gguf_meta *m, const char *key, double v)
{
    put_key(m, key, F32);
    put_f32(&m->bytes, v);
}

void tf_gguf_put_bool(struct tf_gguf_meta *m, const char *key, bool v)
{
    put_key(m, key, BOOL);
    tf_buf_addc(&m->bytes, v);
}

void tf_gguf_put_strings(struct tf_gguf_meta *m, const char *key, size_t n)
{
    put_array(m, key, STRING, n);
}

void tf_gguf_put_i32s(struct tf_gguf_meta *m, const char *key, size_t n)
{
    put_array(m, key, I32, n);
}

void tf_gguf_put_f32s(struct tf_gguf_meta *m, const char *key, size_t n)
{
    put_array(m, key, F32, n);
}

void tf_gguf_put_bools(struct tf_gguf_meta *m, const char *key, size_t n)
{
    put_array(m, key, BOOL, n);
}

void tf_gguf_add_string(struct tf_gguf_meta *m, struct tf_str s)
{
    put_string(&m->bytes, s);
}

void tf_gguf_add_i32(struct tf_gguf_meta *m, int32_t v)
{
    put_u32(&m->bytes, (uint32_t)v);
}

void tf_gguf_add_f32(struct tf_gguf_meta *m, double v)
{
    put_f32(&m->bytes, v);
}

void tf_gguf_add_bool(struct tf_gguf_meta *m, bool v)
{
    tf_buf_addc(&m->bytes, v);
}

void tf_gguf_put_raw(struct tf_gguf_meta *m, struct tf_str key,
                     struct tf_str value)
{
    put_string(&m->bytes, key);
    tf_buf_add(&m->bytes, value.s, value.len);
    m->count++;
}

static size_t padding(size_t n)
{
    return (ALIGNMENT - n % ALIGNMENT) % ALIGNMENT;
}

static int put_info(struct tf_buf *b, const struct tf_named_tensor *nt,
                    size_t *offset, struct tf_err *err)
{
    const struct tf_tensor *t = &nt->tensor;
    int type = tf_gguf_type(t->dtype);

    if (type < 0)
        return tf_fail(err, "%.200s: GGUF has no type %s", nt->name,
                       tf_dtype_info(t->dtype)->name);
    if (t->ndim > GGML_DIMS)
        return tf_fail(err, "%.200s: %zu dimensions, GGUF has at most %d",
                       nt->name, t->ndim, GGML_DIMS);
    if (strlen(nt->name) > NAME_MOST)
        return tf_fail(err, "%.200s: a name of more than %d bytes", nt->name,
                       NAME_MOST);
    put_string(b, (struct tf_str){ nt->name, strlen(nt->name) });
    put_u32(b, (uint32_t)t->ndim);
    for (size_t i = t->ndim; i-- > 0;)
        put_u64(b, t->dim[i]);
    put_u32(b, (uint32_t)type);
    put_u64(b, *offset);
    *offset += tf_tensor_bytes(t);
    *offset += padding(*offset);
    return 0;
}

static int put_header(struct tf_buf *b, const struct tf_gguf_meta *meta,
                      const struct tf_named_tensor *tensors, size_t n,
                      struct tf_err *err)
{
    size_t offset = 0;

    tf_buf_adds(b, "GGUF");
    put_u32(b, 3);
    put_u64(b, n);
    put_u64(b, meta->count);
    tf_buf_add(b, meta->bytes.data, meta->bytes.len);
    for (size_t i = 0; i < n; i++)
        if (put_info(b, &tensors[i], &offset, err))
            return -1;
    for (size_t pad = padding(b->len); pad; pad--)
        tf_buf_addc(b, 0);
    return b->failed || meta->bytes.failed ? tf_no_memory(err, b->len) : 0;
}

int tf_gguf_write(const char *path, const struct tf_gguf_meta *meta,
                  const struct tf_named_tensor *tensors, size_t n,
                  tf_fill_fn *fill, void *arg, struct tf_err *err)
{
    struct tf_buf header = TF_BUF_INIT;
    int failed = put_header(&header, meta, tensors, n, err);

    if (failed)
        tf_err_at(err, path);
    else
        failed = tf_write_tensors(path, &header, tensors, n, ALIGNMENT, fill,
                                  arg, err);
    tf_buf_release(&header);
    return failed ? -1 : 0;
}

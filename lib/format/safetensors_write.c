#include "format/safetensors_write.h"

#include <stdlib.h>
#include <string.h>
#include "base/jsonl.h"

/* The reference writer's order of types, by falling size. */
static const enum tf_dtype order[] = {
    TF_U64, TF_I64, TF_F64,     TF_F32,     TF_U32, TF_I32, TF_BF16, TF_F16,
    TF_U16, TF_I16, TF_F8_E4M3, TF_F8_E5M2, TF_I8,  TF_U8,  TF_BOOL,
};
#define ORDERED (sizeof(order) / sizeof(order[0]))

static size_t rank(enum tf_dtype dtype)
{
    size_t i = 0;

    while (i < ORDERED && order[i] != dtype)
        i++;
    return i;
}

static int compare(const void *a, const void *b)
{
    const struct tf_named_tensor *x = a, *y = b;
    size_t rx = rank(x->tensor.dtype), ry = rank(y->tensor.dtype);

    return rx != ry ? (rx > ry) - (rx < ry) : strcmp(x->name, y->name);
}

/* The header of sorted tensors, its size before it. */
static int put_header(struct tf_buf *b, const struct tf_named_tensor *tensors,
                      size_t n, struct tf_err *err)
{
    size_t offset = 0, len, i, d;

    tf_buf_add(b, "\0\0\0\0\0\0\0\0", 8);
    tf_buf_adds(b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (i = 0; i < n; i++) {
        const struct tf_tensor *t = &tensors[i].tensor;

        if (rank(t->dtype) == ORDERED)
            return tf_fail(err, "%s: safetensors has no type %s",
                           tensors[i].name, tf_dtype_info(t->dtype)->name);
        if (i && !strcmp(tensors[i - 1].name, tensors[i].name))
            return tf_fail(err, "%s: stands twice", tensors[i].name);
        tf_buf_addc(b, ',');
        tf_put_string(b, tensors[i].name, strlen(tensors[i].name));
        tf_buf_addf(b, ":{\"dtype\":\"%s\",\"shape\":[",
                    tf_dtype_info(t->dtype)->name);
        for (d = 0; d < t->ndim; d++)
            tf_buf_addf(b, "%s%zu", d ? "," : "", t->dim[d]);
        tf_buf_addf(b, "],\"data_offsets\":[%zu,", offset);
        offset += tf_tensor_bytes(t);
        tf_buf_addf(b, "%zu]}", offset);
    }
    tf_buf_addc(b, '}');
    while (b->len % 8)
        tf_buf_addc(b, ' ');
    if (b->failed)
        return tf_no_memory(err, b->len);
    len = b->len - 8;
    for (i = 0; i < 8; i++)
        b->data[i] = (char)(len >> 8 * i & 0xff);
    return 0;
}

int tf_safetensors_write(const char *path, struct tf_named_tensor *tensors,
                         size_t n, tf_fill_fn *fill, void *arg,
                         struct tf_err *err)
{
    struct tf_buf header = TF_BUF_INIT;
    int failed;

    if (n)
        qsort(tensors, n, sizeof(*tensors), compare);
    failed = put_header(&header, tensors, n, err);
    if (failed)
        tf_err_at(err, path);
    else
        failed = tf_write_tensors(path, &header, tensors, n, 1, fill, arg, err);
    tf_buf_release(&header);
    return failed ? -1 : 0;
}

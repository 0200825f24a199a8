#include "format/named_tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

static int put_bytes(FILE *f, const void *p, size_t n, struct tf_err *err)
{
    if (n && fwrite(p, 1, n, f) != n)
        return tf_fail(err, "can't write: %s", strerror(errno));
    return 0;
}

static int put_tensor(FILE *f, const struct tf_named_tensor *t,
                      tf_fill_fn *fill, void *arg, struct tf_err *err)
{
    size_t bytes = tf_tensor_bytes(&t->tensor);
    void *scratch;
    int failed;

    if (t->tensor.data || !bytes)
        return put_bytes(f, t->tensor.data, bytes, err);
    scratch = tf_alloc(bytes, 1, err);
    failed = !scratch || fill(arg, t, scratch, err) ||
             put_bytes(f, scratch, bytes, err);
    free(scratch);
    return failed ? -1 : 0;
}

int tf_write_tensors(const char *path, const struct tf_buf *header,
                     const struct tf_named_tensor *tensors, size_t n,
                     size_t align, tf_fill_fn *fill, void *arg,
                     struct tf_err *err)
{
    static const char zeros[TF_ALIGN_MAX];
    struct tf_replace r;
    size_t i, past;
    int failed;

    if (tf_replace_open(&r, path, err))
        return -1;
    failed = put_bytes(r.f, header->data, header->len, err);
    for (i = 0; !failed && i < n; i++) {
        past = tf_tensor_bytes(&tensors[i].tensor) % align;
        failed = put_tensor(r.f, &tensors[i], fill, arg, err) ||
                 put_bytes(r.f, zeros, past ? align - past : 0, err);
    }
    if (!failed)
        return tf_replace_commit(&r, err);
    tf_err_at(err, path);
    tf_replace_abort(&r);
    return -1;
}

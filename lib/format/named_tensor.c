#include "format/named_tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

int tf_put_bytes(FILE *f, const void *p, size_t n, struct tf_err *err)
{
    if (n && fwrite(p, 1, n, f) != n)
        return tf_fail(err, "can't write: %s", strerror(errno));
    return 0;
}

int tf_put_tensor(FILE *f, const struct tf_named_tensor *t, tf_fill_fn *fill,
                  void *arg, struct tf_err *err)
{
    size_t bytes = tf_tensor_bytes(&t->tensor);
    void *scratch;
    int failed;

    if (t->tensor.data || !bytes)
        return tf_put_bytes(f, t->tensor.data, bytes, err);
    scratch = tf_alloc(bytes, 1, err);
    failed = !scratch || fill(arg, t, scratch, err) ||
             tf_put_bytes(f, scratch, bytes, err);
    free(scratch);
    return failed ? -1 : 0;
}

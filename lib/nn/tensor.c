#include "nn/tensor.h"

size_t tf_tensor_rows(const struct tf_tensor *t)
{
    size_t n = 1, i;

    for (i = 0; i + 1 < t->ndim; i++)
        n *= t->dim[i];
    return n;
}

size_t tf_tensor_count(const struct tf_tensor *t)
{
    return tf_tensor_rows(t) * (t->ndim ? t->dim[t->ndim - 1] : 1);
}

size_t tf_tensor_bytes(const struct tf_tensor *t)
{
    const struct tf_dtype_info *info = tf_dtype_info(t->dtype);

    return tf_tensor_count(t) / info->block * info->bytes;
}

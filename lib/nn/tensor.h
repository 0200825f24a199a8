/* A view of numbers: shape, type, place. It owns nothing. */
#ifndef TF_NN_TENSOR_H
#define TF_NN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/dtype.h"

#define TF_MAX_DIMS 8

struct tf_tensor {
    enum tf_dtype dtype;
    size_t ndim;
    size_t dim[TF_MAX_DIMS]; /* row-major, outermost first */
    size_t ld;  /* elements from one row to the next; a row is the last dim */
    void *data; /* a mapped file's tensor may be unaligned, and is read only */
    struct tf_tensor *base; /* the tensor that this is a view of, or stands for
                               (tied tables), or NULL; its gradient is there */
    float *grad; /* the gradient, laid out as data; NULL: none wanted (yet) */
    bool needs_grad;
    uint8_t *grad_rows; /* [rows]: 1 where grad was added to since its owner
                           cleared this, 0 where it holds zeros, as in most
                           rows of a table; NULL: nobody keeps count */
    size_t fixed_row;   /* of a table, counted from 1: looking it up gives it no
                           gradient (PyTorch's padding_idx); 0: none */
    const float *scale; /* of an int8 matrix, [rows]: a number of row i is
                           data * scale[i]; NULL: there is none */
};

/* Product of the dims; 1 for a scalar. */
size_t tf_tensor_count(const struct tf_tensor *t);
/* Product of all dims but the last. */
size_t tf_tensor_rows(const struct tf_tensor *t);
/* Bytes of the contiguous tensor in its dtype. */
size_t tf_tensor_bytes(const struct tf_tensor *t);
#endif

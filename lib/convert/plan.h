/*
 * What a conversion writes: for each output tensor where its numbers come from
 * and what is done to them on the way.
 */
#ifndef TF_CONVERT_PLAN_H
#define TF_CONVERT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "nn/tensor.h"

/* Order of the source's rows (along dim 0), where it is not the output's. */
enum tf_row_order {
    TF_ROWS_ALIKE,
    TF_ROWS_PAIRED,  /* in each head, row j and row j + D/2 lie side by side */
    TF_ROWS_HALVED,  /* the reverse: the output has them side by side */
    TF_ROWS_BY_SIDE, /* all q, all k, all v; the output has them by group */
};

struct tf_part {
    const struct tf_tensor *t;
    const char *name;
};

struct tf_made {
    char *name;
    const struct tf_tensor *from; /* borrowed */
    const char *source;           /* its name, borrowed; or NULL */
    /* Tensors like `from`, the first of them, that stand one below the other in
     * the output; NULL: `from` alone. The list is owned. */
    struct tf_part *parts;
    size_t part_count;
    struct tf_tensor to; /* type and shape; data NULL */
    /* Makes the output; then what follows is not looked at. NULL: numbers of
     * `from` in order, as `to`'s type. */
    int (*make)(const struct tf_made *m, void *out, struct tf_err *err);
    void *arg;   /* make's own */
    float times; /* each number; 0: none is */
    float add;   /* to each number then */
    bool turned; /* from is [cols][rows] of the output */
    enum tf_row_order order;
    size_t heads, kv_heads; /* of the rows; kv_heads only by side */
};

/* Zeroed memory is an empty plan. */
struct tf_plan {
    struct tf_made *made;
    size_t count, cap;
};

/* Add a tensor that is `from` unchanged, under a copy of the name; the caller
 * changes what is to change. NULL and `err` without memory. */
struct tf_made *tf_plan_add(struct tf_plan *plan, const char *name,
                            const struct tf_tensor *from, struct tf_err *err);
void tf_plan_release(struct tf_plan *plan);

/* The output is the source's bytes as they are. */
bool tf_made_is_copy(const struct tf_made *m);
/* Row r of the output, of as many numbers as its last dim; of a source that is
 * turned, its type has no blocks. With an order, a vector is a column. */
void tf_made_row(const struct tf_made *m, size_t r, float *row);
/* Make the output, tf_tensor_bytes(&m->to) bytes, a row at a time; its type is
 * F32, BF16 or F16, or there is a make(). */
int tf_made_fill(const struct tf_made *m, void *out, struct tf_err *err);
#endif

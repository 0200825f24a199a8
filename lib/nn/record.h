/* Private to lib/nn: how an op puts itself on the tape. */
#ifndef TF_NN_RECORD_H
#define TF_NN_RECORD_H

#include "nn/ops.h"
#include "nn/tape.h"

/* What every node starts with; an op's own follows. */
struct tf_node {
    struct tf_node *before;
    /* Add to the gradients of the inputs; out->grad is there, and may be
     * overwritten unless it was passed on. */
    void (*back)(struct tf_ctx *ctx, struct tf_node *node);
    struct tf_tensor *out;
    bool keep; /* out was there before this node: its gradient goes on */
};

/* The tensor that t is, or is a view of. */
static inline struct tf_tensor *tf_base_of(const struct tf_tensor *t)
{
    while (t->base)
        t = t->base;
    return (struct tf_tensor *)(uintptr_t)t;
}

static inline bool tf_wants_grad(const struct tf_tensor *t)
{
    return t && t->data && tf_base_of(t)->needs_grad;
}

/*
 * A node of `size` bytes, zeroed but for its start, on the tape; `out` then
 * needs a gradient. NULL without a tape, when no input wants a gradient, or
 * when there is no memory.
 */
void *tf_record(struct tf_ctx *ctx, size_t size, struct tf_tensor *out,
                bool wanted, void (*back)(struct tf_ctx *, struct tf_node *));

/* The gradient of t, to add to; NULL when t wants none or the context fails. */
float *tf_grad(struct tf_ctx *ctx, struct tf_tensor *t);
/* The same, but when *fresh comes back set it holds nothing yet, and the op
 * must write every element of it. */
float *tf_grad_open(struct tf_ctx *ctx, struct tf_tensor *t, bool *fresh);
/* Add from->grad to the gradient of t, which has the same shape and may be
 * NULL. */
void tf_grad_add(struct tf_ctx *ctx, const struct tf_tensor *from,
                 struct tf_tensor *t);
/* The same from the node's result, by handing the memory over where that
 * works: out->grad may only be read from then on. */
void tf_grad_pass(struct tf_ctx *ctx, struct tf_node *node,
                  struct tf_tensor *t);

/* y->grad, that of act(z), becomes that of z, given z with y's layout. */
void tf_act_back(struct tf_ctx *ctx, enum tf_act act, struct tf_tensor *y,
                 const float *z);
#endif

/*
 * The way back. With a tape in the context every op leaves a node on it, in the
 * context's arena; tf_backward() walks over them from the last to the first.
 *
 *     struct tf_tape tape;
 *
 *     tf_tape_init(&tape);
 *     ctx.tape = &tape;
 *     loss = ...ops...;
 *     if (tf_backward(&ctx, loss)) ...
 *     ...step, tf_arena_rewind(ctx.arena, mark), again...
 *     tf_tape_release(&tape);
 *
 * A tensor takes part when it needs_grad: a parameter because its owner says
 * so, a result because something that it was made from does. Gradients are
 * added to tensor->grad. A parameter's owner gives it the memory for that (as
 * many floats as it has elements) and sets it to zero; the gradients of results
 * are the tape's, and are gone when backward has passed them.
 */
#ifndef TF_NN_TAPE_H
#define TF_NN_TAPE_H

#include "base/mem.h"
#include "nn/ops.h"

struct tf_tape {
    struct tf_node *last;
    struct tf_arena grads;   /* of results */
    struct tf_spare *spares; /* pieces of it that are free */
    bool paused;             /* ops leave no nodes */
};

void tf_tape_init(struct tf_tape *tape);
void tf_tape_release(struct tf_tape *tape);
/* Drop what is recorded, without going back. */
void tf_tape_clear(struct tf_tape *tape);

/* Go back from a loss ([1][1]), whose own gradient is 1; leaves the tape
 * empty. Returns 0, or -1 when the context has failed, now or before. */
int tf_backward(struct tf_ctx *ctx, struct tf_tensor *loss);

/*
 * Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear
 * memory cost"): with a tape, run a block without keeping what it computes, and
 * run it again on the way back. The result has the shape of x. `arg` must live
 * until backward; what the block reads besides x may need gradients too.
 */
typedef struct tf_tensor *tf_block_fn(struct tf_ctx *ctx, void *arg,
                                      struct tf_tensor *x);
struct tf_tensor *tf_recompute(struct tf_ctx *ctx, tf_block_fn *block,
                               void *arg, struct tf_tensor *x);
#endif

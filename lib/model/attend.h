/* Private to lib/model: a batch on its way through a stack, and attention. */
#ifndef TF_MODEL_ATTEND_H
#define TF_MODEL_ATTEND_H

#include "model/transformer.h"

struct tf_run {
    struct tf_ctx *ctx;
    struct tf_runner *runner;
    struct tf_stack *stack;
    const struct tf_batch *batch;
    const int32_t *places; /* [T] where tokens stand in their sequences */

    /* rows the caller reads, one a sequence, when not all: [count] */
    const int32_t *picked;
    const struct tf_seqs *row_seqs; /* of one row each */
    const int32_t *rows; /* `picked` in the layer that computes no others */
    const struct tf_sparse *sparse; /* what differs from one token to the
                                       other; NULL: nothing */

    struct tf_arena *arena;    /* ctx's own */
    struct tf_arena_mark mark; /* of it: what is above lives for half a layer */
    struct tf_arena_mark out_mark[2];
    int turn; /* the out arena in use */
};

struct tf_qkv {
    struct tf_tensor *q, *k, *v;
};

/* Add a vector, if there is one, to every row of x, in place. */
void tf_add_vector(struct tf_ctx *ctx, struct tf_tensor *x,
                   struct tf_tensor *vector);
/* Put p's new keys and values behind those of each sequence's cache for layer
 * i, and attend to all of them. */
struct tf_tensor *tf_attend_cached(struct tf_run *run, size_t i,
                                   struct tf_qkv *p,
                                   const struct tf_attention *spec);
/* Where the rows that ask stand in their sequences; NULL: no memory. */
const int32_t *tf_query_places(struct tf_run *run);

/*
 * Attention of layer i from `rows` (those of run->rows, or all) to every token
 * of `all`, whose values are made of `values`, up to its output product:
 * [rows][H Dv].
 */
struct tf_tensor *tf_attend(struct tf_run *run, size_t i,
                            struct tf_layer *layer, struct tf_tensor *rows,
                            struct tf_tensor *all, struct tf_tensor *values);

/* The same of layer i's cross attention to batch->cross. */
struct tf_tensor *tf_attend_cross(struct tf_run *run, size_t i,
                                  struct tf_layer *layer,
                                  struct tf_tensor *rows);

/* The feed-forward of a layer up to what is added to the residual but for the
 * last product, [rows][F]; of a layer with experts all of it, [rows][C]. */
struct tf_tensor *tf_feed_forward(struct tf_run *run, struct tf_layer *layer,
                                  struct tf_tensor *x);
struct tf_tensor *tf_run_experts(struct tf_run *run, struct tf_layer *layer,
                                 struct tf_tensor *x);
#endif

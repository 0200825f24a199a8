/*
 * Private to lib/model: attention where some tokens see all others and are seen
 * by all, and the rest has a window (Transformers' LongformerSelfAttention and
 * BigBirdBlockSparseAttention).
 */
#ifndef TF_MODEL_SPARSE_H
#define TF_MODEL_SPARSE_H

#include "model/attend.h"

/* Let run->sparse say which tokens of the batch these are; NULL where attention
 * is the same for all. */
int tf_sparse_plan(struct tf_run *run);

/* What attention gives for p, of the layer's input `all`: [T][H D]. `spec` is
 * that of the tokens with a window. */
struct tf_tensor *tf_sparse_attend(struct tf_run *run, struct tf_layer *layer,
                                   struct tf_tensor *all,
                                   const struct tf_qkv *p,
                                   const struct tf_attention *spec);
#endif

/*
 * Private to lib/model: multi-head latent attention (DeepSeek-AI 2024,
 * DeepSeek-V2; DeepseekV2Attention and DeepseekV3Attention of Transformers).
 * Keys and values of all heads are made of one narrow, normed row a token; the
 * part of a key that turns with its position is the same in every head.
 */
#ifndef TF_MODEL_LATENT_H
#define TF_MODEL_LATENT_H

#include "model/attend.h"

/* Find layer->latent's tensors, and layer->q. */
int tf_latent_bind(struct tf_layer *layer, const struct tf_stack_spec *spec,
                   struct tf_place at, struct tf_bind *bind,
                   struct tf_err *err);

/* Queries of `rows` and keys and values of `all`, turned: [rows][H D], [T][H D]
 * and [T][H Dv]. */
void tf_latent_project(struct tf_run *run, struct tf_layer *layer,
                       struct tf_tensor *rows, struct tf_tensor *all,
                       struct tf_qkv *p);

/*
 * Can caches hold the latents alone? Then what makes keys and values of them is
 * taken into the queries and the result, head by head, and attention is that of
 * one key head. Not with adapters or quantised weights there.
 */
bool tf_latent_absorbs(const struct tf_stack *stack);

/* tf_attend() of layer i with such caches; `spec` as for full heads. */
struct tf_tensor *tf_latent_attend(struct tf_run *run, size_t i,
                                   struct tf_layer *layer,
                                   struct tf_tensor *rows,
                                   struct tf_tensor *all,
                                   const struct tf_attention *spec);
#endif

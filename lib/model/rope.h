/*
 * Private to lib/model: tables of rotary angles (Su et al. 2021) under the
 * scalings that Transformers' modeling_rope_utils has, in its float32
 * arithmetic.
 */
#ifndef TF_MODEL_ROPE_H
#define TF_MODEL_ROPE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "model/arch.h"
#include "nn/ops.h"

/* True when the angles depend on how long a sequence is ("dynamic",
 * "longrope"): then no two lengths share a batch. */
bool tf_rope_by_length(const struct tf_stack_spec *spec);

/* The table for positions 0 .. tokens - 1 of sequences at most `length` long;
 * `local`: of the layers with a window. Zero when there are no rotary
 * positions. */
int tf_rope_build(struct tf_rope *rope, const struct tf_stack_spec *spec,
                  bool local, size_t tokens, size_t length, struct tf_err *err);
/* By what a scaling that does not depend on the length divides each frequency:
 * [rotary_dims / 2], of layers that are not local. */
int tf_rope_stretch(const struct tf_stack_spec *spec, float *stretch,
                    struct tf_err *err);
/* Positions before scaling; 0: nothing says. */
size_t tf_rope_original(const struct tf_stack_spec *spec);
/* The square of YaRN's mscale for mscale_all_dim, of a scaling that has one;
 * else 1. */
double tf_rope_score_scale(const struct tf_stack_spec *spec);
void tf_rope_release(struct tf_rope *rope);
#endif

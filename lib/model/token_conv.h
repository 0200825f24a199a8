/*
 * Private to lib/model: the convolution over tokens beside the first layer
 * (ConvLayer of Transformers' DebertaV2).
 */
#ifndef TF_MODEL_TOKEN_CONV_H
#define TF_MODEL_TOKEN_CONV_H

#include "base/err.h"
#include "model/bind.h"
#include "model/stack.h"

/* Find the stack's convolution, if its spec names one. */
int tf_token_conv_bind(struct tf_stack *stack, const struct tf_stack_spec *spec,
                       struct tf_bind *bind, struct tf_err *err);
#endif

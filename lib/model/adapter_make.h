/* Private to lib/model: PEFT's file of tensors, and new adapters to be trained,
 * parameters of the model. */
#ifndef TF_MODEL_ADAPTER_MAKE_H
#define TF_MODEL_ADAPTER_MAKE_H

#include "model/adapter.h"

#define TF_ADAPTER_BEFORE "base_model.model." /* stands before all names */

/* The tensors of a folder. NULL and `err` on failure. */
struct tf_weights *tf_adapter_tensors(const char *dir, struct tf_err *err);
/* With bias "all" PEFT writes those of a module saved whole three times: is it
 * one of the copies? */
bool tf_adapter_is_copy(const char *name);

/* A and B of a weight (with DoRA the magnitude too), begun as PEFT does. */
int tf_adapter_make(struct tf_bind *bind, struct tf_weight *w,
                    const char *module, struct tf_err *err);
/* The same for a table of tokens [vocab][E]. */
int tf_adapter_make_tokens(struct tf_bind *bind, struct tf_token_adapter *t,
                           const char *module, const struct tf_tensor *table,
                           struct tf_err *err);
#endif

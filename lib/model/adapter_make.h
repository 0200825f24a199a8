/* Private to lib/model: new adapters to be trained, parameters of the model. */
#ifndef TF_MODEL_ADAPTER_MAKE_H
#define TF_MODEL_ADAPTER_MAKE_H

#include "model/adapter.h"

/* A and B of a weight (with DoRA the magnitude too), begun as PEFT does. */
int tf_adapter_make(struct tf_bind *bind, struct tf_weight *w,
                    const char *module, struct tf_err *err);
/* The same for a table of tokens [vocab][E]. */
int tf_adapter_make_tokens(struct tf_bind *bind, struct tf_token_adapter *t,
                           const char *module, const struct tf_tensor *table,
                           struct tf_err *err);
#endif

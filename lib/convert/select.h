/* Private to lib/convert: which tensors of a model are written, as what. */
#ifndef TF_CONVERT_SELECT_H
#define TF_CONVERT_SELECT_H

#include "base/err.h"
#include "convert/plan.h"
#include "convert/source.h"
#include "model/gguf_names.h"

/* Of a folder or a file of weights: under their own names, once each. */
int tf_select_weights(struct tf_plan *plan, const struct tf_source *source,
                      struct tf_err *err);

/* Of a GGUF: under the names, in the order and with the numbers of Hugging
 * Face's models. A tensor that has no place there is an error. */
int tf_select_gguf(struct tf_plan *plan, const struct tf_source *source,
                   struct tf_err *err);

/* Of a folder: as a GGUF of the architecture `k` has it. Tensors that it has no
 * place for are left out when they are a head's or computed, else an error. */
int tf_select_for_gguf(struct tf_plan *plan, const struct tf_source *source,
                       const struct tf_gguf_arch *k, struct tf_err *err);
#endif

/*
 * An adapter in PEFT's layout put into the weights of its base model, as
 * PEFT's merge_and_unload() does, and written as a model's folder.
 */
#ifndef TF_CONVERT_MERGE_H
#define TF_CONVERT_MERGE_H

#include "base/err.h"
#include "convert/convert.h"

/*
 * Write the model at `path` (a folder or a GGUF) with the adapter of the folder
 * `adapter` merged into it to the folder `dir`, which must be new or empty.
 * Tensors keep their types, but ggml's blocks become float32. A head that the
 * adapter brings is added, with its labels. A table of tokens and a head that
 * are tied are both written where only one of them is adapted. One tensor's
 * data at a time is in memory.
 */
int tf_merge(const char *path, const char *adapter, const char *dir,
             size_t max_shard, struct tf_convert_report *report,
             struct tf_err *err);
#endif

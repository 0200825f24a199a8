/* Private to lib/convert: a plan as the weights of a model's folder. */
#ifndef TF_CONVERT_FOLDER_H
#define TF_CONVERT_FOLDER_H

#include <stddef.h>
#include "base/err.h"
#include "convert/plan.h"

struct tf_folder_sizes {
    size_t bytes, files;
};

/* Make the folder `dir`; that it is there and empty is no error. */
int tf_folder_new(const char *dir, struct tf_err *err);

/*
 * Write the plan's tensors as model.safetensors, or, when their bytes are more
 * than `max_shard` (0: no limit), as several files with an index. One tensor's
 * data at a time is in memory.
 */
int tf_folder_write(const char *dir, const struct tf_plan *plan,
                    size_t max_shard, struct tf_folder_sizes *sizes,
                    struct tf_err *err);
#endif

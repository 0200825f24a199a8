/*
 * How much each column of a matrix matters: the mean square of what stands at
 * it when the model reads texts. An error of a weight counts so much in what
 * the layer gives.
 */
#ifndef TF_CONVERT_IMPORTANCE_H
#define TF_CONVERT_IMPORTANCE_H

#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"

struct tf_importance;

/*
 * Run the model at `path` over the texts of a file: JSON lines with "text", or
 * plain text, a text a line; long ones in windows of 512 tokens. NULL and `err`
 * when model or file can't be read, or the file has no texts.
 */
struct tf_importance *tf_importance_measure(const char *path, const char *file,
                                            struct tf_pool *pool,
                                            struct tf_err *err);
void tf_importance_free(struct tf_importance *imp); /* NULL is allowed */

/* Of the linear layer whose weight has this name in the model: [in] numbers
 * that live as long as `imp`; NULL when there is none with so many. */
const float *tf_importance_find(const struct tf_importance *imp,
                                const char *name, size_t in);
#endif

/* Private to lib/convert: what stands in a model's folder beside the weights.
 */
#ifndef TF_CONVERT_COMPANIONS_H
#define TF_CONVERT_COMPANIONS_H

#include <jansson.h>
#include "base/buf.h"
#include "base/err.h"
#include "format/gguf.h"

/* Write dir/name at once. */
int tf_write_text(const char *dir, const char *name, const struct tf_buf *text,
                  struct tf_err *err);
int tf_write_json(const char *dir, const char *name, json_t *value,
                  struct tf_err *err);

/* Copy from/name to dir/name. */
int tf_copy_file(const char *from, const char *dir, const char *name,
                 struct tf_err *err);

/* Copy the files of a model's folder but its weights and config.json, and the
 * folders that its modules.json (sentence-transformers) names. */
int tf_copy_companions(const char *from, const char *dir, struct tf_err *err);
/* Write the tokenizer inside a GGUF, where it has one. */
int tf_write_tokenizer(const char *dir, const struct tf_gguf *g,
                       struct tf_err *err);
#endif

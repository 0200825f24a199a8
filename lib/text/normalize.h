/* The normalizers of tokenizer.json ("normalizer"). */
#ifndef TF_TEXT_NORMALIZE_H
#define TF_TEXT_NORMALIZE_H

#include "base/err.h"
#include "base/json.h"
#include "text/pretext.h"

struct tf_normalizer;

/* Read a normalizer object, or null (gives a NULL *out and success) at the
 * cursor. An unknown type or member value fails by name. */
int tf_normalizer_read(struct tf_json *j, struct tf_normalizer **out,
                       struct tf_err *err);
void tf_normalizer_free(struct tf_normalizer *n); /* NULL is allowed */

/* Normalise each piece of `pre` that is no added token, keeping origins when
 * `origins` says so. Thread safe. NULL changes nothing. */
void tf_normalize(const struct tf_normalizer *n, struct tf_pretext *pre,
                  bool origins);
#endif

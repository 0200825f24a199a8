/* The decoders of tokenizer.json ("decoder"): tokens back into text. */
#ifndef TF_TEXT_DECODE_H
#define TF_TEXT_DECODE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

struct tf_decoder;

/* As tf_normalizer_read. */
int tf_decoder_read(struct tf_json *j, struct tf_decoder **out,
                    struct tf_err *err);
void tf_decoder_free(struct tf_decoder *d); /* NULL is allowed */

/* Append the text of n tokens. A NULL decoder joins them with spaces. */
int tf_decode(const struct tf_decoder *d, const struct tf_str *tokens, size_t n,
              struct tf_buf *out, struct tf_err *err);
#endif

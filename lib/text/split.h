/* The pre-tokenizers of tokenizer.json ("pre_tokenizer"): text into words. */
#ifndef TF_TEXT_SPLIT_H
#define TF_TEXT_SPLIT_H

#include "base/err.h"
#include "base/json.h"
#include "text/pretext.h"

struct tf_splitter;

/* As tf_normalizer_read. Known regular expressions get splitters of their own,
 * others are compiled for PCRE2's JIT. */
int tf_splitter_read(struct tf_json *j, struct tf_splitter **out,
                     struct tf_err *err);
void tf_splitter_free(struct tf_splitter *s); /* NULL is allowed */

/* Does it look at where pieces come from (Metaspace's "first")? Then normalize
 * with origins, whoever else wants them. */
bool tf_splitter_needs_origins(const struct tf_splitter *s);

/* Split each piece of `pre` that is no added token (and map bytes or add
 * prefixes where the type does). Thread safe. NULL changes nothing. */
void tf_split(const struct tf_splitter *s, struct tf_pretext *pre,
              bool origins);
#endif

/*
 * Folders without a tokenizer.json: what their files say, written as one. So
 * there is one reader of components, and saving needs no other form.
 */
#ifndef TF_TEXT_LEGACY_H
#define TF_TEXT_LEGACY_H

#include "base/buf.h"
#include "base/err.h"
#include "text/tokconfig.h"

/*
 * Append the text of a tokenizer.json, as save_pretrained of the folder's
 * Transformers class writes it, made from vocab.txt, vocab.json and merges.txt,
 * or a SentencePiece model. `config` is what was read of `dir`; its class and
 * options (do_lower_case, add_prefix_space, ...) choose the components. For the
 * general class, bos_token, eos_token and unk_token of a SentencePiece model
 * are set in `config` where the files have none. Fails when the folder has no
 * such file, naming those tried.
 */
int tf_legacy_tokenizer(const char *dir, struct tf_tokconfig *config,
                        struct tf_buf *json, struct tf_err *err);
#endif

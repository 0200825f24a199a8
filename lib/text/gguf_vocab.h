/* The tokenizer inside a GGUF, written as the files that a folder would have.
 */
#ifndef TF_TEXT_GGUF_VOCAB_H
#define TF_TEXT_GGUF_VOCAB_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "format/gguf.h"
#include "text/model.h"

/* Has the file a tokenizer? */
bool tf_gguf_has_vocab(const struct tf_gguf *g);

/*
 * Append the text of a tokenizer.json for tokenizer.ggml.*: SentencePiece BPE
 * ("llama"), byte-level BPE ("gpt2") with the splitter that .pre names,
 * WordPiece ("bert"), Unigram ("t5"); and to `config` that of a
 * tokenizer_config.json with the special tokens and the chat template. What is
 * not understood fails by name. With `model`, which is zeroed, the text is
 * without what is large: vocabulary, merges and scores go there.
 */
int tf_gguf_vocab(const struct tf_gguf *g, struct tf_model *model,
                  struct tf_buf *json, struct tf_buf *config,
                  struct tf_err *err);
#endif

/* A tokenizer as the metadata of a GGUF: the reverse of gguf_vocab.h. */
#ifndef TF_TEXT_GGUF_VOCAB_WRITE_H
#define TF_TEXT_GGUF_VOCAB_WRITE_H

#include "base/err.h"
#include "format/gguf_write.h"
#include "text/tokenizer.h"

/* Ids of special tokens by config.json, -1: none: taken where the tokenizer
 * names none; and what ends a turn of a chat, when it is not the same. */
struct tf_gguf_ids {
    int32_t bos, eos, pad, eot;
};

/*
 * Put tokenizer.ggml.* and the chat template: BPE with bytes to fall back on as
 * "llama" with scores, byte-level BPE as "gpt2" with the name of its splitter,
 * WordPiece as "bert". The list has `rows` tokens, as the table of embeddings
 * has rows: free ids are filled up, tokens beyond are left out. Fails, naming
 * it, on what those three can't say.
 */
int tf_gguf_put_vocab(struct tf_gguf_meta *m, const struct tf_tokenizer *tok,
                      size_t rows, const struct tf_gguf_ids *ids,
                      struct tf_err *err);
#endif

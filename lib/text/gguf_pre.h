/*
 * How byte-level BPE splits a text into words, by the names that a GGUF has for
 * it (tokenizer.ggml.pre).
 */
#ifndef TF_TEXT_GGUF_PRE_H
#define TF_TEXT_GGUF_PRE_H

#include <stdbool.h>
#include "base/buf.h"

enum tf_gguf_split {
    TF_SPLIT_GPT2,   /* ByteLevel's own expression */
    TF_SPLIT_DIGITS, /* each digit alone, then that */
    TF_SPLIT_REGEX,
};

struct tf_gguf_pre {
    const char *name;
    enum tf_gguf_split kind;
    const char *regex; /* its text as it stands in JSON */
    bool nfc, ignore_merges;
};

/* NULL when the name is not known. */
const struct tf_gguf_pre *tf_gguf_pre_named(struct tf_str name);
/* The one that splits as `wanted` (name unused, regex not as JSON), at best
 * with the same normalisation; NULL when there is none. */
const struct tf_gguf_pre *tf_gguf_pre_like(const struct tf_gguf_pre *wanted);
#endif

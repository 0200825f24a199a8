/*
 * What a language model is to predict: the next token of each, or those that
 * were masked, as Transformers' DataCollatorForLanguageModeling does with 15%
 * of the tokens (special ones never): 80% of them become the mask token, 10%
 * any token, 10% stay.
 */
#ifndef TF_TRAIN_TOKENS_H
#define TF_TRAIN_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "task/input.h"
#include "text/tokenizer.h"

struct tf_token_goals {
    bool masked; /* else the next token */
    double probability;
    const struct tf_tokenizer *tokenizer;
    size_t vocab; /* of the model */
    uint64_t seed;
};

/*
 * The labels of a record's tokens: TF_IGNORE where none is to be predicted.
 * Masking writes to `ids`, a copy of the record's; `step` and the record's
 * number choose the same tokens every time. Either array may be NULL. Returns
 * how many are to be predicted.
 */
size_t tf_token_goals(const struct tf_token_goals *g, const struct tf_input *in,
                      uint64_t step, size_t record, int32_t *labels,
                      int32_t *ids);
#endif

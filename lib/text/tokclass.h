/*
 * What Transformers' tokenizer classes say where a folder's files are silent:
 * their special tokens, and whether their models take token_type_ids.
 */
#ifndef TF_TEXT_TOKCLASS_H
#define TF_TEXT_TOKCLASS_H

#include <stdbool.h>
#include "base/buf.h"

/* The named special tokens, in Transformers' order. */
enum tf_special {
    TF_BOS,
    TF_EOS,
    TF_UNK,
    TF_SEP,
    TF_PAD,
    TF_CLS,
    TF_MASK,
    TF_SPECIALS,
};
extern const char *const tf_special_names[TF_SPECIALS]; /* "bos_token", ... */

struct tf_tokclass {
    const char *name;
    const char *special[TF_SPECIALS]; /* NULL: none */
    bool type_ids;
    bool pad_left;
    bool python; /* without a tokenizer.json its rules are Python code that has
                    no like here */
};

/*
 * The class that AutoTokenizer (5.23) chooses: `tokenizer_class` of the files
 * (s NULL: none), config.json's model_type (likewise). One that is not known is
 * the general TokenizersBackend.
 */
const struct tf_tokclass *tf_tokclass_choose(struct tf_str tokenizer_class,
                                             struct tf_str model_type);
#endif

/* Where a tokenizer comes from: whatever stands at a path, as the text of a
 * tokenizer.json and what stands beside it. */
#ifndef TF_TEXT_TOKSOURCE_H
#define TF_TEXT_TOKSOURCE_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "text/model.h"
#include "text/tokconfig.h"

/* Zeroed memory is empty. */
struct tf_toksource {
    struct tf_str text;
    char *name; /* of the file or folder it is from, for messages */
    bool is_folder;
    struct tf_map map;  /* text is the one, a file in place, */
    struct tf_buf json; /* or the other, made from older files or a GGUF */
};

/*
 * Open a folder (tokenizer.json, else its older files), a GGUF, or a
 * tokenizer.json; `config` is zeroed, and stays so for the last. `model`, if
 * not NULL, is zeroed; of a GGUF it gets vocabulary, merges and scores, which
 * the text then lacks. On failure, too, close, and release config and model.
 */
int tf_toksource_open(struct tf_toksource *s, const char *path,
                      struct tf_tokconfig *config, struct tf_model *model,
                      struct tf_err *err);
/* Fails when the file was cut short while its text was read. */
int tf_toksource_close(struct tf_toksource *s, struct tf_err *err);
#endif

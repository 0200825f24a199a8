/*
 * A model and its tokenizer, opened as the shared options say: what every tool
 * does that asks a model about texts.
 */
#ifndef CLI_READER_H
#define CLI_READER_H

#include "cmd/cli.h"
#include "model/model.h"
#include "task/input.h"
#include "text/tokenizer.h"

struct cli_reader {
    struct tf_model *model;
    struct tf_tokenizer *tokenizer;
    struct tf_session *session;
    size_t max_tokens; /* inputs are cut to so many; 0: not at all */
    struct cli_reader_worker *workers;
    int worker_count;
    struct tf_joined joined;
};

/* Open the model in the folder `dir` for a task; ends the tool on failure. */
void cli_reader_open(struct cli_reader *r, const char *dir, enum tf_task task);
void cli_reader_close(struct cli_reader *r);

/* The default model that comes with the tools, when it is found beside them
 * (installed, or in the source tree); NULL when not. The answer lives on. */
const char *cli_default_model(void);

/* In prepare: fill `in` with the ids that the record carries, or with those of
 * its text and, where it has one, its second text, cut to max_tokens. -1 with
 * item->err set when the model can't read them. */
int cli_reader_read(struct cli_reader *r, struct cli_item *item,
                    struct tf_input *in);
/* The same for a pair of texts of one's own. Where only the first may be cut
 * and is too short for that, nothing is, as in Transformers' pipelines. */
int cli_reader_encode(struct cli_reader *r, struct cli_item *item,
                      struct tf_str text, struct tf_str pair,
                      enum tf_truncation truncation, struct tf_input *in);

/* In run: the head's logits for everything joined in r->joined. */
int cli_reader_logits(struct cli_reader *r, struct tf_result *out,
                      struct tf_err *err);
#endif

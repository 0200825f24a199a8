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

/*
 * As cli_reader_encode(), but all windows that `opts` asks for, into `enc`, the
 * caller's; each is checked, and type ids are 0 where the tokenizer has none.
 * `words`, when not NULL, are given instead of texts.
 */
struct cli_reader_texts {
    struct tf_str text, pair;   /* pair.s NULL: none */
    const struct tf_str *words; /* [word_count]: a text already split */
    size_t word_count;
};
int cli_reader_windows(struct cli_reader *r, struct cli_item *item,
                       const struct tf_encode_opts *opts,
                       const struct cli_reader_texts *texts,
                       struct tf_encoding *enc);

/* What the calling thread of prepare tokenizes with. */
struct tf_tok_state *cli_reader_state(struct cli_reader *r,
                                      const struct cli_item *item);

/* Join the windows of an encoding in r->joined. */
int cli_reader_join(struct cli_reader *r, const struct tf_encoding *enc,
                    struct tf_err *err);

/* In run: the head's logits for everything joined in r->joined. */
int cli_reader_logits(struct cli_reader *r, struct tf_result *out,
                      struct tf_err *err);

/* Fail the item, code "not_finite", when one of n numbers is not; -1 then. */
int cli_reader_finite(struct cli_item *item, const float *v, size_t n);
#endif

/* The files of tf-generate. */
#ifndef GENERATE_H
#define GENERATE_H

#include "cmd/cli.h"
#include "task/generation.h"
#include "text/tokenizer.h"

/* The options that are no fields of a generation config. */
struct generate_options {
    const char *prompt, *system, *kv_cache, *resume;
    const char *source_language, *target_language, *task;
    const char *bad_words, *forced_bos;
    struct cli_strings stop;
    bool full_text, stream, chat;
    int64_t seed, logprobs, max_prompt_length;
    bool seed_given, logprobs_given;
};

extern struct generate_options generate_options;

/* The tool's option table, made at the first call. */
const struct cli_opt *generate_opts(void);

/* Make the config: the folder's, then what the options say. Ends the tool when
 * a value is wrong. */
void generate_configure(struct tf_generation *config, const char *dir,
                        const struct tf_tokenizer *tokenizer);

/*
 * How a source is given to a model of many languages or tasks: text before it
 * (T5's prefixes, Marian's >>de<<), another language code among its special
 * tokens (mBART, M2M100, NLLB). free() releases `prefix`.
 */
struct generate_source {
    char *prefix;     /* NULL: none */
    int32_t language; /* the code's id, or -1 to leave the tokenizer's */
};

/* Apply --src-lang, --tgt-lang and --task; may set config->forced_bos and take
 * task_specific_params of the folder's config.json. */
void generate_languages(struct generate_source *source,
                        struct tf_generation *config, const char *dir,
                        const struct tf_tokenizer *tokenizer);

/* --prompt: standard input becomes one record with this text. */
void generate_feed(const char *text);
/* --resume: standard output becomes the file, to go on behind its whole lines;
 * as many records are skipped. */
void generate_resume(const char *path);
#endif

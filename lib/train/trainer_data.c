#include "train/trainer_parts.h"

#include "base/jsonl.h"
#include "train/blocks.h"
#include "train/chats.h"
#include "train/pairs.h"
#include "train/questions.h"
#include "train/tags.h"

/* of a window of question answering, when the model has room */
enum { QUESTION_TOKENS = 384, QUESTION_STRIDE = 128 };

/* The most tokens of a text: max_length, else what tokenizer and model were
 * made for. */
static size_t choose_limit(const struct tf_trainer *t)
{
    size_t limit = tf_tokenizer_info(t->tokenizer)->model_max_length;
    size_t made_for = tf_model_made_for(t->model);
    size_t positions = tf_model_max_tokens(t->model);

    if (!limit || made_for < limit)
        limit = made_for;
    if (t->config->max_length)
        limit = (size_t)t->config->max_length;
    if (positions < limit)
        limit = positions;
    return limit == SIZE_MAX ? 0 : limit;
}

/* Ids that the files of the data, or the tokenizer's, gave. */
static int check_inputs(const struct tf_trainer *t, const struct tf_dataset *d,
                        const struct tf_table *table, struct tf_err *err)
{
    for (size_t i = 0; i < d->count; i++)
        if (tf_model_check(t->model, d->inputs[i].ids, d->inputs[i].type_ids,
                           d->inputs[i].n, err)) {
            if (!t->config->block_size && d->count == table->count)
                tf_table_err_at(table, i, err);
            return -1;
        }
    return 0;
}

static int read_tags(struct tf_trainer *t, struct tf_dataset *d,
                     const struct tf_table *table,
                     const struct tf_dataset_opts *opts,
                     const struct tf_label_column *labels, struct tf_err *err)
{
    struct tf_tag_data tags = { .words = t->config->tokens_column,
                                .labels = &t->labels,
                                .column = labels,
                                .all_tokens = t->config->label_all_tokens };

    return tf_dataset_tags(d, table, opts, &tags, err);
}

/* Windows are as long, and share as much, as tf-qa's unless the config says. */
static int read_questions(struct tf_trainer *t, struct tf_dataset *d,
                          const struct tf_table *table,
                          struct tf_dataset_opts *opts, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_question_data data = { .question = c->question_column,
                                     .context = c->context_column,
                                     .answers = c->answers_column };
    bool valid = d == &t->valid;

    if (!c->max_length && (!opts->limit || opts->limit > QUESTION_TOKENS))
        opts->limit = QUESTION_TOKENS;
    data.stride =
        opts->limit / 2 < QUESTION_STRIDE ? opts->limit / 2 : QUESTION_STRIDE;
    if (c->doc_stride >= 0)
        data.stride = (size_t)c->doc_stride;
    if (data.stride > opts->limit)
        return tf_fail(err,
                       "doc_stride %zu is more than the %zu tokens of a "
                       "window",
                       data.stride, opts->limit);
    if (valid)
        t->question_count = table->count;
    return tf_dataset_questions(d, table, opts, &data,
                                valid ? &t->questions : NULL, err);
}

static int read_pairs(struct tf_trainer *t, struct tf_dataset *d,
                      const struct tf_table *table,
                      const struct tf_dataset_opts *opts, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_pair_data data = { .source = c->source_column,
                                 .target = c->target_column,
                                 .source_lang = c->source_lang,
                                 .target_lang = c->target_lang,
                                 .prefix = c->source_prefix,
                                 .target_limit = (size_t)c->max_target_length,
                                 .start = t->model->decoder_start };

    if (!t->targets_tokenizer)
        t->targets_tokenizer = tf_tokenizer_open_target(t->tokenizer_dir, err);
    if (!t->targets_tokenizer)
        return -1;
    data.targets = t->targets_tokenizer;
    if (tf_dataset_pairs(d, table, opts, &data, err))
        return -1;
    for (size_t i = 0; i < d->count; i++)
        if (tf_model_check_target(t->model, d->answers[i].ids, d->answers[i].n,
                                  err) ||
            tf_model_check_target(t->model, d->labels[i], d->answers[i].n,
                                  err)) {
            tf_table_err_at(table, i, err);
            return -1;
        }
    return 0;
}

/* Does the first row hold a chat instead of a text? */
static bool has_chats(const struct tf_trainer *t, const struct tf_table *table)
{
    const struct tf_train_config *c = t->config;
    struct tf_record rec = { 0 };
    struct tf_str row = tf_table_row(table, 0);
    struct tf_err err;
    bool has = !tf_record_parse(&rec, row.s, row.len, &err) &&
               tf_record_get(&rec, c->messages_column).s &&
               !tf_record_get(&rec, c->text_column).s &&
               !tf_record_get(&rec, "input_ids").s;

    tf_record_release(&rec);
    return has;
}

/* Texts of a language model, each by itself or in blocks. */
static int read_plain(struct tf_trainer *t, struct tf_dataset *d,
                      const struct tf_table *table,
                      const struct tf_dataset_opts *opts, struct tf_err *err)
{
    struct tf_dataset_opts whole = *opts;
    size_t size = (size_t)t->config->block_size;

    if (!size)
        return tf_dataset_encode(d, table, opts, err);
    if (opts->limit && size > opts->limit)
        return tf_fail(err,
                       "block_size %zu is more than the %zu tokens of the "
                       "model, or of max_length",
                       size, opts->limit);
    whole.limit = 0;
    whole.empty = true;
    return tf_dataset_encode(d, table, &whole, err) ||
                   tf_dataset_blocks(d, size, err)
               ? -1
               : 0;
}

/* Texts, or chats, of a causal model. */
static int read_texts(struct tf_trainer *t, struct tf_dataset *d,
                      const struct tf_table *table,
                      const struct tf_dataset_opts *opts, struct tf_err *err)
{
    struct tf_chat_data data = { .messages = t->config->messages_column,
                                 .all = !t->config->assistant_only };

    if (!has_chats(t, table))
        return read_plain(t, d, table, opts, err);
    if (t->config->block_size)
        return tf_fail(err, "block_size: chats are not cut into blocks");
    if (!t->chat)
        t->chat = tf_chat_open(t->tokenizer, err);
    data.chat = t->chat;
    return t->chat ? tf_dataset_chats(d, table, opts, &data, err) : -1;
}

static int read_classes(struct tf_trainer *t, struct tf_dataset *d,
                        const struct tf_table *table,
                        const struct tf_dataset_opts *opts,
                        const struct tf_label_column *labels,
                        struct tf_err *err)
{
    if (tf_dataset_encode(d, table, opts, err))
        return -1;
    d->targets = tf_labels_targets(&t->labels, labels, table, &d->cols, err);
    return d->targets ? 0 : -1;
}

int tf_train_dataset(struct tf_trainer *t, struct tf_dataset *d,
                     const struct tf_table *table,
                     const struct tf_label_column *labels, struct tf_err *err)
{
    struct tf_dataset_opts opts = { .tokenizer = t->tokenizer,
                                    .pool = t->pool,
                                    .text = t->config->text_column,
                                    .pair = t->config->text_pair_column,
                                    .limit = choose_limit(t) };
    int failed;

    switch (t->config->task) {
    case TF_TRAIN_CLASSIFICATION:
        failed = read_classes(t, d, table, &opts, labels, err);
        break;
    case TF_TRAIN_TOKEN_CLASSIFICATION:
        failed = read_tags(t, d, table, &opts, labels, err);
        break;
    case TF_TRAIN_QUESTION_ANSWERING:
        failed = read_questions(t, d, table, &opts, err);
        break;
    case TF_TRAIN_SEQ2SEQ:
        failed = read_pairs(t, d, table, &opts, err);
        break;
    case TF_TRAIN_CAUSAL_LM:
        failed = read_texts(t, d, table, &opts, err);
        break;
    default:
        failed = read_plain(t, d, table, &opts, err);
    }
    return failed || check_inputs(t, d, table, err) ? -1 : 0;
}

static bool has_labels(const struct tf_trainer *t)
{
    return t->config->task == TF_TRAIN_CLASSIFICATION ||
           t->config->task == TF_TRAIN_TOKEN_CLASSIFICATION;
}

int tf_train_read_labels(const struct tf_trainer *t,
                         struct tf_label_column *labels,
                         const struct tf_table *table, struct tf_err *err)
{
    return has_labels(t) ? tf_label_column_read(labels, table,
                                                t->config->label_column, err)
                         : 0;
}

int tf_train_find_labels(struct tf_trainer *t,
                         const struct tf_label_column *column,
                         const struct tf_table *table, const char *dir,
                         struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    json_t *names = c->labels;
    struct tf_config config;
    int failed;

    if (!has_labels(t))
        return 0;
    if (!names && c->problem_type != TF_REGRESSION)
        names = tf_table_classes(table, c->label_column);
    failed =
        tf_config_read(&config, dir, err) ||
        (c->adapter && tf_config_take_labels(&config, c->adapter, err)) ||
        tf_config_labels(&config, NULL, err) ||
        (c->task == TF_TRAIN_CLASSIFICATION
             ? tf_labels_find(&t->labels, column, names,
                              (enum tf_problem)c->problem_type, &config, err)
             : tf_labels_find_tags(&t->labels, column, names, &config, err));
    tf_config_release(&config);
    return failed ? -1 : 0;
}

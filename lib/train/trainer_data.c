#include "train/trainer_parts.h"

#include "train/tags.h"

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
            tf_table_err_at(table, i, err);
            return -1;
        }
    return 0;
}

int tf_train_dataset(struct tf_trainer *t, struct tf_dataset *d,
                     const struct tf_table *table,
                     const struct tf_label_column *labels, struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_dataset_opts opts = { .tokenizer = t->tokenizer,
                                    .pool = t->pool,
                                    .text = c->text_column,
                                    .pair = c->text_pair_column,
                                    .limit = choose_limit(t) };
    struct tf_tag_data tags = { .words = c->tokens_column,
                                .labels = &t->labels,
                                .column = labels,
                                .all_tokens = c->label_all_tokens };
    int failed = c->task == TF_TRAIN_TOKEN_CLASSIFICATION
                     ? tf_dataset_tags(d, table, &opts, &tags, err)
                     : tf_dataset_encode(d, table, &opts, err);

    if (failed || check_inputs(t, d, table, err))
        return -1;
    if (c->task != TF_TRAIN_CLASSIFICATION)
        return 0;
    d->targets = tf_labels_targets(&t->labels, labels, table, &d->cols, err);
    return d->targets ? 0 : -1;
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
                         const struct tf_label_column *column, const char *dir,
                         struct tf_err *err)
{
    const struct tf_train_config *c = t->config;
    struct tf_config config;
    int failed;

    if (!has_labels(t))
        return 0;
    failed =
        tf_config_read(&config, dir, err) ||
        tf_config_labels(&config, NULL, err) ||
        (c->task == TF_TRAIN_CLASSIFICATION
             ? tf_labels_find(&t->labels, column, c->labels,
                              (enum tf_problem)c->problem_type, &config, err)
             : tf_labels_find_tags(&t->labels, column, c->labels, &config,
                                   err));
    tf_config_release(&config);
    return failed ? -1 : 0;
}

#include <math.h>
#include <string.h>
#include "train/config.h"
#include "train/peft.h"

static int check_peft(const struct tf_train_config *c, struct tf_err *err)
{
    struct tf_lora lora;
    bool wanted;
    int failed;

    if ((c->peft || c->adapter) && c->from_config)
        return tf_fail(err, "%s needs a model that was trained before",
                       c->adapter ? "adapter" : "peft");
    if (c->adapter)
        return 0; /* its folder may be of the hub, and is read later */
    failed = tf_train_peft(c, &lora, &wanted, err);
    tf_lora_release(&lora);
    return failed;
}

static int check_files(const struct tf_train_config *c, struct tf_err *err)
{
    struct tf_schedule schedule;

    if (!c->model && !c->from_config && !c->adapter)
        return tf_fail(err, "no \"model\": which one is to be trained? (or "
                            "\"config\", to start from nothing)");
    if (c->model && c->from_config)
        return tf_fail(err, "both \"model\" and \"config\" are given");
    if (c->from_config && !c->tokenizer)
        return tf_fail(err, "\"config\" needs a \"tokenizer\"");
    if (!c->train_file)
        return tf_fail(err, "no \"train_file\"");
    if ((c->eval_strategy != TF_STRATEGY_NO || c->eval_on_start) &&
        !c->validation_file)
        return tf_fail(err, "%s needs a validation_file",
                       c->eval_on_start ? "eval_on_start" : "eval_strategy");
    if (c->block_size && c->task != TF_TRAIN_CAUSAL_LM &&
        c->task != TF_TRAIN_MASKED_LM)
        return tf_fail(err, "block_size is of a language model's texts");
    if (c->task != TF_TRAIN_CLASSIFICATION && c->problem_type)
        return tf_fail(err, "problem_type is of a classification");
    if (c->task != TF_TRAIN_CLASSIFICATION &&
        c->task != TF_TRAIN_TOKEN_CLASSIFICATION && c->labels)
        return tf_fail(err, "labels are of a classification");
    if (c->labels && (!json_is_array(c->labels) || !json_array_size(c->labels)))
        return tf_fail(err, "labels: not a list of strings");
    for (size_t i = 0; i < json_array_size(c->labels); i++)
        if (!json_is_string(json_array_get(c->labels, i)))
            return tf_fail(err, "labels: not a list of strings");
    if (c->scheduler_options && !json_is_object(c->scheduler_options))
        return tf_fail(err, "lr_scheduler_kwargs: not an object");
    if (tf_train_schedule(c, 1000, &schedule, err))
        return -1;
    if (c->resume && !json_is_string(c->resume) && !json_is_boolean(c->resume))
        return tf_fail(err, "resume_from_checkpoint: neither a folder nor "
                            "true");
    return 0;
}

/* Parts of all steps are compared as millionths, as Transformers does. */
static bool is_multiple(double steps, double of)
{
    if (steps < 1 && of < 1)
        return fmod(floor(steps * 1e6), floor(of * 1e6)) == 0;
    return steps >= 1 && of >= 1 && fmod(steps, of) == 0;
}

/* As TrainingArguments and EarlyStoppingCallback want it. */
static int check_best(const struct tf_train_config *c, struct tf_err *err)
{
    double steps = c->eval_steps > 0 ? c->eval_steps : c->logging_steps;

    bool follows = c->save_strategy == TF_STRATEGY_BEST;

    if (c->load_best && !follows && c->eval_strategy != c->save_strategy)
        return tf_fail(err, "load_best_model_at_end needs eval_strategy and "
                            "save_strategy to be the same");
    if (follows && (c->eval_strategy == TF_STRATEGY_NO ||
                    (!c->best_metric && !c->load_best)))
        return tf_fail(err, "save_strategy best needs an eval_strategy and "
                            "metric_for_best_model");
    if (c->load_best && c->eval_strategy == TF_STRATEGY_NO)
        return tf_fail(err, "load_best_model_at_end needs an eval_strategy");
    if (c->load_best && !follows && c->eval_strategy == TF_STRATEGY_STEPS &&
        !is_multiple(c->save_steps, steps))
        return tf_fail(err, "load_best_model_at_end needs save_steps to be a "
                            "multiple of eval_steps");
    if (c->early_stopping_patience && c->eval_strategy == TF_STRATEGY_NO)
        return tf_fail(err, "early_stopping_patience needs an eval_strategy");
    if (c->beta1 >= 1 || c->beta2 >= 1)
        return tf_fail(err, "adam_beta1 and adam_beta2 must be below 1");
    if (c->logging_strategy == TF_STRATEGY_STEPS && c->logging_steps <= 0)
        return tf_fail(err, "logging_steps must be above 0");
    if (c->save_strategy == TF_STRATEGY_STEPS && c->save_steps <= 0)
        return tf_fail(err, "save_steps must be above 0");
    return 0;
}

static int check_metrics(const struct tf_train_config *c, struct tf_err *err)
{
    json_t *name;
    size_t i;

    if (c->metrics && !json_array_size(c->metrics))
        return tf_fail(err, "metrics: not a list of names");
    json_array_foreach (c->metrics, i, name)
        if (!json_is_string(name))
            return tf_fail(err, "metrics: not a list of names");
    if (c->metrics && c->compute_metrics)
        return tf_fail(err, "metrics and compute_metrics: only one can say "
                            "what is reported");
    if (c->compute_metrics &&
        (c->task == TF_TRAIN_CAUSAL_LM || c->task == TF_TRAIN_MASKED_LM))
        return tf_fail(err, "compute_metrics: a language model's evaluation "
                            "has no predictions to read");
    if (c->predict_with_generate && c->task != TF_TRAIN_SEQ2SEQ)
        return tf_fail(err, "predict_with_generate is of the task seq2seq");
    if (c->compute_metrics && c->task == TF_TRAIN_SEQ2SEQ &&
        !c->predict_with_generate)
        return tf_fail(err, "compute_metrics needs predict_with_generate: "
                            "without it nothing is generated");
    return 0;
}

/* "none", "tensorboard", or a list of them. */
static int check_report(const struct tf_train_config *c, struct tf_err *err)
{
    size_t n = json_is_array(c->report_to) ? json_array_size(c->report_to) : 1;

    for (size_t i = 0; c->report_to && i < n; i++) {
        const char *s = json_string_value(json_is_array(c->report_to)
                                              ? json_array_get(c->report_to, i)
                                              : c->report_to);

        if (!s || (strcmp(s, "none") && strcmp(s, "tensorboard")))
            return tf_fail(err, "report_to: only tensorboard and none are "
                                "supported");
    }
    return 0;
}

int tf_train_config_check(const struct tf_train_config *c, struct tf_err *err)
{
    return check_files(c, err) || check_best(c, err) || check_report(c, err) ||
                   check_metrics(c, err) || check_peft(c, err)
               ? -1
               : 0;
}

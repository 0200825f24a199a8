#include "train/config.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "train/config_known.h"
#include "train/yaml.h"

#define FILE_MAX ((size_t)1 << 24) /* bytes */

enum kind { STRING, INT, REAL, BOOL, WORD, JSON };

struct key {
    const char *name;
    enum kind kind;
    size_t at;
    double min, max;   /* INT, REAL */
    const char *words; /* WORD: the value is the index */
};

#define AT(f) offsetof(struct tf_train_config, f)
#define STR(n, f)                                                              \
    {                                                                          \
        n, STRING, AT(f), 0, 0, NULL                                           \
    }
#define NUM(n, f, least)                                                       \
    {                                                                          \
        n, INT, AT(f), least, 1e15, NULL                                       \
    }
#define NUM_REAL(n, f, a, b)                                                   \
    {                                                                          \
        n, REAL, AT(f), a, b, NULL                                             \
    }
#define FLAG(n, f)                                                             \
    {                                                                          \
        n, BOOL, AT(f), 0, 0, NULL                                             \
    }
#define ONE_OF(n, f, w)                                                        \
    {                                                                          \
        n, WORD, AT(f), 0, 0, w                                                \
    }
#define ANY(n, f)                                                              \
    {                                                                          \
        n, JSON, AT(f), 0, 0, NULL                                             \
    }
/* clang-format off */
static const struct key keys[] = {
    STR("model", model),
    STR("config", from_config),
    STR("tokenizer", tokenizer),
    ONE_OF("task", task, "classification|causal-lm|masked-lm|"
           "token-classification|question-answering|seq2seq"),
    NUM_REAL("mlm_probability", mlm_probability, 0, 1),
    ANY("train_file", train_file),
    ANY("validation_file", validation_file),
    STR("text_column", text_column),
    STR("text_pair_column", text_pair_column),
    STR("label_column", label_column),
    STR("tokens_column", tokens_column),
    FLAG("label_all_tokens", label_all_tokens),
    STR("messages_column", messages_column),
    FLAG("assistant_only_loss", assistant_only),
    STR("question_column", question_column),
    STR("context_column", context_column),
    STR("answers_column", answers_column),
    NUM("doc_stride", doc_stride, 0),
    NUM("max_answer_length", max_answer_length, 1),
    FLAG("handle_impossible_answer", handle_impossible),
    STR("source_column", source_column),
    STR("target_column", target_column),
    STR("source_lang", source_lang),
    STR("target_lang", target_lang),
    STR("source_prefix", source_prefix),
    NUM("max_target_length", max_target_length, 1),
    FLAG("predict_with_generate", predict_with_generate),
    NUM("generation_max_length", generation_max_length, 1),
    NUM("generation_num_beams", generation_num_beams, 1),
    ANY("labels", labels),
    ONE_OF("problem_type", problem_type, "auto|regression|"
           "single_label_classification|multi_label_classification"),
    NUM("max_length", max_length, 1),
    NUM("block_size", block_size, 2),
    STR("output_dir", output_dir),
    NUM("per_device_train_batch_size", train_batch, 1),
    NUM("per_device_eval_batch_size", eval_batch, 1),
    NUM("gradient_accumulation_steps", accumulation, 1),
    NUM_REAL("num_train_epochs", epochs, 0, 1e9),
    NUM("max_steps", max_steps, -1),
    NUM_REAL("learning_rate", learning_rate, 0, 1e9),
    STR("lr_scheduler_type", scheduler),
    ANY("lr_scheduler_kwargs", scheduler_options),
    NUM_REAL("warmup_steps", warmup_steps, 0, 1e15),
    NUM_REAL("warmup_ratio", warmup_ratio, 0, 1),
    ONE_OF("optim", optimizer, "adamw_torch|adamw_torch_fused|adamw|adafactor|sgd"),
    NUM_REAL("weight_decay", weight_decay, 0, 1e9),
    NUM_REAL("adam_beta1", beta1, 0, 1),
    NUM_REAL("adam_beta2", beta2, 0, 1),
    NUM_REAL("adam_epsilon", eps, 0, 1),
    NUM_REAL("max_grad_norm", max_grad_norm, 0, 1e15),
    NUM_REAL("label_smoothing_factor", label_smoothing, 0, 1),
    ONE_OF("logging_strategy", logging_strategy, "no|steps|epoch"),
    NUM_REAL("logging_steps", logging_steps, 0, 1e15),
    FLAG("logging_first_step", logging_first_step),
    ONE_OF("eval_strategy", eval_strategy, "no|steps|epoch"),
    NUM_REAL("eval_steps", eval_steps, 0, 1e15),
    NUM_REAL("eval_delay", eval_delay, 0, 1e15),
    FLAG("eval_on_start", eval_on_start),
    FLAG("prediction_loss_only", loss_only),
    ONE_OF("save_strategy", save_strategy, "no|steps|epoch|best"),
    NUM_REAL("save_steps", save_steps, 0, 1e15),
    NUM("save_total_limit", save_total_limit, 1),
    FLAG("save_only_model", save_only_model),
    FLAG("load_best_model_at_end", load_best),
    STR("metric_for_best_model", best_metric),
    FLAG("greater_is_better", greater_is_better),
    NUM("early_stopping_patience", early_stopping_patience, 1),
    NUM_REAL("early_stopping_threshold", early_stopping_threshold, 0, 1e15),
    NUM("seed", seed, 0),
    NUM("data_seed", data_seed, 0),
    FLAG("dataloader_drop_last", drop_last),
    FLAG("gradient_checkpointing", recompute),
    FLAG("bf16", bf16),
    ONE_OF("train_sampling_strategy", sampling,
           "random|sequential|group_by_length"),
    ANY("resume_from_checkpoint", resume),
    STR("compute_metrics", compute_metrics),
    ANY("metrics", metrics),
    ANY("report_to", report_to),
    ANY("peft", peft),
    STR("adapter", adapter),
    STR("logging_dir", logging_dir),
};
/* clang-format on */

/* Names of older releases and of the example scripts. */
static const char *const aliases[][2] = {
    { "evaluation_strategy", "eval_strategy" },
    { "activation_checkpointing", "gradient_checkpointing" },
    { "activation_checkpointing_kwargs", "gradient_checkpointing_kwargs" },
    { "model_name_or_path", "model" },
    { "adapter_name_or_path", "adapter" },
    { "max_seq_length", "max_length" },
    { "max_source_length", "max_length" },
    { "text_column_name", "text_column" },
    { "label_column_name", "label_column" },
    { "tokenizer_name", "tokenizer" },
    { "num_beams", "generation_num_beams" },
    { "version_2_with_negative", "handle_impossible_answer" },
    { "per_gpu_train_batch_size", "per_device_train_batch_size" },
    { "per_gpu_eval_batch_size", "per_device_eval_batch_size" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        if (!strcmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static const char *today(const char *name)
{
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (!strcmp(aliases[i][0], name))
            return aliases[i][1];
    return name;
}

char *tf_train_config_keys(struct tf_err *err)
{
    struct tf_buf b = TF_BUF_INIT;
    char *text;

    for (size_t i = 0; i < COUNT(keys); i++)
        tf_buf_addf(&b, "%s%s", i ? "|" : "", keys[i].name);
    text = tf_strndup(tf_buf_cstr(&b), b.len, err);
    tf_buf_release(&b);
    return text;
}

static int wrong(const struct key *k, json_t *v, const char *wanted,
                 struct tf_err *err)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

    tf_fail(err, "%s: %.100s is not %s", k->name, text ? text : "?", wanted);
    free(text);
    return -1;
}

static int set_number(const struct key *k, json_t *v, void *at,
                      struct tf_err *err)
{
    double d = json_number_value(v);
    char wanted[96];

    if (!json_is_number(v) ||
        (k->kind == INT && !json_is_integer(v) && d != floor(d)))
        return wrong(k, v, k->kind == INT ? "a whole number" : "a number", err);
    if (d < k->min || d > k->max || isnan(d)) {
        snprintf(wanted, sizeof(wanted), "between %g and %g", k->min, k->max);
        return wrong(k, v, wanted, err);
    }
    if (k->kind == INT)
        *(int64_t *)at =
            json_is_integer(v) ? json_integer_value(v) : (int64_t)d;
    else
        *(double *)at = d;
    return 0;
}

static int set_flag(const struct key *k, json_t *v, bool *at,
                    struct tf_err *err)
{
    const char *s = json_string_value(v);

    if (json_is_boolean(v))
        *at = json_is_true(v);
    else if (s && (!strcmp(s, "yes") || !strcmp(s, "on")))
        *at = true;
    else if (s && (!strcmp(s, "no") || !strcmp(s, "off")))
        *at = false;
    else
        return wrong(k, v, "true or false", err);
    return 0;
}

static int set_word(const struct key *k, json_t *v, int *at, struct tf_err *err)
{
    const char *s = json_is_false(v) ? "no" : json_string_value(v);
    const char *p = k->words;
    char wanted[160];

    for (int i = 0; s; i++) {
        size_t n = strcspn(p, "|");

        if (strlen(s) == n && !memcmp(s, p, n)) {
            *at = i;
            return 0;
        }
        if (!p[n])
            break;
        p += n + 1;
    }
    snprintf(wanted, sizeof(wanted), "supported; there is %s", k->words);
    return wrong(k, v, wanted, err);
}

static int set_key(struct tf_train_config *c, const struct key *k, json_t *v,
                   struct tf_err *err)
{
    void *at = (char *)c + k->at;

    if (json_is_null(v))
        return 0;
    switch (k->kind) {
    case STRING:
        if (!json_is_string(v))
            return wrong(k, v, "a string", err);
        *(const char **)at = json_string_value(v);
        return 0;
    case BOOL:
        return set_flag(k, v, at, err);
    case WORD:
        return set_word(k, v, at, err);
    case JSON:
        *(json_t **)at = v;
        return 0;
    default:
        return set_number(k, v, at, err);
    }
}

static void set_defaults(struct tf_train_config *c)
{
    memset(c, 0, sizeof(*c));
    c->output_dir = "trainer_output";
    c->text_column = "text";
    c->text_pair_column = "text_pair";
    c->label_column = "label";
    c->tokens_column = "tokens";
    c->source_column = "source";
    c->target_column = "target";
    c->max_target_length = 128;
    c->messages_column = "messages";
    c->assistant_only = true;
    c->question_column = "question";
    c->context_column = "context";
    c->answers_column = "answers";
    c->doc_stride = -1;
    c->max_answer_length = 15;
    c->train_batch = c->eval_batch = 8;
    c->accumulation = 1;
    c->epochs = 3;
    c->max_steps = -1;
    c->learning_rate = 5e-5;
    c->scheduler = "linear";
    c->beta1 = 0.9;
    c->beta2 = 0.999;
    c->eps = 1e-8;
    c->max_grad_norm = 1;
    c->logging_strategy = c->save_strategy = TF_STRATEGY_STEPS;
    c->logging_steps = c->save_steps = 500;
    c->mlm_probability = 0.15;
    c->seed = 42;
    c->data_seed = -1;
}

/* Take a member by today's name; one of a later word replaces it. */
static int take(struct tf_train_config *c, const char *name, json_t *v,
                struct tf_err *err)
{
    const char *now = today(name);

    if (!strcmp(name, "group_by_length")) {
        now = "train_sampling_strategy";
        v = json_is_true(v) ? json_string("group_by_length") : json_null();
    } else if (!strcmp(name, "adafactor")) {
        now = "optim";
        v = json_is_true(v) ? json_string("adafactor") : json_null();
    } else {
        json_incref(v);
    }
    if (!find_key(now) && !tf_train_known(now)) {
        json_decref(v);
        snprintf(c->unknown, sizeof(c->unknown), "%.60s", name);
        return tf_fail(err, "unknown key \"%.100s\"", name);
    }
    return json_object_set_new(c->json, now, v) ? tf_no_memory(err, 1) : 0;
}

static int take_all(struct tf_train_config *c, json_t *given,
                    struct tf_err *err)
{
    const char *name;
    json_t *v;

    if (json_is_null(given))
        return 0;
    if (!json_is_object(given))
        return tf_fail(err, "not a list of \"key: value\"");
    json_object_foreach (given, name, v)
        if (take(c, name, v, err))
            return -1;
    return 0;
}

static int take_file(struct tf_train_config *c, const char *path,
                     struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    json_t *given = NULL;
    int failed = tf_file_read(path, FILE_MAX, &text, err);

    if (!failed) {
        given = tf_yaml_read(tf_buf_cstr(&text), text.len, err);
        failed = !given || take_all(c, given, err);
        if (failed)
            tf_err_at(err, path);
    }
    json_decref(given);
    tf_buf_release(&text);
    return failed;
}

/* A value as YAML has it; where a string is wanted, what reads as something
 * else is that string: a command of the shell may hold any mark of YAML's. */
static json_t *word_value(const char *name, const char *text,
                          struct tf_err *err)
{
    const struct key *k = find_key(today(name));
    json_t *v = tf_yaml_read(text, strlen(text), err);

    if (!k || k->kind != STRING || json_is_string(v) || json_is_null(v))
        return v;
    json_decref(v);
    v = json_string(text);
    if (!v)
        (void)tf_fail(err, "not a text in UTF-8");
    return v;
}

static int take_word(struct tf_train_config *c, const char *word,
                     struct tf_err *err)
{
    const char *equals = strchr(word, '=');
    char *name;
    json_t *v;
    int failed;

    if (!equals || equals == word)
        return tf_fail(err, "\"%.200s\" is not \"key=value\"", word);
    name = tf_strndup(word, (size_t)(equals - word), err);
    v = name ? word_value(name, equals + 1, err) : NULL;
    if (!v) {
        free(name);
        tf_err_at(err, word);
        return -1;
    }
    failed = take(c, name, v, err);
    free(name);
    json_decref(v);
    return failed;
}

static int set_option(struct tf_schedule *s, const char *key, json_t *v,
                      struct tf_err *err)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY);
    int failed = !text;

    if (json_is_string(v))
        failed = tf_schedule_option(s, key, json_string_value(v), err);
    else if (text)
        failed = tf_schedule_option(s, key, text, err);
    free(text);
    return failed;
}

int tf_train_schedule(const struct tf_train_config *c, int64_t steps,
                      struct tf_schedule *s, struct tf_err *err)
{
    int64_t warmup = tf_warmup_steps(
        c->warmup_steps > 0 ? c->warmup_steps : c->warmup_ratio, steps);
    const char *key;
    json_t *v;

    if (tf_schedule_init(s, c->scheduler, c->learning_rate, warmup, steps, err))
        return -1;
    json_object_foreach (c->scheduler_options, key, v)
        if (set_option(s, key, v, err))
            return -1;
    if (tf_schedule_wants_metric(s) && c->eval_strategy == TF_STRATEGY_NO)
        return tf_fail(err,
                       "lr_scheduler_type: \"%.100s\" follows a metric, so it "
                       "needs an eval_strategy",
                       c->scheduler);
    return tf_schedule_check(s, err);
}

int tf_train_config_open(struct tf_train_config *c, const char *path,
                         char *const *words, struct tf_err *err)
{
    const char *name;
    json_t *v;

    set_defaults(c);
    c->json = json_object();
    if (!c->json)
        return tf_no_memory(err, 1);
    if (take_file(c, path, err))
        return -1;
    for (; *words; words++)
        if (take_word(c, *words, err))
            return -1;
    json_object_foreach (c->json, name, v)
        if (find_key(name) ? set_key(c, find_key(name), v, err)
                           : tf_train_check_known(name, v, err))
            return -1;
    c->greater_given =
        json_is_boolean(json_object_get(c->json, "greater_is_better"));
    /* run_ner's name of it */
    if (c->task == TF_TRAIN_TOKEN_CLASSIFICATION &&
        !json_object_get(c->json, "label_column"))
        c->label_column = "ner_tags";
    /* the three names of AdamW */
    c->optimizer = c->optimizer < 3    ? TF_OPTIM_ADAMW
                   : c->optimizer == 3 ? TF_OPTIM_ADAFACTOR
                                       : TF_OPTIM_SGD;
    return tf_train_config_check(c, err);
}

void tf_train_config_release(struct tf_train_config *c)
{
    json_decref(c->json);
    c->json = NULL;
}

int64_t tf_train_steps(double steps, int64_t total)
{
    if (steps < 1)
        steps = ceil(steps * (double)total);
    return steps < 1 ? 1 : (int64_t)steps;
}

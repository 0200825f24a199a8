#include "model/lora.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/module_match.h"

#define CONFIG_MAX 16000000 /* bytes */
#define RANK_MAX   65536

enum kind {
    PASSED, /* of no matter here */
    JSON,
    NUMBER,
    FLAG,
    OTHER, /* changes what is computed in ways that are not built */
};

static const struct key {
    const char *name;
    enum kind kind;
    size_t at;
} keys[] = {
#define AT(f) offsetof(struct tf_lora, f)
    { "r", NUMBER, AT(rank) },
    { "lora_alpha", NUMBER, AT(alpha) },
    { "lora_dropout", NUMBER, AT(dropout) },
    { "use_rslora", FLAG, AT(rs) },
    { "use_dora", FLAG, AT(dora) },
    { "target_modules", JSON, AT(targets) },
    { "exclude_modules", JSON, AT(exclude) },
    { "modules_to_save", JSON, AT(saved) },
    { "layers_to_transform", JSON, AT(layers) },
    { "layers_pattern", JSON, AT(layers_pattern) },
    { "rank_pattern", JSON, AT(rank_pattern) },
    { "alpha_pattern", JSON, AT(alpha_pattern) },
#undef AT
    { "peft_type", PASSED, 0 },
    { "task_type", PASSED, 0 },
    { "bias", PASSED, 0 },
    { "init_lora_weights", PASSED, 0 },
    { "base_model_name_or_path", PASSED, 0 },
    { "fan_in_fan_out", PASSED, 0 }, /* the model's own weights say it */
    { "inference_mode", PASSED, 0 },
    { "revision", PASSED, 0 },
    { "auto_mapping", PASSED, 0 },
    { "peft_version", PASSED, 0 },
    { "lora_bias", PASSED, 0 },
    { "target_parameters", OTHER, 0 },
    { "layer_replication", OTHER, 0 },
    { "alora_invocation_tokens", OTHER, 0 },
    { "trainable_token_indices", OTHER, 0 },
    { "use_qalora", OTHER, 0 },
    { "use_bdlora", OTHER, 0 },
    { "kasa_config", OTHER, 0 },
    { "arrow_config", OTHER, 0 },
    { "monteclora_config", OTHER, 0 },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (!strcmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

/* The known key that begins most like `name`; NULL: none does. */
static const char *nearest(const char *name)
{
    const char *best = NULL;
    size_t most = 1;

    for (size_t i = 0; i < KEYS; i++) {
        size_t n = 0;

        while (name[n] && name[n] == keys[i].name[n])
            n++;
        if (n > most) {
            most = n;
            best = keys[i].name;
        }
    }
    return best;
}

static int unknown(const char *name, struct tf_err *err)
{
    const char *near = nearest(name);

    return near ? tf_fail(err, "unknown key \"%.60s\"; did you mean \"%s\"?",
                          name, near)
                : tf_fail(err, "unknown key \"%.60s\"", name);
}

static int set_key(struct tf_lora *lora, const struct key *k, json_t *v,
                   struct tf_err *err)
{
    void *at = (char *)lora + k->at;

    if (json_is_null(v))
        return 0;
    switch (k->kind) {
    case JSON:
        *(json_t **)at = v;
        return 0;
    case NUMBER:
        if (!json_is_number(v))
            return tf_fail(err, "%s is not a number", k->name);
        *(double *)at = json_number_value(v);
        return 0;
    case FLAG:
        if (!json_is_boolean(v))
            return tf_fail(err, "%s is neither true nor false", k->name);
        *(bool *)at = json_is_true(v);
        return 0;
    case OTHER:
        if (json_is_false(v) || (json_is_array(v) && !json_array_size(v)))
            return 0;
        return tf_fail(err, "%s is not supported", k->name);
    case PASSED:
        break;
    }
    return 0;
}

/* The place of a string among words; -1: it is none of them. */
static int word_of(json_t *v, const char *const *words, int n)
{
    const char *s = json_string_value(v);

    for (int i = 0; s && i < n; i++)
        if (words[i] && !strcmp(s, words[i]))
            return i;
    return -1;
}

static int read_task(struct tf_lora *lora, json_t *v, struct tf_err *err)
{
    static const char *const words[TF_TASKS] = {
        [TF_TASK_NONE] = "FEATURE_EXTRACTION",
        [TF_SEQUENCE_CLASSIFICATION] = "SEQ_CLS",
        [TF_TOKEN_CLASSIFICATION] = "TOKEN_CLS",
        [TF_QUESTION_ANSWERING] = "QUESTION_ANS",
        [TF_CAUSAL_LM] = "CAUSAL_LM",
    };
    const char *s = json_string_value(v);
    int task;

    if (!v || json_is_null(v))
        return 0;
    task = s && !strcmp(s, "SEQ_2_SEQ_LM") ? TF_CAUSAL_LM
                                           : word_of(v, words, TF_TASKS);
    if (task < 0)
        return tf_fail(err,
                       "task_type: \"%.60s\" is none of SEQ_CLS, TOKEN_CLS, "
                       "QUESTION_ANS, CAUSAL_LM, SEQ_2_SEQ_LM and "
                       "FEATURE_EXTRACTION",
                       s ? s : "?");
    lora->task = (enum tf_task)task;
    return 0;
}

/* How the first numbers are made. Some ways change the base as well. */
static int read_init(struct tf_lora *lora, json_t *v, struct tf_err *err)
{
    static const char *const changing[] = { "pissa", "olora", "corda", "loftq",
                                            "lora_ga" };
    const char *s = json_string_value(v);

    if (json_is_false(v))
        lora->init = TF_LORA_RANDOM;
    if (s && !strcmp(s, "gaussian"))
        lora->init = TF_LORA_GAUSSIAN;
    for (size_t i = 0; s && i < sizeof(changing) / sizeof(changing[0]); i++)
        if (!strncmp(s, changing[i], strlen(changing[i])))
            return tf_fail(err,
                           "init_lora_weights \"%.40s\" changes the base "
                           "model too, which is not supported; PEFT can "
                           "convert such an adapter to plain LoRA",
                           s);
    return 0;
}

static int read_words(struct tf_lora *lora, json_t *object, struct tf_err *err)
{
    static const char *const biases[] = { "none", "all", "lora_only" };
    json_t *type = json_object_get(object, "peft_type");
    json_t *bias = json_object_get(object, "bias");
    int word = bias && !json_is_null(bias) ? word_of(bias, biases, 3) : 0;

    if (type && !json_is_null(type) &&
        strcmp(json_is_string(type) ? json_string_value(type) : "?", "LORA"))
        return tf_fail(err, "peft_type: \"%.60s\" is not supported, only LORA",
                       json_is_string(type) ? json_string_value(type) : "?");
    if (word < 0)
        return tf_fail(err, "bias is none of none, all and lora_only");
    lora->bias = (enum tf_lora_bias)word;
    lora->base =
        json_string_value(json_object_get(object, "base_model_name_or_path"));
    return read_init(lora, json_object_get(object, "init_lora_weights"), err) ||
                   read_task(lora, json_object_get(object, "task_type"), err)
               ? -1
               : 0;
}

static int check_names(json_t *v, const char *name, bool or_string,
                       struct tf_err *err)
{
    json_t *item;
    size_t i;

    if (!v || (or_string && json_is_string(v)))
        return 0;
    if (!json_is_array(v))
        return tf_fail(err, "%s is not a list of strings%s", name,
                       or_string ? ", nor a string" : "");
    json_array_foreach (v, i, item)
        if (!json_is_string(item))
            return tf_fail(err, "%s: item %zu is not a string", name, i + 1);
    return 0;
}

static int check_pattern(json_t *v, const char *name, struct tf_err *err)
{
    const char *key;
    json_t *item;

    if (v && !json_is_object(v))
        return tf_fail(err, "%s is not an object", name);
    json_object_foreach (v, key, item)
        if (!json_is_number(item))
            return tf_fail(err, "%s: \"%.100s\" has no number", name, key);
    return 0;
}

static int check(const struct tf_lora *lora, struct tf_err *err)
{
    if (!(lora->rank >= 1) || lora->rank > RANK_MAX ||
        lora->rank != floor(lora->rank))
        return tf_fail(err, "r: %g is not a whole number from 1 to %d",
                       lora->rank, RANK_MAX);
    if (!isfinite(lora->alpha))
        return tf_fail(err, "lora_alpha is not finite");
    if (!(lora->dropout >= 0) || lora->dropout >= 1)
        return tf_fail(err, "lora_dropout: %g is not in [0, 1)", lora->dropout);
    return check_names(lora->targets, "target_modules", true, err) ||
                   check_names(lora->exclude, "exclude_modules", true, err) ||
                   check_names(lora->saved, "modules_to_save", false, err) ||
                   check_names(lora->layers_pattern, "layers_pattern", true,
                               err) ||
                   check_pattern(lora->rank_pattern, "rank_pattern", err) ||
                   check_pattern(lora->alpha_pattern, "alpha_pattern", err)
               ? -1
               : 0;
}

int tf_lora_read(struct tf_lora *lora, json_t *object, bool strict,
                 struct tf_err *err)
{
    const char *name;
    json_t *v;

    memset(lora, 0, sizeof(*lora));
    lora->rank = lora->alpha = 8;
    if (!json_is_object(object))
        return tf_fail(err, "not an object of an adapter's settings");
    lora->json = json_incref(object);
    json_object_foreach (object, name, v) {
        const struct key *k = find_key(name);

        if (!k && strict)
            return unknown(name, err);
        if (k && set_key(lora, k, v, err))
            return -1;
    }
    return read_words(lora, object, err) || check(lora, err) ? -1 : 0;
}

int tf_lora_open(struct tf_lora *lora, const char *dir, struct tf_err *err)
{
    char *path = tf_path(dir, "adapter_config.json", err);
    struct tf_buf text = TF_BUF_INIT;
    json_t *json = NULL;
    json_error_t why;
    int failed = !path || tf_file_read(path, CONFIG_MAX, &text, err);

    memset(lora, 0, sizeof(*lora));
    if (!failed) {
        json = json_loadb(text.data, text.len, 0, &why);
        failed = json ? tf_lora_read(lora, json, false, err)
                      : tf_fail(err, "line %d: %.160s", why.line, why.text);
        if (failed)
            tf_err_at(err, path);
    }
    json_decref(json);
    tf_buf_release(&text);
    free(path);
    return failed ? -1 : 0;
}

void tf_lora_release(struct tf_lora *lora)
{
    json_decref(lora->json);
    memset(lora, 0, sizeof(*lora));
}

bool tf_lora_in(const char *dir)
{
    struct tf_err err;
    char *path = tf_path(dir, "adapter_config.json", &err);
    bool there = path && tf_file_exists(path);

    free(path);
    return there;
}

const char *tf_lora_default_targets(const char *model_type)
{
    /* of the families that are here, by PEFT's table for LoRA */
    static const char *const table[][2] = {
        { "q|v", "t5 mt5" },
        { "q_proj|v_proj",
          "bart opt gptj gpt_neo llama mistral mixtral stablelm gemma gemma2 "
          "gemma3_text qwen2 qwen3" },
        { "c_attn", "gpt2 gpt_bigcode" },
        { "query_key_value", "bloom gpt_neox falcon RefinedWeb "
                             "RefinedWebModel" },
        { "query|value", "bert roberta xlm-roberta electra layoutlm" },
        { "query_proj|value_proj", "deberta-v2" },
        { "in_proj", "deberta" },
        { "q_proj|v_proj|fc1|fc2", "phi" },
    };
    size_t n = model_type ? strlen(model_type) : 0;

    for (size_t i = 0; n && i < sizeof(table) / sizeof(table[0]); i++)
        for (const char *p = table[i][1]; (p = strstr(p, model_type)); p += n)
            if ((p == table[i][1] || p[-1] == ' ') &&
                (p[n] == ' ' || p[n] == 0))
                return table[i][0];
    return NULL;
}

/* The number of a pattern's first key that the module's name ends with. */
static int by_pattern(json_t *pattern, const char *module, double *value,
                      struct tf_err *err)
{
    const char *key;
    json_t *v;

    json_object_foreach (pattern, key, v) {
        int found = tf_module_ends(key, module, err);

        if (found < 0)
            return -1;
        if (found) {
            *value = json_number_value(v);
            return 0;
        }
    }
    return 0;
}

int tf_lora_rank(const struct tf_lora *lora, const char *module, size_t *rank,
                 struct tf_err *err)
{
    double r = lora->rank;

    if (by_pattern(lora->rank_pattern, module, &r, err))
        return -1;
    if (!(r >= 1) || r > RANK_MAX || r != floor(r))
        return tf_fail(err,
                       "rank_pattern: %g, for %.200s, is not a whole "
                       "number from 1 to %d",
                       r, module, RANK_MAX);
    *rank = (size_t)r;
    return 0;
}

int tf_lora_scale(const struct tf_lora *lora, const char *module, size_t rank,
                  float *scale, struct tf_err *err)
{
    double alpha = lora->alpha;

    if (by_pattern(lora->alpha_pattern, module, &alpha, err))
        return -1;
    *scale = (float)(alpha / (lora->rs ? sqrt((double)rank) : (double)rank));
    return 0;
}

static bool named(json_t *list, const char *module)
{
    json_t *v;
    size_t i;

    json_array_foreach (list, i, v)
        if (tf_module_is(json_string_value(v), module))
            return true;
    return false;
}

/* As a list of names or one regular expression says. */
static int chosen(json_t *wanted, const char *module, struct tf_err *err)
{
    return json_is_string(wanted)
               ? tf_module_matches(json_string_value(wanted), module, err)
               : named(wanted, module);
}

int tf_lora_targets(const struct tf_lora *lora, const char *module, bool linear,
                    struct tf_err *err)
{
    const char *word = json_string_value(lora->targets);
    int found = chosen(lora->exclude, module, err);

    if (found || tf_lora_saves(lora, module))
        return found < 0 ? -1 : 0;
    if (word && !strcmp(word, "all-linear"))
        return linear;
    found = chosen(lora->targets, module, err);
    if (found <= 0 || word || !lora->layers)
        return found;
    return tf_module_in_layers(lora->layers, lora->layers_pattern, module, err);
}

/* A module whose name ends with one of the names, be it within a word: so PEFT
 * takes "pre_classifier" with "classifier". */
bool tf_lora_saves(const struct tf_lora *lora, const char *module)
{
    const char *part, *name;
    json_t *v;
    size_t i, n;

    json_array_foreach (lora->saved, i, v) {
        name = json_string_value(v);
        n = strlen(name);
        for (part = module; (part = strstr(part, name)); part++)
            if (part[n] == '.' || part[n] == 0)
                return true;
    }
    return false;
}

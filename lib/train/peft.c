#include "train/peft.h"

#include <string.h>

/* Names of a task's heads, which PEFT trains and saves whole. */
static const char *const heads[][2] = {
    [TF_TRAIN_CLASSIFICATION] = { "classifier", "score" },
    [TF_TRAIN_TOKEN_CLASSIFICATION] = { "classifier", "score" },
    [TF_TRAIN_QUESTION_ANSWERING] = { "qa_outputs", NULL },
};
#define HEADS (sizeof(heads) / sizeof(heads[0]))

static int add_heads(json_t *settings, int task)
{
    json_t *list = json_object_get(settings, "modules_to_save");
    int failed = 0;

    if (json_array_size(list)) /* an adapter's own */
        return 0;
    if ((size_t)task >= HEADS || !heads[task][0])
        return 0;
    if (!json_is_array(list)) {
        list = json_array();
        if (json_object_set_new(settings, "modules_to_save", list))
            return -1;
    }
    for (int i = 0; i < 2 && heads[task][i]; i++)
        failed =
            failed || json_array_append_new(list, json_string(heads[task][i]));
    return failed;
}

/* The task of the config, as PEFT names it; NULL: it has no name for it. */
static const char *task_name(int task)
{
    static const char *const names[] = {
        [TF_TRAIN_CLASSIFICATION] = "SEQ_CLS",
        [TF_TRAIN_TOKEN_CLASSIFICATION] = "TOKEN_CLS",
        [TF_TRAIN_QUESTION_ANSWERING] = "QUESTION_ANS",
        [TF_TRAIN_CAUSAL_LM] = "CAUSAL_LM",
        [TF_TRAIN_SEQ2SEQ] = "SEQ_2_SEQ_LM",
    };

    return (size_t)task < sizeof(names) / sizeof(names[0]) ? names[task] : NULL;
}

static int fill(json_t *settings, const struct tf_train_config *c,
                struct tf_err *err)
{
    const char *mine = task_name(c->task);
    const char *given =
        json_string_value(json_object_get(settings, "task_type"));

    if (given && mine && strcmp(given, mine))
        return tf_fail(err, "task_type: \"%.60s\", but the task is %s", given,
                       mine);
    if (add_heads(settings, c->task) ||
        (mine &&
         json_object_set_new(settings, "task_type", json_string(mine))) ||
        (c->model && json_object_set_new(settings, "base_model_name_or_path",
                                         json_string(c->model))))
        return tf_no_memory(err, 1);
    return 0;
}

static int check(const struct tf_lora *lora, struct tf_err *err)
{
    if (json_is_true(json_object_get(lora->json, "lora_bias")))
        return tf_fail(err, "lora_bias is not supported in training");
    return 0;
}

/* Those of an adapter that is gone on with. */
static json_t *settings_of(const struct tf_train_config *c, struct tf_err *err)
{
    struct tf_lora given;
    json_t *settings = NULL;

    if (c->peft)
        (void)tf_fail(err,
                      "peft: the adapter %.200s has its own settings; to train "
                      "a new one over it put it into the weights first, by "
                      "tf-model merge",
                      c->adapter);
    else if (!tf_lora_open(&given, c->adapter, err)) {
        settings = json_deep_copy(given.json);
        if (!settings)
            tf_no_memory(err, 1);
        tf_lora_release(&given);
    }
    return settings;
}

int tf_train_peft(const struct tf_train_config *c, struct tf_lora *lora,
                  bool *wanted, struct tf_err *err)
{
    json_t *settings;
    int failed;

    memset(lora, 0, sizeof(*lora));
    *wanted = c->peft || c->adapter;
    if (!*wanted)
        return 0;
    settings = c->adapter ? settings_of(c, err) : json_deep_copy(c->peft);
    if (!settings)
        return c->adapter ? -1 : tf_no_memory(err, 1);
    failed = (json_is_object(settings) && fill(settings, c, err)) ||
             tf_lora_read(lora, settings, !c->adapter, err) || check(lora, err);
    json_decref(settings);
    if (failed)
        tf_err_at(err, c->adapter ? c->adapter : "peft");
    return failed ? -1 : 0;
}

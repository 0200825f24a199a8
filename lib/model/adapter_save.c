#include "model/adapter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/model.h"

/* Members of PEFT's file that a training config need not have given. */
static int fill_config(const struct tf_model *m, json_t *c)
{
    static const char *const tasks[TF_TASKS] = {
        [TF_TASK_NONE] = "FEATURE_EXTRACTION",
        [TF_SEQUENCE_CLASSIFICATION] = "SEQ_CLS",
        [TF_TOKEN_CLASSIFICATION] = "TOKEN_CLS",
        [TF_QUESTION_ANSWERING] = "QUESTION_ANS",
        [TF_CAUSAL_LM] = "CAUSAL_LM",
    };
    const char *task =
        m->task == TF_CAUSAL_LM && m->encoder ? "SEQ_2_SEQ_LM" : tasks[m->task];
    bool turned = m->arch.has_decoder ? m->arch.decoder.transposed
                                      : m->arch.encoder.transposed;
    json_t *more = json_pack(
        "{s:s, s:s?, s:n, s:i, s:i, s:f, s:s, s:b, s:b, s:b, s:b}", "peft_type",
        "LORA", "task_type", task, "base_model_name_or_path", "r", 8,
        "lora_alpha", 8, "lora_dropout", 0.0, "bias", "none", "use_rslora", 0,
        "use_dora", 0, "init_lora_weights", 1, "inference_mode", 1);
    int failed =
        !more || json_object_update_missing(c, more) ||
        json_object_set_new(c, "fan_in_fan_out", json_boolean(turned)) ||
        json_object_set_new(c, "inference_mode", json_true());

    json_decref(more);
    return failed;
}

static int write_json(json_t *json, const char *dir, const char *name,
                      struct tf_err *err)
{
    char *path = tf_path(dir, name, err);
    struct tf_replace out;
    int failed = !path || tf_replace_open(&out, path, err);

    if (!failed &&
        (json_dumpf(json, out.f, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) ||
         fputc('\n', out.f) == EOF)) {
        failed = tf_fail(err, "%.300s: can't write: %s", path, strerror(errno));
        tf_replace_abort(&out);
    } else if (!failed) {
        failed = tf_replace_commit(&out, err);
    }
    free(path);
    return failed ? -1 : 0;
}

/* The labels of a head, for this project's tools: PEFT keeps none. */
static int write_labels(const struct tf_model *m, const char *dir,
                        struct tf_err *err)
{
    if (m->task != TF_SEQUENCE_CLASSIFICATION &&
        m->task != TF_TOKEN_CLASSIFICATION)
        return 0;
    return write_json(m->config.json, dir, "config.json", err);
}

int tf_adapters_save(const struct tf_model *m, const char *dir,
                     struct tf_err *err)
{
    json_t *config = json_deep_copy(m->adapters->lora.json);
    char *path = config ? tf_path(dir, "adapter_model.safetensors", err) : NULL;
    int failed;

    if (!config || fill_config(m, config))
        failed = tf_no_memory(err, 1);
    else
        failed = write_json(config, dir, "adapter_config.json", err) || !path ||
                 write_labels(m, dir, err) ||
                 tf_parameters_write(&m->params, path, err);
    json_decref(config);
    free(path);
    return failed ? -1 : 0;
}

#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"

/* What follows a model's name in that of Transformers' class of a task. */
static const char *const class_ends[TF_TASKS] = {
    [TF_SEQUENCE_CLASSIFICATION] = "ForSequenceClassification",
    [TF_TOKEN_CLASSIFICATION] = "ForTokenClassification",
    [TF_QUESTION_ANSWERING] = "ForQuestionAnswering",
    [TF_MASKED_LM] = "ForMaskedLM",
    [TF_CAUSAL_LM] = "ForCausalLM",
};

/* Encoder-decoders that speak have names of their own. */
static const char *class_end(const json_t *config, const char *name,
                             enum tf_task task)
{
    bool both = json_is_true(json_object_get(config, "is_encoder_decoder")) ||
                strstr(name, "ForConditionalGeneration");

    if (!both || task != TF_CAUSAL_LM)
        return class_ends[task];
    return !strncmp(name, "Marian", 6) ? "MTModel" : "ForConditionalGeneration";
}

/* A word of a class name, which ends where the next begins: the "For" of
 * "RoFormerForMaskedLM" is the second. */
static const char *find_word(const char *name, const char *word)
{
    size_t n = strlen(word);

    while ((name = strstr(name, word)) && name[n] >= 'a' && name[n] <= 'z')
        name++;
    return name;
}

/* "BertModel" or "BertForMaskedLM" to "BertForSequenceClassification". The
 * language models whose class has an older name keep it. */
int tf_model_set_class(json_t *config, enum tf_task task, struct tf_err *err)
{
    json_t *list = json_object_get(config, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    static const char *const ends[] = {
        "For", "MTModel", "LMHead", "WithLMHead", "Model", "DoubleHeads"
    };
    struct tf_buf made = TF_BUF_INIT;
    size_t len = name ? strlen(name) : 0;
    json_t *value;

    if (!name || !class_ends[task] ||
        (strstr(name, "LMHead") && task == TF_CAUSAL_LM))
        return 0;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *p = find_word(name + 1, ends[i]);

        if (p && (size_t)(p - name) < len)
            len = (size_t)(p - name);
    }
    tf_buf_add(&made, name, len);
    tf_buf_adds(&made, class_end(config, name, task));
    value = json_pack("[s]", tf_buf_cstr(&made));
    tf_buf_release(&made);
    if (!value || json_object_set_new(config, "architectures", value))
        return tf_no_memory(err, len);
    return 0;
}

static int write_config(const struct tf_model *m, const char *path,
                        struct tf_err *err)
{
    json_t *config = json_deep_copy(m->config.json);
    struct tf_replace out;
    int failed;

    if (!config)
        return tf_no_memory(err, 1);
    json_object_del(config, "torch_dtype");
    json_object_set_new(config, "dtype", json_string("float32"));
    failed = tf_model_set_class(config, m->task, err) ||
             tf_replace_open(&out, path, err);
    if (!failed && (json_dumpf(config, out.f, JSON_INDENT(2)) ||
                    fputc('\n', out.f) == EOF)) {
        failed = tf_fail(err, "%.300s: can't write: %s", path, strerror(errno));
        tf_replace_abort(&out);
    } else if (!failed) {
        failed = tf_replace_commit(&out, err);
    }
    json_decref(config);
    return failed ? -1 : 0;
}

int tf_model_save(const struct tf_model *m, const char *dir, struct tf_err *err)
{
    char *config, *weights;
    int failed;

    if (m->adapters)
        return tf_adapters_save(m, dir, err);
    config = tf_path(dir, "config.json", err);
    weights = config ? tf_path(dir, "model.safetensors", err) : NULL;
    failed = !weights || write_config(m, config, err) ||
             tf_parameters_write(&m->params, weights, err);
    free(config);
    free(weights);
    return failed ? -1 : 0;
}

static int load_one(struct tf_parameter *p, const struct tf_weights *w,
                    struct tf_err *err)
{
    const struct tf_tensor *t = tf_weights_find(w, p->name);
    size_t n = tf_tensor_count(p->tensor);
    float *numbers;

    if (!t || !tf_dtype_is_float(t->dtype) || tf_tensor_count(t) != n)
        return tf_fail(err,
                       "tensor \"%.300s\" is missing, or not of the "
                       "model that is trained",
                       p->name);
    /* a file's tensor may be unaligned */
    numbers = tf_alloc(n, sizeof(*numbers), err);
    if (!numbers)
        return -1;
    tf_dtype_info(t->dtype)->unpack(numbers, t->data, n);
    tf_parameter_import(p, numbers);
    free(numbers);
    return 0;
}

int tf_model_load(struct tf_model *m, const char *dir, struct tf_err *err)
{
    char *file =
        tf_path(dir, m->adapters ? "adapter_model.safetensors" : ".", err);
    struct tf_weights *w =
        file ? tf_weights_open(m->adapters ? file : dir, err) : NULL;
    int failed = !w;

    free(file);
    for (size_t i = 0; !failed && i < m->params.count; i++)
        failed = load_one(&m->params.v[i], w, err);
    if (failed)
        tf_err_at(err, dir);
    tf_weights_close(w);
    return failed ? -1 : 0;
}

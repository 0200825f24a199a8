#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "base/mem.h"
#include "model/gguf_model.h"

#define CONFIG_MAX 16000000 /* bytes */
#define LABELS_MAX 1000000

json_t *tf_config_get(json_t *object, const char *keys)
{
    json_t *at = object;

    for (const char *p = keys; *p;) {
        size_t len = strcspn(p, ".|");

        at = json_object_getn(at, p, len);
        p += len;
        if (*p == '.') {
            p++;
            continue;
        }
        if (at && !json_is_null(at))
            return at;
        if (*p == '|')
            p++;
        at = object;
    }
    return NULL;
}

int32_t tf_config_id(const struct tf_config *config, const char *key)
{
    json_t *v = tf_config_get(config->json, key);
    json_int_t id;

    if (json_is_array(v))
        v = json_array_get(v, 0);
    id = json_is_integer(v) ? json_integer_value(v) : -1;
    return id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
}

static int label_count(struct tf_config *config, json_t *id2label,
                       json_t *defaults, struct tf_err *err)
{
    json_t *n = tf_config_get(config->json, "num_labels");

    if (!n)
        n = tf_config_get(defaults, "num_labels");
    config->label_count = 2; /* Transformers' default, which it does not save */
    if (id2label)
        config->label_count = json_object_size(id2label);
    else if (json_is_integer(n) && json_integer_value(n) >= 0 &&
             json_integer_value(n) <= LABELS_MAX)
        config->label_count = (size_t)json_integer_value(n);
    else if (n)
        return tf_fail(err, "num_labels is not a number of labels");
    return 0;
}

static char *label_text(json_t *label, size_t id, struct tf_err *err)
{
    char number[32];
    const char *s = json_string_value(label);

    if (s)
        return tf_strndup(s, json_string_length(label), err);
    if (json_is_integer(label))
        snprintf(number, sizeof(number), "%lld",
                 (long long)json_integer_value(label));
    else
        snprintf(number, sizeof(number), "LABEL_%zu", id);
    return tf_strndup(number, strlen(number), err);
}

static void release_labels(struct tf_config *config)
{
    if (config->labels)
        for (size_t i = 0; i < config->label_count; i++)
            free(config->labels[i]);
    free(config->labels);
    config->labels = NULL;
}

/* The labels, in the place of those there were. */
static int read_labels(struct tf_config *config, json_t *defaults,
                       struct tf_err *err)
{
    json_t *id2label = tf_config_get(config->json, "id2label");

    if (id2label && !json_is_object(id2label))
        return tf_fail(err, "id2label is not an object");
    release_labels(config);
    if (label_count(config, id2label, defaults, err))
        return -1;
    config->labels = tf_alloc(config->label_count, sizeof(char *), err);
    if (!config->labels)
        return -1;
    for (size_t i = 0; i < config->label_count; i++) {
        char id[32];

        snprintf(id, sizeof(id), "%zu", i);
        config->labels[i] = label_text(json_object_get(id2label, id), i, err);
        if (!config->labels[i])
            return -1;
    }
    return 0;
}

static const char *const problems[] = {
    [TF_REGRESSION] = "regression",
    [TF_SINGLE_LABEL] = "single_label_classification",
    [TF_MULTI_LABEL] = "multi_label_classification",
};

static int read_problem(struct tf_config *config, struct tf_err *err)
{
    json_t *v = tf_config_get(config->json, "problem_type");
    const char *name = json_string_value(v);

    if (!v)
        return 0;
    for (size_t i = TF_REGRESSION; name && i <= TF_MULTI_LABEL; i++)
        if (!strcmp(name, problems[i])) {
            config->problem = (enum tf_problem)i;
            return 0;
        }
    return tf_fail(err, "problem_type is neither \"regression\", "
                        "\"single_label_classification\" nor "
                        "\"multi_label_classification\"");
}

void tf_config_blank(char *s, size_t n)
{
    static const char word[] = "Infinity";
    const size_t len = sizeof(word) - 1;
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        size_t at = i + (s[i] == '-');

        if (s[i] == '"')
            quoted = !quoted;
        else if (quoted)
            i += s[i] == '\\';
        else if (n - at >= len && !memcmp(s + at, word, len)) {
            memset(s + i, ' ', at - i + len);
            memcpy(s + i, "null", 4);
        }
    }
}

static int read_config(struct tf_config *config, const char *path,
                       struct tf_err *err)
{
    struct tf_buf text = TF_BUF_INIT;
    json_error_t why;

    if (tf_file_read(path, CONFIG_MAX, &text, err)) {
        tf_buf_release(&text);
        return -1;
    }
    tf_config_blank(text.data, text.len);
    config->json = json_loadb(text.data, text.len, 0, &why);
    tf_buf_release(&text);
    if (!config->json)
        return tf_fail(err, "%.200s: line %d: %.160s", path, why.line,
                       why.text);
    if (!json_is_object(config->json))
        return tf_fail(err, "%.300s: not a JSON object", path);
    config->model_type =
        json_string_value(tf_config_get(config->json, "model_type"));
    return 0;
}

int tf_config_labels(struct tf_config *config, json_t *defaults,
                     struct tf_err *err)
{
    if (!read_labels(config, defaults, err) && !read_problem(config, err))
        return 0;
    tf_err_at(err, "config.json");
    return -1;
}

int tf_config_set_labels(struct tf_config *config, const char *const *labels,
                         size_t n, enum tf_problem problem, struct tf_err *err)
{
    json_t *names = json_object(), *ids = json_object();
    int failed = !names || !ids;

    for (size_t i = 0; !failed && i < n; i++) {
        char id[32];

        snprintf(id, sizeof(id), "%zu", i);
        failed =
            json_object_set_new(names, id, json_string(labels[i])) ||
            json_object_set_new(ids, labels[i], json_integer((json_int_t)i));
    }
    failed = failed || json_object_set(config->json, "id2label", names) ||
             json_object_set(config->json, "label2id", ids);
    json_decref(names);
    json_decref(ids);
    json_object_del(config->json, "num_labels");
    if (!failed && problem != TF_PROBLEM_NONE)
        failed = json_object_set_new(config->json, "problem_type",
                                     json_string(problems[problem]));
    return failed ? tf_no_memory(err, n) : 0;
}

int tf_config_open(struct tf_config *config, const char *dir,
                   struct tf_err *err)
{
    char *path = tf_path(dir, "config.json", err);
    int failed;

    memset(config, 0, sizeof(*config));
    if (!path)
        return -1;
    if (tf_file_exists(path))
        failed = read_config(config, path, err);
    else
        failed = tf_fail(err, "%.300s: no config.json; is it a model's folder?",
                         dir);
    free(path);
    return failed;
}

int tf_config_read(struct tf_config *config, const char *path,
                   struct tf_err *err)
{
    if (tf_dir_exists(path))
        return tf_config_open(config, path, err);
    memset(config, 0, sizeof(*config));
    return read_config(config, path, err);
}

int tf_config_of_gguf(struct tf_config *config, const struct tf_gguf *gguf,
                      struct tf_err *err)
{
    memset(config, 0, sizeof(*config));
    config->gguf = gguf;
    config->json = tf_gguf_config(gguf, err);
    if (!config->json)
        return -1;
    config->model_type =
        json_string_value(json_object_get(config->json, "model_type"));
    return 0;
}

int tf_config_take_labels(struct tf_config *config, const char *dir,
                          struct tf_err *err)
{
    static const char *const members[] = { "id2label", "label2id", "num_labels",
                                           "problem_type" };
    char *path = tf_path(dir, "config.json", err);
    struct tf_config other = { 0 };
    int failed = !path;

    if (path && tf_file_exists(path)) {
        failed = read_config(&other, path, err);
        for (size_t i = 0; !failed && i < 4; i++) {
            json_t *v = json_object_get(other.json, members[i]);

            if (v)
                failed = json_object_set(config->json, members[i], v)
                             ? tf_no_memory(err, 1)
                             : 0;
        }
    }
    tf_config_release(&other);
    free(path);
    return failed;
}

int tf_config_count_labels(struct tf_config *config, size_t n,
                           struct tf_err *err)
{
    json_object_del(config->json, "id2label");
    json_object_del(config->json, "label2id");
    if (json_object_set_new(config->json, "num_labels",
                            json_integer((json_int_t)n)))
        return tf_no_memory(err, 1);
    return read_labels(config, NULL, err);
}

void tf_config_release(struct tf_config *config)
{
    release_labels(config);
    json_decref(config->json);
    memset(config, 0, sizeof(*config));
}
